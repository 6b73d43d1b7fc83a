"""The flow log: what each block of a contact did, in the shape of Amazon Connect's log.

A flow logs from where a block switches it on. Entries are kept for a while, to be read in the
console and through the API; they are written a moment later than they happen, in bulk, so that a
call never waits for its log.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row, delete, insert, select

from ringfence.contacts import tables
from ringfence.flows import FlowEvent, FlowEventKind
from ringfence.storage import Database, now

FLUSH_SECONDS = 0.25
_MOST_WAITING = 50_000  # beyond which the oldest are lost, rather than the server
_PURGE_EVERY = timedelta(hours=1)
_log = structlog.get_logger(__name__)


class FlowLogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. `content` has Amazon Connect's names."""

    log_id: int
    contact_id: str
    at: datetime
    content: Mapping[str, Any]


def log_content(event: FlowEvent) -> dict[str, Any]:
    """An entry as Amazon Connect writes it to the log group of an instance.

    `ContactFlowModuleType` is the name of the older format, also for newer flows; values are
    masked where they are secret. Source: "Flow logs", Amazon Connect Administrator Guide.
    """
    content: dict[str, Any] = {
        "ContactId": event.contact_id,
        "ContactFlowId": event.flow_arn,
        "ContactFlowName": event.flow_name,
        "ContactFlowModuleType": event.block_type,
        "Identifier": event.block_id,
        "Timestamp": _instant(event.at),
    }
    if event.parameters:
        content["Parameters"] = dict(event.parameters)
    if event.result:
        content["Results"] = event.result
    if event.external_results:
        content["ExternalResults"] = dict(event.external_results)
    return content


class FlowLog:
    """Writes the entries of one process, and forgets old ones. Held open by a server."""

    def __init__(self, database: Database, *, keep_days: float):
        self._database = database
        self._keep = timedelta(days=keep_days)
        self._waiting: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow-log", daemon=True)
        self._purged_at: datetime | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and stop."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def add(self, instance_id: str, event: FlowEvent) -> None:
        """Note an event, if it is one for the log."""
        if event.kind is not FlowEventKind.BLOCK or not event.logged:
            return
        entry = {
            "instance_id": instance_id,
            "contact_id": event.contact_id,
            "at": event.at,
            "content": log_content(event),
        }
        with self._lock:
            self._waiting.append(entry)
            if len(self._waiting) > _MOST_WAITING:
                del self._waiting[: _MOST_WAITING // 10]

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            entries, self._waiting = self._waiting, []
        if not entries:
            return
        try:
            with self._database.write() as connection:
                connection.execute(insert(tables.flow_logs), entries)
        except Exception as error:
            _log.error("flow logs could not be written", entries=len(entries), error=str(error))
            with self._lock:
                self._waiting[:0] = entries

    def _run(self) -> None:
        while not self._closing.wait(FLUSH_SECONDS):
            self.flush()
            self._purge()

    def _purge(self) -> None:
        at = now()
        if self._purged_at is not None and at - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = at
        try:
            with self._database.write() as connection:
                table = tables.flow_logs
                connection.execute(delete(table).where(table.c.at < at - self._keep))
        except Exception as error:
            _log.error("old flow logs could not be removed", error=str(error))


def read_flow_logs(
    connection: Connection,
    instance_id: str,
    *,
    contact_id: str | None = None,
    after_id: int = 0,
    limit: int = 200,
) -> list[FlowLogEntry]:
    """Entries after `after_id` in the order in which they were written."""
    table = tables.flow_logs
    query = select(table).where(table.c.log_id > after_id, table.c.instance_id == instance_id)
    if contact_id is not None:
        query = query.where(table.c.contact_id == contact_id)
    rows = connection.execute(query.order_by(table.c.log_id).limit(limit))
    return [_entry(row) for row in rows]


def latest_flow_logs(
    connection: Connection, instance_id: str, *, limit: int = 200
) -> Sequence[FlowLogEntry]:
    """The newest entries, in the order in which they were written."""
    table = tables.flow_logs
    rows = connection.execute(
        select(table)
        .where(table.c.instance_id == instance_id)
        .order_by(table.c.log_id.desc())
        .limit(limit)
    )
    return [_entry(row) for row in rows][::-1]


def _entry(row: Row[tuple[Any, ...]]) -> FlowLogEntry:
    return FlowLogEntry(
        log_id=row.log_id, contact_id=row.contact_id, at=row.at, content=row.content
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
