"""What flows ask others to do: calling back, tasks, messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conversations import CARDHOLDER, STARTED_AT, action, converse, flow_of, says
from instances import Surroundings, queue_named

from ringfence.flows import CallBack, Channel, Message
from ringfence.flows.converting import to_language, to_legacy

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")
FRAUD = queue_named("fraud")


def asks(type_: str, parameters: Mapping[str, object], **errors: str) -> str:
    return flow_of(
        action("ask", type_, parameters, "say", errors=ERROR | errors),
        says("on [$.Task.ContactId]"),
        says("full", "full"),
        FAILED,
    )


def around(**facts: Any) -> Surroundings:
    return Surroundings(**({"queues": {"fraud": FRAUD}} | facts))


CALL_BACK = {
    "InitialCallDelaySeconds": "99",
    "RetryDelaySeconds": "60",
    "MaximumConnectionAttempts": "3",
}


def test_an_agent_is_to_call_back_after_a_while_and_a_few_times() -> None:
    instance = around()
    talk = converse(asks("CreateCallbackContact", CALL_BACK), instance=instance, queue=FRAUD)
    assert talk.said == ["on []"]
    assert instance.call_backs == [CallBack(CARDHOLDER, FRAUD, 99.0, 60.0, 3)]
    assert talk.blocks[0].parameters["MaxRetryAttempts"] == "2"


def test_a_call_back_needs_a_queue_with_room() -> None:
    flow = asks("CreateCallbackContact", CALL_BACK, QueueAtCapacity="full")
    assert converse(flow, instance=around()).said == ["failed"]
    full = around(full=frozenset({"fraud"}))
    assert converse(flow, instance=full, queue=FRAUD).said == ["full"]
    plain = asks("CreateCallbackContact", CALL_BACK | {"QueueId": "fraud"})
    assert converse(plain, instance=full).said == ["failed"]


def test_older_exports_count_retries() -> None:
    ask = {
        "id": "ask",
        "type": "CreateCallback",
        "parameters": [
            {"name": "InitialDelaySeconds", "value": 5},
            {"name": "RetryDelaySeconds", "value": 600},
            {"name": "MaxRetryAttempts", "value": 1},
            {"name": "Queue", "value": "arn:q", "resourceName": "fraud"},
        ],
        "branches": [
            {"condition": "Success", "transition": "end"},
            {"condition": "Error", "transition": "end"},
        ],
    }
    end = {"id": "end", "type": "Disconnect", "parameters": [], "branches": []}
    flow = json.dumps({"modules": [ask, end], "start": "ask", "version": "1"})
    for each in (flow, to_language(flow), to_legacy(to_language(flow))):
        instance = around()
        converse(each, instance=instance)
        assert instance.call_backs == [CallBack(CARDHOLDER, FRAUD, 5.0, 600.0, 2)]


def test_a_task_carries_what_the_flow_knows_and_has_a_contact_of_its_own() -> None:
    instance = around()
    parameters = {
        "Name": "Call $.Attributes.Name",
        "Description": "Card $.Attributes.CardNo",
        "ContactFlowId": "arn:task-flow",
        "References": {
            "case": {"Type": "URL", "Value": "https://example.org/$.Attributes.Reference"},
            "note": "urgent",
            "empty": {"Type": "STRING"},
        },
        "Attributes": {"customer": "$.Attributes.Customer"},
    }
    talk = converse(asks("CreateTask", parameters), instance=instance)
    assert talk.said == ["on [task-1]"]
    [task] = instance.tasks
    assert (task.name, task.description) == ("Call Rojas", "Card 4071")
    assert task.references == {"case": "https://example.org/KD7PX", "note": "urgent"}
    assert task.attributes == {"customer": "customer-7"}
    assert task.flow is not None
    assert task.flow.arn == "arn:task-flow"
    assert task.starts_at is None


@pytest.mark.parametrize(
    ("parameters", "starts_at"),
    [
        ({"DelaySeconds": "60"}, STARTED_AT + timedelta(seconds=60)),
        ({"ScheduledTime": "2026-03-02T08:00:00+01:00"}, datetime(2026, 3, 2, 7, tzinfo=UTC)),
        ({"ScheduledTime": "2026-03-02T08:00:00Z"}, datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ({"ScheduledTime": "1772438400"}, datetime(2026, 3, 2, 8, tzinfo=UTC)),
    ],
)
def test_a_task_may_begin_later(parameters: dict[str, str], starts_at: datetime) -> None:
    instance = around()
    converse(asks("CreateTask", {"Name": "x"} | parameters), instance=instance)
    assert instance.tasks[0].starts_at == starts_at


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"Name": "$.Attributes.missing"},
        {"Name": "x", "ScheduledTime": "tomorrow"},
        {"Name": "x", "ScheduledTime": "99999999999"},
        {"Name": "x", "ScheduledTime": "9999-12-31T23:59:59-12:00"},
        {"Name": "x", "DelaySeconds": "$.Attributes.missing"},
    ],
)
def test_a_task_without_a_name_or_with_a_time_that_is_none_is_not_opened(
    parameters: dict[str, str],
) -> None:
    instance = around()
    assert converse(asks("CreateTask", parameters), instance=instance).said == ["failed"]
    assert instance.tasks == []


SMS = {
    "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": "arn:aws:connect:x:1:p/n"},
    "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "$.CustomerEndpoint.Address"},
    "ContactFlowArn": "arn:f",
    "ContactSubtype": "connect:SMS",
    "InitialSystemMessage": {"Content": "Reference $.Attributes.Reference"},
}


def test_an_sms_goes_to_the_customer_from_the_number_that_is_set_up_here() -> None:
    instance = around()
    assert converse(asks("StartOutboundChatContact", SMS), instance=instance).said == ["on []"]
    assert instance.messages == [Message(Channel.SMS, CARDHOLDER, "Reference KD7PX")]


@pytest.mark.parametrize(
    "changed",
    [{"InitialSystemMessage": {}}, {"ContactSubtype": "connect:WhatsApp"}],
)
def test_what_is_no_sms_with_a_text_takes_the_error_branch(changed: dict[str, object]) -> None:
    flow = asks("StartOutboundChatContact", SMS | changed)
    assert converse(flow, instance=around()).said == ["failed"]


def test_a_message_that_nobody_takes_takes_the_error_branch() -> None:
    talk = converse(asks("StartOutboundChatContact", SMS), instance=around(silent=True))
    assert talk.said == ["failed"]
    assert talk.blocks[0].detail == "there is no provider"


EMAIL = {
    "FromEmailAddress": {"EmailAddress": "bank@example.org"},
    "DestinationEndpoint": {"Type": "EMAIL_ADDRESS", "Address": "$.Attributes.email"},
    "EmailMessage": {
        "MessageSourceType": "RAW",
        "RawMessage": {
            "Subject": "Your card\nBcc: everybody@example.org",
            "Body": "Reference $.Attributes.Reference",
            "ContentType": "text/plain",
        },
    },
}


def test_an_email_has_one_line_for_a_subject() -> None:
    instance = around()
    attributes = {"email": "rojas@example.org", "Reference": "KD7PX"}
    flow = asks("StartOutboundEmailContact", EMAIL)
    assert converse(flow, instance=instance, attributes=attributes).said == ["on []"]
    assert instance.messages == [
        Message(
            Channel.EMAIL,
            "rojas@example.org",
            "Reference KD7PX",
            subject="Your card Bcc: everybody@example.org",
            sender="bank@example.org",
        )
    ]


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example c@d.example"])
def test_an_email_needs_an_address(address: str) -> None:
    flow = asks("StartOutboundEmailContact", EMAIL)
    talk = converse(flow, instance=around(), attributes={"email": address})
    assert talk.said == ["failed"]
