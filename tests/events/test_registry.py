from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from payments import PAYMENT
from sqlalchemy import text

from ringfence.errors import InvalidInput, NotFound
from ringfence.events import DataType, EventType, Variable, VariableType, put_event_type
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.events.registry import (
    DataSource,
    create_variable,
    get_variable,
    get_variables,
    known_type,
    list_variables,
)
from ringfence.storage import Database, schema
from ringfence.storage.schema import MIGRATIONS, migrate


def test_an_event_type_registers_what_it_names(database: Database) -> None:
    with database.write() as connection:
        put_event_type(connection, PAYMENT)
        assert {one.name for one in list_variables(connection)} == {
            one.name for one in PAYMENT.variables
        }
        amount, items = (get_variable(connection, name) for name in ("amount", "items"))
        assert (amount.default, amount.variable_type) == ("0.0", "PRICE")
        assert (items.default, items.data_source) == ("1", DataSource.EVENT)
        assert get_variable(connection, "phone").default is None
        assert [label.name for label in LABELS.all(connection)] == ["fraud", "legit"]
        assert [one.name for one in ENTITY_TYPES.all(connection)] == ["card", "customer"]


def test_the_first_definition_of_a_name_stands(database: Database) -> None:
    with database.write() as connection:
        create_variable(connection, "amount", DataType.STRING, default="none", description="first")
        LABELS.put(connection, "fraud", "first")
        put_event_type(connection, PAYMENT)
        assert get_variable(connection, "amount").data_type is DataType.STRING
        assert LABELS.get(connection, "fraud").description == "first"


@pytest.mark.parametrize(
    ("name", "data_type", "default", "variable_type", "field"),
    [
        ("1st", DataType.STRING, "", None, "name"),
        ("a-b", DataType.STRING, "", None, "name"),
        ("x" * 65, DataType.STRING, "", None, "name"),
        ("x", DataType.INTEGER, "1.5", None, "default"),
        ("x", DataType.FLOAT, "nan", None, "default"),
        ("x", DataType.STRING, "y" * 1_025, None, "default"),
        ("x", DataType.STRING, "", "price", "variable_type"),
    ],
)
def test_a_malformed_variable_is_refused_with_its_field(
    database: Database,
    name: str,
    data_type: DataType,
    default: str,
    variable_type: str | None,
    field: str,
) -> None:
    with database.write() as connection:
        with pytest.raises(InvalidInput) as refused:
            create_variable(
                connection, name, data_type, default=default, variable_type=variable_type
            )
        assert refused.value.field == field
        assert list_variables(connection) == []


def test_more_variables_than_a_query_may_name_are_found(database: Database) -> None:
    names = [f"v{number}" for number in range(1_203)]
    with database.write() as connection:
        for name in names:
            create_variable(connection, name, DataType.STRING, default="")
        assert set(get_variables(connection, [*names, "absent"])) == set(names)


def test_a_name_that_was_never_put_is_not_found(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFound, match="no label 'absent'"):
        LABELS.get(connection, "absent")


@pytest.mark.parametrize(
    ("given", "data_type", "taken_as"),
    [
        ("PRICE", DataType.FLOAT, VariableType.PRICE),
        (None, DataType.FLOAT, VariableType.NUMERIC),
        ("LATITUDE", DataType.INTEGER, VariableType.NUMERIC),
        ("LATITUDE", DataType.STRING, VariableType.CATEGORICAL),
        (None, DataType.BOOLEAN, VariableType.CATEGORICAL),
        (None, DataType.DATETIME, VariableType.CATEGORICAL),
    ],
)
def test_an_unknown_type_counts_as_a_number_or_as_a_category(
    given: str | None, data_type: DataType, taken_as: VariableType
) -> None:
    assert known_type(given, data_type) is taken_as


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_event_types_of_an_older_database_are_registered(
    kind: str, empty_database: Callable[[str], Database]
) -> None:
    from alembic import command
    from alembic.config import Config

    older = empty_database(kind)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with older.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    types = [
        EventType(
            name="first",
            variables=(
                Variable("amount", DataType.FLOAT, VariableType.PRICE, 1.5),
                Variable("present", DataType.BOOLEAN, VariableType.CATEGORICAL, True),
                Variable("city", DataType.STRING, VariableType.BILLING_CITY),
            ),
        ),
        EventType(
            name="second",
            variables=(Variable("amount", DataType.STRING, VariableType.CATEGORICAL),),
            labels=("stolen", "fine"),
            fraud_label="stolen",
            legit_label="fine",
        ),
    ]
    with older.write() as connection:
        for place, event_type in enumerate(types):
            connection.execute(
                text("INSERT INTO event_types (name, definition, updated_at) VALUES (:n, :d, :u)"),
                {
                    "n": event_type.name,
                    "d": json.dumps(_document(event_type)).encode(),
                    "u": place,
                },
            )
    migrate(older)
    with older.read() as connection:
        assert schema.schema_version(connection) == schema.NEWEST
        found = {one.name: one for one in list_variables(connection)}
        assert {name: one.default for name, one in found.items()} == {
            "amount": "1.5",
            "present": "true",
            "city": None,
        }
        assert found["amount"].data_type is DataType.FLOAT
        labels = [label.name for label in LABELS.all(connection)]
        assert labels == ["fine", "fraud", "legit", "stolen"]
        assert [one.name for one in ENTITY_TYPES.all(connection)] == ["card", "customer"]


def _document(event_type: EventType) -> object:
    """As an older release wrote it."""
    document = msgspec.to_builtins(event_type)
    for newer in ("event_ingestion", "event_orchestration"):
        del document[newer]
    return document
