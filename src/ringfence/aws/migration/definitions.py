"""Moving what is declared: variables, labels, types, outcomes, lists, models, external models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.aws.migration.report import Fate, Report
from ringfence.aws.migration.source import Account, Resource, pages
from ringfence.aws.migration.target import Target
from ringfence.aws.wire.errors import AwsError


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of resource: how it is found and made here, and which members say what it is."""

    name: str
    find: str
    found: str
    make: str
    key: tuple[str, ...]
    members: tuple[str, ...]

    @property
    def is_put(self) -> bool:
        """Whether what makes one also changes one that is there."""
        return self.make.startswith("Put")

    def resource(self, one: Resource) -> str:
        """The part of its ARN that names one."""
        return "/".join((self.name, *(str(one[key]) for key in reversed(self.key))))


_DESCRIBED = ("name", "description")
_VARIABLE = _Kind(
    "variable",
    "GetVariables",
    "variables",
    "CreateVariable",
    ("name",),
    (*_DESCRIBED, "dataType", "dataSource", "defaultValue", "variableType"),
)
_LABEL = _Kind("label", "GetLabels", "labels", "PutLabel", ("name",), _DESCRIBED)
_ENTITY_TYPE = _Kind(
    "entity-type", "GetEntityTypes", "entityTypes", "PutEntityType", ("name",), _DESCRIBED
)
_EVENT_TYPE = _Kind(
    "event-type",
    "GetEventTypes",
    "eventTypes",
    "PutEventType",
    ("name",),
    (
        *_DESCRIBED,
        "eventVariables",
        "labels",
        "entityTypes",
        "eventIngestion",
        "eventOrchestration",
    ),
)
_OUTCOME = _Kind("outcome", "GetOutcomes", "outcomes", "PutOutcome", ("name",), _DESCRIBED)
_MODEL = _Kind(
    "model",
    "GetModels",
    "models",
    "CreateModel",
    ("modelId", "modelType"),
    ("modelId", "modelType", "description", "eventTypeName"),
)
_EXTERNAL_MODEL = _Kind(
    "external-model",
    "GetExternalModels",
    "externalModels",
    "PutExternalModel",
    ("modelEndpoint",),
    (
        "modelEndpoint",
        "modelSource",
        "invokeModelEndpointRoleArn",
        "inputConfiguration",
        "outputConfiguration",
        "modelEndpointStatus",
    ),
)
_DETECTOR = _Kind(
    "detector",
    "GetDetectors",
    "detectors",
    "PutDetector",
    ("detectorId",),
    ("detectorId", "description", "eventTypeName"),
)


def move_definitions(account: Account, target: Target, report: Report) -> None:
    """Make here what is declared there, each thing after what it needs."""
    _move_key(account.kms_key, target, report)
    given = [one for one in account.variables if one.get("dataSource") != "MODEL_SCORE"]
    _move(_VARIABLE, given, account, target, report)
    _move(_LABEL, account.labels, account, target, report)
    _move(_ENTITY_TYPE, account.entity_types, account, target, report)
    _move(_EVENT_TYPE, account.event_types, account, target, report)
    _move(_OUTCOME, account.outcomes, account, target, report)
    for one in account.lists:
        _move_list(one, account, target, report)
    _move(_MODEL, account.models, account, target, report)
    _move(_EXTERNAL_MODEL, account.external_models, account, target, report)


def move_detector(one: Resource, account: Account, target: Target, report: Report) -> bool:
    """Make a detector, without its versions; whether there is one here now."""
    return _move_one(_DETECTOR, one, account, target, report)


def differing(one: Resource, here: Mapping[str, Any], members: Iterable[str]) -> list[str]:
    """The members that are not the same there and here; what is empty is the same as nothing."""
    return [name for name in members if _plain(one.get(name)) != _plain(here.get(name))]


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return sorted(map(str, value)) or None
    return value or None


def _move(
    kind: _Kind, resources: Iterable[Resource], account: Account, target: Target, report: Report
) -> None:
    for one in resources:
        _move_one(kind, one, account, target, report)


def _move_one(kind: _Kind, one: Resource, account: Account, target: Target, report: Report) -> bool:
    resource = kind.resource(one)
    try:
        here = target.find(kind.find, kind.found, **{key: one[key] for key in kind.key})
        if here is not None:
            other = differing(one, here, kind.members)
            if other == ["description"] and not here.get("description") and kind.is_put:
                if not report.dry:
                    target.call(kind.make, **{name: one.get(name) for name in kind.members})
                report.add(resource, Fate.SAME, "is described now")
            else:
                report.add(resource, Fate.KEPT if other else Fate.SAME, ", ".join(other))
            return True
        if not report.dry:
            members = {name: one.get(name) for name in kind.members}
            target.call(kind.make, **members, tags=account.tags.get(one.get("arn", "")))
    except AwsError as error:
        report.add(resource, Fate.LEFT, error.message)
        return False
    report.add(resource, Fate.CREATED)
    return True


def _move_list(one: Resource, account: Account, target: Target, report: Report) -> None:
    name = one["name"]
    try:
        here = target.find("GetListsMetadata", "lists", name=name)
        if here is not None:

            def read(**given: Any) -> dict[str, Any]:
                return target.call("GetListElements", **given)

            elements = list(pages(read, "elements", name=name))
            same = sorted(elements) == sorted(one["elements"])
            report.add(f"list/{name}", Fate.SAME if same else Fate.KEPT, "" if same else "elements")
            return
        if not report.dry:
            target.call(
                "CreateList",
                name=name,
                elements=one["elements"],
                variableType=one.get("variableType"),
                description=one.get("description"),
                tags=account.tags.get(one.get("arn", "")),
            )
    except AwsError as error:
        report.add(f"list/{name}", Fate.LEFT, error.message)
        return
    report.add(f"list/{name}", Fate.CREATED, f"{len(one['elements']):,} elements")


def _move_key(key: str | None, target: Target, report: Report) -> None:
    if key in (None, "DEFAULT"):
        return
    resource = "kms-key/1"
    try:
        here = target.call("GetKMSEncryptionKey")["kmsKey"]["kmsEncryptionKeyArn"]
        if here == key:
            report.add(resource, Fate.SAME)
            return
        if not report.dry:
            target.call("PutKMSEncryptionKey", kmsEncryptionKeyArn=key)
    except AwsError as error:
        report.add(resource, Fate.LEFT, error.message)
        return
    report.add(resource, Fate.CREATED)
