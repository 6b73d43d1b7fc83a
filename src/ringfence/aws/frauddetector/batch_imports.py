"""Batch import: events from CSV files in S3, stored with their labels."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector import batch_jobs
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.jobs.job import JobKind
from ringfence.errors import InvalidInput
from ringfence.events import get_event_type

_KIND = JobKind.BATCH_IMPORT

operations = Operations()


@operations.add("CreateBatchImportJob")
def create_batch_import_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Ask for an import. The event type must keep its events."""
    name = call.members["eventTypeName"]
    with service.write() as connection:
        if not get_event_type(connection, name).event_ingestion:
            raise InvalidInput(
                f"events of type {name!r} are not kept",
                field="eventTypeName",
                expected="an event type with eventIngestion ENABLED",
            )
        batch_jobs.ask_for(connection, call, _KIND, {})
    service.jobs.wake()
    return {}


@operations.add("GetBatchImportJobs")
def get_batch_import_jobs(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One import, or a page of all."""
    jobs, more = batch_jobs.some_jobs(service, call, _KIND)
    return {
        "batchImports": [
            {**batch_jobs.described(call, job), "failedRecordsCount": job.failed} for job in jobs
        ],
        **more,
    }


@operations.add("CancelBatchImportJob")
def cancel_batch_import_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Ask an import to stop; what it has stored until then stays."""
    batch_jobs.cancel(service, call, _KIND)
    return {}


@operations.add("DeleteBatchImportJob")
def delete_batch_import_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete the record of an import that is over; what it has stored stays."""
    batch_jobs.delete(service, call, _KIND)
    return {}
