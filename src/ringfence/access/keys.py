"""API keys: how a program proves who it is."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringfence.access import tables
from ringfence.access.principals import Principal, Scope
from ringfence.access.recall import REREAD_SECONDS, Recall, revocations_from, token_hash
from ringfence.errors import InvalidInput, NotFound, Unauthenticated
from ringfence.storage import Database, now

_ID_ALPHABET = string.ascii_lowercase + string.digits
# An operator's own choice; the keys that we make have 43 characters of chance.
_LEAST_TOKEN_LENGTH = 8
_MOST_TOKEN_LENGTH = 512


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without the token, which nobody can read again."""

    key_id: str
    name: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None


class KeyRing:
    """Recognises API keys, from memory on the hot path; makes and revokes them.

    What it writes, it writes on the given connection, to be committed by its owner.
    """

    def __init__(self, database: Database, *, reread_seconds: float = REREAD_SECONDS):
        self._database = database
        self._recall: Recall[bytes, tuple[Principal, datetime | None]] = Recall(
            self._look_up, revocations_from(database.engine), reread_seconds
        )

    def principal(self, token: str) -> Principal:
        """Who holds `token`. Raises `Unauthenticated` for an unknown, expired or revoked one."""
        if len(token) <= _MOST_TOKEN_LENGTH:
            known = self._recall.get(token_hash(token))
            if known is not None and (known[1] is None or now() < known[1]):
                return known[0]
        raise Unauthenticated("not a valid API key", expected="Authorization: Bearer rf_...")

    def create_key(
        self,
        connection: Connection,
        name: str,
        scopes: Iterable[Scope],
        by: str,
        at: datetime,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, and its token `rf_<id>_<secret>`, which is to be shown once and is not kept.

        Raises `InvalidInput` naming `name`, `scopes` or `expires_at`.
        """
        require_to_come(expires_at, at)
        key_id = _new_id()
        token = f"rf_{key_id}_{secrets.token_urlsafe(32)}"
        return _store(connection, key_id, token, name, scopes, by, at, expires_at), token

    def ensure_key(
        self,
        connection: Connection,
        token: str,
        name: str,
        scopes: Iterable[Scope],
        at: datetime | None = None,
    ) -> ApiKey:
        """The key of a token that an operator chose; it is stored when it is not known yet.

        A token that was revoked stays so. Raises `InvalidInput` naming `api_key` for one that is
        shorter than 8 characters.
        """
        if not _LEAST_TOKEN_LENGTH <= len(token) <= _MOST_TOKEN_LENGTH or any(
            not "!" <= letter <= "~" for letter in token
        ):
            raise InvalidInput(
                "not usable as an API key",
                field="api_key",
                expected="8 to 512 printable ASCII characters without spaces",
            )
        stored = select(tables.api_keys).where(tables.api_keys.c.token_hash == token_hash(token))
        row = connection.execute(stored).first()
        if row is not None:
            return _key(row)
        by, at = "configuration", at or now()
        try:
            with connection.begin_nested():
                return _store(connection, _new_id(), token, name, scopes, by, at, None)
        except IntegrityError:  # another process that starts, too, was faster
            return _key(connection.execute(stored).one())

    def revoke_key(self, connection: Connection, key_id: str, by: str, at: datetime) -> ApiKey:
        """Make a key useless for good. Harmless when it is already. Raises `NotFound`."""
        table = tables.api_keys
        connection.execute(
            update(table)
            .where(table.c.key_id == key_id, table.c.revoked_at.is_(None))
            .values(revoked_by=by, revoked_at=at)
        )
        revocations_from(connection.engine).note()
        row = connection.execute(select(table).where(table.c.key_id == key_id)).first()
        if row is None:
            raise NotFound("there is no such API key", field="key_id")
        return _key(row)

    def _look_up(self, hashed: bytes) -> tuple[Principal, datetime | None] | None:
        with self._database.read() as connection:
            row = connection.execute(
                select(tables.api_keys).where(
                    tables.api_keys.c.token_hash == hashed, tables.api_keys.c.revoked_at.is_(None)
                )
            ).first()
        if row is None:
            return None
        return Principal(row.name, frozenset(_known_scopes(row.scopes))), row.expires_at


def list_keys(connection: Connection) -> Sequence[ApiKey]:
    """All keys, the revoked ones too, newest first."""
    rows = connection.execute(
        select(tables.api_keys).order_by(
            tables.api_keys.c.created_at.desc(), tables.api_keys.c.key_id
        )
    )
    return [_key(row) for row in rows]


def require_key_name(name: str) -> None:
    """Raise `InvalidInput` naming `name` unless a key can be called that."""
    if not 1 <= len(name) <= 64 or not name.isprintable() or name != name.strip():
        raise InvalidInput("not a name", field="name", expected="1 to 64 printable characters")


def require_to_come(expires_at: datetime | None, at: datetime) -> None:
    """Raise `InvalidInput` naming `expires_at` when a key would have expired already."""
    if expires_at is not None and expires_at <= at:
        raise InvalidInput("has passed already", field="expires_at", expected="a time to come")


def _store(
    connection: Connection,
    key_id: str,
    token: str,
    name: str,
    scopes: Iterable[Scope],
    by: str,
    at: datetime,
    expires_at: datetime | None,
) -> ApiKey:
    require_key_name(name)
    kept = tuple(sorted(set(scopes)))
    if not kept:
        raise InvalidInput(
            "empty", field="scopes", expected="one or more of " + ", ".join(sorted(Scope))
        )
    connection.execute(
        insert(tables.api_keys).values(
            key_id=key_id,
            token_hash=token_hash(token),
            name=name,
            scopes=kept,
            created_by=by,
            created_at=at,
            expires_at=expires_at,
        )
    )
    return ApiKey(
        key_id=key_id,
        name=name,
        scopes=kept,
        created_by=by,
        created_at=at,
        expires_at=expires_at,
        revoked_by=None,
        revoked_at=None,
    )


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=tuple(_known_scopes(row.scopes)),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_by=row.revoked_by,
        revoked_at=row.revoked_at,
    )


def _known_scopes(stored: Iterable[str]) -> list[Scope]:
    # A newer release may have stored a scope that this one does not know, and so cannot grant.
    return [Scope(name) for name in stored if name in Scope._value2member_map_]


def _new_id() -> str:
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(8))
