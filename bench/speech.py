"""What is heard: how soon the first word comes, what a prompt costs, how loud it is, and how well
its figures are understood.

The recogniser (`pocketsphinx`) has a model of wideband speech: between its columns it tells what
the telephone's band costs a listener who expects more, between its rows which voice is clearer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from bench.tables import print_table

from ringfence.flows import (
    AnsweredBy,
    Contact,
    ContactState,
    Destination,
    Flow,
    FlowEvent,
    HungUp,
    Prompt,
    load_flow,
    run,
    shipped_flows,
)
from ringfence.flows.first_words import first_prompts
from ringfence.flows.fixed_words import fixed_prompts
from ringfence.lines.handset import Handset
from ringfence.lines.journal import Journal
from ringfence.lines.line import CallEvent
from ringfence.lines.speech import TELEPHONE_RATE, WIDEBAND_RATE, Speech, Synthesizer
from ringfence.lines.speech import waveform as wf

FIRST_WORD_LIMIT_MS = 200.0
_CALLS = 100
_NUMBERS = 40
_FLOWS = {
    "English": "verify-card-payment",
    "German": "verify-card-payment.de",
    "French": "verify-card-payment.fr",
    "Spanish": "verify-card-payment.es",
    "Italian": "verify-card-payment.it",
    "Portuguese": "verify-card-payment.pt",
}
_VOICES = ("Joanna", "Kendra", "Kimberly", "Matthew", "Joey", "Amy", "Brian")
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_GRAMMAR = (
    "#JSGF V1.0;\ngrammar figures;\npublic <figures> = <figure> <figure> <figure> <figure>;\n"
    f"<figure> = {' | '.join(_DIGITS)};\n"
)


def main() -> None:
    """All three tables."""
    bench_first_word()
    bench_prompts()
    bench_figures()


def bench_first_word() -> None:
    """From the answer to the first sound that is handed to the line."""
    flow = load_flow(shipped_flows()["verify-card-payment"])
    rehearsals, unprepared, prepared = [], [], []
    for number in range(_CALLS):
        state = _contact(number)
        began = time.perf_counter()
        prompts = asyncio.run(first_prompts(flow, state)) + fixed_prompts(flow, "en-US")
        rehearsals.append(_ms(began))
        unprepared.append(_first_word(flow, state, Synthesizer(), ()))
        prepared.append(_first_word(flow, _contact(number), Synthesizer(), prompts))
    rows = [
        ("to know the first words, before dialling", rehearsals, ""),
        ("to the first sound, nothing prepared", unprepared, ""),
        ("to the first sound, prepared while it rings", prepared, f"{FIRST_WORD_LIMIT_MS:.0f} ms"),
    ]
    print_table(
        "The first word, after the answer",
        ("what", "median", "p99", "limit"),
        [(what, _shown(median(ms)), _shown(_p99(ms)), limit) for what, ms, limit in rows],
    )


def bench_prompts() -> None:
    """What rendering costs, and how loud it comes out of a telephone."""
    rows = []
    for language, name in _FLOWS.items():
        flow = load_flow(shipped_flows()[name])
        first, other = (asyncio.run(first_prompts(flow, _contact(n)))[0] for n in (1, 2))
        Synthesizer().render(first, TELEPHONE_RATE)  # the engine loads the language once
        synthesizer = Synthesizer()
        began = time.perf_counter()
        speech = synthesizer.render(first, TELEPHONE_RATE)
        cold = _ms(began)
        began = time.perf_counter()
        synthesizer.render(other, TELEPHONE_RATE)
        partly = _ms(began)
        began = time.perf_counter()
        synthesizer.render(first, TELEPHONE_RATE)
        cached = _ms(began)
        wave = wf.from_pcm(speech.audio.pcm)
        heard = _by_telephone(wave)
        rows.append(
            (
                language,
                f"{speech.audio.duration_seconds:.1f} s",
                _shown(cold),
                _shown(partly),
                f"{cached:.3f} ms",
                f"{_decibels(wf.active_level(wave, TELEPHONE_RATE)):.1f} dBFS",
                f"{_decibels(wf.active_level(heard, TELEPHONE_RATE)):.1f} dBFS",
                f"{_decibels(float(np.max(np.abs(wave)))):.1f} dBFS",
            )
        )
    print_table(
        "The first prompt at 8 kHz",
        (
            "language",
            "lasts",
            "rendered",
            "with another amount",
            "again",
            "level",
            "in the telephone's band",
            "peak",
        ),
        rows,
    )


def bench_figures() -> None:
    """The share of figures that a recogniser understands, of four that are said one by one."""
    if find_spec("pocketsphinx") is None:
        print("\nFigures: not measured, as pocketsphinx is not installed")
        return
    listener = _Listener()
    synthesizer = Synthesizer()
    rows = []
    for voice in _VOICES:
        generator = random.Random(5)
        right = [0, 0, 0]
        for _ in range(_NUMBERS):
            number = "".join(generator.choices("0123456789", k=4))
            digits = f'<speak><say-as interpret-as="digits">{number}</say-as></speak>'
            prompt = Prompt(digits, True, voice)
            wide = wf.from_pcm(synthesizer.render(prompt, WIDEBAND_RATE).audio.pcm)
            narrow = wf.from_pcm(synthesizer.render(prompt, TELEPHONE_RATE).audio.pcm)
            for column, (wave, rate) in enumerate(
                (
                    (wide, WIDEBAND_RATE),
                    (narrow, TELEPHONE_RATE),
                    (_by_telephone(narrow), TELEPHONE_RATE),
                )
            ):
                heard = listener.hears(wave, rate)
                right[column] += sum(a == b for a, b in zip(heard, number, strict=False))
        rows.append((voice, *(f"{count / (4 * _NUMBERS):.0%}" for count in right)))
    print_table(
        f"Figures that are understood, of {4 * _NUMBERS}",
        ("voice", "16 kHz", "8 kHz", "300-3400 Hz, G.711"),
        rows,
    )


class _Listener:
    """A recogniser of four digits."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(samprate=WIDEBAND_RATE, loglevel="FATAL", lm=None)
        self._decoder.add_jsgf_string("figures", _GRAMMAR)
        self._decoder.activate_search("figures")
        self._noise = np.random.default_rng(0)

    def hears(self, wave: wf.Wave, rate: int) -> str:
        """The figures, in a room that is never quite silent."""
        sound = np.pad(wf.resample(wave, rate, WIDEBAND_RATE), WIDEBAND_RATE // 4)
        sound = sound + self._noise.normal(0, 1e-3, sound.size)
        self._decoder.start_utt()
        self._decoder.process_raw(wf.to_pcm(sound), full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return "".join(str(_DIGITS.index(w)) for w in found.hypstr.split()) if found else ""


class _Telephone(Handset):
    """Notes when it is to be heard first, and hangs up."""

    heard_at = 0.0
    rate = TELEPHONE_RATE

    async def hear(self, speech: Speech, *, interruptible: bool) -> None:
        """The first word."""
        self.heard_at = time.perf_counter()
        raise HungUp

    async def connect(self, destination: Destination) -> None:
        """Nobody is put through."""


class _Nothing:
    async def invoke(
        self, arn: str, event: Mapping[str, Any], timeout_seconds: float
    ) -> Mapping[str, Any]:
        """No function."""
        return {}


def _first_word(
    flow: Flow, state: ContactState, synthesizer: Synthesizer, prompts: tuple[Prompt, ...]
) -> float:
    async def call() -> float:
        await synthesizer.prepare(prompts, TELEPHONE_RATE)
        async with Journal(_unreported) as journal:
            telephone = _Telephone(journal, synthesizer, AnsweredBy.HUMAN)
            answered = time.perf_counter()
            with contextlib.suppress(HungUp):
                await run(flow, state, telephone, _Nothing(), _unobserved)
            return (telephone.heard_at - answered) * 1000

    try:
        return asyncio.run(call())
    finally:
        synthesizer.close()


def _contact(number: int) -> ContactState:
    attributes = {
        "Bank": "Example Bank",
        "Salutation": "Ms",
        "Name": "Rojas",
        "CardNo": f"{4071 + number}",
        "AmountSpoken": f"EUR {4155 + number}.00",
        "Merchant": "Schmidt & Sons",
        "Reference": "KD7PX",
    }
    return ContactState.of(Contact("case-1", attributes, "+4930901820", "+15550100000", "arn"))


def _by_telephone(wave: wf.Wave) -> wf.Wave:
    """The band of a telephone, and the law of G.711 that is in use in America (mu)."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(wave.size, 1 / TELEPHONE_RATE)
    spectrum[(hertz < 300) | (hertz > 3400)] = 0
    band = np.clip(np.fft.irfft(spectrum, wave.size), -1, 1)
    coded = np.sign(band) * np.log1p(255 * np.abs(band)) / np.log1p(255)
    steps = np.rint((coded + 1) * 127.5) / 127.5 - 1
    return np.asarray(np.sign(steps) * (256 ** np.abs(steps) - 1) / 255, dtype=np.float64)


def _decibels(value: float) -> float:
    return float(20 * np.log10(value))


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _shown(ms: float) -> str:
    return f"{ms:.1f} ms"


async def _unreported(event: CallEvent) -> None:
    """Nobody listens."""


async def _unobserved(event: FlowEvent) -> None:
    """Nobody watches."""
