"""Calls that come in on a SIP line, placed by another one; and lines that do not open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sip_children import free_port, missing
from sip_lines import OURS, SHORT, THEIRS, during, open_line, says

from ringfence.errors import Unavailable
from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallResult
from ringfence.lines.incoming import Declined, IncomingCall, Reception
from ringfence.lines.sip.line import SipLine, is_past_its_end
from ringfence.lines.sip.settings import read_settings
from ringfence.lines.speech import Synthesizer

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


class Desk:
    """Who takes the calls that come in."""

    def __init__(self, answer: Declined | None = None) -> None:
        self.calls: list[IncomingCall] = []
        self.events: list[str] = []
        self.results: list[CallResult] = []
        self._answer = answer

    async def receive(self, call: IncomingCall) -> Reception | Declined:
        self.calls.append(call)
        return self._answer or Reception("back", self._talk, self._report, self._over)

    async def _talk(self, participant: Participant) -> None:
        await participant.say(SHORT, interruptible=False)

    async def _report(self, event: CallEvent) -> None:
        self.events.append(str(event.kind))

    async def _over(self, result: CallResult) -> None:
        self.results.append(result)


def test_a_call_that_comes_in_is_told_of_answered_and_spoken_on() -> None:
    async def work() -> None:
        port, desk = free_port(), Desk()
        async with (
            open_line(9, port=port, takes_calls=True, numbers=[THEIRS]) as ours,
            open_line(port) as theirs,
        ):
            ours.line.receive(desk.receive)

            async def listens(participant: Participant) -> None:
                await participant.pause(20.0)

            assert (await theirs.call(listens)).end is CallEnd.HUNG_UP
            await ours.until(lambda: bool(desk.results))
            assert ours.line.state().calls == 0
        (call,) = desk.calls
        assert (call.line, call.from_number, call.to_number) == ("trunk", OURS, THEIRS)
        assert call.line_call_id
        assert not call.verified
        assert desk.events == ["answered", "said", "ended"]
        assert [result.end for result in desk.results] == [CallEnd.COMPLETED]

    during(work())


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (Declined(CallEnd.BUSY), CallEnd.BUSY),
        (Declined(CallEnd.REJECTED), CallEnd.REJECTED),
        (Declined(CallEnd.UNREACHABLE), CallEnd.UNREACHABLE),
        (None, CallEnd.UNREACHABLE),
    ],
)
def test_a_call_that_is_not_taken_is_declined_as_was_said(
    answer: Declined | None, heard: CallEnd
) -> None:
    async def work() -> None:
        port = free_port()
        async with (
            open_line(9, port=port, takes_calls=True, numbers=[THEIRS]) as ours,
            open_line(port) as theirs,
        ):
            if answer is not None:
                ours.line.receive(Desk(answer).receive)
            assert (await theirs.call(says(SHORT))).end is heard

    during(work())


def test_a_fault_in_taking_a_call_declines_that_one_alone() -> None:
    async def work() -> None:
        port, desk = free_port(), Desk()
        async with (
            open_line(9, port=port, takes_calls=True, numbers=[THEIRS]) as ours,
            open_line(port) as theirs,
        ):

            async def fails(call: IncomingCall) -> Reception | Declined:
                raise RuntimeError("out of order")

            ours.line.receive(fails)
            assert (await theirs.call()).end is CallEnd.LINE_DOWN
            ours.line.receive(desk.receive)
            await theirs.call(lambda participant: participant.pause(20.0))
            await ours.until(lambda: bool(desk.results))

    during(work())


def test_an_old_openssl_is_told_from_a_current_one() -> None:
    assert is_past_its_end("OpenSSL 1.0.2k-fips  26 Jan 2017")
    assert is_past_its_end("OpenSSL 1.1.1w  11 Sep 2023")
    assert not is_past_its_end("OpenSSL 3.0.17 1 Jul 2025")
    assert not is_past_its_end("")


def test_a_line_that_an_old_openssl_would_encrypt_does_not_open_and_leaves_no_process() -> None:
    async def work() -> None:
        async with open_line(9) as plain:
            if not is_past_its_end(plain.line.state().tls):
                pytest.skip("this build of PJSIP has a current OpenSSL")
        trunk = {"name": "safe", "host": "127.0.0.1:9", "transport": "tls"}
        table = {"trunks": [trunk], "bind_host": "127.0.0.1"}
        line = SipLine("trunk", read_settings("trunk", table), Synthesizer())
        with pytest.raises(Unavailable, match="gets no security fixes") as refused:
            await line.start()
        assert refused.value.field == "lines.trunk.accept_old_tls"
        await asyncio.sleep(0.5)  # in which a replacement would be started
        assert not _children()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    during(work())


def _children() -> list[str]:
    """The commands of the processes that this one has started."""
    commands = []
    for thread in Path("/proc/self/task").iterdir():
        for pid in (thread / "children").read_text().split():
            commands.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
    return [command for command in commands if "sip.child" in command]
