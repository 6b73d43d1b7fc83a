"""Real speech by eSpeak NG: what is heard, how long, how loud."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speaking import samples, ssml

from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.lines.speech import TELEPHONE_RATE, WIDEBAND_RATE, Synthesizer
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.espeak import espeak
from ringfence.lines.speech.script import Utterance, script
from ringfence.lines.speech.voices import in_language, voice_for

ALERT = (
    '<speak>Hello <emphasis>Jordan</emphasis>. We noticed a payment of <say-as interpret-as="'
    'currency">EUR 4155.00</say-as> on the card ending in <say-as interpret-as="digits">4071'
    "</say-as>.<break time='500ms'/><p>Press 1 if it was you.</p></speak>"
)


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer()


def pronounced(text: str, voice: str = "Joanna") -> str:
    """In IPA without spaces and stress, which differ between figures and words."""
    heard = espeak().phonemes(text, voice_for(voice, "en-US"))
    return "".join(sound for sound in heard if sound not in " ˈˌ")


@pytest.mark.parametrize("rate", [TELEPHONE_RATE, WIDEBAND_RATE])
def test_an_alert_is_level_unclipped_and_without_clicks(
    synthesizer: Synthesizer, rate: int
) -> None:
    speech = synthesizer.render(Prompt(ALERT, True, "Kendra"), rate)
    sound = samples(speech.audio)
    assert speech.audio.rate == rate
    assert 6 < speech.audio.duration_seconds < 14
    peak = float(np.max(np.abs(sound)))
    assert peak <= 10 ** (wf.PEAK_LIMIT_DBFS / 20) + 1e-3
    level_dbfs = 20 * np.log10(wf.active_level(sound, rate))
    assert -25 < level_dbfs <= wf.SPEECH_LEVEL_DBFS + 0.5
    assert abs(sound[0]) < 0.002
    assert abs(sound[-1]) < 0.002


def test_both_rates_take_the_same_time(synthesizer: Synthesizer) -> None:
    prompt = Prompt(ALERT, True)
    narrow = synthesizer.render(prompt, TELEPHONE_RATE).audio.duration_seconds
    wide = synthesizer.render(prompt, WIDEBAND_RATE).audio.duration_seconds
    assert narrow == pytest.approx(wide, abs=0.03)


def test_captions_are_sentences_as_written_at_the_time_they_start(
    synthesizer: Synthesizer,
) -> None:
    speech = synthesizer.render(Prompt(ALERT, True))
    assert [caption.text for caption in speech.captions] == [
        "Hello Jordan.",
        "We noticed a payment of EUR 4155.00 on the card ending in 4071.",
        "Press 1 if it was you.",
    ]
    times = [caption.at_seconds for caption in speech.captions]
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] < speech.audio.duration_seconds
    # The last one starts where the silence before it ends.
    sound = samples(speech.audio)
    start = round(times[-1] * WIDEBAND_RATE)
    assert np.max(np.abs(sound[start - WIDEBAND_RATE // 2 : start])) == 0
    assert np.max(np.abs(sound[start : start + WIDEBAND_RATE // 4])) > 0.01


def test_a_break_is_silence_of_its_length(synthesizer: Synthesizer) -> None:
    without = synthesizer.render(ssml("One two")).audio
    with_break = synthesizer.render(ssml('One <break time="1500ms"/> two')).audio
    sound = samples(with_break)
    quiet = np.flatnonzero(np.abs(sound) > 1e-4)
    longest = int(np.max(np.diff(quiet))) / with_break.rate
    assert longest == pytest.approx(1.5, abs=0.05)
    assert with_break.duration_seconds > without.duration_seconds + 1.2


def test_digits_are_said_one_by_one_so_more_digits_take_longer(synthesizer: Synthesizer) -> None:
    lengths = [
        synthesizer.render(
            ssml(f'<say-as interpret-as="digits">{"4071283"[:count]}</say-as>')
        ).audio.duration_seconds
        for count in range(1, 8)
    ]
    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0] + 6 * 0.2
    as_a_number = synthesizer.render(ssml("4071283")).audio.duration_seconds
    assert lengths[-1] < as_a_number


def test_the_engine_pronounces_the_rewritten_text_as_the_words() -> None:
    assert pronounced("4155 euros and 20 cents") == pronounced(
        "four thousand one hundred fifty five euros and twenty cents"
    )
    assert pronounced("4 0 7 1") == pronounced("four zero seven one")
    assert pronounced("November 24th") == pronounced("November twenty fourth")


def test_a_louder_passage_is_louder_and_a_slower_one_longer(synthesizer: Synthesizer) -> None:
    mixed = 'Same words.<break time="2s"/><prosody volume="x-soft">Same words.</prosody>'
    sound = samples(synthesizer.render(ssml(mixed)).audio)
    half = sound.size // 2
    loud, soft = (wf.active_level(part, WIDEBAND_RATE) for part in (sound[:half], sound[half:]))
    assert loud > 1.5 * soft
    plain = synthesizer.render(ssml("Same words.")).audio.duration_seconds
    slow = synthesizer.render(ssml('<prosody rate="x-slow">Same words.</prosody>')).audio
    assert slow.duration_seconds > 1.2 * plain


@pytest.mark.parametrize("inside", ["", " ", "<mark name='x'/>", "<p></p>"])
def test_a_prompt_that_says_nothing_is_silent_not_an_error(
    synthesizer: Synthesizer, inside: str
) -> None:
    speech = synthesizer.render(ssml(inside))
    assert not np.any(samples(speech.audio))
    assert speech.captions == ()


def test_a_break_alone_is_a_wait(synthesizer: Synthesizer) -> None:
    speech = synthesizer.render(ssml('<break time="300"/>'))
    assert speech.audio.duration_seconds == pytest.approx(0.3)
    assert speech.captions == ()


def test_unknown_tags_degrade_to_their_text(synthesizer: Synthesizer) -> None:
    odd = '<a:effect xmlns:a="urn:a" name="whispered">Good <blink>day</blink></a:effect>'
    assert synthesizer.render(ssml(odd)).captions[0].text == "Good day"
    plain = synthesizer.render(ssml("Good day")).audio.duration_seconds
    assert synthesizer.render(ssml(odd)).audio.duration_seconds == pytest.approx(plain, abs=0.1)


@pytest.mark.parametrize("text", ["<speak>broken", "<speak><b></speak>", "<speak>&nope;</speak>"])
def test_broken_ssml_fails_the_prompt(synthesizer: Synthesizer, text: str) -> None:
    with pytest.raises(PromptFailed):
        synthesizer.render(Prompt(text, ssml=True))


def test_a_text_beyond_the_limit_fails_the_prompt(synthesizer: Synthesizer) -> None:
    with pytest.raises(PromptFailed, match="6000"):
        synthesizer.render(Prompt("a" * 6001, ssml=False))


def test_plain_text_is_not_read_as_markup(synthesizer: Synthesizer) -> None:
    speech = synthesizer.render(Prompt("Smith & Sons <b> 5 < 6", ssml=False))
    assert speech.captions[0].text == "Smith & Sons <b> 5 < 6"
    assert speech.audio.duration_seconds > 1


def test_the_voice_decides_who_speaks_and_in_which_language() -> None:
    assert pronounced("Guten Tag", "Vicki") == pronounced("Guten Tag", "Hans")
    assert pronounced("Guten Tag", "Vicki") != pronounced("Guten Tag", "Kendra")
    assert voice_for("Vicki", "en-US") == voice_for("Vicki", "de-DE")
    assert voice_for("Vicki", "en-US") != voice_for("Hans", "en-US")
    assert voice_for("Nobody", "fr-FR").name.startswith("fr+")
    assert voice_for("kendra", "de-DE").name.startswith("en-us+")


def test_a_passage_in_another_language_is_spoken_in_it(synthesizer: Synthesizer) -> None:
    prompt = ssml('He said <lang xml:lang="fr-FR">bonjour</lang> to me')
    assert script(prompt, "en-US")[0].parts == (
        Utterance("He said"),
        Utterance("bonjour", "fr-FR"),
        Utterance("to me"),
    )
    assert in_language(voice_for("Joanna", ""), "fr-FR").name == "fr+f2"
    assert synthesizer.render(prompt).captions[0].text == "He said bonjour to me"


async def test_the_same_prompt_is_rendered_once_and_the_cache_is_bounded() -> None:
    small = Synthesizer(cache_bytes=200_000)
    first = await small.speak(Prompt("The same words again.", ssml=False))
    assert await small.speak(Prompt("The same words again.", ssml=False)) is first
    for number in range(12):
        await small.speak(Prompt(f"Another sentence, number {number}.", ssml=False))
        assert small.held_bytes <= 200_000
    assert await small.speak(Prompt("The same words again.", ssml=False)) is not first


async def test_many_prompts_at_once_do_not_mix() -> None:
    prompts = [Prompt("word " * (2 * n + 1), False, ("Joanna", "Hans")[n % 2]) for n in range(8)]
    alone = [Synthesizer().render(prompt).audio.duration_seconds for prompt in prompts]
    shared = Synthesizer(cache_bytes=0)
    together = await asyncio.gather(*(shared.speak(prompt) for prompt in prompts * 3))
    assert [speech.audio.duration_seconds for speech in together] == pytest.approx(
        alone * 3, abs=0.15
    )


def test_an_unknown_rate_is_a_programming_error(synthesizer: Synthesizer) -> None:
    with pytest.raises(ValueError, match="44100"):
        synthesizer.render(Prompt("Hello", False), 44100)


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_can_be_spoken(synthesizer: Synthesizer, text: str) -> None:
    speech = synthesizer.render(Prompt(text, ssml=False))
    assert speech.audio.duration_seconds < 120
    assert all(
        0 <= caption.at_seconds <= speech.audio.duration_seconds for caption in speech.captions
    )


@pytest.mark.parametrize("to_rate", [8000, 16000])
def test_resampling_keeps_a_tone_and_removes_what_would_alias(to_rate: int) -> None:
    time = np.arange(22050) / 22050
    kept = wf.resample(np.sin(2 * np.pi * 1000 * time), 22050, to_rate)
    expected = np.sin(2 * np.pi * 1000 * np.arange(kept.size) / to_rate)
    middle = slice(to_rate // 10, -to_rate // 10)
    assert kept.size == to_rate
    assert np.max(np.abs(kept[middle] - expected[middle])) < 0.01
    above = wf.resample(np.sin(2 * np.pi * (to_rate / 2 + 800) * time), 22050, to_rate)
    assert np.max(np.abs(above[middle])) < 0.01
