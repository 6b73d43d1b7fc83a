"""Numbers that are never contacted, whoever has them: wrong numbers, complaints, registers."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ringfence.carddata import mask_card_numbers
from ringfence.cards import tables
from ringfence.cards.phones import read_phone_number
from ringfence.errors import InvalidInput, NotFound

_numbers = tables.do_not_call
# Asked before each call, so it is built once.
_LISTED = select(_numbers).where(_numbers.c.number == bindparam("of_number"))


class DoNotCall(msgspec.Struct, frozen=True, kw_only=True):
    """A number (E.164) that is not to be contacted, and why."""

    number: str
    reason: str
    added_by: str
    added_at: datetime


def add_do_not_call(
    connection: Connection, number: str, reason: str, *, by: str, at: datetime
) -> DoNotCall:
    """List a number from now on; for one that is listed, the reason is changed.

    Raises `InvalidInput` naming `number` or `reason`.
    """
    words = mask_card_numbers(reason.strip())
    if not words.isprintable() or not 0 < len(words) <= 256:
        raise InvalidInput("not a reason", field="reason", expected="why, in a few words")
    entry = DoNotCall(
        number=read_phone_number(number, field="number").e164,
        reason=words,
        added_by=by[:128],
        added_at=at,
    )
    values = msgspec.structs.asdict(entry)
    changed = connection.execute(
        update(_numbers).where(_numbers.c.number == entry.number).values(**values)
    )
    if changed.rowcount == 0:
        connection.execute(insert(_numbers).values(**values))
    return entry


def remove_do_not_call(connection: Connection, number: str) -> None:
    """Take a number off the list. Raises `InvalidInput`, and `NotFound` naming `number`."""
    e164 = read_phone_number(number, field="number").e164
    if connection.execute(delete(_numbers).where(_numbers.c.number == e164)).rowcount == 0:
        raise NotFound(f"{e164} is not on the list", field="number")


def list_do_not_call(
    connection: Connection, *, after: str = "", limit: int = 1000
) -> list[DoNotCall]:
    """The numbers in their order, those after one, and no more than `limit`."""
    rows = connection.execute(
        select(_numbers).where(_numbers.c.number > after).order_by(_numbers.c.number).limit(limit)
    )
    return [DoNotCall(**row._mapping) for row in rows]


def why_not_called(connection: Connection, number: str) -> str | None:
    """Why this number (E.164) is not contacted; None when it is not listed."""
    row = connection.execute(_LISTED, {"of_number": number}).first()
    return None if row is None else f"the number is on the do-not-call list: {row.reason}"
