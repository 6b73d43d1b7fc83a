"""Who speaks, who speaks instead, and what is rendered only once."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speaking import samples, ssml

from ringfence.flows import load_flow, shipped_flows
from ringfence.flows.fixed_words import GAP, fixed_prompts
from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.lines.foretelling import foretold
from ringfence.lines.speech import WIDEBAND_RATE, Synthesizer
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.engines import EngineChoice, EngineFailed, Sound, Speaker
from ringfence.lines.speech.espeak import EspeakEngine
from ringfence.lines.speech.script import Utterance


class Counting(EspeakEngine):
    """eSpeak NG, that remembers what it said, and can be told to fail or to wait."""

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.said: list[str] = []
        self.fails_at = ""
        self.goes_on = threading.Event()
        self.goes_on.set()

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        assert self.goes_on.wait(10)
        if self.fails_at and self.fails_at in utterance.markup:
            raise EngineFailed("it is out of order")
        self.said.append(utterance.markup)
        return super().say(utterance, speaker)


def test_a_voice_is_chosen_before_a_language_and_a_language_before_the_rest() -> None:
    last, rest, german, austrian, joanna = (Counting(name) for name in "lrgaj")
    choice = EngineChoice(last, rest, {"de": german, "de-at": austrian, "joanna": joanna})
    assert choice.speaking(Speaker("Joanna", "en-US")) == (joanna, last)
    assert choice.speaking(Speaker("Hannah", "de-AT")) == (austrian, last)
    assert choice.speaking(Speaker("Vicki", "de_DE")) == (german, last)
    assert choice.speaking(Speaker("Lea", "fr-FR")) == (rest, last)
    assert EngineChoice(last).speaking(Speaker("Lea", "fr-FR")) == (last,)


def test_a_call_is_not_silent_when_the_chosen_engine_fails() -> None:
    chosen, built_in = Counting("chosen"), Counting("built in")
    synthesizer = Synthesizer(EngineChoice(built_in, chosen))
    chosen.fails_at = "second"
    prompt = Prompt("The first sentence. The second sentence.", ssml=False)
    speech = synthesizer.render(prompt)
    # All of it by one voice.
    assert built_in.said == ["The first sentence.", "The second sentence."]
    assert len(speech.captions) == 2
    chosen.fails_at = ""
    synthesizer.render(prompt)
    assert chosen.said == ["The first sentence.", "The second sentence."]
    assert len(built_in.said) == 2


def test_every_engine_is_warmed_up_and_closed_once_whatever_another_says() -> None:
    class Warm(Counting):
        def warm_up(self) -> None:
            self.said.append("warm")
            raise EngineFailed("it has no voice")

        def close(self) -> None:
            self.said.append("closed")

    last, chosen = Warm(), Warm()
    choice = EngineChoice(last, chosen, {"de": chosen, "fr": last})
    choice.warm_up()
    choice.close()
    assert last.said == chosen.said == ["warm", "closed"]


def test_a_prompt_fails_when_nobody_can_speak() -> None:
    broken = Counting()
    broken.fails_at = "Hello"
    with pytest.raises(PromptFailed, match="out of order"):
        Synthesizer(EngineChoice(broken)).render(Prompt("Hello", ssml=False))


def test_of_a_prompt_with_an_amount_only_that_sentence_is_rendered_anew() -> None:
    engine = Counting()
    synthesizer = Synthesizer(EngineChoice(engine))
    words = "This is your bank. You paid EUR {}.00. Press 1 if it was you."
    synthesizer.render(Prompt(words.format(10), ssml=False))
    engine.said.clear()
    synthesizer.render(Prompt(words.format(20), ssml=False))
    assert engine.said == ["You paid 20 euros."]


async def test_fixed_words_of_a_flow_are_rendered_before_any_call_needs_them() -> None:
    engine = Counting()
    synthesizer = Synthesizer(EngineChoice(engine))
    prompts = fixed_prompts(load_flow(shipped_flows()["verify-card-payment"]), "en-US")
    assert any(GAP in prompt.text for prompt in prompts)
    await synthesizer.prepare(prompts)
    assert engine.said
    assert not any(GAP in markup for markup in engine.said)
    assert "Your reference is ." not in engine.said
    engine.said.clear()
    filled = [Prompt(p.text.replace(GAP, "7777"), p.ssml, p.voice) for p in prompts]
    for prompt in filled:
        synthesizer.render(prompt)
    assert engine.said
    assert all("7777" in markup.replace(" ", "") for markup in engine.said)


async def test_what_is_being_prepared_is_not_rendered_twice() -> None:
    engine = Counting()
    synthesizer = Synthesizer(EngineChoice(engine))
    prompt = Prompt("One moment, please.", ssml=False)
    engine.goes_on.clear()
    async with synthesizer.preparing(foretold(prompt)):
        await asyncio.sleep(0.05)
        spoken = asyncio.create_task(synthesizer.speak(prompt))
        await asyncio.sleep(0.05)
        engine.goes_on.set()
        assert (await spoken).audio.duration_seconds > 0.5
    assert engine.said == ["One moment, please."]


async def test_preparing_never_costs_the_call() -> None:
    synthesizer = Synthesizer()
    broken = Prompt("<speak><p>", ssml=True)
    unspeakable = Prompt("a" * 7000, ssml=False)
    good = Prompt("Good.", ssml=False)
    async with synthesizer.preparing(foretold(broken, unspeakable, good), 12345):
        pass
    await synthesizer.prepare([broken, unspeakable, good])
    assert synthesizer.held_bytes == len((await synthesizer.speak(good)).audio.pcm)


async def test_a_call_that_is_over_stops_what_was_prepared_for_it() -> None:
    engine = Counting()
    synthesizer = Synthesizer(EngineChoice(engine))
    engine.goes_on.clear()
    async with synthesizer.preparing(
        foretold(*(Prompt(f"Number {n}.", ssml=False) for n in range(20)))
    ):
        await asyncio.sleep(0.05)
    engine.goes_on.set()
    await synthesizer.speak(Prompt("Another.", ssml=False))
    assert len(engine.said) <= 2


@pytest.mark.parametrize("rate", [8000, 16000])
def test_all_voices_are_equally_loud_and_without_offset(rate: int) -> None:
    synthesizer = Synthesizer()
    for voice in ("Joanna", "Matthew", "Kevin", "Vicki", "Hans", "Lea", "Lucia", "Bianca"):
        prompt = Prompt("Hello, this is an automated call. Press 1 or 2 now.", False, voice)
        sound = samples(synthesizer.render(prompt, rate).audio)
        level = 20 * np.log10(wf.active_level(sound, rate))
        assert level == pytest.approx(wf.SPEECH_LEVEL_DBFS, abs=0.7), voice
        assert np.max(np.abs(sound)) <= 10 ** (wf.PEAK_LIMIT_DBFS / 20) + 1e-3
        assert abs(np.mean(sound)) < 2e-4


def test_joints_between_parts_are_without_a_click() -> None:
    prompt = ssml('One<break time="50ms"/>two <lang xml:lang="fr-FR">trois</lang> four. Five.')
    sound = samples(Synthesizer().render(prompt).audio)
    # A step between two samples is nowhere larger than speech itself makes it.
    alone = samples(Synthesizer().render(Prompt("One two three four. Five.", False)).audio)
    assert np.max(np.abs(np.diff(sound))) < 1.5 * np.max(np.abs(np.diff(alone)))


@settings(max_examples=60, deadline=None)
@given(
    peaks=st.lists(st.tuples(st.integers(0, 7999), st.floats(0.1, 8.0)), min_size=1, max_size=12),
    rate=st.sampled_from([8000, 16000]),
)
def test_no_peak_passes_the_limit_and_what_is_below_it_stays(
    peaks: list[tuple[int, float]], rate: int
) -> None:
    wave = 0.3 * np.sin(np.arange(8000) * 0.3)
    for at, height in peaks:
        wave[at] = height
    out = wf.limited(wave, rate, 0.9)
    assert out.size == wave.size
    assert np.max(np.abs(out)) <= 0.9 + 1e-9
    near = np.zeros(8000, dtype=bool)
    for at, _ in peaks:
        near[max(0, at - rate // 50) : at + rate // 50] = True
    assert np.allclose(out[~near], wave[~near])


@pytest.mark.parametrize("to_rate", [8000, 16000])
def test_a_sweep_is_passed_below_the_band_edge_and_silent_above(to_rate: int) -> None:
    for hertz in np.linspace(200, 10_800, 40):
        tone = np.sin(2 * np.pi * hertz * np.arange(22_050) / 22_050)
        out = wf.resample(tone, 22_050, to_rate)
        gain = 20 * np.log10(np.std(out[to_rate // 8 : -to_rate // 8]) * np.sqrt(2) + 1e-9)
        if hertz < 0.94 * to_rate / 2:
            assert abs(gain) < 0.2, hertz
        elif hertz > to_rate / 2:
            assert gain < -60, hertz


def test_what_is_below_speech_is_taken_away() -> None:
    wave = 0.2 + 0.1 * np.sin(2 * np.pi * 400 * np.arange(WIDEBAND_RATE) / WIDEBAND_RATE)
    out = wf.resample(wave, WIDEBAND_RATE, WIDEBAND_RATE, lowest_hertz=wf.LOWEST_HERTZ)
    middle = out[2000:-2000]
    assert abs(np.mean(middle)) < 0.005
    assert np.std(middle) == pytest.approx(0.1 / np.sqrt(2), rel=0.05)
