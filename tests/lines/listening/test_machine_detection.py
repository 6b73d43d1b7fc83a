"""Who picked up, told by sound: persons, voicemails, fax machines, the network, nobody."""

from __future__ import annotations

import pytest
from heard_sounds import RATE, chunks, pcm, silence, speech, tone, with_noise

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.listening.beep import Tone, tones
from ringfence.lines.listening.machine import Finding, Limits, MachineDetector
from ringfence.lines.listening.speech import Word, words

NOISES = [-70.0, -45.0, -36.0]


def found(sound: list[float], rate: int = RATE, size: int = 320) -> tuple[Finding, float]:
    """What was found, and after how many seconds."""
    detector = MachineDetector(rate)
    data = pcm(sound, rate)
    for count, chunk in enumerate(chunks(data, size), 1):
        finding = detector.hear(chunk)
        if finding is not None:
            return finding, count * size / 2 / rate
    return detector.finish(), len(data) / 2 / rate


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("length", [0.4, 0.8, 1.2])
@pytest.mark.parametrize("level", [-30.0, -12.0])
def test_who_says_a_word_and_waits_is_a_person(noise: float, length: float, level: float) -> None:
    hello = silence(0.4) + speech(length, level + (6 if noise > -40 else 0)) + silence(5.0)
    finding, seconds = found(with_noise(hello, noise + min(0.0, level + 18)))
    assert finding.answered_by is AnsweredBy.HUMAN, finding.why
    assert seconds <= 3.0


@pytest.mark.parametrize("noise", NOISES)
def test_who_goes_on_speaking_is_a_machine_which_is_told_of_after_its_beep(noise: float) -> None:
    lowest = 440 if noise < -40 else 620  # a low beep needs a clear line
    for hz in (lowest, 850, 1000, 1400, 2000):
        greeting = silence(0.3) + speech(4.0) + silence(0.3)
        whole = with_noise(greeting + tone(hz, seconds=0.4) + silence(4.0), noise)
        finding, seconds = found(whole)
        assert finding.answered_by is AnsweredBy.MACHINE_BEEP, (hz, finding.why)
        assert 5.0 <= seconds <= 5.4


def test_that_a_machine_speaks_is_known_within_three_seconds() -> None:
    detector = MachineDetector(RATE)
    detector.hear(pcm(silence(0.3) + speech(2.7)))
    assert "without waiting" in detector.machine


def test_a_machine_without_a_beep_is_told_of_when_it_falls_silent() -> None:
    finding, seconds = found(with_noise(speech(4.5) + silence(5.0), -50.0))
    assert finding.answered_by is AnsweredBy.MACHINE_SILENT
    assert 6.4 <= seconds <= 6.8


def test_a_machine_that_pauses_between_its_sentences_is_one() -> None:
    greeting = speech(0.5) + silence(0.5) + speech(0.9) + silence(0.6) + speech(2.5)
    whole = silence(0.5) + greeting + silence(0.6) + tone(1000, seconds=0.4) + silence(2.0)
    finding, _ = found(with_noise(whole, -50.0))
    assert finding.answered_by is AnsweredBy.MACHINE_BEEP


def test_who_greets_as_a_business_and_waits_is_a_person_after_all() -> None:
    detector = MachineDetector(RATE)
    assert detector.hear(pcm(with_noise(silence(0.3) + speech(3.0), -50.0))) is None
    assert detector.machine
    finding = detector.hear(pcm(with_noise(silence(2.0), -50.0)))
    assert finding is not None
    assert finding.answered_by is AnsweredBy.HUMAN
    assert not detector.machine


def test_who_says_hello_again_because_nobody_answers_is_a_person_at_once() -> None:
    again = speech(0.5) + silence(0.75) + speech(0.35, seed=2)
    detector = MachineDetector(RATE)
    findings = []
    for chunk in chunks(pcm(with_noise(silence(0.4) + again + silence(1.1), -50.0))):
        findings.append(detector.hear(chunk))
        assert not detector.machine
    assert next(one.answered_by for one in findings if one is not None) is AnsweredBy.HUMAN


def test_a_late_greeting_is_waited_for_less_long_than_an_early_one() -> None:
    waited = []
    for before in (0.2, 1.4):
        whole = with_noise(silence(before) + speech(0.7) + silence(3.0), -50.0)
        finding, seconds = found(whole)
        assert finding.answered_by is AnsweredBy.HUMAN
        waited.append(seconds - before - 0.7)
    assert waited[1] < waited[0]


