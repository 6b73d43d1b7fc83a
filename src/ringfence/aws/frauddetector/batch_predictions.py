"""Batch prediction: events in a CSV file in S3, scored into another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector import batch_jobs
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.jobs.job import Job, JobKind
from ringfence.detectors import get_detector, get_detector_version, list_detector_versions
from ringfence.detectors.versions import DetectorStatus
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import get_event_type

_KIND = JobKind.BATCH_PREDICTION

operations = Operations()


@operations.add("CreateBatchPredictionJob")
def create_batch_prediction_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Ask for a prediction, by a version of any status, or else by the one that is active."""
    with service.write() as connection:
        version = _version(connection, call)
        batch_jobs.ask_for(
            connection,
            call,
            _KIND,
            {
                "detector": call.members["detectorName"],
                "version": version,
            },
        )
    service.jobs.wake()
    return {}


@operations.add("GetBatchPredictionJobs")
def get_batch_prediction_jobs(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One prediction, or a page of all."""
    jobs, more = batch_jobs.some_jobs(service, call, _KIND)
    return {"batchPredictions": [_described(call, job) for job in jobs], **more}


@operations.add("CancelBatchPredictionJob")
def cancel_batch_prediction_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Ask a prediction to stop; nothing of it is written."""
    batch_jobs.cancel(service, call, _KIND)
    return {}


@operations.add("DeleteBatchPredictionJob")
def delete_batch_prediction_job(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete the record of a prediction that is over; its output stays."""
    batch_jobs.delete(service, call, _KIND)
    return {}


def _version(connection: Connection, call: Call) -> str:
    """The version that is to decide.

    Raises `NotFound` when there is none, `InvalidInput` for a detector of another event type.
    """
    event_type, detector_id = call.members["eventTypeName"], call.members["detectorName"]
    get_event_type(connection, event_type)
    detector = get_detector(connection, detector_id)
    if detector.event_type != event_type:
        raise InvalidInput(
            f"detector {detector_id!r} decides about events of type {detector.event_type!r}",
            field="eventTypeName",
            expected=repr(detector.event_type),
        )
    named: str | None = call.members.get("detectorVersion")
    if named is not None:
        return get_detector_version(connection, detector_id, named).version
    for version in list_detector_versions(connection, detector_id):
        if version.status is DetectorStatus.ACTIVE:
            return version.version
    raise NotFound(
        f"detector {detector_id!r} has no active version",
        field="detectorVersion",
        expected="a version by its number, or one that is active",
    )


def _described(call: Call, job: Job) -> dict[str, Any]:
    return {
        **batch_jobs.described(call, job),
        "lastHeartbeatTime": batch_jobs.heartbeat_of(job),
        "detectorName": job.payload["detector"],
        "detectorVersion": job.payload["version"],
    }
