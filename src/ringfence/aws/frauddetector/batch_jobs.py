"""What batch imports and batch predictions have in common: asked for, shown, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import (
    add_job,
    delete_job,
    find_job,
    get_job,
    list_jobs,
    request_cancel,
)
from ringfence.aws.s3 import S3Path
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import second
from ringfence.errors import InvalidInput

STATUSES: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "IN_PROGRESS_INITIALIZING",
    JobStatus.RUNNING: "IN_PROGRESS",
    JobStatus.CANCELLING: "CANCEL_IN_PROGRESS",
    JobStatus.CANCELLED: "CANCELED",
    JobStatus.COMPLETE: "COMPLETE",
    JobStatus.FAILED: "FAILED",
}
"""`AsyncJobStatus`, of all jobs that clients ask after."""


def ask_for(
    connection: Connection, call: Call, kind: JobKind, payload: Mapping[str, str | None]
) -> None:
    """Add the job that a request asks for, with its tags.

    Raises `InvalidInput` for paths that are none in S3, and for an id that was used: only a job
    that failed before its first record does not count.
    """
    members = call.members
    for member in ("inputPath", "outputPath"):
        S3Path.read(members[member], member)
    job_id = members["jobId"]
    before = find_job(connection, kind, job_id)
    if before is not None:
        if before.status is not JobStatus.FAILED or before.processed:
            raise InvalidInput(
                f"there is a {kind} job {job_id!r} already", field="jobId", expected="a new id"
            )
        forget(connection, kind, job_id)
    add_job(
        connection,
        kind,
        job_id,
        {
            "input_path": members["inputPath"],
            "output_path": members["outputPath"],
            "event_type": members["eventTypeName"],
            "role": members["iamRoleArn"],
            **payload,
        },
        call.by,
    )
    note_tags(connection, f"{kind}/{job_id}", members.get("tags"))


def some_jobs(
    service: FraudDetector, call: Call, kind: JobKind
) -> tuple[list[Job], dict[str, str]]:
    """The job that is named, or a page of all, with the token of the next. Raises `NotFound`."""
    with service.read() as connection:
        if "jobId" in call.members:
            return [get_job(connection, kind, call.members["jobId"])], {}
        jobs = list_jobs(connection, kind)
    return page(jobs, call, default=50, key=lambda job: job.job_id)


def cancel(service: FraudDetector, call: Call, kind: JobKind) -> None:
    """Ask a job to stop. Raises `NotFound`, and `Conflict` for one that is over."""
    with service.write() as connection:
        request_cancel(connection, kind, call.members["jobId"])
    service.jobs.wake()


def delete(service: FraudDetector, call: Call, kind: JobKind) -> None:
    """Forget a job; what it has done stays. Raises `Conflict` while it is not over."""
    with service.write() as connection:
        forget(connection, kind, call.members["jobId"])


def forget(connection: Connection, kind: JobKind, job_id: str) -> None:
    """Remove a job's record and its tags. Raises `Conflict` while it is not over."""
    delete_job(connection, kind, job_id)
    forget_tags(connection, f"{kind}/{job_id}")


def described(call: Call, job: Job) -> dict[str, Any]:
    """The members that both kinds of jobs show. A job that waits has no time to start at yet: the
    one when it was asked for is shown."""
    return {
        "jobId": job.job_id,
        "status": STATUSES[job.status],
        "failureReason": job.failure if job.status is JobStatus.FAILED else None,
        "startTime": second(job.started_at or job.created_at),
        "completionTime": None if job.ended_at is None else second(job.ended_at),
        "inputPath": job.payload["input_path"],
        "outputPath": job.payload["output_path"],
        "eventTypeName": job.payload["event_type"],
        "iamRoleArn": job.payload["role"],
        "arn": arn(call, f"{job.kind}/{job.job_id}"),
        "processedRecordsCount": job.processed,
        "totalRecordsCount": job.total,
    }


def heartbeat_of(job: Job) -> str | None:
    """When a job was last heard of."""
    return None if job.heartbeat_at is None else second(job.heartbeat_at)
