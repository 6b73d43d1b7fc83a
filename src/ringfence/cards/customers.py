"""Taking customers in, one by one or a document at a time, and changing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from ringfence.cards import tables
from ringfence.cards.details import (
    DEFAULT_LANGUAGE,
    CustomerChanges,
    CustomerDetails,
    CustomerDocument,
    checked,
    read_name,
)
from ringfence.cards.finding import get_customer, take_in
from ringfence.cards.numbers import CardNumber
from ringfence.cards.permissions import record_told_consent
from ringfence.cards.phones import (
    read_language,
    read_phone_number,
    read_time_zone,
    time_zone_of,
)
from ringfence.cards.records import CardState, Customer
from ringfence.cards.states import force
from ringfence.cards.vault import Vault
from ringfence.cards.writes import note_write
from ringfence.errors import Conflict, NotFound

_customers = tables.customers
# What the article's table has of a customer, beside the block of each card.
MIRRORED = ("last_name", "first_name", "phone_number", "salutation")


class StoreResult(StrEnum):
    """What storing did to a customer."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class StoredCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer that was stored. `remarks` say what was accepted although it is odd."""

    customer_id: str
    result: StoreResult
    remarks: tuple[str, ...] = ()


def put_customer(
    connection: Connection,
    details: CustomerDetails,
    *,
    by: str,
    at: datetime,
    language: str = DEFAULT_LANGUAGE,
) -> StoredCustomer:
    """Create a customer, or replace what is told of one.

    A time zone and a language that are not told are kept as they were, the time zone only as long
    as the phone number is the same; the language of a new customer is `language` then. Raises
    `InvalidInput` naming the field, and `Conflict` when the customer is being created by somebody
    else.
    """
    stored, edits = store_details(connection, details, by=by, at=at, language=language)
    if stored.result is not StoreResult.UNCHANGED:
        note_write(connection, stored.customer_id, edits=edits, at=at)
    return stored


def store_details(
    connection: Connection,
    details: CustomerDetails,
    *,
    by: str,
    at: datetime,
    language: str = DEFAULT_LANGUAGE,
) -> tuple[StoredCustomer, dict[str, str | None]]:
    """Like `put_customer`, noting nothing for the table in which customers are mastered.

    Also returns what each attribute that was changed was before; None when there was none.
    """
    told = checked(details)
    try:
        before = get_customer(connection, told.customer_id)
    except NotFound:
        before = None
    number = read_phone_number(told.phone_number)
    remarks = [] if number.dialable else [_not_dialable(number.e164)]
    time_zone = told.time_zone
    if time_zone is None and before is not None and before.phone_number == number.e164:
        time_zone = before.time_zone
    if time_zone is None:
        time_zone, shared = time_zone_of(number)
        if shared != 1:
            remarks.append(_guessed(time_zone, shared))
    told_values: dict[str, object] = {
        "salutation": told.salutation,
        "first_name": told.first_name,
        "last_name": told.last_name,
        "phone_number": number.e164,
        "time_zone": time_zone,
        "language": told.language or (before.language if before else read_language(language)),
    }
    edits: dict[str, str | None]
    if before is None:
        _create(connection, told.customer_id, told_values, by, at)
        result = StoreResult.CREATED
        edits = {name: None for name in MIRRORED if told_values[name]}
    else:
        result = _change(connection, before, told_values, by, at)
        edits = _edits(before, told_values)
    remarks += record_told_consent(connection, told.customer_id, told.consent, by=by, at=at)
    stored = StoredCustomer(customer_id=told.customer_id, result=result, remarks=tuple(remarks))
    return stored, edits


def update_customer(
    connection: Connection, customer_id: str, changes: CustomerChanges, *, by: str, at: datetime
) -> StoredCustomer:
    """Change what is given, and nothing else.

    Another phone number brings its time zone, unless one is given, and is not verified yet.
    Raises `InvalidInput` naming the field, `NotFound` naming `customer`.
    """
    before = get_customer(connection, customer_id)
    values: dict[str, object] = {}
    remarks = []
    if changes.phone_number is not None:
        number = read_phone_number(changes.phone_number)
        if not number.dialable:
            remarks.append(_not_dialable(number.e164))
        if number.e164 != before.phone_number:
            values["phone_number"] = number.e164
            if changes.time_zone is None:
                values["time_zone"], shared = time_zone_of(number)
                if shared != 1:
                    remarks.append(_guessed(str(values["time_zone"]), shared))
    if changes.last_name is not None:
        values["last_name"] = read_name(changes.last_name, field="last_name")
    if changes.first_name is not None:
        values["first_name"] = read_name(changes.first_name, field="first_name", empty=True)
    if changes.salutation is not None:
        values["salutation"] = read_name(
            changes.salutation, field="salutation", empty=True, most=64
        )
    if changes.time_zone is not None:
        values["time_zone"] = read_time_zone(changes.time_zone)
    if changes.language is not None:
        values["language"] = read_language(changes.language)
    if changes.phone_verified is not None:
        values["phone_verified_at"] = at if changes.phone_verified else None
    result = _change(connection, before, values, by, at)
    edits = _edits(before, values)
    if edits:
        note_write(connection, customer_id, edits=edits, at=at)
    return StoredCustomer(customer_id=customer_id, result=result, remarks=tuple(remarks))


