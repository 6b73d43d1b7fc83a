"""Telling others of decisions, for event types with event orchestration: what the engine calls.

Implemented by `streams`, of which this room knows nothing else.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection

from ringfence.detectors.decisions import Decision
from ringfence.events.definitions import EventType
from ringfence.events.reading import Event


class Announcer(Protocol):
    """Publishes decisions, and predictions in the form of decisions."""

    def announce(
        self, connection: Connection, event_type: EventType, event: Event, decided: Decision
    ) -> None:
        """Put a decision down to be published, in the transaction that stores it.

        Called for event types with `event_orchestration`, once for each decision that is new; not
        for a repeated one. What it writes is rolled back with the decision.
        """

    def announced(self) -> None:
        """Told after the commit, from any thread. Returns at once."""
