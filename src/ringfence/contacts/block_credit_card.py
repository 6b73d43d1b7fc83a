"""The article's function for contacts that no case is about: block the card that the attributes
name.

`Customer` is the customer's id, `CardNo` ends in the last digits of the card; without it the
customer's only card is meant. The answer has the shape of the article's Lambda function, whose
callers look at `statusCode` only where they want to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ringfence import cards
from ringfence.errors import InvalidInput, NotFound, RingfenceError
from ringfence.storage import Database, now

NAME = "block-credit-card"


class BlockCreditCard:
    """A built-in function over the cards of a database."""

    def __init__(self, database: Database):
        self._database = database

    async def __call__(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a contact flow's event."""
        contact = event["Details"]["ContactData"]
        attributes: Mapping[str, str] = contact["Attributes"]
        try:
            text = await asyncio.to_thread(self._block, attributes, contact["ContactId"])
        except RingfenceError as error:
            return {"statusCode": 400, "body": str(error)}
        return {"statusCode": 200, "body": text}

    def _block(self, attributes: Mapping[str, str], contact_id: str) -> str:
        customer_id = attributes.get("Customer", "")
        if not customer_id:
            raise InvalidInput("the contact has no such attribute", field="Customer")
        digits = "".join(sign for sign in attributes.get("CardNo", "") if sign.isdigit())[-4:]
        with self._database.write() as connection:
            found = [
                card
                for card in cards.cards_of(connection, customer_id)
                if card.last4.endswith(digits)
            ]
            if len(found) != 1:
                raise NotFound(
                    f"{len(found)} cards of this customer are meant",
                    field="CardNo",
                    expected="the last four digits of one of them",
                )
            change = cards.block(
                connection,
                found[0].card_id,
                by=NAME,
                reason=f"contact {contact_id}: the flow asked for it",
                case_id=None,
                at=now(),
            )
        return "the card is blocked" if change.changed else "the card was blocked already"
