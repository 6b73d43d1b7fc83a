"""Items of the article's table, read and made.

An item has the partition key `customer_id` and the sort key `card_number`, both texts,
`is_blocked`, `last_name`, `first_name`, `phone_number` and `salutation`; what else it has is left
alone. Its card number is in clear, as the article has it, in whatever groups, or a token: the
vault's keyed hash in 64 hexadecimal digits, by which the card is found without its number being
there.

Attributes are in DynamoDB's typed JSON, `{"S": "Mrs"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from ringfence.carddata import mask_card_numbers
from ringfence.cards.customers import MIRRORED
from ringfence.cards.details import read_name
from ringfence.cards.numbers import CardNumber, read_card_number
from ringfence.cards.phones import read_phone_number
from ringfence.cards.records import Customer
from ringfence.cards.vault import Vault
from ringfence.errors import InvalidInput

Attributes = Mapping[str, Mapping[str, Any]]

BLOCKED = "is_blocked"
CARD = "card_number"
CUSTOMER = "customer_id"
TOKEN = "token"  # noqa: S105 - the form of a sort key, no secret
_TOKEN = re.compile("[0-9a-f]{64}")
_KINDS = {"S": str, "N": str, "BOOL": bool, "NULL": bool}
_NOTHING: Mapping[str, Any] = {"NULL": True}
_LONGEST = 512
_TRUE = ("true", "yes", "y", "1")


class CardNumberForm(StrEnum):
    """How card numbers are written into new items."""

    CLEAR = "clear"
    TOKEN = "token"  # noqa: S105


class TableItem(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """An item as it stands in the table. `number` is None where the table has a token only.

    `sort_key` is the form of the card number: each digit as `#`, or `token`. `attributes` is what
    it holds beside its key, of what we know of, and may hold anything.
    """

    customer_id: str
    number: CardNumber | None
    number_hash: bytes
    sort_key: str
    attributes: Attributes

    def __repr__(self) -> str:
        return f"TableItem({self.customer_id!r}, {self.number!r})"


def read_item(raw: Mapping[str, Any], vault: Vault) -> TableItem:
    """An item of the table. Raises `InvalidInput` naming `card_number` for one of no card."""
    key = raw.get(CARD, {}).get("S", "")
    attributes = {name: raw[name] for name in (BLOCKED, *MIRRORED) if name in raw}
    number = None
    if _TOKEN.fullmatch(key):
        number_hash, sort_key = bytes.fromhex(key), TOKEN
    else:
        number = read_card_number(key)
        number_hash, sort_key = vault.hash_of(number), re.sub("[0-9]", "#", key)
        if len(sort_key) > 64:
            raise InvalidInput("not a card number", field=CARD, expected="12 to 19 digits")
    return TableItem(
        customer_id=raw[CUSTOMER]["S"],
        number=number,
        number_hash=number_hash,
        sort_key=sort_key,
        attributes=attributes,
    )


def kept(attributes: Attributes) -> dict[str, Mapping[str, Any]]:
    """The attributes as they may be kept here: without card data, and of sensible length."""
    return {name: _kept(value) for name, value in attributes.items()}


def is_blocked(attributes: Attributes) -> bool:
    """Whether the item says that the card is blocked. A text or a number that means true counts:
    better a card too many blocked than one too few."""
    value = attributes.get(BLOCKED, {})
    if "BOOL" in value:
        return bool(value["BOOL"])
    return str(value.get("S", value.get("N", ""))).strip().lower() in _TRUE


def detail(attributes: Attributes, name: str) -> str | None:
    """An attribute in the writing that is kept here; None for one that cannot be used.

    An optional one that is missing is empty.
    """
    value = attributes.get(name, _NOTHING)
    text = value.get("S", "" if value.get("NULL") else None)
    if not isinstance(text, str):
        return None
    optional = name in ("first_name", "salutation")
    try:
        if name == "phone_number":
            return read_phone_number(text).e164
        most = 64 if name == "salutation" else 128
        return read_name(text, field=name, empty=optional, most=most)
    except InvalidInput:
        return None


def key_of(customer_id: str, sort_key: str, number: CardNumber | None, number_hash: bytes) -> Any:
    """The key of an item in typed JSON. `number` is needed unless `sort_key` is `token`."""
    if sort_key == TOKEN:
        text = number_hash.hex()
    else:
        assert number is not None
        digits = iter(number.digits)
        text = "".join(next(digits) if mark == "#" else mark for mark in sort_key)
    return {CUSTOMER: {"S": customer_id}, CARD: {"S": text}}


def new_sort_key(form: CardNumberForm, number: CardNumber) -> str:
    """The form of the card number in an item that is yet to be made."""
    return TOKEN if form is CardNumberForm.TOKEN else "#" * len(number.digits)


def attributes_of(customer: Customer, *, blocked: bool) -> dict[str, Mapping[str, Any]]:
    """What an item of this customer has beside its key."""
    details = {name: {"S": getattr(customer, name)} for name in MIRRORED}
    return {BLOCKED: {"BOOL": blocked}, **details}


def _kept(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if len(value) != 1:
        return _NOTHING
    kind, content = next(iter(value.items()))
    if not isinstance(content, _KINDS.get(kind, ())):
        return _NOTHING
    if isinstance(content, str):
        content = mask_card_numbers(content[:_LONGEST])
    return {kind: content}
