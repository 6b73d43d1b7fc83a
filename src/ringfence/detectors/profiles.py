"""Profiles on the hot path: the stores of the plans that are in use, and values for events.

One store per plan and process, whatever number of detector versions use the plan: publishing a new
version forgets nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from ringfence.detectors.plans import hold_plans, read_plan
from ringfence.events.log import StoredEvent
from ringfence.events.reading import Event
from ringfence.profiles import LabelChange, ProfilePlan, ProfileStore

# By plan id: the values of events in the order of the events, one float per aggregate.
ProfileValues: TypeAlias = Mapping[str, Sequence[Sequence[float]]]


class Profiles:
    """The profiles of one process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._stores: dict[str, ProfileStore] = {}

    def hold(
        self, connection: Connection, event_types: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """The plans that are kept for these event types, held as `hold_plans` does.

        Stores of plans that are kept no longer are let go, with what they remember.
        """
        kept = hold_plans(connection, event_types)
        for plan_id, store in tuple(self._stores.items()):
            event_type = store.plan.event_type
            if event_type in event_types and plan_id not in kept.get(event_type, ()):
                self._stores.pop(plan_id, None)
        return kept

    def advance(
        self,
        connection: Connection,
        kept: Collection[str],
        needed: Mapping[str, ProfilePlan],
        events: Sequence[Event],
        received_at: datetime,
    ) -> ProfileValues:
        """Add events of one type to all plans of that type; the values that they had before.

        `kept` is what `hold` gave for the type, `needed` the plans, by id, that someone decides
        with. `received_at` must be what the event log has for these events.
        """
        return {
            plan_id: self._store(connection, plan_id, needed.get(plan_id)).advance(
                connection, events, received_at
            )
            for plan_id in sorted({*kept, *needed})
        }

    def preview(
        self,
        connection: Connection,
        needed: Mapping[str, ProfilePlan],
        events: Sequence[Event],
        received_at: datetime,
    ) -> ProfileValues:
        """The values that each event would get of the plans `needed`, by their ids, on its own, if
        it came now; nothing is changed. The plans must be held, and the connection be one for
        writing."""
        return {
            plan_id: self._store(connection, plan_id, needed[plan_id]).preview(
                connection, events, received_at
            )
            for plan_id in sorted(needed)
        }

    def learn(
        self,
        connection: Connection,
        kept: Collection[str],
        frauds: Sequence[Event],
        received_at: datetime,
    ) -> None:
        """Let the plans that are `kept` know that events, which were just added to them, are known
        to be fraud."""
        if not frauds:
            return
        changes = [LabelChange(_as_stored(event, received_at), False, True) for event in frauds]
        for plan_id in sorted(kept):
            self._store(connection, plan_id, None).label(connection, changes)

    def _store(
        self, connection: Connection, plan_id: str, plan: ProfilePlan | None
    ) -> ProfileStore:
        store = self._stores.get(plan_id)
        if store is None:
            store = ProfileStore(plan or read_plan(connection, plan_id))
            self._stores[plan_id] = store
        return store


def _as_stored(event: Event, received_at: datetime) -> StoredEvent:
    return StoredEvent(
        event_type=event.event_type,
        event_id=event.event_id,
        at=event.at,
        received_at=received_at,
        entities=event.entities,
        variables=event.variables,
        label=None,
        label_at=None,
        label_source=None,
    )


def current_values(
    connection: Connection,
    plans: Iterable[ProfilePlan],
    events: Sequence[Event],
    received_at: datetime,
) -> ProfileValues:
    """The values that each event would get, on its own, if it came now; nothing is changed.

    The connection must be one for writing, as the plans are held.
    """
    return {
        plan.plan_id: ProfileStore(plan).preview(connection, events, received_at) for plan in plans
    }
