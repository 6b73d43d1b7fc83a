"""When one may begin to speak."""

from __future__ import annotations

from heard_sounds import RATE, chunks, pcm, silence, speech, with_noise

from ringfence.lines.listening.courtesy import Courtesy


def began(sound: list[float], courtesy: Courtesy, rate: int = RATE) -> float:
    """After how many seconds one may speak."""
    for count, chunk in enumerate(chunks(pcm(sound, rate), rate // 50 * 2), 1):
        if courtesy.hear(chunk):
            return count * 0.02
    raise AssertionError("one may never speak")


def test_one_speaks_after_a_silence_when_no_greeting_comes() -> None:
    courtesy = Courtesy(RATE, 1.0)
    assert 1.0 <= began(silence(5.0), courtesy) <= 1.2
    assert not courtesy.spoke


def test_noise_is_no_greeting() -> None:
    courtesy = Courtesy(RATE, 1.0)
    assert 1.0 <= began(with_noise(silence(5.0), -40.0), courtesy) <= 1.2
    assert not courtesy.spoke


def test_one_speaks_shortly_after_a_greeting_is_over() -> None:
    for rate in (8000, 16000):
        courtesy = Courtesy(rate, 1.0)
        hello = with_noise(silence(0.4) + speech(0.8) + silence(4.0), -45.0)
        assert 1.5 <= began(hello, courtesy, rate) <= 2.1
        assert courtesy.spoke


def test_one_speaks_in_the_end_to_somebody_who_never_pauses() -> None:
    courtesy = Courtesy(RATE, 1.0)
    assert 3.0 <= began(speech(8.0), courtesy) <= 4.2
    assert courtesy.spoke
