"""The rows of jobs: asked for, read, cancelled, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.aws import tables
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.outputs import forget_outputs
from ringfence.errors import Conflict, NotFound
from ringfence.storage import now


def add_job(
    connection: Connection, kind: JobKind, job_id: str, payload: dict[str, Any], by: str
) -> Job:
    """Ask for a job; a runner takes it up. Raises `Conflict` if there is one of that id."""
    if find_job(connection, kind, job_id) is not None:
        raise Conflict(f"there is a {kind} job {job_id!r} already", field="job_id")
    job = Job(
        kind=kind,
        job_id=job_id,
        status=JobStatus.QUEUED,
        payload=payload,
        created_by=by,
        created_at=now(),
    )
    connection.execute(insert(tables.jobs).values(msgspec.structs.asdict(job)))
    return job


def get_job(connection: Connection, kind: JobKind, job_id: str) -> Job:
    """One job. Raises `NotFound`."""
    found = find_job(connection, kind, job_id)
    if found is None:
        raise NotFound(f"there is no {kind} job {job_id!r}", field="job_id")
    return found


def find_job(connection: Connection, kind: JobKind, job_id: str) -> Job | None:
    """One job, or None."""
    jobs = tables.jobs
    row = connection.execute(
        select(jobs).where(jobs.c.kind == kind, jobs.c.job_id == job_id)
    ).first()
    return None if row is None else read_row(row)


def list_jobs(connection: Connection, kind: JobKind) -> list[Job]:
    """All jobs of a kind, by their ids."""
    jobs = tables.jobs
    rows = connection.execute(select(jobs).where(jobs.c.kind == kind).order_by(jobs.c.job_id))
    return [read_row(row) for row in rows]


def request_cancel(connection: Connection, kind: JobKind, job_id: str) -> Job:
    """Ask a job to stop; one that has not begun is cancelled at once.

    Asking twice changes nothing. Raises `NotFound`, and `Conflict` for a job that is over.
    """
    asked = get_job(connection, kind, job_id)
    if asked.status.is_final:
        raise Conflict(
            f"the {kind} job {job_id!r} is over: {asked.status}",
            field="job_id",
            expected="a job that waits or runs",
        )
    jobs = tables.jobs
    of_job = (jobs.c.kind == kind, jobs.c.job_id == job_id)
    connection.execute(
        update(jobs)
        .where(*of_job, jobs.c.status == JobStatus.QUEUED)
        .values(status=JobStatus.CANCELLED, ended_at=now())
    )
    connection.execute(
        update(jobs)
        .where(*of_job, jobs.c.status == JobStatus.RUNNING)
        .values(status=JobStatus.CANCELLING)
    )
    return get_job(connection, kind, job_id)


def delete_job(connection: Connection, kind: JobKind, job_id: str) -> None:
    """Forget a job that is over; one that does not exist is forgotten already.

    What it has done stays. Raises `Conflict` for a job that waits or runs.
    """
    found = find_job(connection, kind, job_id)
    if found is None:
        return
    if not found.status.is_final:
        raise Conflict(
            f"the {kind} job {job_id!r} is not over yet",
            field="job_id",
            expected="a job that is complete, cancelled or failed; cancel it first",
        )
    jobs = tables.jobs
    connection.execute(delete(jobs).where(jobs.c.kind == kind, jobs.c.job_id == job_id))
    forget_outputs(connection, kind, job_id)


def read_row(row: Row[Any]) -> Job:
    """A job from its row."""
    return msgspec.convert({str(k): v for k, v in row._mapping.items()}, Job)
