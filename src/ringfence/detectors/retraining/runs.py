"""Trainings and comparisons that are under way or over: one at a time, whatever number of servers.

Whoever works says so again and again. A process that dies is noticed by its silence; what it was
doing then counts as lost, and whoever comes next may begin anew. A process that was only asleep
finds on waking that it has lost its place, and stores nothing.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import DBAPIError

from ringfence.detectors import tables
from ringfence.errors import Conflict, NotFound, RingfenceError
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
LEASE = timedelta(seconds=60)
_BEAT_SECONDS = 5.0
_STAGE_CHARACTERS, _MESSAGE_CHARACTERS = 256, 1024


class RunKind(StrEnum):
    """What is being done."""

    RETRAIN = "retrain"
    EVALUATE = "evaluate"  # compare a candidate anew


class RunStatus(StrEnum):
    """How it went."""

    RUNNING = "running"
    DONE = "done"
    NOTHING_NEW = "nothing new"  # no event has been labelled since the champion was trained
    FAILED = "failed"
    LOST = "lost"  # the process ended without a word


class RetrainingRun(msgspec.Struct, frozen=True, kw_only=True):
    """One training or comparison. `share` of it is done (0 to 1); `version` is the challenger's,
    `message` what there is to say in the end."""

    run_id: str
    model_id: str
    kind: RunKind
    status: RunStatus
    started_by: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    share: float
    stage: str
    version: str | None
    message: str


def begin_run(
    connection: Connection,
    model_id: str,
    kind: RunKind,
    *,
    by: str,
    at: datetime,
    version: str | None = None,
) -> RetrainingRun:
    """Take the one place there is. Runs that are silent for too long are given up first.

    Raises `Conflict` while another is running.
    """
    give_up_lost_runs(connection, at)
    running = running_run(connection)
    if running is not None:
        raise Conflict(
            f"model {running.model_id!r} is being worked on since "
            f"{running.started_at:%Y-%m-%d %H:%M:%S} UTC ({running.share:.0%}: {running.stage})",
            field="model_id",
            expected="trying again when that is done; one runs at a time",
        )
    run = RetrainingRun(
        run_id=f"run_{uuid.uuid4().hex}",
        model_id=model_id,
        kind=kind,
        status=RunStatus.RUNNING,
        started_by=by,
        started_at=at,
        heartbeat_at=at,
        ended_at=None,
        share=0.0,
        stage="starting",
        version=version,
        message="",
    )
    connection.execute(insert(tables.retraining_runs).values(msgspec.structs.asdict(run)))
    return run


def finish_run(
    connection: Connection,
    run_id: str,
    status: RunStatus,
    *,
    at: datetime,
    version: str | None = None,
    message: str = "",
) -> None:
    """Note how it ended. Raises `Conflict` for a run that was given up in the meantime."""
    values: dict[str, Any] = {
        "status": status,
        "ended_at": at,
        "heartbeat_at": at,
        "message": message[:_MESSAGE_CHARACTERS],
    }
    if version is not None:
        values["version"] = version
    if status in (RunStatus.DONE, RunStatus.NOTHING_NEW):
        values["share"] = 1.0
    if not _change(connection, run_id, values):
        raise _given_up(run_id)


def give_up_lost_runs(connection: Connection, at: datetime) -> None:
    """Count those as lost from which nothing was heard for a minute."""
    runs = tables.retraining_runs
    connection.execute(
        update(runs)
        .where(runs.c.status == RunStatus.RUNNING, runs.c.heartbeat_at < at - LEASE)
        .values(
            status=RunStatus.LOST,
            ended_at=at,
            message="the process ended without a word; nothing of it was stored",
        )
    )


def running_run(connection: Connection) -> RetrainingRun | None:
    """What is running, if anything is."""
    runs = tables.retraining_runs
    row = connection.execute(select(runs).where(runs.c.status == RunStatus.RUNNING)).first()
    return None if row is None else _run(row)


def get_run(connection: Connection, run_id: str) -> RetrainingRun:
    """One run. Raises `NotFound`."""
    runs = tables.retraining_runs
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run {run_id!r}", field="run_id")
    return _run(row)


def list_runs(
    connection: Connection, model_id: str | None = None, *, limit: int = 50
) -> list[RetrainingRun]:
    """The latest runs, of one model or of all, the newest first."""
    runs = tables.retraining_runs
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id).limit(limit)
    if model_id is not None:
        query = query.where(runs.c.model_id == model_id)
    return [_run(row) for row in connection.execute(query)]


class Heart:
    """Beats for a run while it is worked on: `with Heart(database, run_id) as heart`.

    `tell` is for the progress of the work; it raises `Conflict` once the run was given up.
    """

    def __init__(self, database: Database, run_id: str, beat_seconds: float = _BEAT_SECONDS):
        self._database = database
        self._run_id = run_id
        self._beat_seconds = beat_seconds
        self._stopped = threading.Event()
        self._lost = False
        self._told: tuple[float, str] = (0.0, "starting")
        self._thread = threading.Thread(target=self._beat, name="run-heart", daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def tell(self, share: float, stage: str) -> None:
        """Note the share that is done (0 to 1) and what is being done."""
        self._told = (share, stage)
        if self._lost:
            raise _given_up(self._run_id)

    def _beat(self) -> None:
        while True:
            share, stage = self._told
            values = {"heartbeat_at": now(), "share": share, "stage": stage[:_STAGE_CHARACTERS]}
            try:
                with self._database.write() as connection:
                    self._lost = not _change(connection, self._run_id, values)
            except (DBAPIError, RingfenceError):
                # Tried again with the next beat; the lease is much longer than that.
                _log.warning("a heartbeat could not be stored", run=self._run_id, exc_info=True)
            if self._lost or self._stopped.wait(self._beat_seconds):
                return


def _change(connection: Connection, run_id: str, values: Mapping[str, Any]) -> bool:
    runs = tables.retraining_runs
    changed = connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.status == RunStatus.RUNNING)
        .values(dict(values))
    )
    return changed.rowcount == 1


def _given_up(run_id: str) -> Conflict:
    return Conflict(
        f"run {run_id} was silent for too long and has been given up; nothing of it is stored",
        field="run_id",
        expected="a new run",
    )


def _run(row: Row[Any]) -> RetrainingRun:
    return msgspec.convert({str(k): v for k, v in row._mapping.items()}, RetrainingRun)
