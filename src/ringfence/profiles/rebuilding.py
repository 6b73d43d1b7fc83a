"""Profiles from the event log: for a plan that is new, or states that were lost.

The log is read in the order in which events were received, beside a server that goes on deciding:
new states are made apart from those in use, and take their place in one transaction at the end,
after what came in meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Connection, select, update

from ringfence.errors import Conflict
from ringfence.events.definitions import get_event_type
from ringfence.events.reading import Entity
from ringfence.events.tables import events
from ringfence.profiles.advancing import Advancer, Arrival
from ringfence.profiles.inputs import seconds_of, taken_at
from ringfence.profiles.plans import ProfilePlan
from ringfence.profiles.states import (
    RememberedStates,
    delete_states,
    load_states,
    locked_plan,
    new_stamp,
    new_states_id,
    save_states,
)
from ringfence.profiles.tables import profile_plans
from ringfence.storage import Database, now

_AT_ONCE = 2_000
_REMEMBERED = 200_000
_DELETED_AT_ONCE = 20_000
# No transaction lasts so long: an event that was received earlier is in the log, if it ever was.
_SETTLED = timedelta(seconds=60)


def rebuild(
    database: Database, plan: ProfilePlan, progress: Callable[[int, int], None] = lambda *_: None
) -> int:
    """Make the states of a plan from the event log and put them to use; how many events there
    were. `progress` is told how many are done, of how many.

    Takes about 100 bytes of memory per event, and the server is held up only for the events of the
    last minute. Raises `NotFound` for a plan of an unknown event type, `Conflict` when another
    rebuild of this plan has begun meanwhile. Old labels must not be imported at the same time.
    """
    settled = now() - _SETTLED
    building = _Building(database, plan, settled)
    # A label that came while we read may or may not have been seen: it is left for the end.
    labels_until = settled
    ids = building.settled_ids()
    for start in range(0, len(ids), _AT_ONCE):
        with database.write() as connection:
            building.take(connection, ids[start : start + _AT_ONCE], labels_until)
        progress(min(start + _AT_ONCE, len(ids)), len(ids))
    with database.write() as connection:
        replaced = building.finish(connection)
    _delete(database, replaced)
    progress(building.taken, building.taken)
    return building.taken


class _Building:
    def __init__(self, database: Database, plan: ProfilePlan, settled: datetime):
        self.taken = 0
        self._database = database
        self._plan = plan
        self._settled = settled
        self._states_id = new_states_id()
        self._advancer = Advancer(plan)
        self._remembered = RememberedStates(_REMEMBERED)
        with database.write() as connection:
            self._frauds = get_event_type(connection, plan.event_type).fraud_labels
            left_over = locked_plan(connection, plan).building_id
            connection.execute(
                update(profile_plans)
                .where(profile_plans.c.plan_id == plan.plan_id)
                .values(building_id=self._states_id)
            )
        if left_over is not None:
            _delete(database, left_over)

    def settled_ids(self) -> list[str]:
        """The events that surely nothing comes before any more, in their order."""
        with self._database.read() as connection:
            return _ids(connection, self._plan, events.c.received_at <= self._settled)

    def take(
        self, connection: Connection, ids: Sequence[str], labels_until: datetime | None
    ) -> None:
        """Add events; labels that came later than `labels_until` are not looked at."""
        arrivals = self._arrivals(connection, ids, labels_until)
        advanced = self._advancer.advance(arrivals, lambda keys: self._fetch(connection, keys))
        self._save(connection, advanced.states)
        self.taken += len(arrivals)

    def finish(self, connection: Connection) -> int:
        """Add what came meanwhile, and put the new states to use; the id of those replaced."""
        row = locked_plan(connection, self._plan)
        if row.building_id != self._states_id:
            raise Conflict("another rebuild of this plan has begun", field="plan")
        came = _ids(connection, self._plan, events.c.received_at > self._settled)
        labelled = _ids(
            connection,
            self._plan,
            (events.c.received_at <= self._settled)
            & (events.c.label_at > self._settled)
            & events.c.label.in_(self._frauds),
        )
        for start in range(0, len(labelled), _AT_ONCE):
            found = self._arrivals(connection, labelled[start : start + _AT_ONCE], None)
            self._save(
                connection,
                self._advancer.label(found, lambda keys: self._fetch(connection, keys)),
            )
        for start in range(0, len(came), _AT_ONCE):
            self.take(connection, came[start : start + _AT_ONCE], None)
        connection.execute(
            update(profile_plans)
            .where(profile_plans.c.plan_id == self._plan.plan_id)
            .values(
                states_id=self._states_id,
                building_id=None,
                stamp=new_stamp(),
                built_at=now(),
                outdated_at=None,
            )
        )
        replaced: int = row.states_id
        return replaced

    def _arrivals(
        self, connection: Connection, ids: Sequence[str], labels_until: datetime | None
    ) -> list[Arrival]:
        rows = connection.execute(
            select(events).where(
                events.c.event_type == self._plan.event_type, events.c.event_id.in_(ids)
            )
        )
        by_id = {
            row.event_id: Arrival(
                taken_at(seconds_of(row.at), seconds_of(row.received_at)),
                msgspec.convert(row.entities, tuple[Entity, ...]),
                row.variables,
                int(
                    row.label in self._frauds
                    and (labels_until is None or row.label_at <= labels_until)
                ),
            )
            for row in rows
        }
        return [by_id[event_id] for event_id in ids]

    def _fetch(self, connection: Connection, keys: Collection[bytes]) -> dict[bytes, bytes]:
        found = {key: state for key in keys if (state := self._remembered.get(key)) is not None}
        unknown = [key for key in keys if key not in found]
        if unknown:
            found |= load_states(connection, self._states_id, unknown)
        return found

    def _save(self, connection: Connection, states: dict[bytes, bytes]) -> None:
        save_states(connection, self._states_id, states)
        self._remembered.keep(states)


def _ids(connection: Connection, plan: ProfilePlan, which: ColumnElement[bool]) -> list[str]:
    return list(
        connection.execute(
            select(events.c.event_id)
            .where(events.c.event_type == plan.event_type, which)
            .order_by(events.c.received_at, events.c.at, events.c.event_id)
        ).scalars()
    )


def _delete(database: Database, states_id: int) -> None:
    # In parts, so that nobody waits long for the database.
    while True:
        with database.write() as connection:
            if delete_states(connection, states_id, _DELETED_AT_ONCE) < _DELETED_AT_ONCE:
                return
