"""Recordings of calls: sealed files, kept for so long, and then deleted.

Each is one file under the vault's key, bound to its contact; the database says which there are. A
file is whole on disk before its row is written, and a row says that it is deleted before its file
is: so a crash leaves at most a file that nobody can find any more, which the next sweep removes.
"""

from __future__ import annotations

import io
import os
import re
import wave
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Connection, insert, select, update

from ringfence.cards import Vault
from ringfence.contacts import tables
from ringfence.errors import NotFound, Unavailable
from ringfence.storage import Database, now

_SUFFIX = ".sealed"
_ORPHAN_AGE = timedelta(hours=1)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_log = structlog.get_logger(__name__)


class CallRecording(msgspec.Struct, frozen=True, kw_only=True):
    """The recording of a contact, without its sound. `size` is in bytes of the WAV file."""

    contact_id: str
    instance_id: str
    size: int
    seconds: float
    key_id: str
    recorded_at: datetime
    expires_at: datetime
    deleted_at: datetime | None = None
    deleted_by: str | None = None


class CallRecordings:
    """The recordings of a server. Blocks: use it in a thread."""

    def __init__(self, database: Database, vault: Vault, folder: Path, *, keep_days: float):
        self._database = database
        self._vault = vault
        self._folder = folder
        self._keep = timedelta(days=keep_days)

    def keep(self, contact_id: str, instance_id: str, wav: bytes) -> CallRecording:
        """Seal the WAV file of a contact's call. Raises `Unavailable` when the disk does not take
        it."""
        at = now()
        recording = CallRecording(
            contact_id=contact_id,
            instance_id=instance_id,
            size=len(wav),
            seconds=_seconds(wav),
            key_id=self._vault.key_id,
            recorded_at=at,
            expires_at=at + self._keep,
        )
        sealed = self._vault.seal_bytes(_purpose(contact_id), wav)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(self._path(contact_id), sealed)
        except OSError as error:
            raise Unavailable(
                f"the recording of {contact_id} cannot be kept: {error.strerror}",
                field="recordings_folder",
            ) from error
        with self._database.write() as connection:
            connection.execute(
                insert(tables.call_recordings).values(**msgspec.structs.asdict(recording))
            )
        return recording

    def read(self, contact_id: str, *, by: str) -> bytes:
        """The WAV file of a contact's call; that `by` has heard it is logged.

        Raises `NotFound` where there is none, or none any more; `Unavailable` when it cannot be
        decrypted.
        """
        with self._database.read() as connection:
            recording = get_recording(connection, contact_id)
        if recording.deleted_at is not None:
            raise NotFound("the recording is deleted", field="contact_id")
        try:
            sealed = self._path(contact_id).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                "the recording is on another server, or lost", field="contact_id"
            ) from None
        wav = self._vault.open_bytes(_purpose(contact_id), sealed)
        _log.info("a recording was read", contact_id=contact_id, by=by)
        return wav

    def delete(self, contact_id: str, *, by: str) -> CallRecording:
        """Delete a recording before its time. Raises `NotFound`; harmless when it is deleted."""
        with self._database.write() as connection:
            _delete(connection, [contact_id], by)
            recording = get_recording(connection, contact_id)
        self._path(contact_id).unlink(missing_ok=True)
        return recording

    def sweep(self) -> int:
        """Delete what is older than it may be, and files without a row; how many expired."""
        at = now()
        table = tables.call_recordings
        with self._database.write() as connection:
            expired = list(
                connection.execute(
                    select(table.c.contact_id).where(
                        table.c.deleted_at.is_(None), table.c.expires_at <= at
                    )
                ).scalars()
            )
            _delete(connection, expired, "retention")
        if self._folder.is_dir():
            self._remove_files(at)
        return len(expired)

    def _remove_files(self, at: datetime) -> None:
        for path in self._folder.iterdir():
            contact_id = path.name.removesuffix(_SUFFIX)
            with self._database.read() as connection:
                kept = connection.execute(
                    select(tables.call_recordings.c.contact_id).where(
                        tables.call_recordings.c.contact_id == contact_id,
                        tables.call_recordings.c.deleted_at.is_(None),
                    )
                ).first()
            age = at.timestamp() - path.stat().st_mtime
            if kept is None and age > _ORPHAN_AGE.total_seconds():
                path.unlink(missing_ok=True)

    def _path(self, contact_id: str) -> Path:
        if not _NAME.fullmatch(contact_id) or contact_id.startswith("."):
            raise NotFound(f"there is no recording of {contact_id!r}", field="contact_id")
        return self._folder / f"{contact_id}{_SUFFIX}"


def get_recording(connection: Connection, contact_id: str) -> CallRecording:
    """What is on record of a contact's recording. Raises `NotFound`."""
    table = tables.call_recordings
    row = connection.execute(select(table).where(table.c.contact_id == contact_id)).first()
    if row is None:
        raise NotFound(f"there is no recording of {contact_id!r}", field="contact_id")
    return CallRecording(**row._mapping)


def list_recordings(
    connection: Connection, *, before: datetime | None = None, limit: int = 100
) -> list[CallRecording]:
    """Recordings, the newest first, also those that are deleted."""
    table = tables.call_recordings
    query = select(table).order_by(table.c.recorded_at.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.recorded_at < before)
    return [CallRecording(**row._mapping) for row in connection.execute(query)]


def _delete(connection: Connection, contact_ids: list[str], by: str) -> None:
    table = tables.call_recordings
    connection.execute(
        update(table)
        .where(table.c.contact_id.in_(contact_ids), table.c.deleted_at.is_(None))
        .values(deleted_at=now(), deleted_by=by)
    )


def _purpose(contact_id: str) -> str:
    return f"recording of {contact_id}"


def _seconds(wav: bytes) -> float:
    with wave.open(io.BytesIO(wav)) as reader:
        return float(reader.getnframes() / reader.getframerate())


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
