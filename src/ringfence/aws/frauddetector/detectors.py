"""Detectors: what decides about events of one type."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.detectors import (
    Detector,
    StoredDetector,
    delete_detector,
    list_detector_versions,
    put_detector,
    stored_detector,
    stored_detectors,
)
from ringfence.errors import NotFound

operations = Operations()


@operations.add("PutDetector")
def put_one_detector(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create a detector, or describe it anew if the request has a description."""
    detector_id = call.members["detectorId"]
    description = call.members.get("description")
    with service.redefine() as connection:
        known = {of.detector.detector_id: of.detector for of in stored_detectors(connection)}
        before = known.get(detector_id)
        if description is None:
            description = before.description if before else ""
        put_detector(
            connection,
            Detector(
                detector_id=detector_id,
                event_type=call.members["eventTypeName"],
                description=description,
            ),
        )
        if before is None:
            note_tags(connection, f"detector/{detector_id}", call.members.get("tags"))
    return {}


@operations.add("GetDetectors")
def get_detectors(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One detector, or a page of all."""
    with service.read() as connection:
        if "detectorId" in call.members:
            return {"detectors": [_document(call, _named(connection, call))]}
        found, more = page(
            stored_detectors(connection),
            call,
            default=10,
            key=lambda stored: stored.detector.detector_id,
        )
    return {"detectors": [_document(call, stored) for stored in found], **more}


@operations.add("DescribeDetector")
def describe_detector(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A detector's versions, the oldest first."""
    with service.read() as connection:
        detector_id = _named(connection, call).detector.detector_id
        found, more = page(
            list_detector_versions(connection, detector_id),
            call,
            default=1_000,
            key=lambda version: version.version.zfill(5),
        )
    return {
        "detectorId": detector_id,
        "detectorVersionSummaries": [
            {
                "detectorVersionId": version.version,
                "status": version.status,
                "description": version.description or None,
                "lastUpdatedTime": instant(version.updated_at),
            }
            for version in found
        ],
        "arn": arn(call, f"detector/{detector_id}"),
        **more,
    }


@operations.add("DeleteDetector")
def delete_one_detector(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a detector that has neither versions nor rules; one that does not exist is no error.

    Its number of versions is forgotten with it: one that is made by the same id begins with `1`.
    """
    detector_id = call.members["detectorId"]
    with suppress(NotFound), service.redefine() as connection:
        delete_detector(connection, detector_id)
        forget_tags(connection, f"detector/{detector_id}")
    return {}


def _named(connection: Connection, call: Call) -> StoredDetector:
    return stored_detector(connection, call.members["detectorId"])


def _document(call: Call, stored: StoredDetector) -> dict[str, Any]:
    detector = stored.detector
    return {
        "detectorId": detector.detector_id,
        "description": detector.description or None,
        "eventTypeName": detector.event_type,
        "lastUpdatedTime": instant(stored.updated_at),
        "createdTime": instant(stored.created_at),
        "arn": arn(call, f"detector/{detector.detector_id}"),
    }
