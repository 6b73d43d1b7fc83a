"""The article's event as it stands: a customer, a card number, and the transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from ringfence import cards
from ringfence.detectors import Resolved
from ringfence.errors import Conflict
from ringfence.events import Entity


def find_card(
    connection: Connection,
    vault: cards.Vault,
    customer_id: str,
    card_number: str | None,
    *,
    fresh: bool,
) -> Resolved:
    """Whose card a transaction is about.

    The article's example event carries a card number that is not the one stored for the customer,
    and its handler speaks of the stored one. So a number that we do not know means the customer's
    card when there is exactly one, and the reply says so; with several it would be a guess.

    Raises `NotFound` naming `customer`, `InvalidInput` or `Conflict` naming `card_number`.
    """
    match = cards.matching(connection, vault, customer_id, card_number)
    if fresh and match.card.state is cards.CardState.BLOCKED:
        raise Conflict(f"the card ending in {match.card.last4} is blocked", field="card_number")
    remark = None
    if card_number is None:
        remark = (
            f"no card number was sent; took the customer's only card, ending in {match.card.last4}"
        )
    elif not match.matched:
        remark = (
            "the card number is not stored for this customer; took the customer's only card, "
            f"ending in {match.card.last4}"
        )
    return Resolved((Entity("customer", customer_id), Entity("card", match.card.card_id)), remark)
