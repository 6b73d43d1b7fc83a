"""Sessions: a signed-in user's browser, recognised by a random token in a cookie."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from ringfence.access import tables
from ringfence.access.principals import Principal, Role
from ringfence.access.recall import REREAD_SECONDS, Recall, revocations_from, token_hash
from ringfence.errors import Unauthenticated
from ringfence.storage import Database, now

if TYPE_CHECKING:
    from ringfence.access.users import User

LIFETIME = timedelta(hours=12)
# PCI DSS 4.0.1, 8.2.8: idle for more than 15 minutes means signing in again.
IDLE = timedelta(minutes=15)
# How often it is written down that a session is in use; so it may count as idle this much early.
_SEEN_EVERY = timedelta(minutes=1)
_MOST_TOKEN_LENGTH = 512


class _Open(msgspec.Struct):
    principal: Principal
    expires_at: datetime
    seen_at: datetime  # the latest use, in memory
    noted_at: datetime  # the latest use on disk


class Sessions:
    """Recognises the tokens of sessions, and keeps those in use from going idle."""

    def __init__(
        self,
        database: Database,
        *,
        idle: timedelta = IDLE,
        reread_seconds: float = REREAD_SECONDS,
    ):
        self._database = database
        self._idle = idle
        self._recall: Recall[bytes, _Open] = Recall(
            self._look_up, revocations_from(database.engine), reread_seconds
        )

    def principal(self, token: str, used_at: datetime | None = None) -> Principal:
        """Whose session this is.

        `used_at` is when the person last did something, for a page that refreshes itself; without
        it, that is now. Raises `Unauthenticated` when the session is over, idle or unknown.
        """
        at = now()
        used_at = at if used_at is None else min(used_at, at)
        session = self._recall.get(token_hash(token)) if len(token) <= _MOST_TOKEN_LENGTH else None
        if (
            session is None
            or at >= session.expires_at
            or used_at - session.seen_at >= self._idle
            or at - max(used_at, session.seen_at) >= self._idle
        ):
            raise Unauthenticated("the session is over", expected="signing in again")
        session.seen_at = max(session.seen_at, used_at)
        if used_at - session.noted_at >= min(_SEEN_EVERY, self._idle / 3):
            session.noted_at = used_at
            self._note_use(token, used_at)
        return session.principal

    def close(self, token: str) -> None:
        """End a session, in a transaction of its own. Harmless when there is none."""
        with self._database.write() as connection:
            close_session(connection, token)

    def forget(self) -> None:
        """Look at the disk again: what users may do has just changed."""
        self._recall.forget()

    def _look_up(self, hashed: bytes) -> _Open | None:
        sessions, users = tables.sessions, tables.users
        with self._database.read() as connection:
            row = connection.execute(
                select(sessions, users.c.role)
                .join(users, users.c.name == sessions.c.user_name)
                .where(sessions.c.token_hash == hashed, ~users.c.disabled)
            ).first()
        if row is None:
            return None
        role = Role(row.role)
        return _Open(
            Principal(row.user_name, role.scopes, role), row.expires_at, row.seen_at, row.seen_at
        )

    def _note_use(self, token: str, at: datetime) -> None:
        with self._database.write() as connection:
            connection.execute(
                update(tables.sessions)
                .where(
                    tables.sessions.c.token_hash == token_hash(token),
                    tables.sessions.c.seen_at < at,
                )
                .values(seen_at=at)
            )


def open_session(connection: Connection, user: User, at: datetime) -> str:
    """The token of a new session, 256 random bits; only its hash is kept."""
    token = secrets.token_urlsafe(32)
    table = tables.sessions
    connection.execute(delete(table).where(table.c.expires_at <= at))
    connection.execute(
        insert(table).values(
            token_hash=token_hash(token),
            user_name=user.name,
            opened_at=at,
            seen_at=at,
            expires_at=at + LIFETIME,
        )
    )
    return token


def close_session(connection: Connection, token: str) -> None:
    """End a session. Harmless when there is none."""
    connection.execute(
        delete(tables.sessions).where(tables.sessions.c.token_hash == token_hash(token))
    )
    revocations_from(connection.engine).note()


def close_sessions_of(connection: Connection, user_name: str) -> int:
    """End all sessions of a user; returns how many there were."""
    closed = connection.execute(
        delete(tables.sessions).where(tables.sessions.c.user_name == user_name)
    )
    revocations_from(connection.engine).note()
    return closed.rowcount
