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
LOWEST_HERTZ = 80.0  # below it is no speech, but offset and rumble
FADE_SECONDS = 0.004
_QUIET = 0.004  # below this a sample counts as silence (-48 dBFS)
_FRAME_SECONDS = 0.02
_MARGIN = 10 ** (-15.9 / 10)  # ITU-T P.56: below the level by this, nobody speaks
_LIMITING_BLOCKS = 5  # milliseconds over which the loudness gives way, before a peak and behind it


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


def resample(
    wave: Wave, from_rate: int, to_rate: int, *, lowest_hertz: float | None = None
) -> Wave:
    """`wave` at another sampling rate, free of aliases; also without what is below `lowest_hertz`.

    Done in the frequency domain: the band above the lower of both Nyquist frequencies is removed
    (its last 5% fades out, against ringing) and the rest is evaluated on the new grid. The wave is
    padded with silence to a whole number of periods of both rates, so time is kept exactly.
    """
    if (from_rate == to_rate and lowest_hertz is None) or wave.size == 0:
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
    if lowest_hertz is not None:
        low = min(kept, max(2, round(lowest_hertz * n_in / from_rate)))
        spectrum[:low] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(low) / low)
    out = np.fft.irfft(spectrum, n_out) * (n_out / n_in)
    return np.asarray(out[: -(-wave.size * to_rate // from_rate)], dtype=np.float64)


def active_level(wave: Wave, rate: int) -> float:
    """Root mean square of the frames in which somebody speaks; 0.0 when nobody does.

    Somebody speaks where it is no more than 15.9 dB below that level (ITU-T P.56's margin).
    """
    frame = max(1, round(_FRAME_SECONDS * rate))
    whole = wave.size // frame * frame
    power = np.mean(wave[:whole].reshape(-1, frame) ** 2, axis=1) if whole else wave**2
    active = power[power > 0.0]
    while active.size:
        kept = active[active >= np.mean(active) * _MARGIN]
        if kept.size == active.size:
            return float(np.sqrt(np.mean(active)))
        active = kept
    return 0.0


def level(wave: Wave, rate: int) -> Wave:
    """`wave` brought to `SPEECH_LEVEL_DBFS`; its highest peaks give way."""
    active = active_level(wave, rate)
    if active == 0.0:
        return wave
    wanted: float = 10 ** (SPEECH_LEVEL_DBFS / 20) / active
    return limited(wave * wanted, rate, 10 ** (PEAK_LIMIT_DBFS / 20))


def limited(wave: Wave, rate: int, ceiling: float) -> Wave:
    """`wave` with no peak above `ceiling` (0 to 1): it grows softer a few milliseconds before each
    that would be, and back, too smoothly to be heard."""
    if wave.size == 0 or float(np.max(np.abs(wave))) <= ceiling:
        return wave
    block = max(1, rate // 1000)
    blocks = -(-wave.size // block)
    peaks = np.max(np.abs(np.pad(wave, (0, blocks * block - wave.size))).reshape(-1, block), axis=1)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling))
    reach = _LIMITING_BLOCKS
    # One block further than the smoothing reaches, so that between two blocks it holds too.
    around = np.pad(needed, reach + 1, constant_values=1.0)
    lowest = np.min(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 3), axis=1)
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(np.pad(lowest, reach, mode="edge"), window / window.sum(), mode="valid")
    centres = (np.arange(blocks) + 0.5) * block
    return np.asarray(wave * np.interp(np.arange(wave.size), centres, smooth), dtype=np.float64)
