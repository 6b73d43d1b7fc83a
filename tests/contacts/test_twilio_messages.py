"""SMS by Twilio, against a small server that answers as Twilio's REST API does."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from ringfence.contacts.message_providers import open_provider
from ringfence.contacts.messages import StoredMessage
from ringfence.contacts.providing import NotSent
from ringfence.errors import InvalidInput
from ringfence.flows import Channel
from ringfence.lines.twilio.signature import is_signed
from ringfence.storage import now

SID, TOKEN = "AC" + "0" * 32, "secret/token"


class Api(BaseHTTPRequestHandler):
    """Answers with what the test has put into `answers`."""

    answers: list[tuple[int, dict[str, object]]] = []  # noqa: RUF012
    asked: list[tuple[str, str, dict[str, list[str]]]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.asked.append((self.path, self.headers.get("authorization", ""), parse_qs(body)))
        status, answer = self.answers.pop(0)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    Api.answers.clear()
    Api.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"twilio+http://{SID}:{TOKEN.replace('/', '%2F')}@127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def message(sender: str = "") -> StoredMessage:
    return StoredMessage(
        message_id="m1",
        contact_id="c1",
        channel=Channel.SMS,
        to="+4930901820",
        text="Was it you? 1 yes & 2 no",
        sender=sender,
        created_at=now(),
        due_at=now(),
    )


def test_a_message_is_handed_over_with_the_accounts_credentials(url: str) -> None:
    Api.answers.append((201, {"sid": "SM123", "status": "queued"}))
    provider = open_provider(url, Channel.SMS, field="sms_url", sender="+15550100000")
    assert provider.send(message()) == "SM123"
    ((path, authorization, form),) = Api.asked
    assert path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{SID}:{TOKEN}"
    assert form == {
        "To": ["+4930901820"],
        "From": ["+15550100000"],
        "Body": ["Was it you? 1 yes & 2 no"],
    }
    assert TOKEN not in provider.name


def test_a_messaging_service_takes_the_place_of_a_sender(url: str) -> None:
    Api.answers.append((201, {"sid": "SM123"}))
    open_provider(f"{url}?service=MG1", Channel.SMS, field="sms_url").send(message())
    assert Api.asked[0][2]["MessagingServiceSid"] == ["MG1"]
    assert "From" not in Api.asked[0][2]


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [(400, 21211, True), (400, 21610, True), (401, 20003, False), (429, 20429, False)],
)
def test_what_twilio_will_never_take_is_told_from_what_may_pass(
    status: int, code: int, refused: bool, url: str
) -> None:
    Api.answers.append((status, {"code": code, "message": "no", "status": status}))
    provider = open_provider(url, Channel.SMS, field="sms_url", sender="+15550100000")
    with pytest.raises(NotSent) as failure:
        provider.send(message())
    assert failure.value.refused is refused
    assert (failure.value.wait_seconds > 0) == (status == 429)
    assert TOKEN not in str(failure.value)


def test_an_answer_that_is_no_json_and_a_server_that_is_away_are_tried_again(url: str) -> None:
    away = f"twilio+http://{SID}:{TOKEN[:3]}@127.0.0.1:9"
    provider = open_provider(away, Channel.SMS, field="sms_url", sender="+15550100000")
    with pytest.raises(NotSent) as failure:
        provider.send(message())
    assert not failure.value.refused


@pytest.mark.parametrize("url", ["twilio://@", "twilio://AC1@", "twilio://:x@"], indirect=False)
def test_an_account_without_its_token_is_refused_when_it_is_set(url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        open_provider(url, Channel.SMS, field="sms_url", sender="+15550100000")
    assert refusal.value.field == "sms_url"


def test_no_sender_and_no_service_is_refused() -> None:
    with pytest.raises(InvalidInput, match="sender"):
        open_provider(f"twilio://{SID}:{TOKEN[:3]}@", Channel.SMS, field="sms_url")


def test_signatures_are_those_of_twilios_own_library() -> None:
    address = "https://bank.example/texts/twilio"
    form = {"From": "+4930901820", "To": "+15550100000", "Body": "1 é", "Empty": ""}
    signature = RequestValidator(TOKEN).compute_signature(address, form)
    fields = [*form.items()]
    assert is_signed(TOKEN, address, fields, b"", signature)
    assert not is_signed(TOKEN, address, [*fields, ("More", "1")], b"", signature)
    assert not is_signed("other", address, fields, b"", signature)
    assert not is_signed(TOKEN, address, fields, b"", "")
