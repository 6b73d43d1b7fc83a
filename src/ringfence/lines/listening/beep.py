"""Pure tones in the sound: beeps, fax machines, and what a network says by tones.

A pure tone obeys x[n+1] + x[n-1] = 2 cos(w) x[n]; how badly a frame does, and its w, follow from
three sums of products, which cost far less than a spectrum.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

from ringfence.lines.listening.frames import RATE

LOWEST_HZ, HIGHEST_HZ = 350.0, 2500.0

_IMPURE = 0.06  # of the energy that does not belong to the tone, at the most
_DRIFT_HZ = 15.0  # from frame to frame
_SPREAD_HZ = 30.0  # within one tone
_RUN_FRAMES = 7  # of a tone that noise parts, without noise, at the least
_NOISE_FRAMES = 3  # within it, at the most


@dataclass(frozen=True, slots=True)
class Tone:
    """A steady tone, in frames; `end` is exclusive."""

    hz: float
    start: int
    end: int


def pitch(frame: array[int]) -> float:
    """The frequency in Hz of the one tone that a frame holds; 0.0 when it holds more or none."""
    first, second, last_but_one, last = frame[0], frame[1], frame[-2], frame[-1]
    whole = sum(map(mul, frame, frame))
    near = sum(map(mul, frame[1:], frame))
    far = sum(map(mul, frame[2:], frame))
    # Of each inner sample x, and of s, the sum of its two neighbours.
    xx = whole - first**2 - last**2
    sx = 2 * near - first * second - last_but_one * last
    ss = 2 * whole - first**2 - second**2 - last_but_one**2 - last**2 + 2 * far
    if xx == 0 or abs(sx) >= 2 * xx:
        return 0.0
    cosine = sx / (2 * xx)
    impure = (ss - sx * sx / xx) / (4 * xx * (1 - cosine * cosine))
    hz = math.acos(cosine) * RATE / (2 * math.pi)
    return hz if impure <= _IMPURE and LOWEST_HZ <= hz <= HIGHEST_HZ else 0.0


def tones(pitches: Sequence[float], least_frames: int) -> list[Tone]:
    """The tones of at least so many frames in `pitches`, of which there is one for each frame."""
    found: list[Tone] = []
    start = 0
    for index in range(1, len(pitches) + 1):
        run = pitches[start:index]
        goes_on = (
            index < len(pitches)
            and pitches[index] > 0
            and abs(pitches[index] - pitches[index - 1]) <= _DRIFT_HZ
            and max(*run, pitches[index]) - min(*run, pitches[index]) <= _SPREAD_HZ
        )
        if goes_on and pitches[start] > 0:
            continue
        if index - start >= min(_RUN_FRAMES, least_frames) and pitches[start] > 0:
            _append(found, Tone(sorted(run)[len(run) // 2], start, index))
        start = index
    return [tone for tone in found if tone.end - tone.start >= least_frames]


def _append(found: list[Tone], tone: Tone) -> None:
    """Add a tone, or what goes on of the last one when noise has parted them."""
    if found and tone.start - found[-1].end <= _NOISE_FRAMES:
        last = found[-1]
        if is_near(tone.hz, last.hz, tolerance=_SPREAD_HZ):
            longer = last if last.end - last.start > tone.end - tone.start else tone
            found[-1] = Tone(longer.hz, last.start, tone.end)
            return
    found.append(tone)


def is_near(hz: float, *wanted: float, tolerance: float = 30.0) -> bool:
    """Whether a frequency is one of those that are `wanted`, in Hz."""
    return any(abs(hz - one) <= tolerance for one in wanted)


def is_special_information(heard: Sequence[Tone]) -> bool:
    """Whether tones rise as before "this number is not in service" (ITU-T E.180)."""
    return any(
        is_near(one.hz, 914, 950, 985, tolerance=40)
        and is_near(two.hz, 1371, 1400, 1429, tolerance=40)
        and two.start - one.end <= 5
        for one, two in pairwise(heard)
    )
