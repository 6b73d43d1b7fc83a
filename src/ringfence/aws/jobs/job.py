"""What a job is: what is asked for, how far it is, and how it ended."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class JobKind(StrEnum):
    """What is being done."""

    TRAINING = "training"
    BATCH_IMPORT = "batch-import"
    BATCH_PREDICTION = "batch-prediction"
    EVENT_DELETION = "event-deletion"


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"  # its process has not noticed yet
    CANCELLED = "cancelled"
    COMPLETE = "complete"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self in (JobStatus.CANCELLED, JobStatus.COMPLETE, JobStatus.FAILED)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its row has it.

    `share` of it is done (0 to 1); `processed` and `failed` count records, of `total` once that is
    known. `place` is where a process that begins it again goes on, `attempts` how many have begun
    it. `failure` says why it failed, or why the last attempt did.
    """

    kind: JobKind
    job_id: str
    status: JobStatus
    payload: dict[str, Any]
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    heartbeat_at: datetime | None = None
    processed: int = 0
    failed: int = 0
    total: int | None = None
    share: float = 0.0
    stage: str = ""
    failure: str | None = None
    place: dict[str, Any] | None = None
    attempts: int = 0
    claim: str | None = None
