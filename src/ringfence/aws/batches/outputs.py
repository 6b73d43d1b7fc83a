"""Where batch jobs write what they have to say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ringfence.aws.jobs.context import Interrupted, JobContext
from ringfence.aws.s3 import S3, S3Path

STAGE = "writing the output"
_FIELD = "outputPath"
_WRITING = 0.95
"""The share of the work that is done when writing begins."""


def output_path(context: JobContext) -> S3Path:
    """`<outputPath>/<jobId>_<epoch>_output.csv`, as Fraud Detector names it; the same whenever the
    job is begun again."""
    job = context.job
    folder = S3Path.read(job.payload["output_path"], _FIELD)
    return folder.under(f"{job.job_id}_{int(job.created_at.timestamp())}_output.csv")


def check_output(context: JobContext) -> None:
    """Raise `NotFound` for a bucket that does not exist: better at once than after all the work."""
    S3(_FIELD).find_bucket(output_path(context))


def upload_output(context: JobContext, file: Path, path: S3Path) -> None:
    """Store a file as that object. Raises like `S3.upload`, and like `JobContext.tell`."""
    size = max(1, file.stat().st_size)
    sent = 0

    def tell(count: int) -> None:
        # In a thread of boto3, which is not the one to interrupt.
        nonlocal sent
        sent += count
        with suppress(Interrupted):
            context.tell(_WRITING + (1.0 - _WRITING) * min(1.0, sent / size), STAGE)

    context.tell(_WRITING, STAGE)
    S3(_FIELD).upload(file, path, tell)
    context.tell(1.0, STAGE)
