"""Answers of Fraud Detector against the outputs that AWS's model describes, member by member."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from aws_clients import ClientOf

from ringfence.aws.wire.shapes import service_model

MODEL = service_model("frauddetector")
_ARN = "arn:aws:frauddetector:eu-west-1:000000000000:"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

# The ARN of what a structure describes, by the names of its other members.
_ARNS = {
    "*.variables": "variable/{name}",
    "*.labels": "label/{name}",
    "*.entityTypes": "entity-type/{name}",
    "*.eventTypes": "event-type/{name}",
    "*.outcomes": "outcome/{name}",
    "*.lists": "list/{name}",
    "*.models": "model/{modelType}/{modelId}",
    "GetModelVersion": "model-version/{modelType}/{modelId}/{modelVersionNumber}",
    "*.modelVersionDetails": "model-version/{modelType}/{modelId}/{modelVersionNumber}",
    "*.modelVersions": "model-version/{modelType}/{modelId}/{modelVersionNumber}",
    "*.externalModels": "external-model/{modelEndpoint}",
    "*.detectors": "detector/{detectorId}",
    "DescribeDetector": "detector/{detectorId}",
    "GetDetectorVersion": "detector-version/{detectorId}/{detectorVersionId}",
    "*.ruleDetails": "rule/{detectorId}/{ruleId}/{ruleVersion}",
    "*.batchImports": "batch-import/{jobId}",
    "*.batchPredictions": "batch-prediction/{jobId}",
}

# Members that an answer may lack, and when.
OPTIONAL = {
    "*.nextToken": "on the last page",
    "*.description": "of what has none",
    "*.batchImports.failureReason": "unless the job failed",
    "*.batchPredictions.failureReason": "unless the job failed",
    "*.completionTime": "while the job is not over",
    "*.lastHeartbeatTime": "while the job has not begun",
    "*.totalRecordsCount": "while the job has not counted its records",
    "GetEvent.event.currentLabel": "of an event without a label",
    "GetEvent.event.labelTimestamp": "of an event without a label",
    "*.ingestedEventStatistics.leastRecentEvent": "of an event type without events",
    "*.ingestedEventStatistics.mostRecentEvent": "of an event type without events",
    "*.ingestedEventStatistics.lastUpdatedTime": "of an event type without events",
    "*.externalEventsDetail": "of a training on stored events",
    "*.ingestedEventsDetail": "of a training on files",
    "*.unlabeledEventsTreatment": "unless it was asked for",
    "*.trainingResult": "while the training is not over",
    "*.trainingResultV2": "while the training is not over",
    "*.trainingMetrics": "of a training that failed",
    "*.trainingMetricsV2": "of a training that failed",
    "*.variableImportanceMetrics": "of a training that failed",
    "*.aggregatedVariablesImportanceMetrics": "of models that remember nothing",
    "*.trainingMetricsV2.ofi": "of the other types of models",
    "*.trainingMetricsV2.tfi": "of the other types of models",
    "*.trainingMetricsV2.ati": "of the other types of models",
    "*.aggregatedVariablesImpactExplanations": "of models that remember nothing",
    "*.inputConfiguration.eventTypeName": "of an endpoint that is sent the client's own bodies",
    "*.inputConfiguration.format": "of an endpoint that is sent the client's own bodies",
    "*.inputConfiguration.csvInputTemplate": "of the other formats",
    "*.inputConfiguration.jsonInputTemplate": "of the other formats",
    "*.outputConfiguration.csvIndexToVariableMap": "of the other format",
    "*.outputConfiguration.jsonKeyToVariableMap": "of the other format",
    "GetEventPrediction.modelScores.modelVersion.arn": "always, as in the service's own answers",
}

# Values that break the model in the service's own answers, too.
_OTHERWISE = {
    "GetBatchPredictionJobs.batchPredictions.detectorVersion": re.compile(r"[1-9]\d{0,4}"),
}


class Answers:
    """What a client was answered: what is wrong with it, and which members it had."""

    def __init__(self, client: ClientOf):
        self.problems: dict[str, list[str]] = {}
        self.seen: set[str] = set()
        client.meta.events.register("before-parse.frauddetector.*", self._take)

    def of(self, operation: str) -> list[str]:
        """What is wrong with the answers of an operation. Raises `KeyError` without any."""
        return self.problems[operation]

    def _take(self, operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
        if response_dict["status_code"] != 200:
            return
        name: str = operation_model.name
        found = self.problems.setdefault(name, [])
        body = json.loads(response_dict["body"])
        shape = operation_model.output_shape
        if not shape.members:
            if body != {}:
                found.append(f"{name}: {body} instead of nothing")
            return
        self._check(shape, body, name, {}, found)

    def _check(
        self, shape: Any, value: Any, path: str, siblings: Mapping[str, Any], found: list[str]
    ) -> None:
        self.seen.add(path)
        kind = shape.type_name
        expected = {
            "structure": dict, "map": dict, "list": list, "string": str, "integer": int,
            "long": int, "float": (int, float), "boolean": bool,
        }[kind]  # fmt: skip
        if not isinstance(value, expected) or (kind != "boolean" and isinstance(value, bool)):
            found.append(f"{path}: {value!r} is no {kind}")
        elif kind == "structure":
            self._check_members(shape, value, path, found)
        elif kind == "map":
            for key, one in value.items():
                self._check(shape.key, key, path, {}, found)
                self._check(shape.value, one, path, {}, found)
        elif kind == "list":
            for one in value:
                self._check(shape.member, one, path, {}, found)
        elif kind == "string":
            found.extend(f"{path}: {text}" for text in _wrong(shape, value, path, siblings))

    def _check_members(
        self, shape: Any, value: Mapping[str, Any], path: str, found: list[str]
    ) -> None:
        found.extend(f"{path}.{name}: not in the model" for name in set(value) - set(shape.members))
        for name, member in shape.members.items():
            where = f"{path}.{name}"
            if name in value:
                self._check(member, value[name], where, value, found)
            elif not any(fnmatchcase(where, pattern) for pattern in OPTIONAL):
                found.append(f"{where}: missing")


def members_of(operation: str) -> set[str]:
    """The path of every member that the output of an operation may have."""
    paths: set[str] = set()

    def walk(shape: Any, path: str) -> None:
        if shape.type_name == "list":
            walk(shape.member, path)
        elif shape.type_name == "map":
            walk(shape.value, path)
        elif shape.type_name == "structure":
            for name, member in shape.members.items():
                paths.add(f"{path}.{name}")
                walk(member, f"{path}.{name}")

    walk(MODEL.operation_model(operation).output_shape, operation)
    return paths


def _wrong(shape: Any, value: str, path: str, siblings: Mapping[str, Any]) -> list[str]:
    if path in _OTHERWISE:
        return [] if _OTHERWISE[path].fullmatch(value) else [f"{value!r} has another form"]
    wrong = []
    facts = shape.metadata
    if getattr(shape, "enum", None) and value not in shape.enum:
        wrong.append(f"{value!r} is not in the enum")
    # Labels, tags and the like are written in Java's classes of characters, which Python lacks.
    pattern = facts.get("pattern", "")
    if pattern and r"\p" not in pattern and not re.fullmatch(f"(?:{pattern})", value):
        wrong.append(f"{value!r} does not match {pattern}")
    if not facts.get("min", 0) <= len(value) <= facts.get("max", len(value)):
        wrong.append(f"{value!r} has a wrong length")
    container, _, name = path.rpartition(".")
    if shape.name == "time" or name.endswith("Timestamp"):
        of_job = ".batchImports." in path or ".batchPredictions." in path
        if not (_SECOND if of_job else _INSTANT).fullmatch(value):
            wrong.append(f"{value!r} is not a time in the form of the service")
    if name == "arn":
        forms = [form for pattern, form in _ARNS.items() if fnmatchcase(container, pattern)]
        if value not in [_ARN + form.format(**siblings) for form in forms]:
            wrong.append(f"{value!r} is not the ARN of {siblings}")
    return wrong
