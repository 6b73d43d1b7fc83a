"""What is published of a decision: an event in the shape of Amazon EventBridge.

What AWS documents of the events that Amazon Fraud Detector sends is their source and their detail
type (Amazon EventBridge events reference, "Amazon Fraud Detector events"; Fraud Detector user
guide, "Setting up event orchestration") and the envelope that all events share (EventBridge user
guide, "Events"). What stands in `detail` is documented nowhere; `_detail` is the one place that
says it. It has the members of the request and the reply of `GetEventPrediction` under their names
there, which is what public clients filter by and read.

In the database stands what was decided, not the finished event: writing that down belongs to the
decision and costs it a few microseconds, and the rest is done when the message is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection

from ringfence.detectors import Decision, MatchedRule, get_detector_version
from ringfence.detectors.versions import DetectorStatus
from ringfence.errors import NotFound
from ringfence.events.reading import Entity, Event
from ringfence.events.variables import Value
from ringfence.models import get_model, output_variable
from ringfence.models.external import get_external_model

SOURCE = "aws.frauddetector"
DETAIL_TYPE = "Event Prediction Result Returned"
# Of `detail`, raised when a member goes or changes its meaning; new members may come at any time.
DETAIL_VERSION = "1.0"
_MOST_REMEMBERED = 1_000


class Origin(msgspec.Struct, frozen=True):
    """The region and the account that a message names, and its ARNs."""

    region: str = "us-east-1"
    account: str = "000000000000"

    def arn(self, resource: str) -> str:
        """The ARN of a resource such as `detector/guard`."""
        return f"arn:aws:frauddetector:{self.region}:{self.account}:{resource}"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about an event, as it is kept until it is published."""

    event_type: str
    event_id: str
    at: datetime
    entities: tuple[Entity, ...]
    variables: Mapping[str, Value]
    detector_id: str
    detector_version: str
    decided_at: datetime
    scores: Mapping[str, float]
    rules: tuple[MatchedRule, ...]
    external_texts: Mapping[str, str] | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is sent.

    `message_id` is the same whenever it is sent again, `subject` whom the event is about, for
    brokers that keep order within a key. `body` is the whole event as JSON, `detail` the member of
    that name alone.
    """

    message_id: str
    event_type: str
    event_id: str
    subject: str
    body: bytes
    detail: bytes
    source: str = SOURCE
    detail_type: str = DETAIL_TYPE


class Composer:
    """Makes messages of the decisions that are kept. Remembers which models a detector version
    has."""

    def __init__(self, origin: Origin):
        self._origin = origin
        self._models: dict[tuple[str, str], _Models] = {}

    def message(
        self, connection: Connection, message_id: str, content: Content | Mapping[str, object]
    ) -> Message:
        """The message of a kept `content`. Raises `msgspec.ValidationError` for what is none."""
        if not isinstance(content, Content):
            content = msgspec.convert(content, Content)
        return self._composed(message_id, content, self._models_of(connection, content))

    def message_without_models(self, message_id: str, content: Content) -> Message:
        """The message of a `content` without scores, for which nothing is looked up."""
        return self._composed(message_id, content, _Models({}, {}, settled=False))

    def _composed(self, message_id: str, content: Content, models: _Models) -> Message:
        detail = msgspec.json.encode(_detail(content, models))
        return Message(
            message_id=message_id,
            event_type=content.event_type,
            event_id=content.event_id,
            subject=content.entities[0].entity_id if content.entities else content.event_id,
            body=msgspec.json.encode(
                {
                    "version": "0",
                    "id": message_id,
                    "detail-type": DETAIL_TYPE,
                    "source": SOURCE,
                    "account": self._origin.account,
                    "time": _second(content.decided_at),
                    "region": self._origin.region,
                    "resources": self._resources(content),
                    "detail": msgspec.Raw(detail),
                }
            ),
            detail=detail,
        )

    def _resources(self, content: Content) -> list[str]:
        return [
            self._origin.arn(f"event-type/{content.event_type}"),
            self._origin.arn(f"detector/{content.detector_id}"),
            self._origin.arn(f"detector-version/{content.detector_id}/{content.detector_version}"),
        ]

    def _models_of(self, connection: Connection, content: Content) -> _Models:
        key = (content.detector_id, content.detector_version)
        found = self._models.get(key)
        if found is None:
            found = _models(connection, *key, self._origin)
            if found.settled:
                if len(self._models) >= _MOST_REMEMBERED:
                    self._models.clear()
                self._models[key] = found
        return found


def content_of(event: Event, decided: Decision) -> Content:
    """What is kept of a decision."""
    return Content(
        event_type=event.event_type,
        event_id=event.event_id,
        at=event.at,
        entities=event.entities,
        variables=event.variables,
        detector_id=decided.detector_id,
        detector_version=decided.detector_version,
        decided_at=decided.decided_at,
        scores=decided.scores,
        rules=decided.rules,
        external_texts=decided.external_texts,
    )


class _Models(msgspec.Struct, frozen=True):
    """Of one detector version: its models by output variable, as messages name them, and the
    output variables of its external models by name. A draft is not `settled`: it can still be
    given other models."""

    own: Mapping[str, Mapping[str, str]]
    external: Mapping[str, tuple[str, ...]]
    settled: bool


def _models(connection: Connection, detector_id: str, version: str, origin: Origin) -> _Models:
    own: dict[str, Mapping[str, str]] = {}
    external: dict[str, tuple[str, ...]] = {}
    settled = False
    try:
        definition = get_detector_version(connection, detector_id, version)
        for ref in definition.models:
            model_type = str(get_model(connection, ref.model_id).model_type)
            own[output_variable(ref.model_id)] = {
                "modelId": ref.model_id,
                "modelType": model_type,
                "modelVersionNumber": ref.version,
                "arn": origin.arn(f"model-version/{model_type}/{ref.model_id}/{ref.version}"),
            }
        for name in definition.external_models:
            external[name] = get_external_model(connection, name).variables
        settled = definition.status is not DetectorStatus.DRAFT
    except NotFound:
        pass  # Deleted since it decided; the message still says what it decided.
    return _Models(own, external, settled)


def _detail(content: Content, models: _Models) -> dict[str, object]:
    texts = content.external_texts or {}
    return {
        "version": DETAIL_VERSION,
        "eventId": content.event_id,
        "eventTypeName": content.event_type,
        "eventTimestamp": _instant(content.at),
        "entities": [
            {"entityType": entity.entity_type, "entityId": entity.entity_id}
            for entity in content.entities
        ],
        "eventVariables": {
            name: _text(value) for name, value in content.variables.items() if value is not None
        },
        "detectorId": content.detector_id,
        "detectorVersionId": content.detector_version,
        "predictionTimestamp": _instant(content.decided_at),
        "modelScores": [
            {"modelVersion": model, "scores": {variable: content.scores[variable]}}
            for variable, model in models.own.items()
            if variable in content.scores
        ],
        "externalModelOutputs": [
            {
                "externalModel": {"modelEndpoint": name, "modelSource": "SAGEMAKER"},
                "outputs": {
                    variable: texts.get(variable, _text(content.scores[variable]))
                    for variable in variables
                    if variable in content.scores
                },
            }
            for name, variables in models.external.items()
        ],
        "ruleResults": [
            {"ruleId": rule.rule_id, "outcomes": list(rule.outcomes)} for rule in content.rules
        ],
    }


def _second(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _text(value: Value) -> str:
    """As Fraud Detector writes values: everything is text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
