"""Whether a cardholder may be contacted about their own payments: consent and the wish to stop.

Every consent and every withdrawal is an entry with its source and its time; the latest of a
channel is in force, and none is ever changed. A number that the customer gave to the bank is
consent for account matters (decision 0013), so storing a number is recorded as one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select

from ringfence.carddata import mask_card_numbers
from ringfence.cards import tables
from ringfence.cards.do_not_call import why_not_called
from ringfence.cards.finding import get_customer
from ringfence.cards.records import Customer
from ringfence.errors import InvalidInput

PURPOSE = "fraud_alerts"
NUMBER_GIVEN = "number given to the bank"
TOLD = "told with the customer"

_permissions = tables.contact_permissions
# Asked before each call, so it is built once.
_HISTORY = (
    select(_permissions)
    .where(_permissions.c.customer_id == bindparam("of_customer"))
    .order_by(_permissions.c.entry_id)
)


class ContactChannel(StrEnum):
    """How a cardholder is contacted."""

    VOICE = "voice"
    SMS = "sms"


class ConsentRule(StrEnum):
    """Which consent there must be. A withdrawal counts whatever the rule."""

    RECORDED = "recorded"  # any, also that the number was given to the bank
    EXPLICIT = "explicit"  # one for this purpose
    NOT_NEEDED = "not_needed"


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """A consent (`given`) or its withdrawal: for which channel, from which source, when, by whom.

    `source` is what it rests on, such as `application form` or `phone key *`.
    """

    customer_id: str
    channel: ContactChannel
    purpose: str
    given: bool
    source: str
    by: str
    at: datetime


def record_permission(
    connection: Connection,
    customer_id: str,
    channel: ContactChannel,
    *,
    given: bool,
    source: str,
    by: str,
    at: datetime,
) -> Permission:
    """Record a consent or a withdrawal, in force from now on.

    Raises `NotFound` naming `customer`, `InvalidInput` naming `source`.
    """
    get_customer(connection, customer_id)
    words = mask_card_numbers(source.strip())
    if not words.isprintable() or not 0 < len(words) <= 128:
        raise InvalidInput(
            "not a source", field="source", expected="1 to 128 printable characters, such as api"
        )
    entry = Permission(
        customer_id=customer_id,
        channel=channel,
        purpose=PURPOSE,
        given=given,
        source=words,
        by=by[:128],
        at=at,
    )
    connection.execute(insert(_permissions).values(**msgspec.structs.asdict(entry)))
    return entry


def record_told_consent(
    connection: Connection, customer_id: str, consent: bool | None, *, by: str, at: datetime
) -> list[str]:
    """Record for every channel what is told when a customer is stored, where that is new.

    None is no word about it: then it is consent that the number was given to the bank, unless
    something is recorded already. A withdrawal stays, since it may be younger than what is told;
    what is returned are remarks about that.
    """
    known = {entry.channel: entry for entry in permissions_of(connection, customer_id)}
    remarks = []
    for channel in ContactChannel:
        before = known.get(channel)
        given, source = (True, NUMBER_GIVEN) if consent is None else (consent, TOLD)
        if before is not None and (
            consent is None or (before.given, before.source) == (given, source)
        ):
            continue
        if given and before is not None and not before.given:
            remarks.append(f"consent to {channel} was withdrawn and stays so")
            continue
        record_permission(
            connection, customer_id, channel, given=given, source=source, by=by, at=at
        )
    return remarks


def permission_history(connection: Connection, customer_id: str) -> list[Permission]:
    """Everything recorded of a customer, the oldest first."""
    rows = connection.execute(_HISTORY, {"of_customer": customer_id})
    return [_permission(row) for row in rows]


def permissions_of(connection: Connection, customer_id: str) -> list[Permission]:
    """What is in force: the latest entry of each channel that has one."""
    latest = {entry.channel: entry for entry in permission_history(connection, customer_id)}
    return [latest[channel] for channel in ContactChannel if channel in latest]


def why_not_contact(
    connection: Connection, customer: Customer, channel: ContactChannel, rule: ConsentRule
) -> str | None:
    """Why the customer must not be contacted so, in words for the timeline; None if they may be."""
    listed = why_not_called(connection, customer.phone_number)
    if listed is not None:
        return listed
    found = [p for p in permissions_of(connection, customer.customer_id) if p.channel is channel]
    entry = found[0] if found else None
    if entry is not None and not entry.given:
        return f"consent was withdrawn on {entry.at:%Y-%m-%d %H:%M} UTC ({entry.source})"
    if rule is ConsentRule.NOT_NEEDED:
        return None
    if entry is None:
        return "no consent is recorded"
    if rule is ConsentRule.EXPLICIT and entry.source == NUMBER_GIVEN:
        return "no consent is recorded but that the number was given to the bank"
    return None


def _permission(row: Row[Any]) -> Permission:
    return Permission(
        customer_id=row.customer_id,
        channel=ContactChannel(row.channel),
        purpose=row.purpose,
        given=row.given,
        source=row.source,
        by=row.by,
        at=row.at,
    )
