"""Batch jobs as boto3's users run them: a real server, and S3 by moto."""

from __future__ import annotations

import ast
import csv
import io
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from fd_payments import CARD, define_payments, publish_rules
from s3_stores import BUCKET, Store, running_store

from ringfence.storage import Database, migrate

ROLE = "arn:aws:iam::123456789012:role/reader"
HEADER = "EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,amount,merchant"
LABELLED = f"{HEADER},EVENT_LABEL,LABEL_TIMESTAMP"
PATIENCE_SECONDS = 90.0


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("bank") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    settings = {"RINGFENCE_AWS_ACCEPT_ANY_KEY": "1", **store.environment}
    with running(data_dir, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(bank: Server) -> ClientOf:
    """boto3, with event types `kept` and `asked`, and a detector for each."""
    client = client_of(bank.url)
    for name, ingestion in (("kept", "ENABLED"), ("asked", "DISABLED")):
        define_payments(client, name, ingestion)
        publish_rules(client, f"guard-{name}", name)
    return client


def test_events_are_imported_with_their_labels(client: ClientOf, store: Store) -> None:
    rows = [
        "i-1,2026-03-01T10:00:00Z,customer,c1,12.50,shop,,",
        'i-2,2026-03-01 10:05:00,customer,c1,,"Lopez, Inc.",fraud,2026-03-09T00:00:00Z',
        "i-3,3/1/2026 10:10,customer,c2,7,odd,legit,",
    ]
    _import(client, "three", store.put("in/three.csv", "\n".join([LABELLED, *rows])))
    job = _ended(client, "import", "three")
    assert job == {
        "jobId": "three",
        "status": "COMPLETE",
        "startTime": job["startTime"],
        "completionTime": job["completionTime"],
        "inputPath": f"s3://{BUCKET}/in/three.csv",
        "outputPath": f"s3://{BUCKET}/out",
        "eventTypeName": "kept",
        "iamRoleArn": ROLE,
        "arn": job["arn"],
        "processedRecordsCount": 3,
        "failedRecordsCount": 0,
        "totalRecordsCount": 3,
    }
    for member in ("startTime", "completionTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", job[member])
    assert re.fullmatch(r"arn:aws:frauddetector:eu-west-1:\d{12}:batch-import/three", job["arn"])
    second = client.get_event(eventId="i-2", eventTypeName="kept")["event"]
    assert second["eventTimestamp"] == "2026-03-01T10:05:00.000Z"
    assert second["eventVariables"] == {"amount": "0.0", "merchant": "Lopez, Inc."}
    assert second["currentLabel"] == "fraud"
    assert second["labelTimestamp"] == "2026-03-09T00:00:00.000Z"
    (key,) = store.keys("out/three_")
    assert re.fullmatch(r"out/three_\d{10}_output\.csv", key)
    assert store.get(key) == ""


def test_records_that_do_not_fit_are_told_in_the_output(client: ClientOf, store: Store) -> None:
    rows = [
        "f-1,2026-03-01T10:00:00Z,customer,c1,12.50,shop,,",
        "f-2,yesterday,customer,c1,1,shop,,",
        "f-3,2026-03-01T10:00:00Z,customer,c1,much,shop,,",
        f"f-4,2026-03-01T10:00:00Z,customer,c1,1,{CARD},,",
        "f-5,2026-03-01T10:00:00Z,customer,c1,1,shop,maybe,2026-03-09T00:00:00Z",
        "f-6,2026-03-01T10:00:00Z,customer,c1,1",
        "f-1,2026-03-01T10:00:00Z,customer,c1,99,shop,,",
        "f-1,2026-03-01T10:00:00Z,customer,c1,12.5,shop,,",
    ]
    _import(client, "faults", store.put("in/faults.csv", "\n".join([LABELLED, *rows])))
    job = _ended(client, "import", "faults")
    assert job["status"] == "COMPLETE"
    assert (job["processedRecordsCount"], job["failedRecordsCount"]) == (8, 6)
    (key,) = store.keys("out/faults_")
    listed = list(csv.DictReader(io.StringIO(store.get(key))))
    assert [(r["FILE"], r["LINE"], r["ROW"], r["COLUMN"]) for r in listed] == [
        ("in/faults.csv", str(row + 1), str(row), column)
        for row, column in (
            (2, "EVENT_TIMESTAMP"), (3, "amount"), (4, "merchant"), (5, "EVENT_LABEL"), (6, ""),
            (7, "EVENT_ID"),
        )
    ]  # fmt: skip
    assert listed[1]["EXPECTED"] == "a finite number such as 12.50"
    assert CARD not in store.get(key)


def test_a_job_that_cannot_begin_fails_with_why_and_leaves_its_id(
    client: ClientOf, store: Store
) -> None:
    _import(client, "typo", store.put("in/typo.csv", HEADER.replace("merchant", "merchnat")))
    job = _ended(client, "import", "typo")
    assert job["status"] == "FAILED"
    assert "did you mean merchant?" in job["failureReason"]
    _import(client, "typo", f"s3://{BUCKET}/nothing.csv")
    job = _ended(client, "import", "typo")
    assert f"there is no object s3://{BUCKET}/nothing.csv" in job["failureReason"]


def test_a_prediction_writes_the_columns_that_clients_take_apart(
    client: ClientOf, store: Store
) -> None:
    rows = [
        'p-1,2020-04-11 17:48:52,customer,c1,12.50,"Lopez, Inc.",legit',
        "p-2,2020-04-11T17:48:52.5Z,customer,c1,250,shop,fraud",
        f"p-3,2020-04-11 17:48:52,customer,c1,12.50,{CARD},",
        "p-4,2020-04-11 17:48:52,customer,c1,,odd,",
    ]
    path = store.put("in/ask.csv", "\n".join([f"{HEADER},EVENT_LABEL", *rows]))
    _predict(client, "ask", path)
    job = _ended(client, "prediction", "ask")
    assert {**job, "startTime": "", "completionTime": "", "lastHeartbeatTime": "", "arn": ""} == {
        "jobId": "ask",
        "status": "COMPLETE",
        "startTime": "",
        "completionTime": "",
        "lastHeartbeatTime": "",
        "inputPath": path,
        "outputPath": f"s3://{BUCKET}/out",
        "eventTypeName": "asked",
        "detectorName": "guard-asked",
        "detectorVersion": "1",
        "iamRoleArn": ROLE,
        "arn": "",
        "processedRecordsCount": 4,
        "totalRecordsCount": 4,
    }
    (key,) = store.keys("out/ask_")
    assert re.fullmatch(r"out/ask_\d{10}_output\.csv", key)
    output = store.get(key)
    assert output.splitlines()[0] == (
        f"{HEADER},EVENT_LABEL,MODEL_SCORES,OUTCOMES,STATUS,RULE_RESULTS"
    )
    assert CARD not in output
    found = {row["EVENT_ID"]: row for row in csv.DictReader(io.StringIO(output))}
    assert [(row["OUTCOMES"], row["STATUS"][:8]) for row in found.values()] == [
        ("approve", "Success"),
        ("block", "Success"),
        ("", "merchant"),
        ("review", "Success"),
    ]
    assert found["p-1"]["EVENT_TIMESTAMP"] == "2020-04-11T17:48:52.000Z"
    assert found["p-2"]["EVENT_TIMESTAMP"] == "2020-04-11T17:48:52.500Z"
    assert found["p-1"]["merchant"] == "Lopez, Inc."
    assert ast.literal_eval(found["p-1"]["MODEL_SCORES"]) == {}
    assert ast.literal_eval(found["p-2"]["RULE_RESULTS"]) == [
        {"ruleId": "large", "outcomes": ["block"]}
    ]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_event(eventId="p-1", eventTypeName="asked")


def test_a_draft_predicts_when_it_is_named(client: ClientOf, store: Store) -> None:
    draft = publish_rules(
        client, "guard-asked", "asked", rules=(("none", "$amount < 0", "block"),), status=None
    )
    path = store.put("in/draft.csv", f"{HEADER}\nq-1,2020-04-11 17:48:52,customer,c1,5,shop\n")
    _predict(client, "draft", path, detectorVersion=draft)
    assert _ended(client, "prediction", "draft")["detectorVersion"] == draft
    (key,) = store.keys("out/draft_")
    (row,) = csv.DictReader(io.StringIO(store.get(key)))
    assert (row["OUTCOMES"], row["RULE_RESULTS"], row["STATUS"]) == ("", "[]", "Success")


def test_an_id_is_used_once_until_it_is_deleted(client: ClientOf, store: Store) -> None:
    path = store.put("in/once.csv", f"{HEADER}\nr-1,2020-04-11 17:48:52,customer,c1,5,shop\n")
    _predict(client, "once", path)
    _ended(client, "prediction", "once")
    with pytest.raises(ClientError, match="already") as refused:
        _predict(client, "once", path)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="is over") as refused:
        client.cancel_batch_prediction_job(jobId="once")
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    client.delete_batch_prediction_job(jobId="once")
    client.delete_batch_prediction_job(jobId="once")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_batch_prediction_jobs(jobId="once")
    _predict(client, "once", path)
    assert _ended(client, "prediction", "once")["status"] == "COMPLETE"


