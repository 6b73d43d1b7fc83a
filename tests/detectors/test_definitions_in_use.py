"""Whatever is put, changed and deleted in whatever order: nothing names what is not there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from ringfence.detectors import (
    Detector,
    delete_detector,
    delete_rule,
    list_detectors,
    list_rules,
    put_detector,
    put_rule,
)
from ringfence.detectors.outcomes import OUTCOMES
from ringfence.detectors.usage import delete_event_type, delete_list, delete_outcome
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import DataType, list_event_types, tables
from ringfence.events.composing import compose_event_type, set_labels, update_variable
from ringfence.events.lists import ListChange, change_list, create_list, list_facts
from ringfence.events.log import append_events, label_event
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.events.reading import Event
from ringfence.events.registry import create_variable, list_variables
from ringfence.events.usage import delete_entity_type, delete_label, delete_variable
from ringfence.rules import Rule, references
from ringfence.storage import Database, now

NAMES = st.sampled_from(["a", "b", "c"])
SOME = st.lists(NAMES, max_size=3, unique=True)
REFUSALS = (Conflict, InvalidInput, NotFound)


class Definitions(RuleBasedStateMachine):
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self._transaction = self.database.write()
        self.connection = self._transaction.__enter__()

    def teardown(self) -> None:
        self.connection.rollback()
        self._transaction.__exit__(None, None, None)

    @initialize()
    def begin_with_some_of_everything(self) -> None:
        for name in ("a", "b", "c"):
            self.create_variable(name, DataType.STRING)
            self.put_names(name)
        for name in ("a", "b"):
            self.put_event_type(name, ["a", "b"], ["a"], ["a", "b"])
        self.put_rule("a", "a", "a", "a")
        self.store_event("a", "a", "b")

    @rule(name=NAMES, data_type=st.sampled_from([DataType.STRING, DataType.FLOAT]))
    def create_variable(self, name: str, data_type: DataType) -> None:
        with suppress(InvalidInput):
            create_variable(self.connection, name, data_type, default="0")

    @rule(name=NAMES, variable_type=st.sampled_from(["PRICE", "OTHER", None]))
    def update_variable(self, name: str, variable_type: str | None) -> None:
        with suppress(NotFound):
            update_variable(self.connection, name, default="1", variable_type=variable_type)

    @rule(name=NAMES)
    def put_names(self, name: str) -> None:
        LABELS.put(self.connection, name)
        ENTITY_TYPES.put(self.connection, name)
        OUTCOMES.put(self.connection, name)
        with suppress(InvalidInput):
            create_list(self.connection, name, ["x"])

    @rule(name=NAMES, change=st.sampled_from(ListChange))
    def change_list(self, name: str, change: ListChange) -> None:
        with suppress(NotFound):
            change_list(self.connection, name, elements=["x", "y"], change=change)

    @rule(name=NAMES, variables=SOME, entity_types=SOME, labels=SOME | st.none())
    def put_event_type(
        self,
        name: str,
        variables: list[str],
        entity_types: list[str],
        labels: list[str] | None,
    ) -> None:
        with suppress(InvalidInput):
            compose_event_type(
                self.connection,
                name,
                variables=variables,
                entity_types=entity_types,
                labels=labels,
            )

    @rule(name=NAMES, fraud=SOME, legit=SOME)
    def set_labels(self, name: str, fraud: list[str], legit: list[str]) -> None:
        with suppress(InvalidInput, NotFound):
            set_labels(self.connection, name, fraud=fraud, legit=legit)

    @rule(name=NAMES, event_type=NAMES, outcome=NAMES, listed=NAMES)
    def put_rule(self, name: str, event_type: str, outcome: str, listed: str) -> None:
        with suppress(*REFUSALS):
            put_detector(self.connection, Detector(detector_id=name, event_type=event_type))
        with suppress(*REFUSALS):
            expression = f'$a in @{listed} or $a == "{listed}"'
            put_rule(
                self.connection,
                name,
                Rule(rule_id=name, version="1", expression=expression, outcomes=(outcome,)),
            )

    @rule(name=NAMES, event_type=NAMES, label=NAMES)
    def store_event(self, name: str, event_type: str, label: str) -> None:
        types = {one.name: one for one in list_event_types(self.connection)}
        with suppress(NotFound):
            label_event(self.connection, event_type, name, None, source="test")
            types = {}
        if event_type in types and label in types[event_type].labels:
            event = Event(
                event_type=event_type,
                event_id=name,
                at=now(),
                entities=(),
                variables={},
                content_hash=b"",
            )
            append_events(self.connection, [event], now())
            label_event(self.connection, event_type, name, label, source="test")

    @rule(name=NAMES, event_type=NAMES)
    def delete_event(self, name: str, event_type: str) -> None:
        events = tables.events
        self.connection.execute(
            events.delete().where(events.c.event_type == event_type, events.c.event_id == name)
        )

    @rule(
        name=NAMES,
        delete=st.sampled_from(
            [
                delete_variable,
                delete_label,
                delete_entity_type,
                delete_event_type,
                delete_outcome,
                delete_list,
                delete_detector,
            ]
        ),
    )
    def delete(self, name: str, delete: Callable[..., None]) -> None:
        with suppress(Conflict, NotFound):
            delete(self.connection, name)

    @rule(name=NAMES)
    def delete_rules(self, name: str) -> None:
        with suppress(NotFound):
            for of in list_rules(self.connection, name):
                delete_rule(self.connection, name, of.rule_id, of.version)

    @invariant()
    def every_name_is_there(self) -> None:
        connection = self.connection
        variables = {one.name for one in list_variables(connection)}
        labels = {one.name for one in LABELS.all(connection)}
        entity_types = {one.name for one in ENTITY_TYPES.all(connection)}
        outcomes = {one.name for one in OUTCOMES.all(connection)}
        lists = {one.name for one in list_facts(connection)}
        types = {one.name: one for one in list_event_types(connection)}
        for one in types.values():
            one.check()
            assert {variable.name for variable in one.variables} <= variables
            assert set(one.labels) <= labels
            assert set(one.entity_types) <= entity_types
        for detector in list_detectors(connection):
            assert detector.event_type in types
            for of in list_rules(connection, detector.detector_id):
                assert set(of.outcomes) <= outcomes
                named = references(of.expression)
                assert named.lists <= lists
                assert named.variables <= {
                    variable.name for variable in types[detector.event_type].variables
                }
        for stored in connection.execute(select(tables.events)):
            assert stored.event_type in types
            assert stored.label is None or stored.label in types[stored.event_type].labels


def test_nothing_names_what_is_not_there(database: Database) -> None:
    Definitions.database = database
    run_state_machine_as_test(
        Definitions,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
