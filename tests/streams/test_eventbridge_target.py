"""Against moto's server, over HTTP."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from decided import message
from receivers import receiver

from ringfence.streams import NotTaken, open_target

pytest.importorskip("moto.server", reason="needs moto[server]")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    yield found[0] if found else ""
    process.kill()
    process.wait()
    process.stderr.close()


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    return endpoint


def queue_of(bus: str, pattern: dict[str, list[str]]) -> tuple[Any, str]:
    """A queue that a rule of that bus sends to."""
    region = {"region_name": "eu-west-1"}
    events, sqs = boto3.client("events", **region), boto3.client("sqs", **region)
    if bus != "default":
        events.create_event_bus(Name=bus)
    url = sqs.create_queue(QueueName=f"of-{bus}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(
        Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": attributes["QueueArn"]}]
    )
    return sqs, url


async def test_a_rule_of_the_bus_finds_decisions_by_their_detail_type(aws: str) -> None:
    sqs, url = queue_of("fraud", {"detail-type": ["Event Prediction Result Returned"]})
    sent = message("e-1")
    target = open_target("eventbridge://fraud?region=eu-west-1")
    assert await target.send([sent]) == 1
    await target.close()
    delivered = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert delivered["source"] == "ringfence.frauddetector"
    assert delivered["detail"] == {
        **json.loads(sent.detail),
        "messageId": sent.message_id,
    }


async def test_a_source_can_be_chosen_and_ten_go_at_once(aws: str) -> None:
    sqs, url = queue_of("default", {"source": ["bank.fraud"]})
    target = open_target("eventbridge://default?region=eu-west-1&source=bank.fraud")
    assert await target.send([message(f"e-{number}") for number in range(15)]) == 10
    await target.close()
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert len(got) == 10


@pytest.mark.parametrize(
    ("code", "refused"),
    [("MalformedDetail", True), ("ThrottlingException", False), ("InternalFailure", False)],
)
async def test_an_entry_that_is_not_taken_leaves_the_ones_before_it_taken(
    aws: str, monkeypatch: pytest.MonkeyPatch, code: str, refused: bool
) -> None:
    entries = [{"EventId": "1"}, {"ErrorCode": code, "ErrorMessage": "no"}, {"EventId": "3"}]
    with receiver() as there:
        there.status_of = lambda _: 200
        there.answer = json.dumps({"FailedEntryCount": 1, "Entries": entries}).encode()
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", there.url)
        target = open_target("eventbridge://default?region=eu-west-1")
        with pytest.raises(NotTaken, match=code) as failed:
            await target.send([message("e-1"), message("e-2"), message("e-3")])
        await target.close()
    assert (failed.value.taken, failed.value.refused) == (1, refused)


async def test_a_request_that_aws_denies_is_tried_again_later(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as there:
        there.status_of = lambda _: 400
        there.answer = b'{"__type":"AccessDeniedException","message":"you may not"}'
        monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", there.url)
        target = open_target("eventbridge://default?region=eu-west-1")
        with pytest.raises(NotTaken, match="you may not") as failed:
            await target.send([message("e-1")])
        await target.close()
    assert not failed.value.refused
    assert len(there.posted) == 1


async def test_a_region_that_is_nowhere_said_is_the_reason(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    target = open_target("eventbridge://default")
    with pytest.raises(NotTaken, match="region"):
        await target.send([message("e-1")])
    await target.close()
