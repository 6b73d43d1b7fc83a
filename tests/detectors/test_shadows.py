"""Starting and stopping shadows, and what is on record of them."""

from __future__ import annotations

import msgspec
import pytest
from publishing import publish, rule
from sqlalchemy import Connection, func, insert, select

from ringfence.detectors import (
    RuleRef,
    ShadowState,
    activate_detector_version,
    clear_shadow_decisions,
    create_detector_version,
    get_shadow,
    list_shadows,
    put_rule,
    start_shadow,
    stop_shadow,
    tables,
)
from ringfence.detectors.decisions import insert_decisions
from ringfence.detectors.shadows.running import note_readiness
from ringfence.errors import Conflict, NotFound
from ringfence.events.log import append_events
from ringfence.events.revisions import current_revision
from ringfence.storage import Database, now


def draft(connection: Connection) -> str:
    stored = put_rule(connection, "guard", rule("any"))
    return create_detector_version(
        connection, "guard", rules=[RuleRef("any", stored.version)], models=[]
    ).version


def test_a_draft_becomes_a_shadow_and_servers_are_told(published: Database) -> None:
    with published.write() as connection:
        version = draft(connection)
        before = current_revision(connection)
        started = start_shadow(connection, "guard", version, by="ann")
        assert current_revision(connection) > before
        assert list_shadows(connection) == [started]
        assert list_shadows(connection, "guard") == [started]
    assert (started.started_by, started.state) == ("ann", ShadowState.WARMING_UP)
    assert (started.stopped_at, started.stopped_by, started.trouble) == (None, None, None)


def test_every_run_stays_on_record(published: Database) -> None:
    with published.write() as connection:
        version = draft(connection)
        start_shadow(connection, "guard", version, by="ann")
        stopped = stop_shadow(connection, "guard", version, by="bob")
        again = start_shadow(connection, "guard", version, by="eve")
        assert (stopped.state, stopped.stopped_by) == (ShadowState.STOPPED, "bob")
        assert list_shadows(connection, "guard") == [again, stopped]
        assert list_shadows(connection, "guard", running_only=True) == [again]
        assert get_shadow(connection, "guard", version) == again


def test_a_version_that_was_active_before_can_be_a_shadow(published: Database) -> None:
    with published.write() as connection:
        publish(connection, rule("any"))
        assert start_shadow(connection, "guard", "1", by="ann").version == "1"
        activate_detector_version(connection, "guard", "1")
        ended = get_shadow(connection, "guard", "1")
        assert (ended.state, ended.stopped_by) == (ShadowState.STOPPED, "activation")


def test_what_cannot_be_a_shadow_is_refused(published: Database) -> None:
    with published.write() as connection:
        version = draft(connection)
        with pytest.raises(Conflict, match="decides already"):
            start_shadow(connection, "guard", "1", by="ann")
        with pytest.raises(NotFound):
            start_shadow(connection, "guard", "9", by="ann")
        with pytest.raises(NotFound):
            start_shadow(connection, "nobody", "1", by="ann")
        with pytest.raises(NotFound, match="never ran"):
            get_shadow(connection, "guard", version)
        with pytest.raises(Conflict, match="is no shadow"):
            stop_shadow(connection, "guard", version, by="ann")
        start_shadow(connection, "guard", version, by="ann")
        with pytest.raises(Conflict, match="a shadow already"):
            start_shadow(connection, "guard", version, by="ann")


def test_the_state_follows_what_servers_note(published: Database) -> None:
    with published.write() as connection:
        version = draft(connection)
        start_shadow(connection, "guard", version, by="ann")
        note_readiness(connection, "guard", version, "x" * 2_000)
        troubled = get_shadow(connection, "guard", version)
        assert (troubled.state, troubled.trouble) == (ShadowState.TROUBLED, "x" * 512)
        note_readiness(connection, "guard", version, None)
        ready = get_shadow(connection, "guard", version)
        assert (ready.state, ready.trouble) == (ShadowState.SCORING, None)
        note_readiness(connection, "guard", version, None)
        assert get_shadow(connection, "guard", version).ready_at == ready.ready_at
        stop_shadow(connection, "guard", version, by="ann")
        note_readiness(connection, "guard", version, "too late")
        assert get_shadow(connection, "guard", version).trouble is None


def test_only_a_stopped_shadow_is_cleared_and_only_what_it_said(published: Database) -> None:
    from ringfence.detectors import Decision
    from ringfence.events.reading import Event

    at = now()
    with published.write() as connection:
        version, other = draft(connection), draft(connection)
        for each in (version, other):
            start_shadow(connection, "guard", each, by="ann")
        events = [
            Event(
                event_type="card_payment",
                event_id=f"e-{n}",
                at=at,
                entities=(),
                variables={},
                content_hash=b"",
            )
            for n in range(7)
        ]
        append_events(connection, events, at)
        decision = Decision(
            event_type="card_payment",
            event_id="",
            detector_id="guard",
            detector_version="1",
            decided_at=at,
            scores={},
            rules=(),
            outcomes=(),
        )
        insert_decisions(
            connection,
            [msgspec.structs.replace(decision, event_id=event.event_id) for event in events],
        )
        connection.execute(
            insert(tables.shadow_decisions),
            [
                {
                    "event_type": "card_payment",
                    "event_id": event.event_id,
                    "detector_id": "guard",
                    "version": each,
                    "decided_at": at,
                    "scores": {},
                    "rule_results": [],
                    "outcomes": [],
                }
                for event in events
                for each in (version, other)
            ],
        )
    with pytest.raises(Conflict, match="still runs"):
        clear_shadow_decisions(published, "guard", version)
    with published.write() as connection:
        stop_shadow(connection, "guard", version, by="ann")
    assert clear_shadow_decisions(published, "guard", version) == 7
    assert clear_shadow_decisions(published, "guard", version) == 0
    said = tables.shadow_decisions
    with published.read() as connection:
        left = connection.execute(select(said.c.version, func.count()).group_by(said.c.version))
        assert left.all() == [(other, 7)]
        assert connection.execute(select(func.count()).select_from(tables.decisions)).scalar() == 7
        assert len(list_shadows(connection, "guard")) == 2
