"""Calls that programs place over Amazon Connect's API: boto3, a real server, a telephone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from api_servers import KEY, Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from connect_calls import USUAL, described, ended, phone, talk, until

ALLOWED = "+4930"
MOST_CALLS = 3
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("calls") / "data"
    with running(
        data_dir,
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        RINGFENCE_CALLABLE_PREFIXES=f'["{ALLOWED}"]',
        RINGFENCE_CALLS_AT_ONCE=str(MOST_CALLS),
    ) as made:
        yield made


@pytest.fixture(scope="module")
def wanted(connect: ClientOf, instance: str) -> dict[str, Any]:
    """A call that may be placed, but for the number that it goes to."""
    flow = connect.create_contact_flow(
        InstanceId=instance, Name="talk", Type="CONTACT_FLOW", Content=talk()
    )
    return {
        "InstanceId": instance,
        "ContactFlowId": flow["ContactFlowId"],
        "SourcePhoneNumber": USUAL,
        "DestinationPhoneNumber": f"{ALLOWED}000",
    }


def refused(connect: ClientOf, operation: str, **members: Any) -> tuple[str, int, str]:
    """Code, status and words of a refusal, whose header names the code as its body does."""
    with pytest.raises(ClientError) as error:
        getattr(connect, operation)(**members)
    told = error.value.response
    code: str = told["Error"]["Code"]
    assert told["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    return code, told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Message"]


def test_a_call_is_placed_answered_told_of_and_over(
    aws_server: Server, connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    call = wanted | {
        "DestinationPhoneNumber": f"{ALLOWED}100",
        "Attributes": {"who": "Ada", "news": "nothing"},
        "Name": "about a card",
        "References": {"case": {"Type": "URL", "Value": "https://bank.example/7"}},
        "ClientToken": uuid.uuid4().hex,
    }
    with phone(aws_server.url, f"{ALLOWED}100", KEY) as there:
        contact = connect.start_outbound_voice_contact(**call)["ContactId"]
        until(lambda: there.heard)
        again = connect.start_outbound_voice_contact(**call)["ContactId"]
        connect.update_contact_attributes(
            InstanceId=instance, InitialContactId=contact, Attributes={"news": "is good"}
        )
        connect.update_contact(InstanceId=instance, ContactId=contact, Description="by boto3")
        there.press("1")
        told = ended(connect, instance, contact)
        later = connect.start_outbound_voice_contact(**call)["ContactId"]
        assert (again, later) == (contact, contact)
        assert there.rung == [contact]
        assert there.heard == ["Hello Ada.", "Now is good."]
    assert told["InitiationMethod"] == "API"
    assert told["Channel"] == "VOICE"
    assert (told["Name"], told["Description"]) == ("about a card", "by boto3")
    assert told["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert told["CustomerEndpoint"]["Address"] == f"{ALLOWED}100"
    assert told["SystemEndpoint"]["Address"] == USUAL
    assert (
        told["InitiationTimestamp"]
        <= told["ConnectedToSystemTimestamp"]
        <= told["DisconnectTimestamp"]
    )
    kept = connect.get_contact_attributes(InstanceId=instance, InitialContactId=contact)
    assert kept["Attributes"] == {"who": "Ada", "news": "is good"}
    other = call | {"Attributes": {"who": "Bob"}}
    code, status, words = refused(connect, "start_outbound_voice_contact", **other)
    assert (code, status) == ("InvalidParameterException", 400)
    assert "ClientToken" in words


def test_a_call_is_stopped_while_it_rings_and_while_it_talks(
    aws_server: Server, connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    for number, answers in ((f"{ALLOWED}200", False), (f"{ALLOWED}201", True)):
        with phone(aws_server.url, number, KEY, answers=answers) as there:
            contact = connect.start_outbound_voice_contact(
                **wanted | {"DestinationPhoneNumber": number}
            )["ContactId"]
            until(lambda there=there, answers=answers: there.heard if answers else there.rung)
            assert "DisconnectTimestamp" not in described(connect, instance, contact)
            connect.stop_contact(InstanceId=instance, ContactId=contact)
            told = described(connect, instance, contact)
            assert "DisconnectTimestamp" in told
            assert ("ConnectedToSystemTimestamp" in told) is answers
            connect.stop_contact(InstanceId=instance, ContactId=contact)  # over, and left so
            assert described(connect, instance, contact) == told
            assert there.rung == [contact]


def test_one_that_nobody_answers_rings_out(
    aws_server: Server, connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    number = f"{ALLOWED}300"
    call = wanted | {"DestinationPhoneNumber": number, "RingTimeoutInSeconds": 15}
    with phone(aws_server.url, number, KEY, answers=False) as there:
        contact = connect.start_outbound_voice_contact(**call)["ContactId"]
        told = ended(connect, instance, contact)
        assert there.rung == [contact]
    assert told["DisconnectReason"] == "OUTBOUND_ATTEMPT_FAILED"
    assert "ConnectedToSystemTimestamp" not in told
    rang = told["DisconnectTimestamp"] - told["InitiationTimestamp"]
    assert rang.total_seconds() >= 15


def test_no_more_calls_are_placed_than_may_be_at_once(
    aws_server: Server, connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    numbers = [f"{ALLOWED}40{number}" for number in range(MOST_CALLS)]
    with ExitStack() as phones:
        contacts = []
        for number in numbers:
            there = phones.enter_context(phone(aws_server.url, number, KEY, answers=False))
            call = wanted | {"DestinationPhoneNumber": number, "ClientToken": number}
            contacts.append(connect.start_outbound_voice_contact(**call)["ContactId"])
            until(lambda there=there: there.rung)
        code, status, _ = refused(connect, "start_outbound_voice_contact", **wanted)
        again = connect.start_outbound_voice_contact(**call)["ContactId"]
        for contact in contacts:
            connect.stop_contact(InstanceId=instance, ContactId=contact)
    assert again == contacts[-1]
    assert (code, status) == ("LimitExceededException", 429)
    assert len(set(contacts)) == MOST_CALLS


def test_those_that_come_together_are_no_more_than_may_be_at_once(
    aws_server: Server, connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    numbers = [f"{ALLOWED}45{number}" for number in range(2 * MOST_CALLS)]

    def place(number: str) -> str | None:
        call = wanted | {"DestinationPhoneNumber": number}
        try:
            contact: str = connect.start_outbound_voice_contact(**call)["ContactId"]
        except connect.exceptions.LimitExceededException:
            return None
        return contact

    with ExitStack() as phones:
        for number in numbers:
            phones.enter_context(phone(aws_server.url, number, KEY, answers=False))
        with ThreadPoolExecutor(len(numbers)) as threads:
            placed = [each for each in threads.map(place, numbers) if each is not None]
        for contact in placed:
            connect.stop_contact(InstanceId=instance, ContactId=contact)
    assert len(placed) == MOST_CALLS


@pytest.mark.parametrize(
    ("change", "code", "status", "named"),
    [
        ({"ContactFlowId": ABSENT}, "ResourceNotFoundException", 404, "ContactFlowId"),
        ({"InstanceId": ABSENT}, "ResourceNotFoundException", 404, "InstanceId"),
        ({"QueueId": ABSENT}, "ResourceNotFoundException", 404, "QueueId"),
        ({"RelatedContactId": ABSENT}, "ResourceNotFoundException", 404, ABSENT),
        ({"SourcePhoneNumber": None}, "InvalidParameterException", 400, "SourcePhoneNumber"),
        ({"DestinationPhoneNumber": "+12"}, "DestinationNotAllowedException", 403, "prefixes"),
        ({"DestinationPhoneNumber": "030 1"}, "InvalidParameterException", 400, "Destination"),
        ({"TrafficType": "SPAM"}, "InvalidParameterException", 400, "TrafficType"),
        (
            {"AnswerMachineDetectionConfig": {"EnableAnswerMachineDetection": True}},
            "InvalidParameterException",
            400,
            "TrafficType",
        ),
        ({"RingTimeoutInSeconds": 61}, "InvalidParameterException", 400, "RingTimeoutInSeconds"),
        ({"Attributes": {"a": "ä" * 16_384}}, "InvalidParameterException", 400, "Attributes"),
        (
            {"OutboundStrategy": {"Type": "AGENT_FIRST"}},
            "InvalidParameterException",
            400,
            "OutboundStrategy",
        ),
    ],
)
def test_a_call_that_cannot_be_is_refused_by_the_name_of_what_is_wrong(
    aws_server: Server,
    wanted: dict[str, Any],
    change: dict[str, Any],
    code: str,
    status: int,
    named: str,
) -> None:
    unchecked = client_of(aws_server.url, "connect", validates=False)
    call = {name: value for name, value in (wanted | change).items() if value is not None}
    told = refused(unchecked, "start_outbound_voice_contact", **call)
    assert told[:2] == (code, status), told
    assert named in told[2]


def test_a_flow_that_was_only_saved_calls_nobody(
    connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    flow = connect.create_contact_flow(
        InstanceId=instance, Name="draft", Type="CONTACT_FLOW", Content=talk(), Status="SAVED"
    )["ContactFlowId"]
    told = refused(connect, "start_outbound_voice_contact", **wanted | {"ContactFlowId": flow})
    assert told[:2] == ("InvalidParameterException", 400)
    assert "published" in told[2]


def test_what_is_asked_of_a_contact_that_is_not_there_is_refused(
    connect: ClientOf, instance: str
) -> None:
    absent = {"InstanceId": instance, "ContactId": ABSENT}
    first = {"InstanceId": instance, "InitialContactId": ABSENT}
    missing = ("ResourceNotFoundException", 404)
    assert refused(connect, "stop_contact", **absent)[:2] == ("ContactNotFoundException", 410)
    assert refused(connect, "describe_contact", **absent)[:2] == missing
    assert refused(connect, "get_contact_attributes", **first)[:2] == missing
    told = refused(connect, "update_contact_attributes", **first, Attributes={"a": "b"})
    assert told[:2] == missing


def test_attributes_that_grow_too_large_are_refused_and_the_others_stay(
    connect: ClientOf, instance: str, wanted: dict[str, Any]
) -> None:
    contact = connect.start_outbound_voice_contact(**wanted, Attributes={"a": "x" * 30_000})
    first = {"InstanceId": instance, "InitialContactId": contact["ContactId"]}
    told = refused(connect, "update_contact_attributes", **first, Attributes={"b": "x" * 3_000})
    assert told[:2] == ("InvalidRequestException", 400)
    connect.update_contact_attributes(**first, Attributes={"a": "small"})
    assert connect.get_contact_attributes(**first)["Attributes"] == {"a": "small"}
    connect.stop_contact(InstanceId=instance, ContactId=contact["ContactId"])
