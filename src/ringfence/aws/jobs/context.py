"""What the work of a job is given: settings, the database, and a way to say how far it is.

While the work goes on, a thread beats for the job, stores what was told last, and looks whether
somebody wants the job to stop.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ringfence.aws.jobs.claims import change, end_job
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.errors import RingfenceError
from ringfence.settings import Settings
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
_BEAT_SECONDS = 1.0


class Interrupted(BaseException):
    """The work is to end here, without an error. Not caught by those who catch errors."""


class Cancelled(Interrupted):
    """Somebody asked the job to stop."""


class Lost(Interrupted):
    """The job belongs to another process by now: nothing may be stored any more."""


class Stopped(Interrupted):
    """The process was told to end; the job is begun again by another."""


class JobContext:
    """A job that is being worked on. `with JobContext(...) as context: work(context)`."""

    def __init__(
        self, settings: Settings, database: Database, job: Job, beat_seconds: float = _BEAT_SECONDS
    ):
        self.settings = settings
        self.database = database
        self.job = job
        self._beat_seconds = beat_seconds
        self._told: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._status: JobStatus | None = job.status
        self._thread = threading.Thread(target=self._beat, name="job-heart", daemon=True)

    def __enter__(self) -> JobContext:
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

    @property
    def folder(self) -> Path:
        """A folder for files of this job alone. It is there again when the job is begun again on
        this machine, and goes when the job is over."""
        folder = job_folder(self.settings, self.job.kind, self.job.job_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def tell(self, share: float, stage: str) -> None:
        """Say which share is done (0 to 1) and what is being done. Raises `Cancelled`, `Lost`."""
        self._tell(share=share, stage=stage)

    def count(self, processed: int, failed: int, total: int | None = None) -> None:
        """Say how many records are done, how many of them failed, and of how many in all, if that
        is known. Raises `Cancelled`, `Lost`."""
        self._tell(processed=processed, failed=failed, total=total)

    def check(self, connection: Connection) -> None:
        """Raise `Cancelled` or `Lost` if the work must not go on: to be called in a transaction
        that stores something, which then counts only while the job is this process's."""
        self._raise(change(connection, self.job, {}))

    def save(
        self,
        connection: Connection,
        place: dict[str, Any],
        *,
        processed: int,
        failed: int,
        total: int | None = None,
    ) -> None:
        """Store where to go on, in the transaction that stores what was done until there.

        Raises like `check`.
        """
        values = {"processed": processed, "failed": failed, "total": total}
        self._raise(change(connection, self.job, {"place": place, **values}))
        with self._lock:
            self._told |= values

    def complete(self, connection: Connection) -> None:
        """Note that the job is complete, in the transaction that stores its result: after a crash
        there are both or neither. Raises like `check`."""
        self.check(connection)
        end_job(connection, self.job, JobStatus.COMPLETE, now(), **self._latest())

    def end(self, status: JobStatus, failure: str | None = None) -> None:
        """Note how the job ended, with what was told last."""
        with self.database.write() as connection:
            end_job(connection, self.job, status, now(), failure=failure, **self._latest())

    def _tell(self, **values: Any) -> None:
        with self._lock:
            self._told |= values
        self._raise(self._status)

    def _latest(self) -> dict[str, Any]:
        with self._lock:
            return dict(self._told)

    def _raise(self, status: JobStatus | None) -> None:
        if status is None:
            raise Lost
        if status is JobStatus.CANCELLING:
            raise Cancelled

    def _beat(self) -> None:
        while True:
            try:
                with self.database.write() as connection:
                    # Read here: what `save` has told meanwhile is in its transaction already.
                    values = {**self._latest(), "heartbeat_at": now()}
                    self._status = change(connection, self.job, values)
            except (DBAPIError, RingfenceError):
                # Tried again with the next beat; the lease is much longer than that.
                _log.warning("a heartbeat could not be stored", exc_info=True)
            if self._status is None or self._stopped.wait(self._beat_seconds):
                return


def job_folder(settings: Settings, kind: JobKind, job_id: str) -> Path:
    """Where a job keeps files."""
    # A job id may hold what a file name may not.
    name = hashlib.sha256(job_id.encode()).hexdigest()[:24]
    return settings.data_dir.absolute() / "jobs" / f"{kind}-{name}"