def store_customers(
    connection: Connection,
    vault: Vault,
    documents: Sequence[CustomerDocument],
    by: str,
    at: datetime,
    language: str = DEFAULT_LANGUAGE,
) -> list[StoredCustomer]:
    """Store customers with their cards, all of them or, when one does not fit, none.

    `language` is that of new customers of whom none is told.
    Cards that are not in a document stay. `is_blocked` true blocks the customer's cards that the
    document names; false releases nothing, since the block may be younger than the document.

    Raises `InvalidInput`, and `Conflict` for a card that is another customer's, naming the field
    as in `customers[2].card_number`, or `card_number` when there is one document.
    """
    stored = []
    with connection.begin_nested():
        for index, document in enumerate(documents):
            field = f"customers[{index}].card_number" if len(documents) > 1 else "card_number"
            stored.append(_store(connection, vault, document, field, by, at, language))
    return stored


def _store(
    connection: Connection,
    vault: Vault,
    document: CustomerDocument,
    field: str,
    by: str,
    at: datetime,
    language: str,
) -> StoredCustomer:
    stored, edits = store_details(connection, document.details, by=by, at=at, language=language)
    remarks = list(stored.remarks)
    changed = False
    for number in document.card_numbers:
        changed |= _store_card(connection, vault, document, number, remarks, field, by, at)
    result = stored.result
    if changed and result is StoreResult.UNCHANGED:
        result = StoreResult.UPDATED
    if result is not StoreResult.UNCHANGED:
        note_write(
            connection,
            stored.customer_id,
            edits=edits,
            urgent=changed and bool(document.is_blocked),
            at=at,
        )
    return StoredCustomer(customer_id=stored.customer_id, result=result, remarks=tuple(remarks))


def _store_card(
    connection: Connection,
    vault: Vault,
    document: CustomerDocument,
    number: CardNumber,
    remarks: list[str],
    field: str,
    by: str,
    at: datetime,
) -> bool:
    """Store one card; returns whether that changed anything."""
    customer_id = document.details.customer_id
    taken = take_in(connection, vault, customer_id, number, by=by, at=at, field=field)
    remarks.extend(taken.remarks)
    if document.is_blocked:
        change = force(
            connection,
            taken.card.card_id,
            CardState.BLOCKED,
            by=by,
            reason="stored as blocked",
            case_id=None,
            at=at,
        )
        return taken.added or change.changed
    if document.is_blocked is False and taken.card.state is CardState.BLOCKED:
        remarks.append(f"the card ending in {number.last4} is blocked and stays so")
    return taken.added


def _create(
    connection: Connection, customer_id: str, values: dict[str, object], by: str, at: datetime
) -> None:
    try:
        with connection.begin_nested():
            connection.execute(
                insert(_customers).values(
                    customer_id=customer_id,
                    phone_changed_at=at,
                    created_by=by[:128],
                    created_at=at,
                    updated_by=by[:128],
                    updated_at=at,
                    **values,
                )
            )
    except IntegrityError:
        raise Conflict(
            "the customer was created at the same time by another request",
            field="customer_id",
            expected="the same request again",
        ) from None


def _change(
    connection: Connection,
    before: Customer,
    values: dict[str, object],
    by: str,
    at: datetime,
) -> StoreResult:
    changed = {name: value for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return StoreResult.UNCHANGED
    if "phone_number" in changed:
        changed = {"phone_verified_at": None, **changed, "phone_changed_at": at}
    connection.execute(
        update(_customers)
        .where(_customers.c.customer_id == before.customer_id)
        .values(updated_by=by[:128], updated_at=at, **changed)
    )
    return StoreResult.UPDATED


def _edits(before: Customer, values: dict[str, object]) -> dict[str, str | None]:
    return {
        name: getattr(before, name)
        for name in MIRRORED
        if name in values and values[name] != getattr(before, name)
    }


def _not_dialable(e164: str) -> str:
    return f"{e164} is in no country's numbering plan; a telephone line cannot dial it"


def _guessed(time_zone: str, shared: int) -> str:
    if shared == 0:
        return f"the phone number tells no time zone; took {time_zone}"
    return f"{shared} time zones share the phone number's prefix; took {time_zone}"
