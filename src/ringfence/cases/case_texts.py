"""The SMS that a case was asked about in: one for a case, found by case, number or link."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, select

from ringfence.cases import tables


class CaseText(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a case. `link_id` is None where it asks for a reply."""

    message_id: str
    case_id: str
    to_number: str
    link_id: str | None
    sent_at: datetime
    expires_at: datetime
    answered_at: datetime | None


# Asked before each call, so it is built once.
_OF_CASE = select(tables.case_texts).where(tables.case_texts.c.case_id == bindparam("of_case"))


def text_of_case(connection: Connection, case_id: str) -> CaseText | None:
    """The text that a case was asked about in, if there was one."""
    row = connection.execute(_OF_CASE, {"of_case": case_id}).first()
    return None if row is None else CaseText(**row._mapping)


def text_of_link(connection: Connection, link_id: str) -> CaseText | None:
    """The text that a link was sent in."""
    table = tables.case_texts
    row = connection.execute(select(table).where(table.c.link_id == link_id)).first()
    return None if row is None else CaseText(**row._mapping)


def texts_to(connection: Connection, number: str, limit: int = 20) -> list[CaseText]:
    """The texts to a number (E.164), the newest first."""
    table = tables.case_texts
    query = select(table).where(table.c.to_number == number).order_by(table.c.sent_at.desc())
    return [CaseText(**row._mapping) for row in connection.execute(query.limit(limit))]
