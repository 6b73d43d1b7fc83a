"""The process of one job, which a runner starts.

`python -m ringfence.aws.jobs KIND ID CLAIM WORK`; see `claims` for CLAIM and `work` for WORK.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys

import structlog
from sqlalchemy.exc import DBAPIError

from ringfence.aws.jobs.claims import give_back
from ringfence.aws.jobs.context import Cancelled, JobContext, Lost, Stopped
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import find_job
from ringfence.errors import RingfenceError
from ringfence.logs import configure_logs
from ringfence.settings import Settings
from ringfence.storage import Database, now

_log = structlog.get_logger("ringfence.aws.jobs")


def main() -> int:
    """Do one job. The exit code is 0 when the job's row says how it ended."""
    kind, job_id, claim, work = sys.argv[1:]
    _step_back()
    settings = Settings()  # type: ignore[call-arg]
    configure_logs(settings.log_level, settings.log_format)
    database = Database(settings.url)
    try:
        with database.read() as connection:
            job = find_job(connection, JobKind(kind), job_id)
        if job is None or job.claim != claim:
            return 0
        return _do(settings, database, job, work)
    finally:
        database.dispose()


def _do(settings: Settings, database: Database, job: Job, work: str) -> int:
    log = _log.bind(kind=str(job.kind), job=job.job_id)
    log.info("job begun", attempt=job.attempts)
    with JobContext(settings, database, job) as context:
        try:
            module, name = work.split(":")
            getattr(importlib.import_module(module), name)(context)
            context.end(JobStatus.COMPLETE)
            log.info("job complete")
        except Cancelled:
            context.end(JobStatus.CANCELLED)
            log.info("job cancelled")
        except Lost:
            log.warning("job belongs to another process")
        except Stopped:
            _give_back(database, job, None)
            return 143
        except Exception as error:
            if isinstance(error, RingfenceError) and error.field != "database_url":
                context.end(JobStatus.FAILED, str(error))
                log.warning("job failed", reason=str(error))
                return 0
            log.exception("job crashed")
            _give_back(database, job, f"{type(error).__name__}: {_first_line(error)}")
            return 1
    return 0


def _first_line(error: Exception) -> str:
    # The driver's own words: SQLAlchemy adds the statement, and with it what was to be stored.
    told = error.orig if isinstance(error, DBAPIError) else error
    return (str(told).splitlines() or [""])[0]


def _give_back(database: Database, job: Job, crash: str | None) -> None:
    # Where the database cannot be written to, the runner does this, or the end of the lease.
    with contextlib.suppress(DBAPIError, RingfenceError), database.write() as connection:
        give_back(connection, job, now(), crash)


def _step_back() -> None:
    """Deciding comes first; and who stops the server stops this."""

    def stop(_number: int, _frame: object) -> None:
        # Once: a second one must not interrupt the giving back.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)


if __name__ == "__main__":
    sys.exit(main())
