"""Moving detectors: their rules with all versions, and their own versions with their statuses.

Numbers here are given anew, from 1. Where versions were deleted there, the numbers differ, and the
report says so.
"""

from __future__ import annotations

from typing import Any

from ringfence.aws.migration.definitions import differing, move_detector
from ringfence.aws.migration.models import VersionNumbers
from ringfence.aws.migration.report import Fate, Report
from ringfence.aws.migration.source import Account, Resource, SourceDetector
from ringfence.aws.migration.target import Target
from ringfence.aws.wire.errors import AwsError

_RULE_MEMBERS = ("expression", "language", "outcomes")
_VERSION_MEMBERS = ("rules", "externalModelEndpoints", "ruleExecutionMode")


def move_detectors(
    account: Account, numbers: VersionNumbers, target: Target, report: Report
) -> None:
    """Make the detectors. `numbers` says which version of a model here stands for one there."""
    for one in account.detectors:
        if not move_detector(one.detector, account, target, report):
            continue
        rules = _move_rules(one, account, target, report)
        _move_versions(one, rules, numbers, account, target, report)


def _move_rules(
    one: SourceDetector, account: Account, target: Target, report: Report
) -> dict[tuple[str, str], str]:
    """By rule id and version there, the version here; without those that could not be moved."""
    detector_id = one.detector["detectorId"]
    here: dict[str, list[dict[str, Any]]] = {}
    try:
        for known in target.call("GetRules", detectorId=detector_id).get("ruleDetails", ()):
            here.setdefault(known["ruleId"], []).append(known)
    except AwsError:
        pass  # a detector that only a dry run has
    numbers: dict[tuple[str, str], str] = {}
    for rule in one.rules:
        rule_id, version = rule["ruleId"], rule["ruleVersion"]
        resource = f"rule/{detector_id}/{rule_id}/{version}"
        known_versions = sorted(here.get(rule_id, ()), key=lambda known: int(known["ruleVersion"]))
        same = [k for k in known_versions if not differing(rule, k, _RULE_MEMBERS)]
        try:
            if same:
                number = same[0]["ruleVersion"]
                fate = Fate.SAME
            else:
                latest = known_versions[-1]["ruleVersion"] if known_versions else None
                number = str(int(latest or 0) + 1)
                if not report.dry:
                    number = _make_rule(rule, latest, account, target)
                here.setdefault(rule_id, []).append({**rule, "ruleVersion": number})
                fate = Fate.CREATED
        except AwsError as error:
            report.add(resource, Fate.LEFT, error.message)
            continue
        numbers[rule_id, version] = number
        report.add(resource, fate, "" if number == version else f"is version {number} here")
    return numbers


def _make_rule(rule: Resource, latest: str | None, account: Account, target: Target) -> str:
    told = {name: rule.get(name) for name in (*_RULE_MEMBERS, "description")}
    tags = account.tags.get(rule.get("arn", ""))
    named = {"detectorId": rule["detectorId"], "ruleId": rule["ruleId"]}
    if latest is None:
        made = target.call("CreateRule", **named, **told, tags=tags)
    else:
        made = target.call(
            "UpdateRuleVersion", rule={**named, "ruleVersion": latest}, **told, tags=tags
        )
    number: str = made["rule"]["ruleVersion"]
    return number


def _move_versions(
    one: SourceDetector,
    rules: dict[tuple[str, str], str],
    numbers: VersionNumbers,
    account: Account,
    target: Target,
    report: Report,
) -> None:
    detector_id = one.detector["detectorId"]
    here = _versions_here(detector_id, target)
    made: list[tuple[str, str]] = []
    for version in one.versions:
        number = version["detectorVersionId"]
        resource = f"detector-version/{detector_id}/{number}"
        missing = [
            f"rule {rule['ruleId']} {rule['ruleVersion']}"
            for rule in version["rules"]
            if (rule["ruleId"], rule["ruleVersion"]) not in rules
        ] + [
            f"model {model['modelId']} {model['modelVersionNumber']}"
            for model in version.get("modelVersions", ())
            if (model["modelId"], model["modelVersionNumber"]) not in numbers
        ]
        if missing:
            report.add(resource, Fate.LEFT, f"needs {', '.join(missing)}")
            continue
        wanted = {
            "rules": [
                {**rule, "ruleVersion": rules[rule["ruleId"], rule["ruleVersion"]]}
                for rule in version["rules"]
            ],
            "modelVersions": [
                {
                    "modelId": model["modelId"],
                    "modelType": model["modelType"],
                    "modelVersionNumber": numbers[model["modelId"], model["modelVersionNumber"]],
                }
                for model in version.get("modelVersions", ())
            ],
            "externalModelEndpoints": list(version.get("externalModelEndpoints", ())),
            "ruleExecutionMode": version.get("ruleExecutionMode"),
            "description": version.get("description"),
        }
        same = [known for known in here if not differing(wanted, known, _VERSION_MEMBERS)]
        if same:
            report.add(resource, Fate.SAME, f"version {same[0]['detectorVersionId']}")
            continue
        try:
            new = number
            if not report.dry:
                new = target.call(
                    "CreateDetectorVersion",
                    detectorId=detector_id,
                    **wanted,
                    tags=account.tags.get(version.get("arn", "")),
                )["detectorVersionId"]
        except AwsError as error:
            report.add(resource, Fate.LEFT, error.message)
            continue
        made.append((new, version["status"]))
        report.add(resource, Fate.CREATED, "" if new == number else f"is version {new} here")
    if not report.dry:
        _set_statuses(detector_id, made, target, report)


def _versions_here(detector_id: str, target: Target) -> list[dict[str, Any]]:
    try:
        described = target.call("DescribeDetector", detectorId=detector_id)
    except AwsError:
        return []  # a detector that only a dry run has
    return [
        target.call(
            "GetDetectorVersion",
            detectorId=detector_id,
            detectorVersionId=one["detectorVersionId"],
        )
        for one in described.get("detectorVersionSummaries", ())
    ]


def _set_statuses(
    detector_id: str, made: list[tuple[str, str]], target: Target, report: Report
) -> None:
    """Inactive ones were active once; the active one comes last, for there is one at a time."""
    for number, status in sorted(made, key=lambda one: one[1] == "ACTIVE"):
        if status == "DRAFT":
            continue
        try:
            for step in ("ACTIVE", "INACTIVE") if status == "INACTIVE" else ("ACTIVE",):
                target.call(
                    "UpdateDetectorVersionStatus",
                    detectorId=detector_id,
                    detectorVersionId=number,
                    status=step,
                )
        except AwsError as error:
            resource = f"detector-version/{detector_id}/{number}"
            report.add(resource, Fate.LEFT, f"is a draft here: {error.message}")
