"""Keys in the sound itself: found at the limits that ITU-T Q.24 sets, and never in speech."""

from __future__ import annotations

import pytest
from heard_sounds import RATE, chunks, pcm, silence, speech, tone, with_noise
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.lines.listening.tones import KeyDetector

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
ALL = "123A456B789C*0#D"


def pressed(
    keys: str,
    *,
    on: float = 0.05,
    off: float = 0.05,
    drift: float = 1.0,
    low_db: float = -15.0,
    high_db: float = -15.0,
) -> list[float]:
    made = silence(0.03)
    for key in keys:
        row, column = divmod(ALL.index(key), 4)
        low = tone(ROWS[row] * drift, seconds=on, level_db=low_db)
        high = tone(COLUMNS[column] * drift, seconds=on, level_db=high_db)
        made += [one + other for one, other in zip(low, high, strict=True)] + silence(off)
    return made + silence(0.1)


def heard(sound: list[float], rate: int = RATE, size: int = 320) -> str:
    detector = KeyDetector(rate)
    return "".join(map(detector.hear, chunks(pcm(sound, rate), size)))


def test_every_key_is_heard_once_at_both_rates() -> None:
    assert heard(pressed(ALL)) == ALL
    assert heard(pressed(ALL), rate=16000) == ALL


@pytest.mark.parametrize(
    "how",
    [
        {"on": 0.04, "off": 0.04},
        {"drift": 1.015},
        {"drift": 0.985},
        {"low_db": -24.0, "high_db": -18.0},
        {"low_db": -16.0, "high_db": -24.0},
        {"low_db": -35.0, "high_db": -35.0},
    ],
    ids=["short", "sharp", "flat", "high louder", "low louder", "faint"],
)
def test_a_key_is_heard_at_the_limits_of_what_a_telephone_may_send(how: dict[str, float]) -> None:
    assert heard(pressed(ALL, **how)) == ALL


def test_keys_are_heard_through_noise() -> None:
    assert heard(with_noise(pressed(ALL), -30.0)) == ALL


def test_a_key_that_is_pressed_again_counts_again_and_one_that_is_held_does_not() -> None:
    assert heard(pressed("1111")) == "1111"
    assert heard(pressed("5", on=2.0)) == "5"


def test_speech_silence_noise_and_single_tones_hold_no_key() -> None:
    assert heard(speech(20.0, level_db=-10.0)) == ""
    assert heard(with_noise(silence(3.0), -15.0)) == ""
    assert heard(tone(697, seconds=0.5) + tone(1209, seconds=0.5)) == ""
    assert heard(tone(440, 480, seconds=1.0)) == ""


@settings(max_examples=20, deadline=None)
@given(keys=st.text(ALL, min_size=1, max_size=6), size=st.integers(1, 3000))
def test_how_sound_is_cut_into_pieces_changes_nothing(keys: str, size: int) -> None:
    assert heard(pressed(keys), size=size) == keys


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="8000 or 16000"):
        KeyDetector(44100)
