"""What is posted to a Twilio line: only Twilio is listened to, and about calls that are known."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio_account import (
    ACCOUNT,
    BANK,
    CARDHOLDER,
    LINE,
    TOKEN,
    Desk,
    Telephone,
    desk,
    sound,
    until,
)

from ringfence.flows.participant import Participant
from ringfence.lines import (
    CallEnd,
    CallEvent,
    CallResult,
    Declined,
    IncomingCall,
    Reception,
)
from ringfence.lines.twilio.signature import is_signed, signature

_FIELDS = st.dictionaries(st.text(min_size=1), st.text(), max_size=6)


@given(form=_FIELDS, query=st.sampled_from(["", "?a=b&c=%20d"]))
def test_signatures_are_those_of_the_sdk(form: dict[str, str], query: str) -> None:
    url = f"https://calls.example.org/lines/phones/incoming{query}"

    expected = RequestValidator(TOKEN).compute_signature(url, form)

    assert signature(TOKEN, url, [*form.items()]) == expected
    assert is_signed(TOKEN, url, [*form.items()], b"", expected)
    assert not is_signed(TOKEN + "x", url, [*form.items()], b"", expected)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://a.example/x", "https://a.example:443/x"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example/x?q", "http://a.example:80/x?q"),
    ],
)
def test_the_usual_port_may_be_written_or_not(ours: str, theirs: str) -> None:
    assert is_signed(TOKEN, ours, [], b"", RequestValidator(TOKEN).compute_signature(theirs, {}))


def test_a_body_that_is_no_form_is_signed_by_its_hash() -> None:
    body = b'{"CallSid": "CA1"}'
    url = f"https://a.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    given_signature = RequestValidator(TOKEN).compute_signature(url, {})

    assert is_signed(TOKEN, url, [], body, given_signature)
    assert not is_signed(TOKEN, url, [], body + b" ", given_signature)
    assert not is_signed(
        TOKEN, "https://a.example/x", [], body, signature(TOKEN, "https://a.example/x")
    )


def address(tried: Desk, rest: str) -> str:
    """Where Twilio asks for something."""
    return f"{tried.url}/lines/{LINE}/{rest}"


async def test_whoever_does_not_sign_is_not_listened_to(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried, httpx2.AsyncClient() as client:
        url = address(tried, "incoming")
        unsigned = await client.post(url, data={"CallSid": "CA1"})
        other = await tried.account.post(url, {"CallSid": "CA1"}, token="another-token")
        forged = await client.post(
            url,
            data={"CallSid": "CA1", "From": "+1"},
            headers={"x-twilio-signature": signature(TOKEN, url, [("CallSid", "CA1")])},
        )

    assert [reply.status_code for reply in (unsigned, other, forged)] == [403, 403, 403]
    assert TOKEN not in unsigned.text


@pytest.mark.parametrize("body", [b"\xff=1", b"{", b"[1]"])
async def test_a_signed_body_that_makes_no_sense_is_refused(tmp_path: Path, body: bytes) -> None:
    async with desk(tmp_path) as tried, httpx2.AsyncClient() as client:
        hashed = hashlib.sha256(body).hexdigest()
        url = address(tried, f"incoming?bodySHA256={hashed}")
        headers = {"x-twilio-signature": signature(TOKEN, url), "content-type": "application/json"}
        assert (await client.post(url, content=body, headers=headers)).status_code == 400
        form = headers | {"content-type": "application/x-www-form-urlencoded"}
        assert (await client.post(url, content=body, headers=form)).status_code in (400, 403)


async def test_a_status_in_json_is_understood(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried, httpx2.AsyncClient() as client:
        tried.account.faults.lose_statuses = True
        tried.account.phones[CARDHOLDER] = Telephone(ring_seconds=30)
        call = tried.place(_silent)
        placed = await tried.account.placed()
        body = json.dumps({"CallSid": placed.sid, "CallStatus": "busy"}).encode()
        hashed = hashlib.sha256(body).hexdigest()
        url = f"{placed.form['StatusCallback']}?bodySHA256={hashed}"
        headers = {"x-twilio-signature": signature(TOKEN, url), "content-type": "application/json"}
        assert (await client.post(url, content=body, headers=headers)).status_code == 204
        assert (await call).end is CallEnd.BUSY


async def test_a_call_from_before_a_restart_hears_an_apology_and_is_hung_up(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as tried:
        url = address(tried, "calls/of-another-life/turn/3")
        reply = await tried.account.post(url, {"CallSid": "CA1", "Digits": "1"})
        status = address(tried, "calls/of-another-life/status")
        told = await tried.account.post(status, {"CallSid": "CA1", "CallStatus": "completed"})

    assert reply.status_code == 200
    assert "sorry" in reply.text
    assert reply.text.endswith("<Hangup/></Response>")
    assert told.status_code == 404


async def test_another_call_at_the_address_of_a_call_is_not_known(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        tried.account.phones[CARDHOLDER] = Telephone(ring_seconds=30)
        call = tried.place(_silent)
        placed = await tried.account.placed()
        await until(lambda: "ringing" in tried.happened())
        form = {"CallSid": "CA" + "e" * 32, "CallStatus": "completed"}
        reply = await tried.account.post(placed.form["StatusCallback"], form)
        early = await tried.account.post(
            placed.form["Url"].replace("/turn/0", "/turn/7"), {"CallSid": placed.sid}
        )
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    assert (reply.status_code, early.status_code) == (404, 404)


async def test_a_sound_is_gone_once_the_call_is_over(tmp_path: Path) -> None:
    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.1), interruptible=False)

    async with desk(tmp_path) as tried, httpx2.AsyncClient() as client:
        await tried.place(conversation)
        placed = await tried.account.placed()
        await placed.over()
        url = placed.documents[0].partition("<Play>")[2].partition("</Play>")[0]
        assert "/sound/" in url
        assert (await client.get(url)).status_code == 404


async def test_the_document_of_a_slow_conversation_is_preceded_by_one_that_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await asyncio.sleep(0.8)  # a function that takes its time
        keys.append(await participant.digit(3))

    monkeypatch.setattr("ringfence.lines.twilio.leg.HOLD_SECONDS", 0.2)
    async with desk(tmp_path) as tried:
        tried.account.faults.twice = True
        call = tried.place(conversation)
        placed = await tried.account.placed()
        await placed.press_when_asked("4")
        await call

    assert keys == ["4"]
    assert tried.texts("digit") == ["4"]


class Switchboard:
    """Who takes the calls that come in."""

    def __init__(self, conversation: Any = None, decline: CallEnd | None = None) -> None:
        self.calls: list[IncomingCall] = []
        self.events: list[CallEvent] = []
        self.results: list[CallResult] = []
        self._conversation = conversation
        self._decline = decline

    async def receive(self, call: IncomingCall) -> Reception | Declined:
        self.calls.append(call)
        if self._decline is not None:
            return Declined(self._decline)

        async def report(event: CallEvent) -> None:
            self.events.append(event)

        async def over(result: CallResult) -> None:
            self.results.append(result)

        return Reception("contact-1", self._conversation or _silent, report, over)


async def test_somebody_calls_and_presses_a_key(tmp_path: Path) -> None:
    keys: list[str | None] = []

    async def conversation(participant: Participant) -> None:
        await participant.play(sound(0.2), interruptible=True)
        keys.append(await participant.digit(5))

    board = Switchboard(conversation)
    async with desk(tmp_path) as tried:
        tried.line.receive(board.receive)
        tried.account.faults.twice = True
        placed = tried.account.incoming(
            address(tried, "incoming"), StirVerstat="TN-Validation-Passed-A"
        )
        await placed.press_when_asked("1")
        await placed.over()
        await until(lambda: bool(board.results))

    assert board.calls == [IncomingCall(LINE, placed.sid, CARDHOLDER, BANK, verified=True)]
    assert keys == ["1"]
    assert board.results[0].end is CallEnd.COMPLETED
    assert board.events[0].kind.value == "answered"


@pytest.mark.parametrize(
    ("caller", "attestation", "number", "verified"),
    [
        (CARDHOLDER, "TN-Validation-Passed-B", CARDHOLDER, False),
        (CARDHOLDER, "TN-Validation-Failed-A", CARDHOLDER, False),
        ("+266696687", "TN-Validation-Passed-A", "", False),
        ("Anonymous", "", "", False),
    ],
)
async def test_a_caller_is_verified_by_the_full_attestation_only(
    tmp_path: Path, caller: str, attestation: str, number: str, verified: bool
) -> None:
    board = Switchboard()
    async with desk(tmp_path) as tried:
        tried.line.receive(board.receive)
        url = address(tried, "incoming")
        placed = tried.account.incoming(url, From=caller, StirVerstat=attestation)
        await placed.over()

    assert [(call.from_number, call.verified) for call in board.calls] == [(number, verified)]


@pytest.mark.parametrize(
    ("end", "heard"),
    [(CallEnd.BUSY, "rejected busy"), (CallEnd.UNREACHABLE, "rejected rejected")],
)
async def test_a_call_that_is_declined_is_not_answered(
    tmp_path: Path, end: CallEnd, heard: str
) -> None:
    async with desk(tmp_path) as tried:
        tried.line.receive(Switchboard(decline=end).receive)
        placed = tried.account.incoming(address(tried, "incoming"))
        await placed.over()

    assert placed.heard == [heard]


async def test_calls_are_declined_before_anybody_takes_them(tmp_path: Path) -> None:
    async with desk(tmp_path) as tried:
        placed = tried.account.incoming(address(tried, "incoming"))
        await placed.over()

    assert placed.heard == ["rejected rejected"]


async def test_a_caller_who_hangs_up_is_told_of_by_the_status_of_the_number(
    tmp_path: Path,
) -> None:
    async def conversation(participant: Participant) -> None:
        while True:
            await participant.pause(2)

    board = Switchboard(conversation)
    async with desk(tmp_path, poll_seconds=30.0) as tried:
        tried.line.receive(board.receive)
        placed = tried.account.incoming(address(tried, "incoming"))
        async with asyncio.timeout(10):
            await placed.gathering.wait()
        await placed.stop()
        form = {"CallSid": placed.sid, "CallStatus": "completed", "AccountSid": ACCOUNT}
        reply = await tried.account.post(address(tried, "status"), form)
        await until(lambda: bool(board.results))

    assert reply.status_code == 204
    assert board.results[0].end is CallEnd.HUNG_UP


async def test_calls_that_came_in_are_over_when_the_line_is_closed(tmp_path: Path) -> None:
    async def conversation(participant: Participant) -> None:
        while True:
            await participant.pause(2)

    board = Switchboard(conversation)
    async with desk(tmp_path) as tried:
        tried.line.receive(board.receive)
        placed = tried.account.incoming(address(tried, "incoming"))
        async with asyncio.timeout(10):
            await placed.gathering.wait()

    assert [result.end for result in board.results] == [CallEnd.FAILED]
    assert placed.status == "completed"


async def _silent(participant: Participant) -> None:
    """Nothing is said."""
