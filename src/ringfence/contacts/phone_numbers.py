"""Phone numbers: which of those that the lines own an instance has claimed, and where they lead.

A number is searched for among the numbers of the lines, claimed for an instance, led to a contact
flow, and released. A line that may call from any number has none to search for; whatever is named
can be claimed on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.cards.phones import read_phone_number
from ringfence.contacts import tables
from ringfence.contacts.instances import get_instance
from ringfence.contacts.naming import given, new_id, require_text
from ringfence.errors import Conflict, NotFound
from ringfence.lines import Line
from ringfence.storage import now

_LONGEST_DESCRIPTION = 500

# The numbers of each line by its name; None where it may use any.
LineNumbers = Mapping[str, frozenset[str] | None]


def numbers_of_lines(lines: Mapping[str, Line]) -> LineNumbers:
    """The numbers that the lines own."""
    return {name: line.numbers for name, line in lines.items()}


class NumberType(StrEnum):
    """What a number is, in Amazon Connect's words."""

    TOLL_FREE = "TOLL_FREE"
    DID = "DID"
    UIFN = "UIFN"
    SHARED = "SHARED"


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number (E.164) that an instance has claimed; `flow_id` is where calls to it lead."""

    number_id: str
    instance_id: str
    number: str
    country: str
    type: NumberType
    description: str = ""
    flow_id: str | None = None
    client_token: str | None = None
    tags: Mapping[str, str] = {}
    claimed_at: datetime


class AvailableNumber(msgspec.Struct, frozen=True):
    """A number that can be claimed."""

    number: str
    country: str
    type: NumberType


def available_numbers(connection: Connection, lines: LineNumbers) -> list[AvailableNumber]:
    """What the lines own and nobody has claimed, in order."""
    table = tables.phone_numbers
    claimed = set(connection.execute(select(table.c.number)).scalars())
    owned = {number for numbers in lines.values() for number in numbers or ()}
    return [
        AvailableNumber(number, *described(number)) for number in sorted(owned.difference(claimed))
    ]


def claim_number(
    connection: Connection,
    instance_id: str,
    number: str,
    lines: LineNumbers,
    *,
    description: str = "",
    client_token: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> PhoneNumber:
    """Claim a number for an instance; again with the same token it is the same claim.

    Raises `InvalidInput` for what is no number, `NotFound` for one that no line owns, `Conflict`
    for one that is claimed, and for a token that another number was claimed with.
    """
    get_instance(connection, instance_id)
    number = read_phone_number(number, field="number").e164
    require_text(description, "description", _LONGEST_DESCRIPTION)
    if client_token is not None:
        _require_token_of(connection, client_token, number)
    if (known := find_number(connection, number)) is not None:
        if client_token is not None and known.client_token == client_token:
            return known
        raise Conflict(f"{number} is claimed already", field="number")
    if not any(numbers is None or number in numbers for numbers in lines.values()):
        raise NotFound(f"no line here owns {number}", field="number")
    country, type_ = described(number)
    claimed = PhoneNumber(
        number_id=new_id(),
        instance_id=instance_id,
        number=number,
        country=country,
        type=type_,
        description=description,
        client_token=client_token,
        tags=dict(tags or {}),
        claimed_at=now(),
    )
    connection.execute(insert(tables.phone_numbers).values(**msgspec.structs.asdict(claimed)))
    return claimed


def get_number(connection: Connection, number_id: str) -> PhoneNumber:
    """The number of that id. Raises `NotFound`."""
    table = tables.phone_numbers
    row = connection.execute(select(table).where(table.c.number_id == number_id)).first()
    if row is None:
        raise NotFound(f"there is no phone number {number_id!r}", field="number_id")
    return _number(row)


def find_number(connection: Connection, number: str) -> PhoneNumber | None:
    """The claim of a number in E.164; None where nobody has claimed it."""
    table = tables.phone_numbers
    row = connection.execute(select(table).where(table.c.number == number)).first()
    return None if row is None else _number(row)


def list_numbers(connection: Connection, instance_id: str | None = None) -> list[PhoneNumber]:
    """The numbers that are claimed, for one instance or for all."""
    table = tables.phone_numbers
    query = select(table).order_by(table.c.number)
    if instance_id is not None:
        query = query.where(table.c.instance_id == instance_id)
    return [_number(row) for row in connection.execute(query)]


def update_number(
    connection: Connection,
    number_id: str,
    *,
    instance_id: str | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
    flow_id: str | UnsetType | None = UNSET,
    tags: Mapping[str, str] | UnsetType = UNSET,
) -> PhoneNumber:
    """Change where a number belongs, or leads. Raises `NotFound`, `InvalidInput`."""
    if not isinstance(instance_id, UnsetType):
        get_instance(connection, instance_id)
    if not isinstance(description, UnsetType):
        require_text(description, "description", _LONGEST_DESCRIPTION)
    values = given(instance_id=instance_id, description=description, flow_id=flow_id, tags=tags)
    if values:
        table = tables.phone_numbers
        connection.execute(update(table).where(table.c.number_id == number_id).values(**values))
    return get_number(connection, number_id)


def release_number(connection: Connection, number_id: str) -> None:
    """Let anybody claim a number. Raises `NotFound`."""
    get_number(connection, number_id)
    table = tables.phone_numbers
    connection.execute(delete(table).where(table.c.number_id == number_id))


def numbers_of_flow(connection: Connection, flow_id: str) -> list[str]:
    """The numbers that lead to a flow."""
    table = tables.phone_numbers
    return [
        *connection.execute(
            select(table.c.number).where(table.c.flow_id == flow_id).order_by(table.c.number)
        ).scalars()
    ]


def described(number: str) -> tuple[str, NumberType]:
    """The country (ISO 3166, empty where it has none) and the type of an E.164 number."""
    import phonenumbers

    parsed = phonenumbers.parse(number)
    country = phonenumbers.region_code_for_number(parsed)
    if country is None:  # a number that its plan does not give out, such as those of examples
        country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    country = country if country != "ZZ" else ""
    kind = phonenumbers.number_type(parsed)
    types = {
        phonenumbers.PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.SHARED_COST: NumberType.SHARED,
    }
    if parsed.country_code == 800:
        return country if country != "001" else "", NumberType.UIFN
    return country, types.get(kind, NumberType.DID)


def _require_token_of(connection: Connection, client_token: str, number: str) -> None:
    table = tables.phone_numbers
    others = select(table.c.number).where(
        table.c.client_token == client_token, table.c.number != number
    )
    if connection.execute(others).first() is not None:
        raise Conflict("this token belongs to another number", field="client_token")


def _number(row: Row[tuple[Any, ...]]) -> PhoneNumber:
    return PhoneNumber(**{**row._mapping, "type": NumberType(row.type)})
