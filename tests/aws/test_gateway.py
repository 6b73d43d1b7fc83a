"""What stands between a request and the operations: who signed it, and how errors are told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from fd_payments import define_payments
from fd_requests import REQUESTS

from ringfence.access import create_access_key
from ringfence.cards import Vault
from ringfence.storage import Database, now


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that verifies signatures."""
    data_dir = tmp_path_factory.mktemp("strict") / "data"
    data_dir.mkdir()
    with running(data_dir) as server:
        yield server


def test_a_key_that_the_vault_cannot_open_is_no_fault_and_tells_to_try_again(
    strict: Server,
) -> None:
    database = Database(f"sqlite:///{strict.data_dir / 'ringfence.db'}")
    with database.write() as connection:
        key, secret = create_access_key(connection, Vault(b"x" * 32), "job", ["*"], "test", now())
    database.dispose()
    client = client_of(strict.url, key_id=key.access_key_id, secret=secret)
    with pytest.raises(ClientError) as refused:
        client.get_labels()
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.fixture(scope="module")
def client(frauddetector: ClientOf) -> ClientOf:
    define_payments(frauddetector, "absent", ingestion="ENABLED")
    frauddetector.put_detector(detectorId="known", eventTypeName="absent")
    return frauddetector


def told(client: ClientOf, method: str, **members: object) -> str:
    with pytest.raises(ClientError) as refused:
        getattr(client, method)(**members)
    return str(refused.value.response["message"])


def test_errors_name_the_members_of_the_operation_that_was_asked_for(client: ClientOf) -> None:
    job = REQUESTS["CreateBatchPredictionJob"]
    assert told(client, "create_batch_prediction_job", **job).startswith("detectorName: ")
    assert told(client, "describe_detector", detectorId="absent").startswith("detectorId: ")
    named = {"detectorId": "known", "ruleId": "absent", "ruleVersion": "1"}
    said = told(client, "update_rule_metadata", rule=named, description="new")
    assert said.startswith("rule.rule")
    event = {**REQUESTS["SendEvent"], "eventVariables": {"nothing": "1"}}
    assert told(client, "send_event", **event).startswith("eventVariables")
    entries = [{"name": "x", "dataType": "FLOAT", "dataSource": "EVENT", "defaultValue": "a"}]
    (error,) = client.batch_create_variable(variableEntries=entries)["errors"]
    assert error["message"].startswith("defaultValue: ")


def test_an_event_of_a_type_that_is_gone_is_deleted_already(client: ClientOf) -> None:
    answer = client.delete_event(eventId="e-1", eventTypeName="gone", deleteAuditHistory=True)
    assert answer.keys() == {"ResponseMetadata"}