def test_an_import_is_cancelled_where_it_is(client: ClientOf, store: Store) -> None:
    rows = (f"c-{n},2026-03-01T10:00:00Z,customer,c{n},1,shop" for n in range(60_000))
    _import(client, "long", store.put("in/long.csv", "\n".join([HEADER, *rows])))
    _wait(lambda: _job(client, "import", "long").get("processedRecordsCount", 0) > 0)
    with pytest.raises(ClientError, match="not over"):
        client.delete_batch_import_job(jobId="long")
    client.cancel_batch_import_job(jobId="long")
    job = _ended(client, "import", "long")
    assert job["status"] == "CANCELED"
    assert 0 < job["processedRecordsCount"] < 60_000
    client.delete_batch_import_job(jobId="long")
    assert client.get_event(eventId="c-0", eventTypeName="kept")["event"]["eventId"] == "c-0"


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"eventTypeName": "asked"}, "ValidationException", "are not kept"),
        ({"eventTypeName": "absent"}, "ResourceNotFoundException", "absent"),
        ({"inputPath": "s3://x"}, "ValidationException", "inputPath"),
        ({"outputPath": "s3://Upper/case"}, "ValidationException", "outputPath"),
    ],
)
def test_an_import_that_makes_no_sense_is_refused(
    client: ClientOf, changes: dict[str, str], code: str, told: str
) -> None:
    with pytest.raises(ClientError, match=told) as refused:
        _import(client, "senseless", f"s3://{BUCKET}/in.csv", **changes)
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"detectorName": "absent"}, "ResourceNotFoundException", "absent"),
        ({"detectorVersion": "9"}, "ResourceNotFoundException", "9"),
        ({"eventTypeName": "kept"}, "ValidationException", "decides about events of type 'asked'"),
    ],
)
def test_a_prediction_that_makes_no_sense_is_refused(
    client: ClientOf, changes: dict[str, str], code: str, told: str
) -> None:
    with pytest.raises(ClientError, match=told) as refused:
        _predict(client, "senseless", f"s3://{BUCKET}/in.csv", **changes)
    assert refused.value.response["Error"]["Code"] == code


