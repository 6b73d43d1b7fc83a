"""Access keys: how clients of AWS prove who they are, by signing what they send.

A signature is checked by making it again, so the secret must be read again; it is kept sealed, by
whoever the server has for that (`cards.Vault`). How signatures are made is not known here
(`aws.signing`).
"""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
import structlog
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.access import tables
from ringfence.access.keys import require_key_name, require_to_come
from ringfence.access.permissions import read_permissions
from ringfence.access.recall import REREAD_SECONDS, Recall, revocations_from
from ringfence.errors import NotFound, Unavailable
from ringfence.storage import Database

# As long and of the same letters as AWS's own, so that every client takes them.
_ID_PREFIX, _ID_ALPHABET, _ID_LENGTH = "RFAK", string.ascii_uppercase + "234567", 20
_SECRET_ALPHABET, _SECRET_LENGTH = string.ascii_letters + string.digits, 40
_USE_NOTED_EVERY = timedelta(minutes=5)
_log = structlog.get_logger(__name__)


class Sealer(Protocol):
    """Keeps texts unreadable at rest, each bound to a purpose."""

    def seal_text(self, purpose: str, text: str) -> bytes:
        """The text, encrypted."""

    def open_text(self, purpose: str, sealed: bytes) -> str:
        """The text again. Raises `Unavailable` when it cannot be opened for this purpose."""


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """An access key, without its secret, which is shown only once.

    `last_used_at` is right to five minutes.
    """

    access_key_id: str
    name: str
    permissions: tuple[str, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Who signs with an access key that was not revoked; it may have expired."""

    access_key_id: str
    name: str
    permissions: tuple[str, ...]
    expires_at: datetime | None
    secret: str = field(repr=False)


class SigningKeys:
    """Recognises access keys by their ids, from memory on the hot path."""

    def __init__(
        self, database: Database, sealer: Sealer, *, reread_seconds: float = REREAD_SECONDS
    ):
        self._database = database
        self._sealer = sealer
        self._recall: Recall[str, KeyHolder] = Recall(
            self._look_up, revocations_from(database.engine), reread_seconds
        )
        self._noted: dict[str, datetime] = {}

    def holder(self, access_key_id: str) -> KeyHolder | None:
        """Who holds the key of that id; None when there is none, or when it was revoked.

        Raises `Unavailable` when its secret was sealed with another key than ours.
        """
        if len(access_key_id) != _ID_LENGTH or not access_key_id.startswith(_ID_PREFIX):
            return None
        return self._recall.get(access_key_id)

    def note_use(self, holder: KeyHolder, at: datetime) -> None:
        """Have it written down, now and again, that a key is in use. Does not wait for that."""
        noted = self._noted.get(holder.access_key_id)
        if noted is not None and at - noted < _USE_NOTED_EVERY:
            return
        self._noted[holder.access_key_id] = at
        threading.Thread(
            target=self._write_use, args=(holder.access_key_id, at), daemon=True
        ).start()

    def _look_up(self, access_key_id: str) -> KeyHolder | None:
        table = tables.access_keys
        with self._database.read() as connection:
            row = connection.execute(
                select(table).where(
                    table.c.access_key_id == access_key_id, table.c.revoked_at.is_(None)
                )
            ).first()
        if row is None:
            return None
        return KeyHolder(
            access_key_id=row.access_key_id,
            name=row.name,
            permissions=tuple(row.permissions),
            expires_at=row.expires_at,
            secret=self._sealer.open_text(_purpose(access_key_id), row.sealed_secret),
        )

    def _write_use(self, access_key_id: str, at: datetime) -> None:
        table = tables.access_keys
        try:
            with self._database.write() as connection:
                connection.execute(
                    update(table)
                    .where(
                        table.c.access_key_id == access_key_id,
                        table.c.last_used_at.is_(None) | (table.c.last_used_at < at),
                    )
                    .values(last_used_at=at)
                )
        except Unavailable as error:
            self._noted.pop(access_key_id, None)
            _log.debug("the use of an access key was not noted", reason=error.message)


def create_access_key(
    connection: Connection,
    sealer: Sealer,
    name: str,
    permissions: Iterable[str],
    by: str,
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[AccessKey, str]:
    """A new access key, and its secret, which is to be shown once.

    Raises `InvalidInput` naming `name`, `permissions` or `expires_at`.
    """
    require_key_name(name)
    require_to_come(expires_at, at)
    kept = read_permissions(permissions)
    access_key_id = _ID_PREFIX + _chance(_ID_ALPHABET, _ID_LENGTH - len(_ID_PREFIX))
    secret = _chance(_SECRET_ALPHABET, _SECRET_LENGTH)
    key = AccessKey(
        access_key_id=access_key_id,
        name=name,
        permissions=kept,
        created_by=by,
        created_at=at,
        expires_at=expires_at,
        revoked_by=None,
        revoked_at=None,
        last_used_at=None,
    )
    sealed = sealer.seal_text(_purpose(access_key_id), secret)
    row = {**msgspec.structs.asdict(key), "sealed_secret": sealed}
    connection.execute(insert(tables.access_keys).values(row))
    return key, secret


def list_access_keys(connection: Connection) -> Sequence[AccessKey]:
    """All access keys, the revoked ones too, newest first."""
    table = tables.access_keys
    rows = connection.execute(
        select(table).order_by(table.c.created_at.desc(), table.c.access_key_id)
    )
    return [_key(row) for row in rows]


def revoke_access_key(
    connection: Connection, access_key_id: str, by: str, at: datetime
) -> AccessKey:
    """Make an access key useless for good; its secret is forgotten. Harmless when it is already.

    Raises `NotFound` naming `access_key_id`.
    """
    table = tables.access_keys
    connection.execute(
        update(table)
        .where(table.c.access_key_id == access_key_id, table.c.revoked_at.is_(None))
        .values(revoked_by=by, revoked_at=at, sealed_secret=None)
    )
    revocations_from(connection.engine).note()
    row = connection.execute(select(table).where(table.c.access_key_id == access_key_id)).first()
    if row is None:
        raise NotFound("there is no such access key", field="access_key_id")
    return _key(row)


def _key(row: Row[Any]) -> AccessKey:
    return AccessKey(
        access_key_id=row.access_key_id,
        name=row.name,
        permissions=tuple(row.permissions),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_by=row.revoked_by,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


def _purpose(access_key_id: str) -> str:
    return f"access key {access_key_id}"


def _chance(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
