"""Users: the people who work with the console."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringfence.access import tables
from ringfence.access.passwords import hash_password
from ringfence.access.principals import Role
from ringfence.access.sessions import close_sessions_of
from ringfence.errors import Conflict, InvalidInput, NotFound

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_FIRST_ADMIN = "admin"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A user. Names are in lower case; a disabled user cannot sign in."""

    name: str
    role: Role
    disabled: bool
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    password_changed_at: datetime
    signed_in_at: datetime | None


def create_user(
    connection: Connection, name: str, password: str, role: Role, by: str, at: datetime
) -> User:
    """A new user.

    Raises `InvalidInput` naming `name` or `password`, and `Conflict` when the name is taken.
    """
    return _create(connection, name, password, role, by, at, field="password")


def ensure_admin(connection: Connection, password: str | None, at: datetime) -> str | None:
    """Create the user `admin` when there is no user at all.

    Returns the password to print once, when none was given and one had to be made up; otherwise
    None. Raises `InvalidInput` naming `admin_password`.
    """
    if connection.execute(select(tables.users.c.name).limit(1)).first() is not None:
        return None
    made_up = None if password else secrets.token_urlsafe(18)
    first, field = password or made_up or "", "admin_password"
    try:
        _create(connection, _FIRST_ADMIN, first, Role.ADMIN, "ringfence", at, field=field)
    except Conflict:  # another process that starts, too, was faster
        return None
    return made_up


def get_user(connection: Connection, name: str) -> User:
    """The user of that name. Raises `NotFound`."""
    row = connection.execute(select(tables.users).where(tables.users.c.name == fold(name))).first()
    if row is None:
        raise NotFound("there is no such user", field="name")
    return user_of(row)


def list_users(connection: Connection) -> Sequence[User]:
    """All users by name, the disabled ones too."""
    return [
        user_of(row)
        for row in connection.execute(select(tables.users).order_by(tables.users.c.name))
    ]


def set_password(connection: Connection, name: str, password: str, by: str, at: datetime) -> User:
    """Give a user a new password. Closes their sessions and ends a lock-out.

    Raises `InvalidInput` naming `password`, `NotFound`.
    """
    user = get_user(connection, name)
    hashed = hash_password(password)
    _update(connection, user.name, by, at, password_hash=hashed, password_changed_at=at)
    connection.execute(
        delete(tables.sign_in_failures).where(tables.sign_in_failures.c.name == user.name)
    )
    close_sessions_of(connection, user.name)
    return get_user(connection, user.name)


def set_role(connection: Connection, name: str, role: Role, by: str, at: datetime) -> User:
    """Give a user another role. Closes their sessions: they sign in again as what they are now.

    Raises `NotFound`, and `Conflict` when no admin would remain.
    """
    user = get_user(connection, name)
    if role is not Role.ADMIN:
        _require_another_admin(connection, user)
    _update(connection, user.name, by, at, role=role)
    close_sessions_of(connection, user.name)
    return get_user(connection, user.name)


def disable_user(connection: Connection, name: str, by: str, at: datetime) -> User:
    """Keep a user from signing in, and close their sessions.

    Raises `NotFound`, and `Conflict` when no admin would remain.
    """
    user = get_user(connection, name)
    _require_another_admin(connection, user)
    _update(connection, user.name, by, at, disabled=True)
    close_sessions_of(connection, user.name)
    return get_user(connection, user.name)


def enable_user(connection: Connection, name: str, by: str, at: datetime) -> User:
    """Let a disabled user sign in again. Raises `NotFound`."""
    user = get_user(connection, name)
    _update(connection, user.name, by, at, disabled=False)
    return get_user(connection, user.name)


def fold(name: str) -> str:
    """A name as it is stored: names differ in more than case."""
    return name.strip().lower()


def user_of(row: Row[Any]) -> User:
    """The user of a row of the table."""
    return User(
        name=row.name,
        role=Role(row.role),
        disabled=row.disabled,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
        password_changed_at=row.password_changed_at,
        signed_in_at=row.signed_in_at,
    )


def _create(
    connection: Connection,
    name: str,
    password: str,
    role: Role,
    by: str,
    at: datetime,
    *,
    field: str,
) -> User:
    folded = fold(name)
    if not _NAME.fullmatch(folded):
        raise InvalidInput(
            "not a user name",
            field="name",
            expected="1 to 64 letters a-z, digits and . _ @ + -, starting with a letter or digit",
        )
    taken = select(tables.users.c.name).where(tables.users.c.name == folded)
    if connection.execute(taken).first() is not None:
        raise _taken()
    if fold(password) == folded:
        raise InvalidInput("is the user's name", field=field)
    created = insert(tables.users).values(
        name=folded,
        password_hash=hash_password(password, field=field),
        password_changed_at=at,
        role=role,
        disabled=False,
        created_by=by,
        created_at=at,
        updated_by=by,
        updated_at=at,
    )
    try:
        with connection.begin_nested():
            connection.execute(created)
    except IntegrityError:  # somebody else took the name while the password was hashed
        raise _taken() from None
    return get_user(connection, folded)


def _taken() -> Conflict:
    return Conflict("there is a user of that name", field="name", expected="another name")


def _update(connection: Connection, name: str, by: str, at: datetime, **values: object) -> None:
    connection.execute(
        update(tables.users)
        .where(tables.users.c.name == name)
        .values(updated_by=by, updated_at=at, **values)
    )


def _require_another_admin(connection: Connection, user: User) -> None:
    if user.role is not Role.ADMIN or user.disabled:
        return
    # Locked, so that two admins cannot take each other away at the same time.
    admins = connection.execute(
        select(tables.users.c.name)
        .where(tables.users.c.role == Role.ADMIN, ~tables.users.c.disabled)
        .order_by(tables.users.c.name)
        .with_for_update()
    ).all()
    if len(admins) < 2:
        raise Conflict(
            f"{user.name} is the only admin", field="name", expected="another admin first"
        )
