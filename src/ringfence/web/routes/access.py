"""API keys, access keys of AWS clients, and users."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ringfence.access import (
    DEFAULT_PERMISSIONS,
    NEEDED_SCOPES,
    AccessKey,
    ApiKey,
    Role,
    Scope,
    User,
    create_access_key,
    create_user,
    disable_user,
    enable_user,
    get_user,
    list_access_keys,
    list_keys,
    list_users,
    revoke_access_key,
    set_password,
    set_role,
)
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("access")


class Me(msgspec.Struct, frozen=True):
    """Who is asking."""

    name: str
    scopes: tuple[Scope, ...]
    role: Role | None


class KeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make: what it may do, and until when."""

    name: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None = None


class NewKey(msgspec.Struct, frozen=True):
    """A key just made. The token is shown only here."""

    key: ApiKey
    token: str


class AccessKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access key to make: which operations it may call, as IAM writes actions, and until when.

    A permission is a name such as `frauddetector:GetEventPrediction`, or a pattern such as
    `frauddetector:Get*`.
    """

    name: str
    permissions: tuple[str, ...] = DEFAULT_PERMISSIONS
    expires_at: datetime | None = None


class NewAccessKey(msgspec.Struct, frozen=True):
    """An access key just made. The secret is shown only here."""

    key: AccessKey
    secret_access_key: str


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user to make."""

    name: str
    password: str
    role: Role


class UserChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a user; what is left out stays."""

    password: str | None = None
    role: Role | None = None
    disabled: bool | None = None


@operations.add("GET", "/v1/me", scope=None, reply=Me)
def get_me(services: Services, call: Call) -> Me:
    """Who the caller is, and what it may do."""
    principal = call.principal
    return Me(principal.name, tuple(sorted(principal.scopes)), principal.role)


@operations.add("GET", "/v1/keys", scope=Scope.ACCESS, reply=list[ApiKey])
def get_keys(services: Services, call: Call) -> list[ApiKey]:
    """All API keys, without their tokens."""
    with services.database.read() as connection:
        return list(list_keys(connection))


@operations.add("POST", "/v1/keys", scope=Scope.ACCESS, body=KeyBody, reply=NewKey, status=201)
def post_key(services: Services, call: Call) -> NewKey:
    """Make an API key. It can do no more than the caller can."""
    body: KeyBody = call.body
    beyond = set(body.scopes) - call.principal.scopes
    if beyond:
        raise InvalidInput(
            f"the caller does not have {min(beyond)}", field="scopes", expected="its own scopes"
        )
    if not body.scopes:
        raise InvalidInput("empty", field="scopes", expected="at least one scope")
    with services.database.write() as connection:
        key, token = services.keys.create_key(
            connection,
            body.name,
            frozenset(body.scopes),
            by=call.principal.name,
            at=now(),
            expires_at=body.expires_at,
        )
    return NewKey(key, token)


@operations.add("DELETE", "/v1/keys/{key_id}", scope=Scope.ACCESS, status=204)
def delete_key(services: Services, call: Call) -> None:
    """Revoke an API key at once."""
    with services.database.write() as connection:
        services.keys.revoke_key(connection, call.path["key_id"], by=call.principal.name, at=now())


@operations.add("GET", "/v1/access-keys", scope=Scope.ACCESS, reply=list[AccessKey])
def get_access_keys(services: Services, call: Call) -> list[AccessKey]:
    """All access keys of AWS clients, without their secrets."""
    with services.database.read() as connection:
        return list(list_access_keys(connection))


@operations.add(
    "POST",
    "/v1/access-keys",
    scope=Scope.ACCESS,
    body=AccessKeyBody,
    reply=NewAccessKey,
    status=201,
)
def post_access_key(services: Services, call: Call) -> NewAccessKey:
    """Make an access key for an AWS client. The caller must be able to do what it may."""
    body: AccessKeyBody = call.body
    beyond = NEEDED_SCOPES - call.principal.scopes
    if beyond:
        raise InvalidInput(
            f"the caller does not have {min(beyond)}",
            field="permissions",
            expected="a caller with " + ", ".join(sorted(NEEDED_SCOPES)),
        )
    with services.database.write() as connection:
        key, secret = create_access_key(
            connection,
            services.vault,
            body.name,
            body.permissions,
            by=call.principal.name,
            at=now(),
            expires_at=body.expires_at,
        )
    return NewAccessKey(key, secret)


@operations.add("DELETE", "/v1/access-keys/{access_key_id}", scope=Scope.ACCESS, status=204)
def delete_access_key(services: Services, call: Call) -> None:
    """Revoke an access key at once."""
    with services.database.write() as connection:
        revoke_access_key(connection, call.path["access_key_id"], by=call.principal.name, at=now())


@operations.add("GET", "/v1/users", scope=Scope.ACCESS, reply=list[User])
def get_users(services: Services, call: Call) -> list[User]:
    """All users."""
    with services.database.read() as connection:
        return list(list_users(connection))


@operations.add("POST", "/v1/users", scope=Scope.ACCESS, body=UserBody, reply=User, status=201)
def post_user(services: Services, call: Call) -> User:
    """Make a user."""
    body: UserBody = call.body
    with services.database.write() as connection:
        return create_user(
            connection, body.name, body.password, body.role, by=call.principal.name, at=now()
        )


@operations.add("PATCH", "/v1/users/{name}", scope=Scope.ACCESS, body=UserChange, status=204)
def patch_user(services: Services, call: Call) -> None:
    """Change a user's role or password, or shut the user out; open sessions end."""
    body: UserChange = call.body
    name, by, at = call.path["name"], call.principal.name, now()
    with services.database.write() as connection:
        get_user(connection, name)
        if body.role is not None:
            set_role(connection, name, body.role, by=by, at=at)
        if body.password is not None:
            set_password(connection, name, body.password, by=by, at=at)
        if body.disabled is not None:
            change = disable_user if body.disabled else enable_user
            change(connection, name, by, at)
