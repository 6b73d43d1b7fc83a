"""The line over Amazon Connect, at wire level: boto3, a server that speaks its API, a telephone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC
from typing import Any

import boto3
import pytest
from api_servers import KEY, Server, running
from aws_clients import ClientOf
from connect_calls import described, phone, until
from flow_texts import block, flow_text
from moto.server import ThreadedMotoServer

from ringfence.errors import InvalidInput
from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest, CallResult
from ringfence.lines.amazon_connect.client import Contact
from ringfence.lines.amazon_connect.events import contact_of
from ringfence.lines.amazon_connect.line import AmazonConnectLine, end_of
from ringfence.lines.amazon_connect.settings import read_settings, ring_seconds
from ringfence.lines.proving import prove
from ringfence.storage import now

OURS = "+15550100000"
ALLOWED = "+4930"
CREDENTIALS = {"access_key_id": "AKIATESTTESTTESTTEST", "secret_access_key": "test-secret"}


@pytest.fixture(scope="module")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(
        tmp_path_factory.mktemp("line") / "data",
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        RINGFENCE_CALLABLE_PREFIXES=f'["{ALLOWED}"]',
        RINGFENCE_CONNECT_REQUESTS_PER_SECOND="4",
        RINGFENCE_CONNECT_REQUESTS_AT_ONCE="1",
    ) as made:
        yield made


@pytest.fixture(scope="module")
def table(aws_server: Server, connect: ClientOf, instance: str) -> dict[str, Any]:
    """The settings of a line over that server: its flow keeps the key in an attribute."""
    keeps = block("keep", "UpdateContactAttributes", "end")
    keeps["Parameters"] = {"Attributes": {"Answer": "2"}}
    keeps["Transitions"]["Conditions"] = []
    content = flow_text(
        block(
            "ask",
            "GetParticipantInput",
            "end",
            {"2": "keep"},
            Text="Was it you, $.Attributes.Name?",
            InputTimeLimitSeconds="20",
            StoreInput="False",
        ),
        keeps,
    )
    made = connect.create_contact_flow(
        InstanceId=instance, Name="asks", Type="CONTACT_FLOW", Content=content
    )
    return {
        "instance_id": instance,
        "contact_flow_id": made["ContactFlowId"],
        "source_phone_number": OURS,
        "endpoint_url": aws_server.url,
        "poll_seconds": 0.3,
        **CREDENTIALS,
    }


async def unheard(participant: Participant) -> None:
    raise AssertionError("the conversation is held over there")


def during(
    table: dict[str, Any], work: Callable[[AmazonConnectLine], Awaitable[None]], **changes: Any
) -> None:
    async def limited() -> None:
        line = AmazonConnectLine("connect", read_settings("connect", {**table, **changes}))
        try:
            async with asyncio.timeout(60):
                await work(line)
        finally:
            await line.stop()

    asyncio.run(limited())


async def calls(
    line: AmazonConnectLine, number: str, call_id: str, events: list[str] | None = None
) -> CallResult:
    async def report(event: CallEvent) -> None:
        if events is not None:
            events.append(str(event.kind))

    request = CallRequest(
        call_id,
        number,
        OURS,
        attributes={"Name": "Mrs Rojas"},
        ring_timeout_seconds=15,
    )
    return await line.call(request, unheard, report)


def test_a_call_is_placed_followed_and_its_attributes_come_back(
    aws_server: Server, table: dict[str, Any]
) -> None:
    number, events = f"{ALLOWED}500", []

    async def work(line: AmazonConnectLine) -> None:
        call = asyncio.ensure_future(calls(line, number, "one", events))
        await asyncio.to_thread(until, lambda: there.heard)
        await asyncio.to_thread(there.press, "2")
        result = await call
        assert result.end is CallEnd.COMPLETED, result
        assert result.attributes["Answer"] == "2"
        assert result.attributes["Name"] == "Mrs Rojas"
        assert result.answered_at is not None
        assert result.answered_at.tzinfo is result.ended_at.tzinfo is UTC
        assert result.answered_by is None
        again = await calls(line, number, "one")
        assert again.end is CallEnd.FAILED
        assert "dialled before" in again.detail

    with phone(aws_server.url, number, KEY) as there:
        during(table, work)
        assert there.heard == ["Was it you, Mrs Rojas?"]
        assert len(there.rung) == 1
    assert events == ["dialled", "ringing", "answered", "ended"]


def test_a_line_is_proved_by_a_call_and_by_what_its_flow_leaves(
    aws_server: Server, table: dict[str, Any]
) -> None:
    number = f"{ALLOWED}506"

    async def work(line: AmazonConnectLine) -> None:
        async def proved(call_id: str, to_number: str) -> list[tuple[str, bool | None]]:
            request = CallRequest(call_id, to_number, OURS, ring_timeout_seconds=15)
            steps = [step async for step in prove(line, request)]
            texts.extend(step.text for step in steps)
            return [(step.name, step.ok) for step in steps]

        proving = asyncio.ensure_future(proved("proof", number))
        await asyncio.to_thread(until, lambda: there.heard)
        await asyncio.to_thread(there.press, "2")
        assert await proving == [("call", True), ("flow", True)]
        assert "Answer" in texts[1]
        assert await proved("no proof", "+14155550123") == [("call", False)]

    texts: list[str] = []
    with phone(aws_server.url, number, KEY) as there:
        during(table, work)


def test_two_lines_with_one_attempt_place_one_call(
    aws_server: Server, table: dict[str, Any]
) -> None:
    number = f"{ALLOWED}501"

    async def work(line: AmazonConnectLine) -> None:
        other = AmazonConnectLine("connect", line._settings)  # the server after a restart
        both = asyncio.gather(calls(line, number, "same"), calls(other, number, "same"))
        await asyncio.to_thread(until, lambda: there.heard)
        await asyncio.to_thread(there.press, "2")
        assert {result.end for result in await both} == {CallEnd.COMPLETED}

    with phone(aws_server.url, number, KEY) as there:
        during(table, work)
        assert len(there.rung) == 1


def test_a_telephone_that_is_not_there_and_a_country_that_is_not_allowed_are_told_apart(
    table: dict[str, Any],
) -> None:
    async def work(line: AmazonConnectLine) -> None:
        nobody = await calls(line, f"{ALLOWED}999", "nobody")
        assert nobody.end is CallEnd.UNREACHABLE, nobody
        abroad = await calls(line, "+14155550123", "abroad")
        assert abroad.end is CallEnd.UNREACHABLE, abroad
        assert "may not call this country" in abroad.detail

    during(table, work)


def test_a_flow_that_is_not_there_names_the_settings(table: dict[str, Any]) -> None:
    async def work(line: AmazonConnectLine) -> None:
        result = await calls(line, f"{ALLOWED}502", "lost")
        assert result.end is CallEnd.FAILED, result
        assert "contact_flow_id" in result.detail

    during(table, work, contact_flow_id="00000000-0000-4000-8000-000000000000")


def test_an_endpoint_that_is_away_is_a_line_that_is_down(
    table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.lines.amazon_connect.client._BUDGET_SECONDS", 1.0)

    async def work(line: AmazonConnectLine) -> None:
        result = await calls(line, f"{ALLOWED}503", "away")
        assert result.end is CallEnd.LINE_DOWN, result
        assert "cannot be reached" in result.detail

    during(table, work, endpoint_url="http://127.0.0.1:9")


def test_a_call_that_is_cancelled_is_stopped_over_there(
    aws_server: Server, table: dict[str, Any], connect: ClientOf, instance: str
) -> None:
    number = f"{ALLOWED}504"

    async def work(line: AmazonConnectLine) -> None:
        call = asyncio.ensure_future(calls(line, number, "taken back"))
        await asyncio.to_thread(until, lambda: there.heard)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    with phone(aws_server.url, number, KEY) as there:
        during(table, work)
        (contact_id,) = there.rung
        assert until(lambda: described(connect, instance, contact_id).get("DisconnectTimestamp"))


def test_calls_beyond_the_rate_wait_and_throttled_ones_are_asked_again(
    table: dict[str, Any],
) -> None:
    async def work(line: AmazonConnectLine) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        ends = await asyncio.gather(*(calls(line, f"{ALLOWED}77{n}", f"r{n}") for n in range(5)))
        assert {result.end for result in ends} == {CallEnd.UNREACHABLE}, ends
        assert loop.time() - began >= 4 / 2.0  # five calls at two a second

    during(table, work, calls_per_second=2.0)

    async def faster(line: AmazonConnectLine) -> None:
        # More than the server takes: it throttles, and every call is placed all the same.
        ends = await asyncio.gather(*(calls(line, f"{ALLOWED}78{n}", f"f{n}") for n in range(8)))
        assert {result.end for result in ends} == {CallEnd.UNREACHABLE}, ends

    during(table, faster, calls_per_second=50.0)


def test_contact_events_of_a_queue_tell_at_once(
    aws_server: Server, table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.lines.amazon_connect.line._SLOW_POLL_SECONDS", 300.0)
    monkeypatch.setattr("ringfence.lines.amazon_connect.events._WAIT_SECONDS", 1)
    moto = ThreadedMotoServer("127.0.0.1", 0)
    moto.start()
    host, port = moto.get_host_and_port()
    url = f"http://{host}:{port}"
    sqs = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    queue = sqs.create_queue(QueueName="contact-events")["QueueUrl"]
    number = f"{ALLOWED}505"

    def tell(contact_id: str) -> None:
        event = {"detail-type": "Amazon Connect Contact Event", "detail": {"contactId": contact_id}}
        for body in ("no event", json.dumps({"detail": 7}), json.dumps(event)):
            sqs.send_message(QueueUrl=queue, MessageBody=body)

    async def work(line: AmazonConnectLine) -> None:
        call = asyncio.ensure_future(calls(line, number, "by events"))
        await asyncio.to_thread(until, lambda: there.heard)
        await asyncio.to_thread(tell, there.rung[0])
        await asyncio.to_thread(there.press, "2")
        await asyncio.sleep(1.0)
        await asyncio.to_thread(tell, there.rung[0])
        result = await call
        assert result.attributes["Answer"] == "2"

    try:
        with phone(aws_server.url, number, KEY) as there:
            during(table, work, events_queue_url=queue, sqs_endpoint_url=url)
        # What was read is gone; what came after the call waits for the next one.
        left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        assert (
            int(left["ApproximateNumberOfMessages"])
            + int(left["ApproximateNumberOfMessagesNotVisible"])
            <= 3
        )
    finally:
        moto.stop()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("instance_id", {"instance_id": "no instance"}),
        ("contact_flow_id", {"contact_flow_id": ""}),
        ("numbers", {"numbers": ["030"]}),
        ("endpoint_url", {"endpoint_url": "connect.example"}),
        ("events_queue_url", {"events_queue_url": "contact-events"}),
        ("contact_flow_ids", {"contact_flow_ids": {"not a tag": "x"}}),
        ("source_phone_number", {"source_phone_number": "030"}),
        ("source_phone_number", {"queue_id": "q"}),
        ("source_phone_number", {"source_phone_number": ""}),
        ("numbers", {"source_phone_number": "", "queue_id": "q"}),
        ("access_key_id", {"secret_access_key": ""}),
        ("secret_access_key", {"secret_access_key": "env:NOT_SET_ANYWHERE"}),
        ("calls_per_second", {"calls_per_second": 0}),
        ("poll_seconds", {"poll_seconds": 0}),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_name(
    field: str, changes: dict[str, Any]
) -> None:
    fits = {
        "instance_id": "i-1",
        "contact_flow_id": "f-1",
        "source_phone_number": OURS,
        **CREDENTIALS,
    }
    with pytest.raises(InvalidInput) as refusal:
        read_settings("connect", {**fits, **changes})
    assert refusal.value.field == f"lines.connect.{field}"


def test_a_language_has_its_own_flow() -> None:
    settings = read_settings(
        "connect",
        {
            "instance_id": "arn:aws:connect:eu-central-1:123456789012:instance/abc",
            "contact_flow_id": "all",
            "contact_flow_ids": {"de": "german", "pt-BR": "brazil"},
            "queue_id": "q",
            "numbers": [OURS, "+4930901820"],
        },
    )
    assert (settings.instance, settings.instance_region) == ("abc", "eu-central-1")
    assert [settings.flow_for(tag) for tag in ("de-CH", "pt-BR", "pt-PT", "en-US")] == [
        "german",
        "brazil",
        "all",
        "all",
    ]
    assert settings.all_numbers == {OURS, "+4930901820"}
    assert [settings.source_for(number) for number in (OURS, "+1999")] == [OURS, ""]
    assert [ring_seconds(each) for each in (5, 30.4, 300)] == [15, 30, 60]


@pytest.mark.parametrize(
    ("reason", "answered", "machine", "end"),
    [
        ("CUSTOMER_DISCONNECT", True, "", CallEnd.HUNG_UP),
        ("CONTACT_FLOW_DISCONNECT", True, "HUMAN_ANSWERED", CallEnd.COMPLETED),
        ("OUTBOUND_ATTEMPT_FAILED", False, "", CallEnd.NO_ANSWER),
        ("OUTBOUND_DESTINATION_ENDPOINT_ERROR", False, "", CallEnd.UNREACHABLE),
        ("OUTBOUND_RESOURCE_ERROR", False, "", CallEnd.LINE_DOWN),
        ("OUTBOUND_RESOURCE_ERROR", True, "", CallEnd.FAILED),
        ("TELECOM_PROBLEM", True, "HUMAN_ANSWERED", CallEnd.FAILED),
        ("TELECOM_PROBLEM", False, "", CallEnd.LINE_DOWN),
        ("CUSTOMER_DISCONNECT", False, "", CallEnd.REJECTED),
        ("CONTACT_FLOW_DISCONNECT", False, "", CallEnd.COMPLETED),
        ("OTHER", True, "", CallEnd.COMPLETED),
        ("", False, "", CallEnd.NO_ANSWER),
        ("CONTACT_FLOW_DISCONNECT", True, "SIT_TONE_BUSY", CallEnd.BUSY),
        ("CONTACT_FLOW_DISCONNECT", True, "SIT_TONE_INVALID_NUMBER", CallEnd.UNREACHABLE),
    ],
)
def test_every_end_of_a_contact_has_a_result(
    reason: str, answered: bool, machine: str, end: CallEnd
) -> None:
    at = now()
    assert end_of(Contact(at if answered else None, at, reason, machine))[0] is end


def test_only_an_event_of_a_contact_names_one() -> None:
    assert contact_of('{"detail": {"contactId": "c"}}') == "c"
    for body in ("", "[]", "7", '{"detail": {}}', '{"detail": null}', "{"):
        assert contact_of(body) == ""
