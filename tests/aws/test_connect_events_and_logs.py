"""What a call leaves behind: contact events, a contact record, and a flow log without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_servers import KEY, Server, running
from aws_clients import ClientOf, client_of
from connect_calls import USUAL, ended, phone, talk, until

from ringfence.contacts.flow_logs import read_flow_logs
from ringfence.contacts.instances import default_instance
from ringfence.storage import Database

NUMBER, SECRET = "+4930555", "rosebud-1941"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published") / "events.jsonl"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, published: Path) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("logged") / "data"
    with running(
        data_dir,
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        RINGFENCE_CONTACT_EVENTS_URL=f"file://{published}",
        RINGFENCE_SENSITIVE_ATTRIBUTES='["password"]',
    ) as made:
        yield made


@pytest.fixture(scope="module")
def contact(server: Server) -> str:
    """A call that asked, was answered by a key, and said what it was not to log."""
    connect: ClientOf = client_of(server.url, "connect")
    (one,) = connect.list_instances()["InstanceSummaryList"]
    content = json.loads(talk("Hello $.Attributes.who, the word is $.Attributes.password."))
    content["Actions"].append(
        {
            "Identifier": "log",
            "Type": "UpdateFlowLoggingBehavior",
            "Parameters": {"FlowLoggingBehavior": "Enabled"},
            "Transitions": {"NextAction": "ask", "Errors": [], "Conditions": []},
        }
    )
    content["StartAction"] = "log"
    flow = connect.create_contact_flow(
        InstanceId=one["Id"], Name="logged", Type="CONTACT_FLOW", Content=json.dumps(content)
    )
    with phone(server.url, NUMBER, KEY) as there:
        contact_id: str = connect.start_outbound_voice_contact(
            InstanceId=one["Id"],
            ContactFlowId=flow["ContactFlowId"],
            SourcePhoneNumber=USUAL,
            DestinationPhoneNumber=NUMBER,
            Attributes={"who": "Ada", "news": "good", "password": SECRET},
            AnswerMachineDetectionConfig={"EnableAnswerMachineDetection": True},
            TrafficType="CAMPAIGN",
            CampaignId="autumn",
        )["ContactId"]
        until(lambda: there.heard)
        assert SECRET in there.heard[0]
        there.press("1")
        ended(connect, one["Id"], contact_id)
    return contact_id


def messages(published: Path, contact: str) -> list[dict[str, Any]]:
    if not published.exists():
        return []
    lines = [json.loads(line) for line in published.read_text().splitlines()]
    return [line for line in lines if contact in json.dumps(line)]


def test_events_come_in_order_and_then_the_record(published: Path, contact: str) -> None:
    told = until(lambda: len(found := messages(published, contact)) >= 4 and found)
    events, (record,) = told[:3], told[3:]
    assert [one["detail"]["eventType"] for one in events] == [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "DISCONNECTED",
    ]
    for one in events:
        assert one["detail-type"] == "Amazon Connect Contact Event"
        assert one["source"] == "aws.connect"
        assert one["detail"]["contactId"] == contact
    assert events[1]["detail"]["answeringMachineDetectionStatus"] == "HUMAN_ANSWERED"
    assert events[0]["detail"]["campaign"] == {"campaignId": "autumn"}
    assert events[2]["detail"]["disconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    record = record.get("detail", record)
    assert record["ContactId"] == contact
    assert record["Attributes"]["who"] == "Ada"
    assert record["CustomerEndpoint"] == {"Address": NUMBER, "Type": "TELEPHONE_NUMBER"}
    assert record["AnsweringMachineDetectionStatus"] == "HUMAN_ANSWERED"


def test_the_flow_log_has_every_block_and_no_secret(server: Server, contact: str) -> None:
    database = Database(f"sqlite:///{server.data_dir / 'ringfence.db'}")

    def entries() -> list[dict[str, Any]]:
        with database.read() as connection:
            instance_id = default_instance(connection).instance_id
            found = read_flow_logs(connection, instance_id, contact_id=contact)
            return [dict(each.content) for each in found]

    def whole() -> list[dict[str, Any]] | None:
        found = entries()
        return found if any(each.get("Identifier") == "end" for each in found) else None

    found: list[dict[str, Any]] = until(whole)
    kinds = [each["ContactFlowModuleType"] for each in found]
    for kind in ("GetUserInput", "PlayPrompt", "Disconnect"):
        assert kind in kinds
    assert all(each["ContactId"] == contact for each in found)
    assert all(each["ContactFlowName"] == "logged" for each in found)
    assert SECRET not in json.dumps(found)
    assert SECRET not in server.log.read_text()
    database.dispose()
