"""What a SIP line waits for after the answer, before it lets the conversation begin."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sip_children import RtpEnd, far_end, missing
from sip_lines import LONG, SHORT, Caller, during, open_line, says
from sipp_scenarios import ANSWER, HUNG_UP, TALK, pause, scenario, send

from ringfence.flows import AnsweredBy, Participant
from ringfence.lines import CallEnd, CallEventKind

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

RATE = 8000
SILENCE_SECONDS = 1.5


@pytest.fixture
def rtp() -> Iterator[RtpEnd]:
    end = RtpEnd()
    yield end
    end.close()


def tone(hz: float, seconds: float) -> list[int]:
    return [
        round(9000 * math.sin(2 * math.pi * hz * number / RATE))
        for number in range(round(seconds * RATE))
    ]


def voice(seconds: float) -> list[int]:
    """As loud and as uneven as a voice: harmonics, in syllables."""
    return [
        round(
            (0.6 + 0.4 * math.sin(2 * math.pi * 4 * number / RATE))
            * sum(
                2500 / order * math.sin(2 * math.pi * 120 * order * number / RATE + order)
                for order in range(1, 12)
            )
        )
        for number in range(round(seconds * RATE))
    ]


def speaks(rtp: RtpEnd, *sounds: list[int]) -> None:
    """Send these, one after the other, as soon as the call is answered."""

    def speak() -> None:
        rtp.wait_for_packets(1)
        with contextlib.suppress(OSError):  # the call is over, and its socket closed
            for sound in sounds:
                rtp.say(sound)

    threading.Thread(target=speak, daemon=True).start()


def waited_seconds(caller: Caller) -> float:
    """From the answer to the first word."""
    answered = next(e.at for e in caller.events if e.kind is CallEventKind.ANSWERED)
    said = next(e.at for e in caller.events if e.kind is CallEventKind.SAID)
    return (said - answered).total_seconds()


def test_nobody_who_keeps_silent_is_spoken_to_at_once(tmp_path: Path, rtp: RtpEnd) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, courtesy_seconds=SILENCE_SECONDS) as caller:
                result = await caller.call(says(SHORT))
                assert result.end is CallEnd.COMPLETED, result
                assert waited_seconds(caller) > SILENCE_SECONDS - 0.3

        during(work())


def test_a_greeting_is_not_spoken_over(tmp_path: Path, rtp: RtpEnd) -> None:
    greeting = 2.0
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, courtesy_seconds=SILENCE_SECONDS) as caller:
                speaks(rtp, voice(greeting), [0] * RATE * 3)
                assert (await caller.call(says(SHORT))).end is CallEnd.COMPLETED
                assert waited_seconds(caller) > greeting - 0.1

        during(work())


def test_a_far_end_that_leaves_while_it_is_listened_to_hears_nothing(
    tmp_path: Path, rtp: RtpEnd
) -> None:
    leaving = scenario(*TALK, pause(300), send("BYE"), '<recv response="200" crlf="true"/>')
    with far_end(leaving, tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, courtesy_seconds=5.0) as caller:
                result = await caller.call(says(LONG))
                assert (result.end, result.detail) == (CallEnd.HUNG_UP, "hung up")
                assert "said" not in caller.told()

        during(work())


def test_a_conversation_knows_from_its_beginning_that_a_machine_picked_up(
    tmp_path: Path, rtp: RtpEnd
) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port) as caller:
                known: list[AnsweredBy] = []

                async def conversation(participant: Participant) -> None:
                    known.append(participant.answered_by)

                speaks(rtp, voice(3.5), tone(1000, 0.5), [0] * RATE * 2)
                result = await caller.call(conversation, detect_machine=True)
                assert known == [AnsweredBy.MACHINE_BEEP]
                assert result.answered_by is AnsweredBy.MACHINE_BEEP

        during(work())
