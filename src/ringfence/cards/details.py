"""What a user tells us of a customer, checked field by field."""

from __future__ import annotations

import re

import msgspec

from ringfence.carddata import looks_like_card_number, looks_like_track_data
from ringfence.cards.numbers import CardNumber
from ringfence.cards.phones import read_language, read_phone_number, read_time_zone
from ringfence.errors import InvalidInput

DEFAULT_LANGUAGE = "en-US"

# The form of an entity id, since a customer is an entity of events.
_CUSTOMER_ID = re.compile(r"[A-Za-z0-9_.@+:\-]{1,256}")


class CustomerDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told of a customer. Without a time zone it is that of the phone number, without a
    language the one that whoever stores the customer gives for those of whom none is told.

    `consent` says whether the customer wants to be called and written to about their payments; when
    it is not told, it is what was recorded before, or that they gave the number to the bank.
    """

    customer_id: str
    phone_number: str
    last_name: str
    first_name: str = ""
    salutation: str = ""
    time_zone: str | None = None
    language: str | None = None
    consent: bool | None = None


class CustomerChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed of a customer; None leaves a field as it is.

    `phone_verified` notes that the number has been proved to be the customer's (true), or that it
    has not (false).
    """

    phone_number: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    salutation: str | None = None
    time_zone: str | None = None
    language: str | None = None
    phone_verified: bool | None = None


class CustomerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A customer with cards, as read from a document. `is_blocked` is None where it is not said."""

    details: CustomerDetails
    card_numbers: tuple[CardNumber, ...] = ()
    is_blocked: bool | None = None


def checked(details: CustomerDetails, *, prefix: str = "") -> CustomerDetails:
    """The details in their usual writing: E.164, IANA name, BCP 47 tag, no outer blanks.

    Raises `InvalidInput` naming the field, with `prefix` before it.
    """
    return CustomerDetails(
        customer_id=_read_customer_id(details.customer_id, f"{prefix}customer_id"),
        phone_number=read_phone_number(details.phone_number, field=f"{prefix}phone_number").e164,
        last_name=read_name(details.last_name, field=f"{prefix}last_name"),
        first_name=read_name(details.first_name, field=f"{prefix}first_name", empty=True),
        salutation=read_name(details.salutation, field=f"{prefix}salutation", empty=True, most=64),
        time_zone=None
        if details.time_zone is None
        else read_time_zone(details.time_zone, field=f"{prefix}time_zone"),
        language=None
        if details.language is None
        else read_language(details.language, field=f"{prefix}language"),
        consent=details.consent,
    )


def read_name(text: str, *, field: str, empty: bool = False, most: int = 128) -> str:
    """A name that can be printed and spoken. Raises `InvalidInput` naming `field`."""
    name = text.strip()
    if not name.isprintable() or len(name) > most or not (name or empty):
        raise InvalidInput(
            "not a name",
            field=field,
            expected=f"{0 if empty else 1} to {most} printable characters",
        )
    _refuse_card_data(name, field)
    return name


def _read_customer_id(text: str, field: str) -> str:
    if not _CUSTOMER_ID.fullmatch(text):
        raise InvalidInput(
            "not a customer id", field=field, expected="1 to 256 letters, digits and _ . @ + : -"
        )
    _refuse_card_data(text, field)
    return text


def _refuse_card_data(text: str, field: str) -> None:
    if looks_like_card_number(text) or looks_like_track_data(text):
        raise InvalidInput(
            "looks like card data; only card_number may hold a card number", field=field
        )