def test_a_television_behind_a_person_is_not_taken_for_their_greeting_later() -> None:
    television = [-33.0, -36.0, -45.0] * 300
    assert words([-70.0] * 20 + [-15.0] * 25 + television) == [Word(20, 45)]


def test_a_faint_note_behind_a_person_is_no_beep() -> None:
    note = tone(880, seconds=0.4, level_db=-35.0)
    finding, _ = found(with_noise(silence(0.3) + speech(0.6) + note + silence(3.0), -60.0))
    assert finding.answered_by is AnsweredBy.HUMAN, finding.why


def test_a_drawn_vowel_is_no_beep() -> None:
    for before in (silence(0.4), silence(0.3) + speech(0.3) + silence(0.1)):
        finding, _ = found(with_noise(before + tone(385, seconds=0.18) + silence(3.0), -50.0))
        assert finding.answered_by is AnsweredBy.HUMAN, finding.why


def test_noise_within_a_beep_does_not_make_two_of_it() -> None:
    pitches = [0.0] * 5 + [1000.0] * 8 + [0.0] * 2 + [1003.0] * 9 + [0.0] * 20 + [1000.0] * 8
    assert tones(pitches, 7) == [Tone(1003.0, 5, 24), Tone(1000.0, 44, 52)]


def test_a_machine_that_never_ends_is_waited_for_no_longer_than_the_limit() -> None:
    finding, seconds = found(speech(12.0))
    assert finding.answered_by is AnsweredBy.MACHINE_SILENT
    assert seconds <= Limits().longest + 0.1


def test_a_short_greeting_with_a_beep_is_a_machine() -> None:
    whole = silence(0.3) + speech(1.0) + silence(0.3) + tone(1000, seconds=0.4) + silence(4.0)
    finding, _ = found(with_noise(whole, -50.0))
    assert finding.answered_by is AnsweredBy.MACHINE_BEEP


def test_a_key_is_no_beep() -> None:
    for low, high in ((697, 1209), (852, 1336), (941, 1477)):
        key = [a + b for a, b in zip(tone(low, seconds=0.2), tone(high, seconds=0.2), strict=True)]
        finding, _ = found(with_noise(silence(0.3) + speech(0.5) + key + silence(4.0), -50.0))
        assert finding.answered_by is AnsweredBy.HUMAN, finding.why


def test_a_tone_that_does_not_end_is_no_beep() -> None:
    hello = silence(0.4) + speech(0.6)
    finding, seconds = found(with_noise(hello + tone(440, seconds=8.0), -50.0))
    assert finding.answered_by is AnsweredBy.UNKNOWN
    assert "does not end" in finding.why
    assert seconds <= 5.0


def test_a_fax_machine_is_a_machine() -> None:
    for hz in (1100, 2100):
        finding, seconds = found(silence(0.3) + tone(hz, seconds=0.5) + silence(4.0))
        assert finding.answered_by is AnsweredBy.MACHINE_SILENT
        assert "fax" in finding.why
        assert seconds <= 1.5


def test_a_number_that_is_not_in_service_is_no_machine() -> None:
    tones = [sample for hz in (950, 1400, 1800) for sample in tone(hz, seconds=0.33)]
    finding, _ = found(silence(0.2) + tones + speech(4.0))
    assert finding.answered_by is AnsweredBy.UNKNOWN
    assert "not in service" in finding.why


@pytest.mark.parametrize("noise", [-80.0, -40.0, -25.0])
def test_nobody_who_speaks_is_neither(noise: float) -> None:
    finding, seconds = found(with_noise(silence(6.0), noise))
    assert finding == Finding(AnsweredBy.UNKNOWN, "silent: nobody spoke")
    assert seconds <= 4.0


def test_a_call_that_ends_early_is_undecided() -> None:
    finding, _ = found(silence(0.3) + speech(0.5))
    assert finding.answered_by is AnsweredBy.UNKNOWN


def test_neither_the_rate_nor_how_sound_is_cut_changes_what_is_found() -> None:
    hello = with_noise(silence(0.4) + speech(0.8) + silence(3.0), -45.0)
    findings = {found(hello, rate, size) for rate in (8000, 16000) for size in (320, 1600)}
    assert {finding.answered_by for finding, _ in findings} == {AnsweredBy.HUMAN}