def test_a_detector_without_an_active_version_predicts_nothing(client: ClientOf) -> None:
    client.put_detector(detectorId="idle", eventTypeName="asked")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="no active version"):
        _predict(client, "idle", f"s3://{BUCKET}/in.csv", detectorName="idle")


def test_jobs_come_in_pages_and_carry_tags(client: ClientOf, store: Store) -> None:
    path = store.put("in/tag.csv", f"{HEADER}\nt-1,2026-03-01T10:00:00Z,customer,c1,1,shop\n")
    for number in range(3):
        _import(client, f"tag-{number}", path, tags=[{"key": "team", "value": str(number)}])
    names: list[str] = []
    more: dict[str, str] = {}
    while True:
        answer = client.get_batch_import_jobs(maxResults=2, **more)
        names += [job["jobId"] for job in answer["batchImports"]]
        if "nextToken" not in answer:
            break
        more = {"nextToken": answer["nextToken"]}
    assert [name for name in names if name.startswith("tag-")] == ["tag-0", "tag-1", "tag-2"]
    assert len(set(names)) == len(names)
    arn = _job(client, "import", "tag-1")["arn"]
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "team", "value": "1"}]


def _import(client: ClientOf, job_id: str, path: str, **changes: Any) -> None:
    members = {
        "jobId": job_id,
        "inputPath": path,
        "outputPath": f"s3://{BUCKET}/out",
        "eventTypeName": "kept",
        "iamRoleArn": ROLE,
    }
    client.create_batch_import_job(**members | changes)


def _predict(client: ClientOf, job_id: str, path: str, **changes: Any) -> None:
    members = {
        "jobId": job_id,
        "inputPath": path,
        "outputPath": f"s3://{BUCKET}/out",
        "eventTypeName": "asked",
        "detectorName": "guard-asked",
        "iamRoleArn": ROLE,
    }
    client.create_batch_prediction_job(**members | changes)


def _job(client: ClientOf, kind: str, job_id: str) -> dict[str, Any]:
    if kind == "import":
        (job,) = client.get_batch_import_jobs(jobId=job_id)["batchImports"]
    else:
        (job,) = client.get_batch_prediction_jobs(jobId=job_id)["batchPredictions"]
    return dict(job)


def _ended(client: ClientOf, kind: str, job_id: str) -> dict[str, Any]:
    _wait(lambda: "IN_PROGRESS" not in _job(client, kind, job_id)["status"])
    return _job(client, kind, job_id)


def _wait(is_so: Any) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "waited for too long"
        time.sleep(0.05)
