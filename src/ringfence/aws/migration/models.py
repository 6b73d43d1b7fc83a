"""Trained models cannot be taken out of Fraud Detector: they are trained anew from their data."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

from ringfence.aws.migration.report import Fate, Report
from ringfence.aws.migration.source import Account, Resource
from ringfence.aws.migration.target import Target
from ringfence.aws.wire.errors import AwsError

# By model id and version there, the version here that stands for it.
VersionNumbers: TypeAlias = dict[tuple[str, str], str]

_FAILED = ("ERROR", "TRAINING_CANCELLED")
_POLL_SECONDS = 0.5


def versions_wanted(account: Account) -> list[Resource]:
    """The model versions worth training again: those that detectors use, and the newest of each
    model that was trained to its end; oldest first."""
    used = {
        (model["modelId"], model["modelVersionNumber"])
        for detector in account.detectors
        for version in detector.versions
        for model in version.get("modelVersions", ())
    }
    trained = [one for one in account.model_versions if one.get("status") not in _FAILED]
    newest: dict[str, Resource] = {}
    for one in sorted(trained, key=_number):
        newest[one["modelId"]] = one
    return [
        one
        for one in sorted(trained, key=_number)
        if (one["modelId"], one["modelVersionNumber"]) in used or newest[one["modelId"]] is one
    ]


def retrain_models(
    account: Account,
    target: Target,
    report: Report,
    tell: Callable[[float, str], None],
    *,
    retrain: bool,
) -> VersionNumbers:
    """Train here, each from the data that it was trained on there, and activate what is active.

    Which version here stands for which there. Unless `retrain`, or in a dry run, versions count as
    left, and their numbers stand for themselves in a dry run alone.
    """
    numbers: VersionNumbers = {}
    wanted = versions_wanted(account)
    for place, one in enumerate(wanted):
        model_id, number = one["modelId"], one["modelVersionNumber"]
        resource = f"model-version/{one['modelType']}/{model_id}/{number}"
        data = (one.get("externalEventsDetail") or {}).get("dataLocation", "its stored events")
        if report.dry:
            numbers[model_id, number] = number
            report.add(resource, Fate.RETRAINED, f"from {data}")
            continue
        if not retrain:
            report.add(resource, Fate.LEFT, "a trained model cannot be taken along")
            continue

        def tell_on(share: float, place: int = place, name: str = f"{model_id} {number}") -> None:
            tell((place + share) / len(wanted), f"training {name}")

        try:
            here = _retrain(one, account, target, tell_on)
        except AwsError as error:
            report.add(resource, Fate.LEFT, error.message)
            continue
        numbers[model_id, number] = here
        note = f"from {data}" + ("" if here == number else f"; is version {here} here")
        report.add(resource, Fate.RETRAINED, note)
    return numbers


def _retrain(one: Resource, account: Account, target: Target, tell: Callable[[float], None]) -> str:
    model = {"modelId": one["modelId"], "modelType": one["modelType"]}
    already = _trained_before(one, model, target)
    here: str = (
        already
        or target.call(
            "CreateModelVersion",
            **model,
            trainingDataSource=one["trainingDataSource"],
            trainingDataSchema=one["trainingDataSchema"],
            externalEventsDetail=one.get("externalEventsDetail"),
            ingestedEventsDetail=one.get("ingestedEventsDetail"),
            tags=account.tags.get(one.get("arn", "")),
        )["modelVersionNumber"]
    )
    version = {**model, "modelVersionNumber": here}
    status = _status_after(version, "TRAINING_IN_PROGRESS", target, tell)
    if status in _FAILED:
        raise AwsError(status, _why_failed(version, target))
    if status == "TRAINING_COMPLETE":
        target.call("UpdateModelVersionStatus", **version, status="ACTIVE")
        for waiting in ("ACTIVATE_REQUESTED", "ACTIVATE_IN_PROGRESS"):
            status = _status_after(version, waiting, target, tell)
    return here


def _trained_before(one: Resource, model: dict[str, Any], target: Target) -> str | None:
    """The version that an earlier move, which was stopped, trained from the same data."""
    described = target.call("DescribeModelVersions", **model).get("modelVersionDetails", ())
    names = ("trainingDataSource", "externalEventsDetail", "ingestedEventsDetail")
    for known in described:
        if known["status"] not in _FAILED and all(
            known.get(name) == one.get(name) for name in names
        ):
            number: str = known["modelVersionNumber"]
            return number
    return None


def _status_after(
    version: dict[str, Any], status: str, target: Target, tell: Callable[[float], None]
) -> str:
    """The status that comes after `status`, which is waited for."""
    waited = 0.0
    while True:
        found: str = target.call("GetModelVersion", **version)["status"]
        if found != status:
            return found
        waited += _POLL_SECONDS
        tell(waited / (waited + 60))
        time.sleep(_POLL_SECONDS)


def _why_failed(version: dict[str, Any], target: Target) -> str:
    (described,) = target.call("DescribeModelVersions", **version)["modelVersionDetails"]
    validation = described.get("trainingResult", {}).get("dataValidationMetrics", {})
    messages = [*validation.get("fileLevelMessages", ()), *validation.get("fieldLevelMessages", ())]
    errors = [m["content"] for m in messages if m.get("type") == "Error"]
    return "; ".join(errors) or "the training failed"


def _number(one: Resource) -> tuple[int, int]:
    major, _, minor = one["modelVersionNumber"].partition(".")
    return int(major), int(minor or 0)
