"""Predictions: what a detector version says of an event, and what it has said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from ringfence.aws.frauddetector.metadata import described
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.sent_events import read_sent, written
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.wire.paging import after, token
from ringfence.aws.wire.times import instant, read_instant
from ringfence.detectors import Decision, KnownEvent, Prediction, Request
from ringfence.detectors.active import NothingActive, OtherEventType
from ringfence.detectors.decisions import matched_rules
from ringfence.detectors.history import (
    Place,
    Search,
    Summary,
    from_history,
    latest_in_history,
    search_history,
)
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.errors import InvalidInput, NotFound
from ringfence.models import output_variable
from ringfence.models.external import Body

# What a page has when the client names no number.
_DEFAULT_RESULTS = 10
_FILTERS = {
    "eventId": "event_id",
    "eventType": "event_type",
    "detectorId": "detector_id",
    "detectorVersionId": "detector_version",
}

operations = Operations()


@operations.add("GetEventPrediction")
async def get_event_prediction(service: FraudDetector, call: Call) -> dict[str, Any]:
    """What a detector version says of an event, which is stored if its type keeps events.

    An event that is stored already is asked about once more, and stays as it is; only when nothing
    differs from what was decided about is that decision the answer.
    """
    members = call.members
    sent = read_sent(members)
    runtime = await _version(service, call)
    request = Request(
        event_type=members["eventTypeName"],
        sent=sent,
        detector_id=members["detectorId"],
        detector_version=runtime.version.version,
        variables_field="eventVariables",
        bodies=_bodies(members.get("externalModelEndpointDataBlobs", {})),
    )
    if runtime.reader.event_type.event_ingestion:
        for entity in sent.entities:
            if entity.entity_type == "customer":
                await service.customers.refresh(entity.entity_id)
        try:
            return _answer(await service.engine.decide(request), runtime)
        except KnownEvent:
            pass
    return _answer(await service.engine.predict(request), runtime)


@operations.add("ListEventPredictions")
def list_event_predictions(service: FraudDetector, call: Call) -> dict[str, Any]:
    """What was said of events, the earliest first; the last of all if nothing is looked for."""
    search = _search(call)
    limit: int = call.members.get("maxResults", _DEFAULT_RESULTS)
    with service.read() as connection:
        if search == Search() and not call.members.get("nextToken"):
            latest = latest_in_history(connection)
            return {"eventPredictionSummaries": [] if latest is None else [_summary(latest)]}
        found = search_history(connection, search, after=_place(call), limit=limit + 1)
    more: dict[str, str] = {}
    if len(found) > limit:
        found = found[:limit]
        more = token(msgspec.json.encode(found[-1].place).decode())
    return {"eventPredictionSummaries": [_summary(one) for one in found], **more}


@operations.add("GetEventPredictionMetadata")
async def get_event_prediction_metadata(service: FraudDetector, call: Call) -> dict[str, Any]:
    """One of the things that were said of an event, with the reasons for its scores."""
    return await asyncio.to_thread(_metadata, service, call)


def _metadata(service: FraudDetector, call: Call) -> dict[str, Any]:
    members = call.members
    at = read_instant(members["predictionTimestamp"], "predictionTimestamp")
    with service.read() as connection:
        prediction = from_history(
            connection,
            Search(
                event_id=members["eventId"],
                event_type=members["eventTypeName"],
                detector_id=members["detectorId"],
                detector_version=members["detectorVersionId"],
                since=at,
                until=at,
            ),
        )
        return described(connection, service.engine.catalog, prediction)


async def _version(service: FraudDetector, call: Call) -> DetectorRuntime:
    members = call.members
    event_type = members["eventTypeName"]
    try:
        runtime = await service.engine.version(
            event_type, members["detectorId"], members.get("detectorVersionId")
        )
    except NothingActive as error:
        raise NotFound(error.message, field="detector") from None
    except OtherEventType as error:
        raise InvalidInput(error.message, field="event_type") from None
    of_detector = runtime.reader.event_type.name
    if of_detector != event_type:
        raise InvalidInput(
            f"detector {members['detectorId']!r} is not for event type {event_type!r}",
            field="event_type",
            expected=of_detector,
        )
    return runtime


def _bodies(blobs: Mapping[str, Mapping[str, Any]]) -> dict[str, Body]:
    found = {}
    for name, blob in blobs.items():
        if "byteBuffer" not in blob:
            raise InvalidInput(
                "missing",
                field=f"externalModelEndpointDataBlobs.{name}.byteBuffer",
                expected="what the model is to be sent",
            )
        found[name] = Body(blob["byteBuffer"], blob.get("contentType", "text/csv"))
    return found


def _answer(said: Decision | Prediction, runtime: DetectorRuntime) -> dict[str, Any]:
    rules = said.rules if isinstance(said, Decision) else matched_rules(said.rules)
    texts = said.external_texts or {}
    return {
        "modelScores": [
            {
                "modelVersion": {
                    "modelId": ref.model_id,
                    "modelType": runtime.model_types[ref.model_id],
                    "modelVersionNumber": ref.version,
                },
                "scores": {
                    output_variable(ref.model_id): said.scores[output_variable(ref.model_id)]
                },
            }
            for ref in runtime.version.models
        ],
        "ruleResults": [
            {"ruleId": rule.rule_id, "outcomes": list(rule.outcomes)} for rule in rules
        ],
        "externalModelOutputs": [
            {
                "externalModel": {"modelEndpoint": name, "modelSource": "SAGEMAKER"},
                "outputs": {
                    variable: texts.get(variable, written(said.scores[variable]))
                    for variable in variables
                    if variable in said.scores
                },
            }
            for name, variables in runtime.external.outputs.items()
        ],
    }


def _search(call: Call) -> Search:
    members = call.members
    of = {
        field: members[name]["value"]
        for name, field in _FILTERS.items()
        if "value" in members.get(name, {})
    }
    within = members.get("predictionTimeRange", {})
    for name, field in (("startTime", "since"), ("endTime", "until")):
        if name in within:
            of[field] = read_instant(within[name], f"predictionTimeRange.{name}")
    return Search(**of)


def _place(call: Call) -> Place | None:
    last = after(call)
    if last is None:
        return None
    try:
        return msgspec.json.decode(last, type=Place)
    except msgspec.DecodeError:
        raise InvalidInput(
            "not a token of this operation", field="nextToken", expected="one that it returned"
        ) from None


def _summary(summary: Summary) -> dict[str, Any]:
    return {
        "eventId": summary.event_id,
        "eventTypeName": summary.event_type,
        "eventTimestamp": instant(summary.event_at),
        "predictionTimestamp": instant(summary.predicted_at),
        "detectorId": summary.detector_id,
        "detectorVersionId": summary.detector_version,
    }
