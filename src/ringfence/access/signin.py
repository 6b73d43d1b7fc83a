"""Signing in with a password, slower and slower for who guesses."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringfence.access import tables
from ringfence.access.passwords import hash_password, is_outdated, password_fits
from ringfence.access.users import User, fold, get_user
from ringfence.errors import Unauthenticated
from ringfence.storage import Database

# After so many failures in a row a name is locked, at first briefly, then twice as long each time.
FREE_FAILURES = 5
_FIRST_LOCK = timedelta(seconds=30)
_LONGEST_LOCK = timedelta(minutes=30)
_FORGOTTEN_AFTER = timedelta(days=1)


def authenticate(database: Database, name: str, password: str, at: datetime) -> User:
    """The user whose password this is.

    Takes the database, not a connection: the failure must be kept although it is raised, and the
    hash, some 50 ms, must not be computed inside a transaction that others wait for. An attempt
    is counted before its password is checked, so that guesses made at the same time count too.
    Costs the same, and says the same, whether or not there is such a user.

    Raises `Unauthenticated`.
    """
    folded = fold(name)[:64]
    with database.write() as connection:
        locked_until = _count_attempt(connection, folded, at)
        row = connection.execute(
            select(tables.users.c.password_hash).where(
                tables.users.c.name == folded, ~tables.users.c.disabled
            )
        ).first()
    if locked_until is not None:
        seconds = int((locked_until - at).total_seconds()) + 1
        raise Unauthenticated(
            "too many failed attempts to sign in",
            field="name",
            expected=f"another attempt in {seconds} seconds",
        )
    if not password_fits(password, row.password_hash if row else None) or row is None:
        raise Unauthenticated("the name or the password is wrong", field="password")
    rehashed = hash_password(password) if is_outdated(row.password_hash) else row.password_hash
    with database.write() as connection:
        connection.execute(
            delete(tables.sign_in_failures).where(tables.sign_in_failures.c.name == folded)
        )
        signed_in = connection.execute(
            update(tables.users)
            .where(
                tables.users.c.name == folded,
                tables.users.c.password_hash == row.password_hash,
                ~tables.users.c.disabled,
            )
            .values(signed_in_at=at, password_hash=rehashed)
        )
        if signed_in.rowcount == 0:
            raise Unauthenticated("the name or the password is wrong", field="password")
        return get_user(connection, folded)


def _count_attempt(connection: Connection, name: str, at: datetime) -> datetime | None:
    """Count an attempt as failed until it succeeds. Returns the end of a lock that is in force."""
    table = tables.sign_in_failures
    connection.execute(delete(table).where(table.c.last_at < at - _FORGOTTEN_AFTER))
    mine = select(table).where(table.c.name == name).with_for_update()
    row = connection.execute(mine).first()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(table).values(name=name, failures=1, last_at=at))
            return None
        except IntegrityError:  # another attempt was the first at the same time
            row = connection.execute(mine).one()
    locked_until: datetime | None = row.locked_until
    if locked_until is not None and at < locked_until:
        return locked_until
    failures = row.failures + 1
    lock = None
    if failures >= FREE_FAILURES:
        doublings = min(failures - FREE_FAILURES, 16)
        lock = at + min(_FIRST_LOCK * 2**doublings, _LONGEST_LOCK)
    connection.execute(
        update(table)
        .where(table.c.name == name)
        .values(failures=failures, last_at=at, locked_until=lock)
    )
    return None
