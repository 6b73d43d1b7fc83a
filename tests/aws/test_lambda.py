"""AWS Lambda's API, spoken by boto3: invoking functions, and looking which there are."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError

from ringfence.access import create_access_key
from ringfence.cards import open_vault
from ringfence.functions import HttpFunction, PythonFunction, put_function
from ringfence.storage import Database, migrate, now

HANDLER = """
import pathlib

def lambda_handler(event, context):
    print("event of", context.aws_request_id)
    if isinstance(event, dict) and event.get("raise"):
        raise LookupError("no card")
    if isinstance(event, dict) and event.get("note"):
        pathlib.Path(event["note"]).write_text("done")
    return {"event": event, "arn": context.invoked_function_arn}
"""
ARN = "arn:aws:lambda:eu-west-1:000000000000:function:block-credit-card"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lambda")


@pytest.fixture(scope="module")
def data_dir(folder: Path) -> Path:
    """Data with functions and access keys."""
    (folder / "block.py").write_text(HANDLER)
    data = folder / "data"
    data.mkdir()
    database = Database(f"sqlite:///{data / 'ringfence.db'}")
    migrate(database)
    vault = open_vault(data, None, database)
    block = PythonFunction(
        file=str(folder / "block.py"), environment={"STAGE": "test"}, timeout_seconds=2.5
    )
    with database.write() as connection:
        put_function(connection, vault, "block-credit-card", block, by="t", at=now())
        endpoint = HttpFunction(url="http://127.0.0.1:9/x")
        put_function(connection, vault, "away", endpoint, by="t", at=now())
        for name, pattern in (("invoker", "lambda:InvokeFunction"), ("all", "lambda:*")):
            key, secret = create_access_key(connection, vault, name, [pattern], "t", now())
            (folder / name).write_text(f"{key.access_key_id} {secret}")
    database.dispose()
    return data


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[Server]:
    with running(data_dir) as made:
        yield made


def client_with(server: Server, folder: Path, name: str) -> ClientOf:
    key_id, secret = (folder / name).read_text().split()
    return client_of(server.url, "lambda", key_id=key_id, secret=secret)


@pytest.fixture(scope="module")
def client(server: Server, folder: Path) -> ClientOf:
    return client_with(server, folder, "all")


@pytest.mark.parametrize(
    ("given", "arn"),
    [
        ({"FunctionName": "block-credit-card"}, ARN),
        ({"FunctionName": "block-credit-card", "Qualifier": "LIVE"}, f"{ARN}:LIVE"),
        ({"FunctionName": "block-credit-card:LIVE"}, f"{ARN}:LIVE"),
        ({"FunctionName": "123456789012:function:block-credit-card"}, ARN),
        (
            {"FunctionName": "arn:aws:lambda:us-east-1:123456789012:function:block-credit-card"},
            ARN,
        ),
    ],
)
def test_a_function_is_invoked_by_name_by_part_and_by_whole_arn(
    client: ClientOf, given: dict[str, str], arn: str
) -> None:
    reply = client.invoke(**given, Payload=json.dumps({"customer": "Grüße"}))
    assert (reply["StatusCode"], reply["ExecutedVersion"]) == (200, "$LATEST")
    assert json.load(reply["Payload"]) == {"event": {"customer": "Grüße"}, "arn": arn}
    assert "FunctionError" not in reply
    assert "LogResult" not in reply


@pytest.mark.parametrize("payload", ["null", "[1, 2]", '"text"', "5", '{"a": "\\u0000"}'])
def test_an_event_is_any_json(client: ClientOf, payload: str) -> None:
    reply = client.invoke(FunctionName="block-credit-card", Payload=payload)
    assert json.load(reply["Payload"])["event"] == json.loads(payload)


def test_without_a_payload_the_event_is_an_empty_object(client: ClientOf) -> None:
    reply = client.invoke(FunctionName="block-credit-card")
    assert json.load(reply["Payload"])["event"] == {}


def test_a_function_that_fails_is_answered_with_its_error_and_its_log(client: ClientOf) -> None:
    reply = client.invoke(
        FunctionName="block-credit-card", Payload=b'{"raise": true}', LogType="Tail"
    )
    assert (reply["StatusCode"], reply["FunctionError"]) == (200, "Unhandled")
    told = json.load(reply["Payload"])
    assert (told["errorType"], told["errorMessage"]) == ("LookupError", "no card")
    log = base64.b64decode(reply["LogResult"]).decode().splitlines()
    assert log[1] == f"event of {told['requestId']}"
    assert log[-1].startswith(f"REPORT RequestId: {told['requestId']}")


def test_an_event_is_accepted_and_worked_on_afterwards(client: ClientOf, folder: Path) -> None:
    note = folder / "note"
    reply = client.invoke(
        FunctionName="block-credit-card",
        InvocationType="Event",
        Payload=json.dumps({"note": str(note)}),
    )
    assert (reply["StatusCode"], reply["Payload"].read()) == (202, b"")
    while not note.exists():
        time.sleep(0.01)


def test_a_dry_run_invokes_nothing(client: ClientOf, folder: Path) -> None:
    note = folder / "dry"
    reply = client.invoke(
        FunctionName="block-credit-card",
        InvocationType="DryRun",
        Payload=json.dumps({"note": str(note)}),
    )
    assert reply["StatusCode"] == 204
    assert not note.exists()


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_a_function_that_does_not_exist_is_told_as_aws_tells_it(
    client: ClientOf, kind: str
) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException) as caught:
        client.invoke(FunctionName="missing", InvocationType=kind)
    told = caught.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 404
    expected = "Function not found: arn:aws:lambda:eu-west-1:000000000000:function:missing"
    assert told["Error"]["Message"] == expected


def test_what_is_not_json_or_too_large_is_refused(client: ClientOf) -> None:
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke(FunctionName="block-credit-card", Payload=b"{oops")
    large = b'"' + b"x" * 1_100_000 + b'"'
    with pytest.raises(client.exceptions.RequestTooLargeException) as caught:
        client.invoke(FunctionName="block-credit-card", InvocationType="Event", Payload=large)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_endpoint_that_cannot_be_reached_is_a_function_that_fails(client: ClientOf) -> None:
    reply = client.invoke(FunctionName="away", Payload=b"{}")
    assert reply["FunctionError"] == "Unhandled"
    assert "cannot be reached" in json.load(reply["Payload"])["errorMessage"]


def test_functions_are_listed_and_described(client: ClientOf, folder: Path) -> None:
    listed = client.list_functions()["Functions"]
    assert [each["FunctionName"] for each in listed] == ["away", "block-credit-card"]
    first = client.list_functions(MaxItems=1)
    assert first["NextMarker"] == "away"
    second = client.list_functions(MaxItems=1, Marker=first["NextMarker"])
    assert [each["FunctionName"] for each in second["Functions"]] == ["block-credit-card"]
    assert "NextMarker" not in second
    known: Any = client.get_function_configuration(FunctionName=ARN)
    assert known["FunctionArn"] == ARN
    assert (known["Handler"], known["Timeout"], known["MemorySize"]) == ("lambda_handler", 3, 256)
    assert known["Environment"] == {"Variables": {"STAGE": "test"}}
    del known["ResponseMetadata"]
    assert client.get_function(FunctionName="block-credit-card")["Configuration"] == known
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="missing")


def test_a_key_may_invoke_or_look_as_its_permissions_say(server: Server, folder: Path) -> None:
    invoker = client_with(server, folder, "invoker")
    assert invoker.invoke(FunctionName="block-credit-card")["StatusCode"] == 200
    with pytest.raises(ClientError) as caught:
        invoker.list_functions()
    told = caught.value.response["Error"]
    assert told["Code"] == "AccessDeniedException"
    assert "lambda:ListFunctions" in told["Message"]


def test_creating_functions_is_not_offered(client: ClientOf) -> None:
    with pytest.raises(ClientError, match="is not served here"):
        client.create_function(
            FunctionName="f", Role="arn:aws:iam::123456789012:role/r", Code={"ZipFile": b"x"}
        )
