"""The timeline of a case: everything that happened, with its time, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, insert, select

from ringfence.carddata import mask_card_numbers
from ringfence.cases import tables


class EntryKind(StrEnum):
    """What a timeline entry is about."""

    OPENED = "opened"
    JOINED = "joined"
    HELD = "held"
    WAITING = "waiting"
    POLICY = "policy"  # what may not be done, and why
    DIALLED = "dialled"
    RINGING = "ringing"
    ANSWERED = "answered"
    SAID = "said"
    DIGIT = "digit"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    CALLED_BACK = "called back"
    TEXTED = "texted"
    FUNCTION = "function"
    VERDICT = "verdict"
    CARD = "card"
    LABEL = "label"
    ANALYST = "analyst"
    CLOSED = "closed"


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: datetime
    kind: EntryKind
    text: str


# Run many times in each case, so it is built once.
_NOTE = insert(tables.timeline)


def note(connection: Connection, case_id: str, at: datetime, kind: EntryKind, text: str) -> None:
    """Add an entry; what reads like a card number in it is masked."""
    connection.execute(
        _NOTE,
        {"case_id": case_id, "at": at, "kind": kind, "text": mask_card_numbers(text)[:2000]},
    )


def timeline_of(connection: Connection, case_id: str) -> Sequence[Entry]:
    """All entries of a case, in order."""
    rows = connection.execute(
        select(tables.timeline.c.at, tables.timeline.c.kind, tables.timeline.c.text)
        .where(tables.timeline.c.case_id == case_id)
        .order_by(tables.timeline.c.entry_id)
    )
    return [Entry(row.at, EntryKind(row.kind), row.text) for row in rows]
