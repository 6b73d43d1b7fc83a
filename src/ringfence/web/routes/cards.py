"""Customers and their cards."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from ringfence.access import Scope
from ringfence.cards import (
    Card,
    CardEntry,
    Change,
    Customer,
    StoredCustomer,
    block,
    card_history,
    cards_of,
    get_card,
    get_customer,
    list_customers,
    read_customers,
    release,
    store_customers,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("cards")


class CustomerQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`search` looks at id, name and phone number; `after` is the last id of the page before."""

    search: str = ""
    limit: int = 50
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 500:
            raise InvalidInput("out of range", field="limit", expected="1 to 500")


class CustomerView(msgspec.Struct, frozen=True):
    """A customer with the cards."""

    customer: Customer
    cards: tuple[Card, ...]


class CardView(msgspec.Struct, frozen=True):
    """A card with every change of its state."""

    card: Card
    history: tuple[CardEntry, ...]


class ReasonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InvalidInput("empty", field="reason", expected="why, in a few words")


@operations.add(
    "GET", "/v1/customers", scope=Scope.CARDS_READ, query=CustomerQuery, reply=list[Customer]
)
def get_customers(services: Services, call: Call) -> list[Customer]:
    """Customers by id."""
    query: CustomerQuery = call.query
    with services.database.read() as connection:
        return list(
            list_customers(connection, search=query.search, limit=query.limit, after=query.after)
        )


@operations.add(
    "POST", "/v1/customers", scope=Scope.CARDS_WRITE, body=Any, reply=list[StoredCustomer]
)
def post_customers(services: Services, call: Call) -> list[StoredCustomer]:
    """Add or change customers: one, a list, or DynamoDB-typed items; all of them or none."""
    documents = read_customers(msgspec.json.encode(call.body))
    with services.database.write() as connection:
        return list(
            store_customers(
                connection,
                services.vault,
                documents,
                by=call.principal.name,
                at=now(),
                language=services.settings.customer_language,
            )
        )


@operations.add("GET", "/v1/customers/{customer_id}", scope=Scope.CARDS_READ, reply=CustomerView)
async def get_one_customer(services: Services, call: Call) -> CustomerView:
    """A customer with the cards."""
    customer_id = call.path["customer_id"]
    refreshed = await services.customers.refresh(customer_id)

    def read() -> CustomerView:
        with services.database.read() as connection:
            try:
                customer = get_customer(connection, customer_id)
            except NotFound as error:
                raise refreshed.error or error from None
            return CustomerView(customer, tuple(cards_of(connection, customer_id)))

    return await asyncio.to_thread(read)


@operations.add("GET", "/v1/cards/{card_id}", scope=Scope.CARDS_READ, reply=CardView)
def get_one_card(services: Services, call: Call) -> CardView:
    """A card with who changed its state, when and why."""
    with services.database.read() as connection:
        card = get_card(connection, call.path["card_id"])
        return CardView(card, tuple(card_history(connection, card.card_id)))


@operations.add(
    "POST", "/v1/cards/{card_id}/block", scope=Scope.CARDS_WRITE, body=ReasonBody, reply=Change
)
def post_block(services: Services, call: Call) -> Change:
    """Block a card; blocking it again changes nothing."""
    with services.database.write() as connection:
        return block(
            connection,
            call.path["card_id"],
            by=call.principal.name,
            reason=call.body.reason,
            case_id=None,
            at=now(),
        )


@operations.add(
    "POST", "/v1/cards/{card_id}/release", scope=Scope.CARDS_WRITE, body=ReasonBody, reply=Change
)
def post_release(services: Services, call: Call) -> Change:
    """Release a blocked or held card; releasing it again changes nothing."""
    with services.database.write() as connection:
        return release(
            connection,
            call.path["card_id"],
            by=call.principal.name,
            reason=call.body.reason,
            case_id=None,
            at=now(),
        )
