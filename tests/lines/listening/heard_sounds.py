"""Sound as a telephone brings it: syllables, tones, noise. Each is a list of -1.0 to 1.0."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Iterator

RATE = 8000


def silence(seconds: float) -> list[float]:
    return [0.0] * int(seconds * RATE)


def tone(*hz: float, seconds: float, level_db: float = -15.0) -> list[float]:
    loud = 10 ** (level_db / 20) * math.sqrt(2)
    steps = [2 * math.pi * one / RATE for one in hz]
    return [
        loud * sum(math.sin(step * index) for step in steps) for index in range(int(seconds * RATE))
    ]


def speech(seconds: float, level_db: float = -18.0, seed: int = 1) -> list[float]:
    """Syllables of a voice whose pitch moves, a quarter of a second each."""
    chance, loud, phase = random.Random(seed), 10 ** (level_db / 20), 0.0
    made: list[float] = []
    while len(made) < seconds * RATE:
        pitch, vowel, length = chance.uniform(95, 180), chance.uniform(400, 900), RATE // 4
        for index in range(length):
            at = index / length
            phase += 2 * math.pi * pitch * (1 + 0.2 * at) / RATE
            envelope = math.sin(math.pi * at) ** 0.5
            voiced = sum(
                math.sin(n * phase)
                * (
                    1 / (1 + ((n * pitch - vowel) / 200) ** 2)
                    + 0.5 / (1 + (n * pitch - 1900) ** 2 / 9e4)
                )
                for n in range(1, 16)
            )
            made.append(loud * envelope * voiced)
    return made[: int(seconds * RATE)]


def with_noise(sound: list[float], level_db: float, seed: int = 1) -> list[float]:
    chance, loud = random.Random(seed), 10 ** (level_db / 20)
    return [one + loud * chance.gauss(0, 1) for one in sound]


def pcm(sound: list[float], rate: int = RATE) -> bytes:
    """Signed 16-bit little-endian; at 16000 Hz each sample comes twice."""
    samples = [max(-32768, min(32767, round(32767 * one))) for one in sound]
    if rate != RATE:
        samples = [one for one in samples for _ in range(rate // RATE)]
    return array("h", samples).tobytes()


def chunks(sound: bytes, size: int = 320) -> Iterator[bytes]:
    return (sound[start : start + size] for start in range(0, len(sound), size))
