"""Who may be contacted: consent, its withdrawal, and the numbers that nobody contacts."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cards import get_customer
from ringfence.cards.do_not_call import (
    DoNotCall,
    add_do_not_call,
    list_do_not_call,
    remove_do_not_call,
)
from ringfence.cards.permissions import (
    ContactChannel,
    Permission,
    permission_history,
    permissions_of,
    record_permission,
)
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("permissions")


class PermissionsView(msgspec.Struct, frozen=True):
    """What is in force for each channel, and everything that was recorded, the oldest first."""

    in_force: tuple[Permission, ...]
    history: tuple[Permission, ...]


class PermissionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consent (`given` true) or its withdrawal, and what it rests on."""

    channel: ContactChannel
    given: bool
    source: str = "api"


class DoNotCallQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers in their order; `after` is the last one of the page before."""

    after: str = ""
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 1000:
            raise InvalidInput("out of range", field="limit", expected="1 to 1000")


class DoNotCallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nobody contacts it."""

    reason: str


@operations.add(
    "GET",
    "/v1/customers/{customer_id}/permissions",
    scope=Scope.CARDS_READ,
    reply=PermissionsView,
)
def get_permissions(services: Services, call: Call) -> PermissionsView:
    """Whether a customer may be called and written to about suspicious payments, and since when."""
    with services.database.read() as connection:
        return _view(connection, call.path["customer_id"])


@operations.add(
    "POST",
    "/v1/customers/{customer_id}/permissions",
    scope=Scope.CARDS_WRITE,
    body=PermissionBody,
    reply=PermissionsView,
)
def post_permission(services: Services, call: Call) -> PermissionsView:
    """Record a consent or a withdrawal; it is in force at once, also for open cases."""
    body: PermissionBody = call.body
    customer_id = call.path["customer_id"]
    with services.database.write() as connection:
        record_permission(
            connection,
            customer_id,
            body.channel,
            given=body.given,
            source=body.source,
            by=call.principal.name,
            at=now(),
        )
        return _view(connection, customer_id)


@operations.add(
    "GET", "/v1/do-not-call", scope=Scope.CARDS_READ, query=DoNotCallQuery, reply=list[DoNotCall]
)
def get_do_not_call(services: Services, call: Call) -> list[DoNotCall]:
    """The numbers that nobody contacts, whoever has them."""
    query: DoNotCallQuery = call.query
    with services.database.read() as connection:
        return list_do_not_call(connection, after=query.after, limit=query.limit)


@operations.add(
    "PUT",
    "/v1/do-not-call/{number}",
    scope=Scope.CARDS_WRITE,
    body=DoNotCallBody,
    reply=DoNotCall,
)
def put_do_not_call(services: Services, call: Call) -> DoNotCall:
    """List a number (E.164), or change the reason for it; it is contacted no more."""
    with services.database.write() as connection:
        return add_do_not_call(
            connection, call.path["number"], call.body.reason, by=call.principal.name, at=now()
        )


@operations.add("DELETE", "/v1/do-not-call/{number}", scope=Scope.CARDS_WRITE, status=204)
def delete_do_not_call(services: Services, call: Call) -> None:
    """Take a number off the list."""
    with services.database.write() as connection:
        remove_do_not_call(connection, call.path["number"])


def _view(connection: Connection, customer_id: str) -> PermissionsView:
    get_customer(connection, customer_id)
    return PermissionsView(
        tuple(permissions_of(connection, customer_id)),
        tuple(permission_history(connection, customer_id)),
    )
