"""What the engine is asked, and what it asks of others in turn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.external import Asked
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.events.definitions import EventType
from ringfence.events.reading import Entity, Event, SentEvent
from ringfence.models.external import Body

_NOTE_CHARACTERS = 512


class Resolved(msgspec.Struct, frozen=True):
    """Who an event turned out to be about, and what to tell the client about that."""

    entities: tuple[Entity, ...]
    note: str | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One event to decide about.

    Without a `detector_version` the active one decides. `resolve(connection, fresh)` finds the
    entities inside the deciding transaction, for a client that names the card by its number; what
    it raises is the answer to this request alone. `fresh` is false when the event id is known
    already: a repeat must get its answer even if the card has been blocked since.
    `variables_field` is where the variables stand in the client's document. `bodies` are those for
    external models that look at no variables, by the model's name.
    """

    event_type: str
    sent: SentEvent
    detector_id: str | None = None
    detector_version: str | None = None
    resolve: Callable[[Connection, bool], Resolved] | None = None
    variables_field: str = "variables"
    bodies: Mapping[str, Body] | None = None


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose decision has an outcome, handed to whoever opens cases."""

    event_type: EventType
    event: Event
    outcomes: tuple[str, ...]
    decided_at: datetime


class CaseOpener(Protocol):
    """Opens cases. Implemented by `cases`, of which this room knows nothing else."""

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        """The outcomes that can open a case."""

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        """Open a case, or join the open one of that card, in the given transaction.

        Returns the case's id, or None and why there is none.
        """

    def opened(self, case_id: str) -> None:
        """Told after the commit, on the event loop."""


class Prepared:
    """A request whose event has been read, on its way to the transaction that answers it."""

    __slots__ = ("asked", "event", "request", "runtime")

    def __init__(self, request: Request, event: Event, runtime: DetectorRuntime, asked: Asked):
        self.request = request
        self.event = event
        self.runtime = runtime
        self.asked = asked

    def resolved(self, connection: Connection, *, fresh: bool) -> tuple[Event, str | None]:
        """The event with its entities, and a note about them. Raises what `resolve` raises."""
        if self.request.resolve is None:
            return self.event, None
        resolved = self.request.resolve(connection, fresh)
        content = self.event.content_hash + msgspec.msgpack.encode(resolved.entities)
        return (
            msgspec.structs.replace(
                self.event,
                entities=resolved.entities,
                content_hash=hashlib.blake2b(content, digest_size=16).digest(),
            ),
            resolved.note,
        )


def joined(*notes: str | None) -> str | None:
    """What is to be told about a decision, at most 512 characters; None for nothing."""
    return "; ".join(note for note in notes if note)[:_NOTE_CHARACTERS] or None
