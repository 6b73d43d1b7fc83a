"""What an account of Amazon Connect holds before a test asks something of it, made by boto3."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from aws_clients import ClientOf
from botocore.exceptions import ClientError

NOBODY = "00000000-0000-4000-8000-000000000000"
CUSTOMER, BANK = "+4930901820", "+4930901800"


def flow(text: str = "Your bank is calling.", seconds: int = 30) -> str:
    """A contact flow that says something and waits for a key."""
    ends = {"NextAction": "bye"}
    errors = ("InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError")
    return json.dumps(
        {
            "Version": "2019-10-30",
            "StartAction": "ask",
            "Actions": [
                {
                    "Identifier": "ask",
                    "Type": "GetParticipantInput",
                    "Parameters": {
                        "Text": text,
                        "StoreInput": "False",
                        "InputTimeLimitSeconds": str(seconds),
                    },
                    "Transitions": {
                        **ends,
                        "Errors": [{"ErrorType": error, **ends} for error in errors],
                        "Conditions": [],
                    },
                },
                {"Identifier": "bye", "Type": "DisconnectParticipant", "Transitions": {}},
            ],
        }
    )


@dataclass(frozen=True)
class Account:
    """An instance with hours of operation, a queue and a published flow."""

    client: ClientOf
    instance: str
    hours: str
    queue: str
    flow: str

    def start(self, **members: Any) -> str:
        """Have somebody called; the id of the contact."""
        asked: dict[str, Any] = {
            "DestinationPhoneNumber": CUSTOMER,
            "ContactFlowId": self.flow,
            "InstanceId": self.instance,
            "SourcePhoneNumber": BANK,
        }
        given = {name: value for name, value in (asked | members).items() if value is not None}
        return str(self.client.start_outbound_voice_contact(**given)["ContactId"])


def open_account(client: ClientOf) -> Account:
    """An account in an instance of its own."""
    instance = client.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InstanceAlias=f"bank-{uuid.uuid4().hex[:12]}",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )["Id"]
    hours = client.create_hours_of_operation(
        InstanceId=instance, Name="Always", TimeZone="Europe/Berlin", Config=[]
    )["HoursOfOperationId"]
    queue = client.create_queue(InstanceId=instance, Name="Analysts", HoursOfOperationId=hours)
    made = client.create_contact_flow(
        InstanceId=instance, Name="Ask", Type="CONTACT_FLOW", Content=flow()
    )
    return Account(client, instance, hours, queue["QueueId"], made["ContactFlowId"])


def refusal(client: ClientOf, method: str, **members: Any) -> tuple[str, int, str]:
    """The error's name, the status and the message of a request that is refused.

    The header names the error as the client has understood it.
    """
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**members)
    told = caught.value.response
    code, meta = told["Error"]["Code"], told["ResponseMetadata"]
    assert meta["HTTPHeaders"]["x-amzn-errortype"] == code
    return code, meta["HTTPStatusCode"], told["Error"]["Message"]


def everything(client: ClientOf, method: str, listed: str, **members: Any) -> list[Any]:
    """All items of a list that is asked for in pages of two."""
    found: list[Any] = []
    token: dict[str, str] = {}
    while True:
        answer = getattr(client, method)(**members, MaxResults=2, **token)
        assert len(answer[listed]) <= 2
        found += answer[listed]
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}
