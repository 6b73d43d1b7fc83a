"""Whose a job is: one process at a time works on it, and one that has lost it stores nothing.

A claim is a name that a job's row bears while its process beats. A process that falls silent loses
the job to whoever claims it next; it may only have been asleep, so everything that it stores asks
for the claim in the same transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text, update

from ringfence.aws import tables
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import read_row
from ringfence.carddata import mask_card_numbers

LEASE = timedelta(seconds=45)
"""How long a process may be silent before its job is given to another."""
MOST_ATTEMPTS = 3
"""How many times a job may crash before it has failed."""
_STAGE_CHARACTERS, _FAILURE_CHARACTERS = 256, 1024
# Any number will do, as long as it stays: it names the lock of those that claim jobs.
_LOCK_KEY = 8_750_241_118
_AT_WORK = (JobStatus.RUNNING, JobStatus.CANCELLING)


_UNFINISHED = (
    select(tables.jobs.c.kind)
    .where(tables.jobs.c.status.in_((JobStatus.QUEUED, *_AT_WORK)))
    .distinct()
)


def unfinished_kinds(connection: Connection) -> set[JobKind]:
    """The kinds of which there are jobs that are not over."""
    return {JobKind(kind) for kind in connection.execute(_UNFINISHED).scalars()}


def claim_next(
    connection: Connection, kind: JobKind, at: datetime, *, most: int, lease: timedelta = LEASE
) -> Job | None:
    """Take the next job of a kind that nobody works on, unless so many are being worked on.

    Jobs whose process has fallen silent come first; those that were being cancelled are cancelled,
    and those that have crashed too often have failed.
    """
    jobs = tables.jobs
    if connection.dialect.name != "sqlite":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    silent = or_(jobs.c.heartbeat_at.is_(None), jobs.c.heartbeat_at < at - lease)
    _settle_silent(connection, kind, at, silent)
    at_work = connection.execute(
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.kind == kind, jobs.c.status.in_(_AT_WORK), ~silent)
    ).scalar_one()
    if at_work >= most:
        return None
    row = connection.execute(
        select(jobs)
        .where(
            jobs.c.kind == kind,
            or_(
                jobs.c.status == JobStatus.QUEUED, and_(jobs.c.status == JobStatus.RUNNING, silent)
            ),
        )
        .order_by(jobs.c.created_at, jobs.c.job_id)
        .limit(1)
    ).first()
    if row is None:
        return None
    found = read_row(row)
    connection.execute(
        update(jobs)
        .where(jobs.c.kind == kind, jobs.c.job_id == found.job_id)
        .values(
            status=JobStatus.RUNNING,
            claim=uuid.uuid4().hex,
            attempts=found.attempts + 1,
            started_at=found.started_at or at,
            heartbeat_at=at,
            stage="starting",
        )
    )
    return read_row(
        connection.execute(
            select(jobs).where(jobs.c.kind == kind, jobs.c.job_id == found.job_id)
        ).one()
    )


def change(connection: Connection, job: Job, values: Mapping[str, Any]) -> JobStatus | None:
    """Store something about a job that is being worked on.

    Gives the job's status before, or None, with nothing stored, when its claim is lost or it is
    over.
    """
    jobs = tables.jobs
    of_claim = (
        jobs.c.kind == job.kind,
        jobs.c.job_id == job.job_id,
        jobs.c.claim == job.claim,
        jobs.c.status.in_(_AT_WORK),
    )
    status = connection.execute(select(jobs.c.status).where(*of_claim)).scalar()
    changed = connection.execute(update(jobs).where(*of_claim).values(_fitting(values)))
    return JobStatus(status) if changed.rowcount == 1 and status is not None else None


def end_job(
    connection: Connection,
    job: Job,
    status: JobStatus,
    at: datetime,
    *,
    failure: str | None = None,
    **values: Any,
) -> bool:
    """Note how a job ended, with other columns where given; False when its claim is lost."""
    ended = {"status": status, "ended_at": at, "heartbeat_at": at, "failure": failure, **values}
    if status is JobStatus.COMPLETE:
        ended |= {"share": 1.0, "stage": "done"}
    return change(connection, job, ended) is not None


def give_back(connection: Connection, job: Job, at: datetime, crash: str | None) -> None:
    """Let a job be begun again, because its process was told to end, or because it crashed.

    `crash` says how. A job that crashes too often has failed, and one that was being cancelled is
    cancelled. Does nothing when the claim is lost.
    """
    status = change(connection, job, {})
    if status is None:
        return
    if status is JobStatus.CANCELLING:
        end_job(connection, job, JobStatus.CANCELLED, at)
    elif crash is not None and job.attempts >= MOST_ATTEMPTS:
        failure = f"given up after {job.attempts} attempts: {crash}"
        end_job(connection, job, JobStatus.FAILED, at, failure=failure)
    else:
        attempts = job.attempts if crash else job.attempts - 1
        values = {"status": JobStatus.QUEUED, "claim": None, "attempts": attempts, "failure": crash}
        change(connection, job, values)


def _settle_silent(
    connection: Connection, kind: JobKind, at: datetime, silent: ColumnElement[bool]
) -> None:
    jobs = tables.jobs
    connection.execute(
        update(jobs)
        .where(jobs.c.kind == kind, jobs.c.status == JobStatus.CANCELLING, silent)
        .values(status=JobStatus.CANCELLED, ended_at=at)
    )
    connection.execute(
        update(jobs)
        .where(
            jobs.c.kind == kind,
            jobs.c.status == JobStatus.RUNNING,
            silent,
            jobs.c.attempts >= MOST_ATTEMPTS,
        )
        .values(
            status=JobStatus.FAILED,
            ended_at=at,
            failure=f"given up after {MOST_ATTEMPTS} attempts: its process ended without a word",
        )
    )


def _fitting(values: Mapping[str, Any]) -> dict[str, Any]:
    """An update needs a column; one to itself is as good as any."""
    fitting = dict(values) or {"claim": tables.jobs.c.claim}
    for name, most in (("stage", _STAGE_CHARACTERS), ("failure", _FAILURE_CHARACTERS)):
        if fitting.get(name):
            fitting[name] = mask_card_numbers(str(fitting[name]))[:most]
    return fitting
