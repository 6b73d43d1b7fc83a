"""Moving stored events: the files that were imported there, and the events that were decided about.

Fraud Detector lists no stored events. It lists its batch imports, whose files are imported here
again, and its predictions, which name events that can then be read one by one. An event that came
by `SendEvent` alone and was never predicted can be found by neither; the report says how many
events of each type are accounted for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ringfence.aws.migration.report import Fate, Report
from ringfence.aws.migration.source import Account, Resource, pages
from ringfence.aws.migration.target import Target
from ringfence.aws.wire.errors import AwsError
from ringfence.errors import Unavailable

_READ_AT_ONCE = 8
_POLL_SECONDS = 0.5
_FINAL = ("COMPLETE", "FAILED", "CANCELED")


def move_imports(
    account: Account, target: Target, report: Report, tell: Callable[[float, str], None]
) -> None:
    """Import again, from S3, what was imported there. Events that are here already stay as they
    are."""
    for job in sorted(account.imports, key=lambda one: one["startTime"]):
        resource = f"batch-import/{job['jobId']}"
        if job["status"] != "COMPLETE":
            report.add(resource, Fate.LEFT, f"is {job['status']} there")
        elif report.dry:
            report.add(resource, Fate.CREATED, f"from {job['inputPath']}")
        else:
            try:
                report.add(resource, *_import(job, target, tell))
            except AwsError as error:
                report.add(resource, Fate.LEFT, error.message)


def move_predicted(
    client: Any,
    account: Account,
    target: Target,
    report: Report,
    tell: Callable[[float, str], None],
) -> None:
    """Send here the stored events that predictions name, with their labels.

    Raises `Unavailable` when the endpoint no longer answers.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    for event_type in account.event_types:
        name = event_type["name"]
        if event_type.get("eventIngestion") != "ENABLED":
            report.add(f"events/{name}", Fate.LEFT, "no events are stored of this type there")
            continue
        try:
            _move_events_of(client, event_type, target, report, tell)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"events of {name} cannot be read: {error}") from None


def _import(job: Resource, target: Target, tell: Callable[[float, str], None]) -> tuple[Fate, str]:
    job_id = job["jobId"]
    found = target.find("GetBatchImportJobs", "batchImports", jobId=job_id)
    fate = Fate.SAME if found else Fate.CREATED
    if found is None:
        target.call(
            "CreateBatchImportJob",
            **{
                name: job[name]
                for name in ("jobId", "inputPath", "outputPath", "eventTypeName", "iamRoleArn")
            },
        )
    while True:
        (found,) = target.call("GetBatchImportJobs", jobId=job_id)["batchImports"]
        done, total = found.get("processedRecordsCount", 0), found.get("totalRecordsCount", 0)
        tell(done / max(total, done, 1), f"importing {job['inputPath']}")
        if found["status"] in _FINAL:
            break
        time.sleep(_POLL_SECONDS)
    if found["status"] != "COMPLETE":
        return Fate.LEFT, found.get("failureReason", found["status"])
    failed = found.get("failedRecordsCount", 0)
    return fate, f"{done:,} events from {job['inputPath']}, {failed:,} failed"


def _move_events_of(
    client: Any,
    event_type: Resource,
    target: Target,
    report: Report,
    tell: Callable[[float, str], None],
) -> None:
    name = event_type["name"]
    there = (event_type.get("ingestedEventStatistics") or {}).get("numberOfEvents")
    sent = known = gone = 0
    refused: list[str] = []
    with ThreadPoolExecutor(_READ_AT_ONCE) as readers:
        ids = _predicted_ids(client, name)
        for event in readers.map(lambda event_id: _event(client, name, event_id), ids):
            if event is None:
                gone += 1
                continue
            try:
                known += not report.dry and _send(event, target)
            except AwsError as error:
                refused.append(f"{event['eventId']}: {error.message}")
                continue
            sent += 1
            tell(min(1.0, sent / max(there or sent, 1)), f"events of {name}")
    note = f"{sent:,} events that predictions name"
    if known:
        note += f", {known:,} of them were here"
    if gone:
        note += f"; {gone:,} are stored no longer"
    if there is not None:
        note += f"; {there:,} are stored there"
    report.add(f"events/{name}", Fate.CREATED, note)
    for one in refused[:20]:
        report.add(f"events/{name}", Fate.LEFT, one)
    if len(refused) > 20:
        report.add(f"events/{name}", Fate.LEFT, f"and {len(refused) - 20:,} more")


def _predicted_ids(client: Any, event_type: str) -> Iterator[str]:
    """The ids that predictions name, each once, in the order in which they were first decided."""
    seen: set[str] = set()
    summaries = pages(
        client.list_event_predictions,
        "eventPredictionSummaries",
        eventType={"value": event_type},
        predictionTimeRange={
            "startTime": "2019-01-01T00:00:00Z",
            "endTime": "2100-01-01T00:00:00Z",
        },
        maxResults=100,
    )
    for summary in summaries:
        if summary["eventId"] not in seen:
            seen.add(summary["eventId"])
            yield summary["eventId"]


def _event(client: Any, event_type: str, event_id: str) -> Resource | None:
    try:
        event: Resource = client.get_event(eventId=event_id, eventTypeName=event_type)["event"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return event


def _send(event: Resource, target: Target) -> bool:
    """Store an event here; whether it was here already."""
    named = {"eventId": event["eventId"], "eventTypeName": event["eventTypeName"]}
    if target.has_event(event["eventTypeName"], event["eventId"]):
        return True
    target.call(
        "SendEvent",
        **named,
        eventTimestamp=event["eventTimestamp"],
        eventVariables=event["eventVariables"],
        entities=event["entities"],
        assignedLabel=event.get("currentLabel"),
        labelTimestamp=event.get("labelTimestamp"),
    )
    return False
