"""What a child finds out by listening to the far end."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sip_children import PATIENCE, Child, RtpEnd, child, dial, far_end, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.sip.messages import (
    Answered,
    Digit,
    Ended,
    Greeted,
    HangUp,
    MachineHeard,
    Sound,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

RATE = 8000
_KEYS = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "#": (941, 1477)}


def _voice(seconds: float) -> list[int]:
    """Something as loud and as uneven as a voice: harmonics of 120 Hz, in syllables."""
    chance = random.Random(7)
    return [
        round(
            (0.6 + 0.4 * math.sin(2 * math.pi * 4 * number / RATE))
            * sum(
                2500 / order * math.sin(2 * math.pi * 120 * order * number / RATE + order)
                for order in range(1, 12)
            )
            + chance.gauss(0, 60)
        )
        for number in range(round(seconds * RATE))
    ]


def _key(key: str, seconds: float = 0.12) -> list[int]:
    low, high = _KEYS[key]
    return [
        round(
            5000 * math.sin(2 * math.pi * low * number / RATE)
            + 5000 * math.sin(2 * math.pi * high * number / RATE)
        )
        for number in range(round(seconds * RATE))
    ]


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[tuple[Child, RtpEnd, int]]:
    """A child, and the sound and the port of a far end that answers."""
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        yield line, sound, far.port
    sound.close()


def _answered(line: Child, sound: RtpEnd) -> None:
    line.hear(Answered)
    sound.wait_for_packets(1)


def test_one_may_speak_after_a_silence_without_a_greeting(
    peer: tuple[Child, RtpEnd, int],
) -> None:
    line, sound, port = peer
    line.tell(dial(port, courtesy_seconds=0.5))
    _answered(line, sound)
    assert line.hear(Greeted) == Greeted("a", spoke=False)
    line.tell(HangUp("a"))
    line.hear(Ended)
    assert sum(isinstance(message, Greeted) for message in line.said) == 1


def test_one_may_speak_when_the_greeting_is_over(peer: tuple[Child, RtpEnd, int]) -> None:
    line, sound, port = peer
    line.tell(dial(port, courtesy_seconds=1.5))
    _answered(line, sound)
    sound.say(_voice(0.6))
    sound.say([0] * RATE)
    assert line.hear(Greeted) == Greeted("a", spoke=True)


def test_who_says_a_word_and_waits_is_a_person(peer: tuple[Child, RtpEnd, int]) -> None:
    line, sound, port = peer
    line.tell(dial(port, detect_machine=True))
    _answered(line, sound)
    sound.say([0] * (RATE // 4))
    sound.say(_voice(0.6))
    sound.say([0] * (2 * RATE))
    heard = line.hear(MachineHeard)
    assert heard.answered_by == AnsweredBy.HUMAN
    assert heard.detail


def test_who_speaks_on_and_beeps_is_a_machine(peer: tuple[Child, RtpEnd, int]) -> None:
    line, sound, port = peer
    line.tell(dial(port, detect_machine=True))
    _answered(line, sound)
    sound.say(_voice(3.5))
    beep = [round(8000 * math.sin(2 * math.pi * 1000 * number / RATE)) for number in range(3200)]
    sound.say([0] * 1600 + beep + [0] * RATE)
    assert line.hear(MachineHeard).answered_by == AnsweredBy.MACHINE_BEEP


def test_nobody_is_taken_for_a_machine_who_says_nothing(
    peer: tuple[Child, RtpEnd, int],
) -> None:
    line, sound, port = peer
    line.tell(dial(port, detect_machine=True))
    _answered(line, sound)
    assert line.hear(MachineHeard).answered_by == AnsweredBy.UNKNOWN


def test_keys_in_the_sound_are_heard_when_they_are_looked_for(
    peer: tuple[Child, RtpEnd, int],
) -> None:
    line, sound, port = peer
    line.tell(dial(port, inband_digits=True))
    _answered(line, sound)
    for key in "159#":
        sound.say([0] * 800)
        sound.say(_key(key))
    sound.say([0] * 2400)
    assert "".join(line.hear(Digit).key for _ in range(4)) == "159#"


def test_a_key_that_comes_beside_the_sound_and_in_it_is_one(
    peer: tuple[Child, RtpEnd, int],
) -> None:
    line, sound, port = peer
    line.tell(dial(port, inband_digits=True, listen=True))
    _answered(line, sound)
    sound.say(_key("5"))
    sound.say([0] * 1600)
    assert line.hear(Digit).key == "5"
    sound.press("5")
    line.drain(0.5)
    sound.press("9")
    sound.say(_key("9"))
    assert line.hear(Digit, within=PATIENCE).key == "9"
    line.tell(HangUp("a"))
    line.hear(Ended)
    assert [message.key for message in line.said if isinstance(message, Digit)] == ["5", "9"]
    assert any(isinstance(message, Sound) for message in line.said)
