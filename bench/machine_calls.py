"""The calls of `bench.machines`: what is said, in every noise, over a line; tones, and nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from bench import telephone_sound as line
from bench.machine_voices import (
    BUSINESS,
    HELLO,
    NAME,
    NETWORK,
    OWN,
    SHORT,
    Speech,
    music,
    voices,
)
from bench.telephone_sound import RATE, Random, Sound, quiet, tone

PERSON, MACHINE, NEITHER = "person", "machine", "neither"
TWICE = "hello, and again"
RECORDED = "recorded"
# dB of speech over noise
NOISES = {
    "white": (30, 15), "pink": (20, 10), "babble": (20, 12), "street": (20, 12),
    "television": (22, 14), "car": (20, 12), "breaths": (32, 26), "comfort noise": (25, 15),
}  # fmt: skip
LINE_NOISES = ("white", "pink", "comfort noise")  # what is behind a network's voicemail, too
BEEPS_HZ = (440, 620, 850, 1000, 1400, 2000)
BEEP_SHARE = 0.85  # of voicemails beyond those with a short greeting, which all beep
LONGEST = 14 * RATE


@dataclass(frozen=True, slots=True)
class Call:
    """What is heard from the answer on, and who it is."""

    kind: str
    noise: str
    truth: str
    sound: Sound


def calls(which: str) -> Iterator[Call]:
    """The calls of the `development` or `test` set, the same in every run."""
    random = np.random.default_rng(1000 + len(which))
    said = list(voices(which))
    talk = [np.concatenate(each.parts) for each in said if each.kind in (NETWORK, OWN)]
    tunes = music(which)
    for each in said:
        for noise in 2 * LINE_NOISES if each.kind == NETWORK else NOISES:
            yield _call(each, noise, random, talk, tunes)
            if each.kind == HELLO and random.random() < 0.5:
                twice = Speech(TWICE, (*each.parts, *each.parts), each.recorded)
                yield _call(twice, noise, random, talk, tunes)
    yield from _others(random)


def _call(
    speech: Speech, noise: str, random: Random, talk: list[Sound], tunes: list[Sound]
) -> Call:
    truth = PERSON if speech.kind in (HELLO, NAME, TWICE, BUSINESS) else MACHINE
    parts = []
    for number, part in enumerate(speech.parts):
        parts += [quiet(_pause(speech.kind, random)), part] if number else [part]
    clean = np.concatenate([quiet(random.uniform(0.1, 1.2)), *parts])
    # Where a person is, it goes on being loud; behind a greeting only as long as that was recorded.
    heard_on = quiet(0.2 if truth == MACHINE and noise not in LINE_NOISES else 7.0)
    clean = np.concatenate([clean, heard_on])
    if noise == "car":
        clean = line.in_a_car(clean, random)
    behind = _noise(noise, len(clean), random, talk, tunes)
    mixed = clean + behind * 10 ** (-random.choice(NOISES[noise]) / 20)
    if truth == MACHINE:
        clean, mixed = _with_beep(speech, clean, mixed, len(heard_on), random)
    if noise == "comfort noise":
        mixed = line.suppressed(mixed, clean, random)
    if random.random() < 1 / 3:
        mixed = line.drifted(mixed, random)
    heard = mixed[:LONGEST] * 10 ** (random.uniform(-35, -12) / 20)
    codec = random.choice(["", "gsm", "amr-nb"])
    if codec:
        heard = line.coded(heard, str(codec))
    sound = line.through_packets(heard, random.choice([0, 0, 0.02]), random)
    kind = f"{truth}: {RECORDED + ', ' if speech.recorded else ''}{speech.kind}"
    return Call(kind, noise, truth, sound)


def _with_beep(
    speech: Speech, clean: Sound, mixed: Sound, heard_on: int, random: Random
) -> tuple[Sound, Sound]:
    """A greeting without noise and with it, each with the beep and the silence after it."""
    ends = len(clean) - heard_on
    count = max(len(clean), ends + 7 * RATE)
    padded, noisy = np.zeros(count), 10 ** (-35 / 20) * line.white(count, random)
    padded[: len(clean)] = clean
    noisy[: len(mixed)] += mixed
    if speech.kind == SHORT or random.random() < BEEP_SHARE:
        beep = tone(random.choice(BEEPS_HZ), random.uniform(0.2, 0.6))
        start = ends + int(random.uniform(0.1, 0.8) * RATE)
        padded[start : start + len(beep)] += beep
        noisy[start : start + len(beep)] += beep
    return padded, noisy


def _pause(kind: str, random: Random) -> float:
    """Seconds; within a greeting log-normal, as speakers' pauses are, half of them over 0.4."""
    if kind == TWICE:
        return float(random.uniform(0.7, 2.0))
    return float(np.clip(random.lognormal(np.log(0.4), 0.4), 0.15, 1.2))


def _noise(name: str, count: int, random: Random, talk: list[Sound], tunes: list[Sound]) -> Sound:
    match name:
        case "white":
            return line.white(count, random)
        case "babble":
            return line.babble(count, random, talk)
        case "street":
            return line.street(count, random)
        case "television":
            return line.television(count, random, talk, tunes)
        case "car":
            return line.motor(count, random)
        case "breaths":
            return line.breaths(count, random)
        case _:
            return line.pink(count, random)


def _others(random: Random) -> Iterator[Call]:
    networks = {
        "number not in service": [tone(950, 0.33), tone(1400, 0.33), tone(1800, 0.33)],
        "ringing goes on": [tone(425, 1.0)],
        "nobody speaks": [quiet(0.01)],
    }
    machines = {
        "fax machine": [tone(2100, 3.0)],
        "fax calling": [tone(1100, 0.5), quiet(3.0), tone(1100, 0.5)],
    }
    for truth, kinds in ((NEITHER, networks), (MACHINE, machines)):
        for kind, parts in kinds.items():
            whole = np.concatenate([quiet(0.4), *parts, quiet(6.0)])
            for level in (-30, -20, -12):
                for noise, snr in (("white", 30), ("pink", 20)):
                    behind = _noise(noise, len(whole), random, [], [])
                    heard = (whole + behind * 10 ** (-snr / 20)) * 10 ** (level / 20)
                    sound = line.through_packets(heard, 0, random)
                    yield Call(f"{truth}: {kind}", noise, truth, sound)
