"""Proving a SIP line, step by step, with far ends that have this or that wrong with them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sip_children import RtpEnd, far_end, free_port, missing
from sip_lines import OURS, THEIRS, during, open_line
from sipp_scenarios import ANSWER, HUNG_UP, receive, respond, scenario

from ringfence.lines import CallRequest
from ringfence.lines.proving import Step, prove
from ringfence.lines.sip.leg import Leg
from ringfence.lines.sip.line import SipLine
from ringfence.lines.sip.messages import Answered, Ended
from ringfence.lines.sip.proving import sound_steps

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


async def steps(line: SipLine) -> dict[str, Step]:
    request = CallRequest("proof", THEIRS, OURS, ring_timeout_seconds=10.0)
    return {step.name: step async for step in prove(line, request)}


def test_a_trunk_that_works_is_proved_with_its_sound_and_keys(tmp_path: Path) -> None:
    rtp = RtpEnd()

    def press() -> None:
        rtp.wait_for_packets(30)
        rtp.press("5")

    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                threading.Thread(target=press).start()
                found = await steps(caller.line)
                assert found["PJSIP"].ok
                assert "127.0.0.1, over UDP" in found[f"trunk t{peer.port}"].text
                assert found["call"].ok
                assert (found["keys"].ok, found["keys"].text) == (True, "the key 5 arrived")
                assert (found["codec"].ok, found["codec"].text) == (True, "PCMA, not encrypted")
                assert "packets came" in found["sound"].text
                assert "registration" not in found

        during(work())
    rtp.close()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("403 Forbidden", "look at the number that is shown"),
        ("404 Not Found", "nobody can be reached"),
        ("503 Service Unavailable", "takes no calls"),
    ],
)
def test_a_call_that_a_trunk_does_not_take_is_explained(
    status: str, words: str, tmp_path: Path
) -> None:
    refuses = scenario(receive("INVITE"), respond(status), receive("ACK"))
    with far_end(refuses, tmp_path) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                found = await steps(caller.line)
                assert found["call"].ok is False
                assert words in found["call"].text
                assert status.partition(" ")[0] in found["call"].text
                assert "sound" not in found

        during(work())


def test_a_trunk_that_is_not_there_is_told_of_before_the_call() -> None:
    async def work() -> None:
        facts: dict[str, Any] = {
            "transport": "tcp",
            "keep_alive_seconds": 60,
            "register": True,
            "username": "bank",
            "password": "secret word",
        }
        async with open_line(free_port(), trunk=facts) as caller:
            found = await steps(caller.line)
            assert found["registration"].ok is False
            assert found["answers"].ok is False
            assert found["call"].ok is False
            assert "secret word" not in str(found)

    during(work())


@pytest.mark.parametrize(
    ("received", "lost", "jitter_ms", "good", "words"),
    [
        (0, 0, 0.0, False, "no sound came from the far end"),
        (1000, 0, 5.0, True, "0.0% were lost"),
        (900, 100, 5.0, False, "not good enough"),
        (1000, 0, 90.0, False, "not good enough"),
    ],
)
def test_what_came_of_the_sound_is_judged(
    received: int, lost: int, jitter_ms: float, good: bool, words: str
) -> None:
    leg = Leg("a", None)  # type: ignore[arg-type]
    leg.answered = Answered(call="a", codec="PCMU", secure=True)
    leg.ended = Ended(
        call="a", status=200, received_packets=received, lost_packets=lost, jitter_ms=jitter_ms
    )
    codec, sound = sound_steps(leg)
    assert codec.text == "PCMU, encrypted"
    assert (sound.ok, words in sound.text) == (good, True)
