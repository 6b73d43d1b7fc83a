"""What a job has to write to a file in the end, kept where the rest of its work is kept.

A file on this machine would not know which transactions were committed before a crash.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, delete, insert, select

from ringfence.aws import tables
from ringfence.aws.jobs.job import Job, JobKind


def add_output(connection: Connection, job: Job, number: int, body: bytes) -> None:
    """Keep a piece of a job's output, in the transaction of what it says. Pieces are put together
    by their numbers, of which each is used once."""
    connection.execute(
        insert(tables.job_outputs).values(
            kind=job.kind, job_id=job.job_id, number=number, body=body
        )
    )


def read_outputs(connection: Connection, job: Job) -> Iterator[bytes]:
    """The pieces, in their order, read as they are asked for."""
    outputs = tables.job_outputs
    query = (
        select(outputs.c.body)
        .where(outputs.c.kind == job.kind, outputs.c.job_id == job.job_id)
        .order_by(outputs.c.number)
    )
    yield from connection.execute(query, execution_options={"yield_per": 10}).scalars()


def forget_outputs(connection: Connection, kind: JobKind, job_id: str) -> None:
    """Remove what was kept."""
    outputs = tables.job_outputs
    connection.execute(delete(outputs).where(outputs.c.kind == kind, outputs.c.job_id == job_id))
