"""Cardholders and cards as others see them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from ringfence.cards.numbers import masked


class CardState(StrEnum):
    """Whether a card may be used."""

    ACTIVE = "active"
    HELD = "held"  # while a case asks the cardholder; ends by itself
    BLOCKED = "blocked"  # until a person releases it


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A cardholder.

    `phone_number` is E.164, `time_zone` an IANA name, `language` a BCP 47 tag.
    `phone_changed_at` says since when this number is ours, `phone_verified_at` when it was last
    proved to be the customer's.
    """

    customer_id: str
    salutation: str
    first_name: str
    last_name: str
    phone_number: str
    time_zone: str
    language: str
    phone_changed_at: datetime
    phone_verified_at: datetime | None
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card, without its number: `last4` and `bin` are all that is shown.

    `state_by`, `state_at` and `state_reason` are of the latest change. Of several holds,
    `hold_case_id` and `hold_expires_at` name the one that ends last.
    """

    card_id: str
    customer_id: str
    last4: str
    bin: str
    state: CardState
    state_by: str
    state_at: datetime
    state_reason: str
    hold_case_id: str | None
    hold_expires_at: datetime | None
    added_by: str
    added_at: datetime


class CardAction(StrEnum):
    """What was done to a card."""

    ADDED = "added"
    HELD = "held"
    LIFTED = "lifted"
    EXPIRED = "expired"
    BLOCKED = "blocked"
    RELEASED = "released"


class CardEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a card: who, when, why, about which case; `state` is the one it led to."""

    at: datetime
    by: str
    action: CardAction
    state: CardState
    reason: str
    case_id: str | None


class Change(msgspec.Struct, frozen=True):
    """Whether something was changed, and the card's state now."""

    changed: bool
    state: CardState


class Match(msgspec.Struct, frozen=True):
    """A customer's card; `matched` says whether it was found by the number that was given."""

    card: Card
    matched: bool


def article_view(customer: Customer, card: Card) -> dict[str, str | bool]:
    """The customer as the item of the article's table, with the number masked.

    `is_blocked` is the block alone: a card on hold is not blocked.
    """
    return {
        "customer_id": customer.customer_id,
        "card_number": masked(card.last4),
        "is_blocked": card.state is CardState.BLOCKED,
        "last_name": customer.last_name,
        "first_name": customer.first_name,
        "phone_number": customer.phone_number,
        "salutation": customer.salutation,
    }
