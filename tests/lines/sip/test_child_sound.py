"""What is heard on the calls of a child, measured in the RTP that arrives."""

from __future__ import annotations

import io
import itertools
import math
import wave
from array import array
from pathlib import Path

import pytest
from sip_children import RtpEnd, child, dial, far_end, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.lines.sip.messages import (
    Answered,
    Digit,
    Ended,
    Feed,
    HangUp,
    Join,
    Listen,
    Play,
    Played,
    Record,
    Recording,
    Relay,
    SendDigits,
    Silence,
    Sound,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

RATE = 8000
LOUD = 1000


def _tone(seconds: float, hertz: float = 440.0, start: int = 0) -> list[int]:
    return [
        round(8000 * math.cos(2 * math.pi * hertz * (start + number) / RATE))
        for number in range(round(seconds * RATE))
    ]


def _pcm(samples: list[int]) -> bytes:
    return array("h", samples).tobytes()


def _level(samples: list[int], hertz: float) -> float:
    """How much of a tone is in the samples: 0 to about 8000, the amplitude."""
    turn = 2 * math.pi * hertz / RATE
    real = sum(sample * math.cos(turn * number) for number, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(turn * number) for number, sample in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / max(1, len(samples))


def _loud(samples: list[int]) -> list[int]:
    found = [number for number, sample in enumerate(samples) if abs(sample) > LOUD]
    return samples[found[0] : found[-1] + 1] if found else []


@pytest.fixture
def talk(tmp_path: Path):
    """A child with an answered call, and the RTP of its far end."""
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        yield line, sound
    sound.close()


def test_sounds_that_follow_each_other_leave_no_gap_and_no_click(talk) -> None:
    # One tone in pieces, of lengths that fit no frame; each piece comes while another plays.
    line, sound = talk
    whole = _tone(2.0)
    cuts = [0, 4011, 4500, 9001, 12345, 16000]
    pieces = [whole[start:end] for start, end in itertools.pairwise(cuts)]
    line.tell(Play("a", 0, _pcm(pieces[0])))
    line.drain(0.23)
    for number, piece in enumerate(pieces[1:], 1):
        line.tell(Play("a", number, _pcm(piece)))
    heard = [line.hear(Played) for _ in pieces]
    assert [one.playing for one in heard] == [0, 1, 2, 3, 4]
    assert [one.heard for one in heard] == [len(piece) / RATE for piece in pieces]
    arrived = _loud(sound.heard())
    assert len(arrived) == pytest.approx(16000, abs=10)
    worst = max(abs(got - sent) for got, sent in zip(arrived, whole, strict=False))
    assert worst < 400  # A-law is that coarse at this level; a click would be thousands


def test_packets_never_stop_though_nothing_is_said(talk) -> None:
    _, sound = talk
    sound.wait_for_packets(50)
    stamps = sorted(int.from_bytes(packet[4:8], "big") for _, packet in sound.packets)
    assert {two - one for one, two in itertools.pairwise(stamps)} == {160}
    assert max(abs(sample) for sample in sound.heard()) < 40


def test_silence_stops_what_plays_and_what_waits(talk) -> None:
    line, sound = talk
    line.tell(Play("a", 1, _pcm(_tone(5.0))))
    line.tell(Play("a", 2, _pcm(_tone(5.0))))
    line.drain(1.0)
    line.tell(Silence("a"))
    first, second = line.hear(Played), line.hear(Played)
    assert (first.playing, second.playing) == (1, 2)
    assert 0.5 < first.heard < 5.0
    assert second.heard == 0.0
    before = len(sound.packets)
    sound.wait_for_packets(before + 20)
    arrived = _loud(sound.heard())
    assert abs(len(arrived) / RATE - first.heard) < 0.1
    line.tell(Play("a", 3, _pcm(_tone(0.2, 1000.0))))
    assert line.hear(Played, playing=3).heard == 0.2
    assert _level(sound.heard()[-3200:], 1000.0) > 1000


def test_nothing_to_play_is_played_at_once(talk) -> None:
    line, _ = talk
    line.tell(Play("a", 1, b""))
    assert line.hear(Played).heard == 0.0


def test_keys_are_heard_by_rfc_4733_each_once(talk) -> None:
    line, sound = talk
    sound.wait_for_packets(1)
    for key in "0123456789*#":
        sound.press(key)
    assert "".join(line.hear(Digit).key for _ in range(12)) == "0123456789*#"
    line.tell(HangUp("a"))
    line.hear(Ended)
    assert sum(isinstance(message, Digit) for message in line.said) == 12


def test_keys_are_sent_by_rfc_4733(talk) -> None:
    line, sound = talk
    line.tell(SendDigits("a", "19*#0"))
    line.drain(2.0)
    assert sound.keys() == "19*#0"


def test_keys_are_sent_as_the_trunk_wants_them(tmp_path: Path) -> None:
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port, dtmf="inband")) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        line.tell(SendDigits("a", "5"))
        line.drain(1.0)
        loud = _loud(sound.heard())
        assert _level(loud, 770.0) > LOUD
        assert _level(loud, 1336.0) > LOUD
        assert sound.keys() == ""
    sound.close()


