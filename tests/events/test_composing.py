from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from payments import PAYMENT

from ringfence.errors import InvalidInput
from ringfence.events import (
    DataType,
    EventReader,
    EventType,
    VariableType,
    get_event_type,
    put_event_type,
)
from ringfence.events.composing import (
    compose_event_type,
    set_labels,
    update_variable,
    with_guesses,
)
from ringfence.events.definitions import stored_event_type
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.events.registry import create_variable
from ringfence.storage import Database


@pytest.fixture
def registered(database: Database) -> Database:
    """A database in which the parts of an event type are registered."""
    with database.write() as connection:
        create_variable(connection, "price", DataType.FLOAT, default="0.0", variable_type="PRICE")
        create_variable(
            connection, "money", DataType.STRING, default="EUR", variable_type="CURRENCY_CODE"
        )
        create_variable(connection, "merchant_name", DataType.STRING, default="<null>")
        create_variable(
            connection, "height", DataType.FLOAT, default="0.0", variable_type="ALTITUDE"
        )
        ENTITY_TYPES.put(connection, "shopper")
        for label in ("1", "0", "odd"):
            LABELS.put(connection, label)
    return database


def test_a_composed_event_type_can_say_what_was_paid(registered: Database) -> None:
    with registered.write() as connection:
        made = compose_event_type(
            connection,
            "purchase",
            variables=["height", "price", "money", "merchant_name"],
            entity_types=["shopper"],
            labels=["0", "1"],
        )
        assert get_event_type(connection, "purchase") == made
    assert (made.amount_variable, made.currency_variable, made.merchant_variable) == (
        "price",
        "money",
        "merchant_name",
    )
    assert (made.fraud_label, made.legit_label) == ("1", "0")
    assert made.meanings == {"1": True, "0": False}
    assert not made.event_ingestion
    assert made.variables[0].variable_type is VariableType.NUMERIC
    assert EventReader(made).event_type == made


@pytest.mark.parametrize(
    ("labels", "fraud", "legit"),
    [
        (["fraud", "legit"], "fraud", "legit"),
        (["legitimate", "fraudulent"], "fraudulent", "legitimate"),
        (["true", "false"], "true", "false"),
        (["stolen", "legit"], "stolen", "legit"),
        (["fraud", "fine"], "fraud", "fine"),
        (["fraud", "fine", "odd"], "fraud", None),
        (["up", "down"], None, None),
        ([], None, None),
        (["fraud"], "fraud", None),
        (["fraud", "1"], "fraud", "1"),
    ],
)
def test_labels_are_understood_by_their_names(
    labels: Sequence[str], fraud: str | None, legit: str | None
) -> None:
    open_type = EventType(
        name="t", variables=(), labels=tuple(labels), fraud_label=None, legit_label=None
    )
    guessed = with_guesses(open_type)
    assert (guessed.fraud_label, guessed.legit_label) == (fraud, legit)


def test_what_our_own_api_defined_stays_when_names_are_added(database: Database) -> None:
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        create_variable(connection, "country", DataType.STRING, default="XX")
        made = compose_event_type(
            connection,
            PAYMENT.name,
            variables=[*(one.name for one in PAYMENT.variables), "country"],
            entity_types=["customer"],
        )
    kept = msgspec.structs.replace(PAYMENT, variables=made.variables, entity_types=("customer",))
    assert made == kept
    assert made.variables[:-1] == PAYMENT.variables


def test_labels_that_a_training_names_are_those_of_the_event_type(registered: Database) -> None:
    with registered.write() as connection:
        compose_event_type(
            connection,
            "purchase",
            variables=["price"],
            entity_types=["shopper"],
            labels=["odd", "1", "0"],
        )
        swapped = set_labels(connection, "purchase", fraud=["odd", "0"], legit=["1"])
        assert (swapped.fraud_label, swapped.legit_label) == ("odd", "1")
        kept = set_labels(connection, "purchase", fraud=["0", "odd"], legit=["1"])
        assert (kept.fraud_label, kept.legit_label) == ("odd", "1")
        only_fraud = set_labels(connection, "purchase", fraud=["1"], legit=[])
        assert (only_fraud.fraud_label, only_fraud.legit_label) == ("1", None)
        with pytest.raises(InvalidInput, match="not one of the labels"):
            set_labels(connection, "purchase", fraud=["absent"], legit=["0"])


def test_a_label_with_a_meaning_is_not_taken_away(registered: Database) -> None:
    with registered.write() as connection:
        for name in ("up", "down"):
            LABELS.put(connection, name)
        compose_event_type(
            connection, "purchase", variables=["price"], entity_types=["shopper"], labels=["odd"]
        )
        before = set_labels(connection, "purchase", fraud=[], legit=["odd"])
        with pytest.raises(InvalidInput, match="not one of the labels") as refused:
            compose_event_type(
                connection,
                "purchase",
                variables=["price"],
                entity_types=["shopper"],
                labels=["up", "down"],
            )
        assert refused.value.field == "legit_label"
        assert get_event_type(connection, "purchase") == before


def test_an_event_type_goes_on_with_its_own_data_type(database: Database) -> None:
    with database.write() as connection:
        create_variable(connection, "amount", DataType.STRING, default="none")
        create_variable(connection, "present", DataType.BOOLEAN, default="false")
        put_event_type(connection, PAYMENT)
        before = stored_event_type(connection, PAYMENT.name)
        update_variable(connection, "amount", default="unknown")
        assert stored_event_type(connection, PAYMENT.name) == before
        update_variable(connection, "present", default="true", description="card in hand")
        found = {one.name: one for one in get_event_type(connection, PAYMENT.name).variables}
        assert (found["present"].default, found["present"].description) == ("true", "card in hand")
        assert found["amount"].default == "0.0"
