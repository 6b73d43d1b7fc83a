"""Profiles in serving: values for events that are being decided about, inside their transaction.

States that were used lately are remembered in memory. They are the database's as long as the
plan's stamp is the one that they were written with; so a transaction that was rolled back, another
process that wrote, or a rebuild shows at the next use, and no hook on the commit is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from ringfence.events.log import StoredEvent
from ringfence.events.reading import Event
from ringfence.profiles.advancing import Advanced, Advancer, Arrival
from ringfence.profiles.inputs import seconds_of, taken_at
from ringfence.profiles.plans import ProfilePlan
from ringfence.profiles.states import (
    RememberedStates,
    change_stamp,
    load_states,
    locked_plan,
    new_stamp,
    save_states,
)


class LabelChange(msgspec.Struct, frozen=True):
    """An event of the log whose label changes."""

    event: StoredEvent
    was_fraud: bool
    is_fraud: bool


class ProfileStore:
    """The states of one plan. Safe to use from several threads, and beside other processes.

    `remembered` bounds how many states are kept in memory; a state takes some 500 bytes.
    """

    def __init__(self, plan: ProfilePlan, *, remembered: int = 200_000):
        self.plan = plan
        self._plan_id = plan.plan_id
        self._advancer = Advancer(plan)
        self._lock = threading.Lock()
        self._states = RememberedStates(remembered)
        # The stamps that the remembered states and the pending ones were written with. Pending is
        # what a transaction wrote of which we have not yet seen whether it was committed.
        self._stamp = b""
        self._pending: dict[bytes, bytes] = {}
        self._pending_stamp = b""

    def advance(
        self, connection: Connection, events: Sequence[Event], received_at: datetime
    ) -> list[Sequence[float]]:
        """The values of each event, one float per aggregate of the plan, NaN where there is none;
        and the events are added to their profiles, in the given transaction.

        Events that arrive together are taken in the order of their times. `received_at` must be
        what the event log has for these events.
        """
        received = seconds_of(received_at)
        order = sorted(range(len(events)), key=lambda n: (events[n].at, events[n].event_id))
        with self._lock:
            states_id = self._enter(connection)
            advanced = self._advanced(connection, states_id, events, order, received)
            self._write(connection, states_id, advanced.states)
        return _in_given_order(advanced.values, order)

    def preview(
        self, connection: Connection, events: Sequence[Event], received_at: datetime
    ) -> list[Sequence[float]]:
        """The values that each event would get, on its own, if it came now; nothing is changed.

        On PostgreSQL the connection must be one for writing, as the plan's row is locked.
        """
        received = seconds_of(received_at)
        with self._lock:
            states_id = self._enter(connection)
            return [
                self._advanced(connection, states_id, [event], [0], received).values[0]
                for event in events
            ]

    def label(self, connection: Connection, changes: Sequence[LabelChange]) -> None:
        """Let profiles know, in the given transaction, of events that turned out to be fraud, or
        not to be after all. The events must have been advanced before."""
        arrivals = [
            Arrival(
                taken_at(seconds_of(change.event.at), seconds_of(change.event.received_at)),
                change.event.entities,
                change.event.variables,
                1 if change.is_fraud else -1,
            )
            for change in changes
            if change.is_fraud != change.was_fraud
        ]
        if not arrivals:
            return
        with self._lock:
            states_id = self._enter(connection)
            changed = self._advancer.label(
                arrivals, lambda keys: self._fetch(connection, states_id, keys)
            )
            self._write(connection, states_id, changed)

    def _advanced(
        self,
        connection: Connection,
        states_id: int,
        events: Sequence[Event],
        order: Sequence[int],
        received: float,
    ) -> Advanced:
        arrivals = [
            Arrival(taken_at(seconds_of(event.at), received), event.entities, event.variables)
            for event in (events[place] for place in order)
        ]
        return self._advancer.advance(
            arrivals, lambda keys: self._fetch(connection, states_id, keys)
        )

    def _enter(self, connection: Connection) -> int:
        plan = locked_plan(connection, self.plan)
        stamp = bytes(plan.stamp)
        if self._pending_stamp and stamp == self._pending_stamp:
            self._states.keep(self._pending)
            self._stamp = stamp
        elif stamp != self._stamp:
            self._states.forget()
            self._stamp = stamp
        self._pending, self._pending_stamp = {}, b""
        states_id: int = plan.states_id
        return states_id

    def _fetch(
        self, connection: Connection, states_id: int, keys: Collection[bytes]
    ) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        unknown: list[bytes] = []
        for key in keys:
            state = self._states.get(key)
            if state is None:
                unknown.append(key)
            else:
                found[key] = state
        if unknown:
            loaded = load_states(connection, states_id, unknown)
            self._states.keep(loaded)
            found.update(loaded)
        return found

    def _write(self, connection: Connection, states_id: int, states: dict[bytes, bytes]) -> None:
        if not states:
            return
        stamp = new_stamp()
        save_states(connection, states_id, states)
        change_stamp(connection, self._plan_id, stamp)
        self._pending, self._pending_stamp = states, stamp


def _in_given_order(
    values: Sequence[Sequence[float]], order: Sequence[int]
) -> list[Sequence[float]]:
    given: list[Sequence[float]] = [()] * len(order)
    for place, of_event in zip(order, values, strict=True):
        given[place] = of_event
    return given