def test_what_the_far_end_says_is_passed_on_while_it_is_wanted(talk) -> None:
    line, sound = talk
    sound.wait_for_packets(1)
    line.tell(Listen("a", True))
    sound.say(_tone(1.0, 300.0))
    line.drain(0.3)
    line.tell(Listen("a", False))
    line.drain(0.3)
    passed = array("h")
    for message in line.said:
        if isinstance(message, Sound):
            passed.frombytes(message.pcm)
    assert _level(_loud(passed.tolist()), 300.0) > 6000
    count = sum(isinstance(message, Sound) for message in line.said)
    line.drain(0.5)
    assert sum(isinstance(message, Sound) for message in line.said) == count


def test_a_far_end_that_sends_nothing_is_heard_as_silence(talk) -> None:
    line, _ = talk
    line.tell(Listen("a", True))
    pcm = line.hear(Sound).pcm
    assert len(pcm) >= 1600
    assert not any(pcm)


def test_sound_that_is_fed_is_heard_and_what_is_late_is_lost(talk) -> None:
    line, sound = talk
    line.tell(Relay("a", True))
    fed = _tone(2.0, 250.0)  # a second of 500 Hz at the rate of live sound
    for start in range(0, len(fed), 320):
        line.tell(Feed("a", _pcm(fed[start : start + 320])))
        line.drain(0.02)
    line.drain(1.0)  # so that what is looked at last begins after this sound
    assert _level(_loud(sound.heard()), 500.0) > 5000
    arrived = len(_loud(sound.heard()))
    line.tell(Feed("a", _pcm(_tone(10.0, 250.0))))
    line.drain(1.0)
    assert len(_loud(sound.heard()[-int(1.5 * RATE) :])) < 0.6 * RATE
    assert arrived > 0.8 * RATE


def test_two_calls_hear_each_other_while_they_are_joined(tmp_path: Path) -> None:
    one, two = RtpEnd(), RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, one) as first,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, two) as second,
        child(tmp_path / "log", trunk(first.port)) as line,
    ):
        line.tell(dial(first.port, "a"))
        line.tell(dial(second.port, "b"))
        line.hear(Answered)
        line.hear(Answered)
        one.wait_for_packets(1)
        line.tell(Join("a", "b", True))
        line.drain(0.1)
        one.say(_tone(0.6, 300.0))
        two.wait_for_packets(40)
        line.tell(Join("a", "b", False))
        line.drain(0.2)
        assert _level(_loud(two.heard()), 300.0) > 5000
        assert not _loud(one.heard())
        apart = len(two.heard())
        one.say(_tone(0.4, 300.0))
        assert not _loud(two.heard()[apart + 800 :])
        line.tell(HangUp("b"))
        line.hear(Ended, call="b")
        line.tell(Play("a", 1, _pcm(_tone(0.2))))
        line.hear(Played)
    one.close()
    two.close()


def test_a_recording_has_both_sides_and_comes_before_the_end(talk) -> None:
    line, sound = talk
    sound.wait_for_packets(1)
    line.tell(Record("a", True))
    line.tell(Play("a", 1, _pcm(_tone(0.5, 440.0))))
    line.hear(Played)
    sound.say(_tone(0.5, 300.0))
    line.drain(0.2)
    line.tell(HangUp("a"))
    line.hear(Ended)
    recording = next(message for message in line.said if isinstance(message, Recording))
    with wave.open(io.BytesIO(recording.wav)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        pcm = array("h", file.readframes(file.getnframes())).tolist()
    assert len(pcm) / RATE == pytest.approx(1.25, abs=0.35)
    assert _level(pcm[:4000], 440.0) > 3000
    assert _level(_loud(pcm)[-3000:], 300.0) > 3000


def test_a_recording_that_is_stopped_and_begun_again_comes_in_two(talk) -> None:
    line, _ = talk
    for _ in range(2):
        line.tell(Record("a", True))
        line.drain(0.3)
        line.tell(Record("a", False))
        assert line.hear(Recording).wav.startswith(b"RIFF")
    line.tell(HangUp("a"))
    line.hear(Ended)


def test_no_sound_stays_on_the_disk(talk, tmp_path: Path, monkeypatch) -> None:
    line, _ = talk
    line.tell(Record("a", True))
    line.tell(Play("a", 1, _pcm(_tone(0.5))))
    line.drain(0.2)
    files = [link.readlink() for link in Path(f"/proc/{line.process.pid}/fd").iterdir()]
    assert not [file for file in files if str(file).endswith(".wav")]
    assert sum("memfd:sound" in str(file) for file in files) >= 2
