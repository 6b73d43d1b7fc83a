from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from payments import PAYMENT

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import (
    DataType,
    EventType,
    Variable,
    VariableType,
    get_event_type,
    list_event_types,
    put_event_type,
)
from ringfence.events.lists import get_lists, put_list
from ringfence.events.revisions import current_revision
from ringfence.storage import Database


def changed(**changes: Any) -> EventType:
    return msgspec.structs.replace(PAYMENT, **changes)


def test_an_event_type_comes_back_as_it_was_put(database: Database) -> None:
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
    with database.read() as connection:
        assert get_event_type(connection, "card_payment") == PAYMENT


def test_event_types_are_listed_by_name(database: Database) -> None:
    with database.write() as connection:
        for name in ("transfer", "card_payment", "login"):
            put_event_type(connection, changed(name=name))
        listed = [event_type.name for event_type in list_event_types(connection)]
    assert listed == ["card_payment", "login", "transfer"]


def test_an_event_type_that_was_never_put_is_not_found(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFound, match="'nothing'"):
        get_event_type(connection, "nothing")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Card payment"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"variables": ()}, "variables"),
        ({"variables": PAYMENT.variables * 2}, "variables"),
        (
            {"variables": (Variable("1st", DataType.FLOAT, VariableType.PRICE),)},
            "variables",
        ),
        (
            {"variables": (Variable("amount", DataType.FLOAT, VariableType.PRICE, "none"),)},
            "variables.amount",
        ),
        ({"entity_types": ("the customer",)}, "entity_types"),
        ({"labels": ("fraud", "legit", "")}, "labels"),
        ({"fraud_label": "stolen"}, "fraud_label"),
        ({"legit_label": "good"}, "legit_label"),
        ({"legit_label": "fraud"}, "legit_label"),
        ({"amount_variable": "price"}, "amount_variable"),
        ({"currency_variable": "currency"}, "currency_variable"),
        ({"merchant_variable": "shop"}, "merchant_variable"),
    ],
)
def test_a_malformed_event_type_is_refused_with_its_field_and_not_stored(
    database: Database, changes: Mapping[str, Any], field: str
) -> None:
    with database.write() as connection:
        with pytest.raises(InvalidInput) as refused:
            put_event_type(connection, changed(**changes))
        assert refused.value.field == field
        assert list_event_types(connection) == []


def test_variables_may_be_added_but_not_taken_away_or_retyped(database: Database) -> None:
    more = Variable("country", DataType.STRING, VariableType.BILLING_COUNTRY)
    retyped = Variable("amount", DataType.STRING, VariableType.PRICE)
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        put_event_type(connection, changed(variables=(*PAYMENT.variables, more)))
        with pytest.raises(InvalidInput, match="country cannot be taken away"):
            put_event_type(connection, PAYMENT)
        with pytest.raises(InvalidInput, match="amount cannot become STRING"):
            put_event_type(connection, changed(variables=(retyped, *PAYMENT.variables[1:], more)))
        assert get_event_type(connection, PAYMENT.name).variables == (*PAYMENT.variables, more)


def test_every_change_of_a_definition_raises_the_revision(database: Database) -> None:
    with database.write() as connection:
        seen = [current_revision(connection)]
        for change in (
            lambda: put_event_type(connection, PAYMENT),
            lambda: put_event_type(connection, changed(description="payments")),
            lambda: put_list(connection, "blocked", ["a"]),
            lambda: put_list(connection, "blocked", ["a", "b"]),
        ):
            change()
            seen.append(current_revision(connection))
    assert seen == [0, 1, 2, 3, 4]


def test_a_list_is_replaced_as_a_whole(database: Database) -> None:
    with database.write() as connection:
        put_list(connection, "blocked", ["b.example", "a.example", "a.example"])
        put_list(connection, "trusted", [])
        put_list(connection, "blocked", ["c.example"], "as of today")
        lists = get_lists(connection)
    assert lists == {"blocked": frozenset({"c.example"}), "trusted": frozenset()}


@pytest.mark.parametrize(
    ("name", "elements", "description", "field"),
    [
        ("Blocked", ["a"], "", "name"),
        ("a-b", ["a"], "", "name"),
        ("blocked", [""], "", "elements"),
        ("blocked", ["x" * 321], "", "elements"),
        ("blocked", ["x"] * 100_001, "", "elements"),
        ("blocked", ["a"], "x" * 129, "description"),
    ],
)
def test_a_malformed_list_is_refused_with_its_field(
    database: Database, name: str, elements: list[str], description: str, field: str
) -> None:
    with database.write() as connection:
        with pytest.raises(InvalidInput) as refused:
            put_list(connection, name, elements, description)
        assert refused.value.field == field
        assert get_lists(connection) == {}
