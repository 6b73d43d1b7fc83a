"""What AWS refuses, by its error codes on the wire, and what a call ends with for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest, CallResult
from ringfence.lines.amazon_connect.line import AmazonConnectLine
from ringfence.lines.amazon_connect.settings import read_settings

OURS = "+15550100000"
KEYS = {"access_key_id": "AKIATESTTESTTESTTEST", "secret_access_key": "a-secret-of-a-test"}


@contextmanager
def refusing(status: int, code: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where everything is refused in AWS's way; its address, and what it was asked for."""
    asked: list[dict[str, Any]] = []

    class Refusing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            body = json.dumps({"Message": "said AWS"}).encode()
            self.send_response(status)
            self.send_header("x-amzn-ErrorType", code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        serving.join(10)


def placed(url: str, *, detect_machine: bool = False, **changes: Any) -> CallResult:
    settings = {
        "instance_id": "i-1",
        "contact_flow_id": "f-1",
        "source_phone_number": OURS,
        "endpoint_url": url,
        "calls_per_second": 50.0,
        **changes,
    }

    async def unheard(participant: Participant) -> None:
        raise AssertionError("the conversation is held over there")

    async def report(event: CallEvent) -> None:
        """Nobody reads it."""

    async def call() -> CallResult:
        line = AmazonConnectLine("connect", read_settings("connect", settings))
        try:
            request = CallRequest("c-1", "+4930700", OURS, detect_machine=detect_machine)
            return await line.call(request, unheard, report)
        finally:
            await line.stop()

    return asyncio.run(call())


@pytest.mark.parametrize(
    ("status", "code", "end"),
    [
        (403, "DestinationNotAllowedException", CallEnd.UNREACHABLE),
        (403, "OutboundContactNotPermittedException", CallEnd.UNAUTHORIZED),
        (403, "AccessDeniedException", CallEnd.UNAUTHORIZED),
        (403, "UnrecognizedClientException", CallEnd.UNAUTHORIZED),
        (403, "InvalidSignatureException", CallEnd.UNAUTHORIZED),
        (403, "ExpiredTokenException", CallEnd.UNAUTHORIZED),
        (404, "ResourceNotFoundException", CallEnd.FAILED),
        (400, "InvalidParameterException", CallEnd.FAILED),
        (400, "SomethingNewException", CallEnd.FAILED),
    ],
)
def test_what_aws_refuses_is_told_apart_and_asked_once(
    status: int, code: str, end: CallEnd
) -> None:
    with refusing(status, code) as (url, asked):
        result = placed(url, **KEYS)
    assert result.end is end
    assert code in result.detail
    assert "said AWS" in result.detail
    assert KEYS["secret_access_key"] not in result.detail
    assert len(asked) == 1


@pytest.mark.parametrize("code", ["LimitExceededException", "TooManyRequestsException"])
def test_what_may_pass_is_asked_again_with_the_same_token_until_the_time_is_up(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.lines.amazon_connect.client._BUDGET_SECONDS", 2.0)
    with refusing(429, code) as (url, asked):
        result = placed(url, **KEYS)
    assert result.end is CallEnd.LINE_DOWN
    assert code in result.detail
    assert len(asked) > 1
    assert len({request["ClientToken"] for request in asked}) == 1


def test_a_machine_is_listened_for_as_the_settings_say() -> None:
    with refusing(400, "InvalidRequestException") as (url, asked):
        placed(url, **KEYS)
        placed(url, detect_machine=True, **KEYS)
        placed(url, detect_machine=True, await_beep=False, campaign_id="c-9", **KEYS)
        placed(url, detect_machine=True, machine_detection=False, **KEYS)
    plain, listening, at_once, deaf = asked
    for request in (plain, deaf):
        assert not {"TrafficType", "CampaignId", "AnswerMachineDetectionConfig"} & set(request)
    assert listening["TrafficType"] == at_once["TrafficType"] == "CAMPAIGN"
    assert listening["AnswerMachineDetectionConfig"]["AwaitAnswerMachinePrompt"] is True
    assert at_once["AnswerMachineDetectionConfig"]["AwaitAnswerMachinePrompt"] is False
    assert "CampaignId" not in listening
    assert at_once["CampaignId"] == "c-9"


def test_without_keys_the_detail_says_so_and_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with refusing(400, "InvalidRequestException") as (url, asked):
        keyless = placed(url)
        profile = placed(url, profile="nobody")
    assert keyless.end is profile.end is CallEnd.UNAUTHORIZED
    assert "credentials" in keyless.detail
    assert "nobody" in profile.detail
    assert asked == []
