"""Arithmetic on sound: trim, fade, change the sampling rate, set the level.

Arrays are one-dimensional float64 in -1..1. Nothing here knows where the sound came from.
"""

from __future__ import annotations

from math import gcd
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Wave: TypeAlias = NDArray[np.float64]

SPEECH_LEVEL_DBFS = -20.0  # of the active parts; ITU-T P.56 puts telephone speech near -26 dBov
PEAK_LIMIT_DBFS = -1.0
FADE_SECONDS = 0.004
_QUIET = 0.004  # below this a sample counts as silence (-48 dBFS)
_FRAME_SECONDS = 0.02


def from_pcm(pcm: bytes) -> Wave:
    """The wave of signed 16-bit little-endian samples."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768.0


def to_pcm(wave: Wave) -> bytes:
    """Signed 16-bit little-endian samples; what is beyond full scale is clipped."""
    scaled = np.rint(np.clip(wave, -1.0, 1.0) * 32767.0)
    return scaled.astype("<i2").tobytes()


def silence(seconds: float, rate: int) -> Wave:
    """Nothing at all, for `seconds`."""
    return np.zeros(round(seconds * rate))


def tone(seconds: float, rate: int, *, hertz: float = 1000.0, level: float = 0.1) -> Wave:
    """A steady sine of the amplitude `level` (0 to 1)."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def trim(wave: Wave, rate: int, *, keep_seconds: float = 0.01) -> Wave:
    """`wave` without the silence before and after it, save `keep_seconds` on either side."""
    loud = np.flatnonzero(np.abs(wave) > _QUIET)
    if loud.size == 0:
        return wave[:0]
    keep = round(keep_seconds * rate)
    return wave[max(0, int(loud[0]) - keep) : int(loud[-1]) + keep + 1]


def fade(wave: Wave, rate: int, *, seconds: float = FADE_SECONDS) -> Wave:
    """`wave` with a raised-cosine start and end, so that neither is heard as a click."""
    length = min(round(seconds * rate), wave.size // 2)
    if length == 0:
        return wave
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / length)
    faded = wave.copy()
    faded[:length] *= ramp
    faded[-length:] *= ramp[::-1]
    return faded


def resample(wave: Wave, from_rate: int, to_rate: int) -> Wave:
    """`wave` at another sampling rate, free of aliases.

    Done in the frequency domain: the band above the lower of both Nyquist frequencies is removed
    (its last 5% fades out, against ringing) and the rest is evaluated on the new grid. The wave is
    padded with silence to a whole number of periods of both rates, so time is kept exactly.
    """
    if from_rate == to_rate or wave.size == 0:
        return wave
    divisor = gcd(from_rate, to_rate)
    step_in, step_out = from_rate // divisor, to_rate // divisor
    periods = -(-wave.size // step_in) + 1  # one more of silence: the transform wraps around
    n_in, n_out = periods * step_in, periods * step_out
    spectrum = np.fft.rfft(wave, n_in)
    kept = min(n_in, n_out) // 2 + 1
    taper = max(1, kept // 20)
    spectrum = spectrum[:kept].copy()
    spectrum[-taper:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(taper) + 1) / taper)
    out = np.fft.irfft(spectrum, n_out) * (n_out / n_in)
    return np.asarray(out[: -(-wave.size * to_rate // from_rate)], dtype=np.float64)


def active_level(wave: Wave, rate: int) -> float:
    """Root mean square of the frames in which somebody speaks; 0.0 when nobody does."""
    frame = max(1, round(_FRAME_SECONDS * rate))
    whole = wave.size // frame * frame
    if whole == 0:
        return float(np.sqrt(np.mean(wave**2))) if wave.size else 0.0
    power = np.mean(wave[:whole].reshape(-1, frame) ** 2, axis=1)
    active = power[power > _QUIET**2]
    return float(np.sqrt(np.mean(active))) if active.size else 0.0


def level(wave: Wave, rate: int) -> Wave:
    """`wave` brought to `SPEECH_LEVEL_DBFS`, or less where its peak would pass the limit."""
    active = active_level(wave, rate)
    if active == 0.0:
        return wave
    wanted = 10 ** (SPEECH_LEVEL_DBFS / 20) / active
    possible = 10 ** (PEAK_LIMIT_DBFS / 20) / float(np.max(np.abs(wave)))
    return wave * min(wanted, possible)
