"""What a telephone line makes of speech, for `bench.machines`: rooms, streets, codecs, losses.

The RMS of speech is 1 in all of it.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TypeAlias

import numpy as np

RATE = 8000
FRAME = 160

Sound: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
Random: TypeAlias = np.random.Generator


def in_band(sound: Sound, rate: int) -> Sound:
    """What a telephone passes of a sound."""
    return between(sound, rate, 250, 3500)


def between(sound: Sound, rate: int, lowest_hz: float, highest_hz: float) -> Sound:
    """What a sound has between two frequencies."""
    size = _quick(len(sound))
    spectrum = np.fft.rfft(sound, size)
    hz = np.fft.rfftfreq(size, 1 / rate)
    spectrum[(hz < lowest_hz) | (hz > highest_hz)] = 0
    return np.fft.irfft(spectrum, size)[: len(sound)]


def tone(hz: float, seconds: float) -> Sound:
    return np.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def quiet(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE))


def white(count: int, random: Random) -> Sound:
    return _even(random.normal(size=count))


def pink(count: int, random: Random) -> Sound:
    size = _quick(count)
    spectrum = np.fft.rfft(random.normal(size=size))
    return _even(np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), size)[:count])


def babble(count: int, random: Random, talk: list[Sound]) -> Sound:
    """Six who talk at once."""
    return _even(sum((_piece(count, random, talk) for _ in range(6)), np.zeros(count)))


def street(count: int, random: Random) -> Sound:
    """Cars that pass, each some seconds long and 6 to 14 dB over the rest; one in three hoots."""
    sound = 0.5 * pink(count, random)
    at = np.arange(count) / RATE
    for _ in range(3):
        passing, width = random.uniform(0, count / RATE), random.uniform(0.4, 1.2)
        loud = 0.5 * 10 ** (random.uniform(6, 14) / 20)
        sound += loud * np.exp(-(((at - passing) / width) ** 2)) * pink(count, random)
        if random.random() < 1 / 3:
            start, length = int(random.integers(count - RATE)), random.uniform(0.2, 0.6)
            horn = sum(tone(n * hz, length) / n for hz in (405, 510) for n in range(1, 6))
            sound[start : start + len(horn)] += 0.5 * horn
    return _even(sound)


def television(count: int, random: Random, talk: list[Sound], music: list[Sound]) -> Sound:
    """One who talks without an end, over music when there is any."""
    sound = _piece(count, random, talk)
    if music:
        sound = sound + random.choice([0.3, 0.7, 2.0]) * _piece(count, random, music)
    return _even(sound)


def motor(count: int, random: Random) -> Sound:
    """A car from within: mostly rumble."""
    return _even(between(pink(count, random), RATE, 250, 700) + 0.3 * pink(count, random))


def breaths(count: int, random: Random) -> Sound:
    """Breaths into the microphone, and clicks of the line, over little noise."""
    sound = 0.3 * white(count, random)
    for _ in range(3):
        length = int(random.uniform(0.15, 0.4) * RATE)
        start = int(random.integers(count - length))
        breath = np.hanning(length) * between(random.normal(size=length), RATE, 500, 2500)
        sound[start : start + length] += 10 ** (random.uniform(0, 12) / 20) * breath
    for start in random.integers(count - 40, size=4):
        sound[start : start + 24] += random.choice([-20, 20]) * random.uniform(0.5, 1, size=24)
    return sound


def in_a_car(sound: Sound, random: Random) -> Sound:
    """The same from a hands-free set: reflections that die away within 0.1 to 0.2 s."""
    length = int(random.uniform(0.1, 0.2) * RATE)
    room = random.normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    room *= 0.7 / np.sqrt(np.sum(room**2))
    room[0] = 1.0
    return np.convolve(sound, room)[: len(sound)]


def suppressed(sound: Sound, clean: Sound, random: Random) -> Sound:
    """The same from a sender that sends no silence: comfort noise, and speech that begins late."""
    made = sound.copy()
    last, noise = -100, 0.0
    for number, start in enumerate(range(0, len(sound) - FRAME + 1, FRAME)):
        frame = sound[start : start + FRAME]
        if np.sqrt(np.mean(clean[start : start + FRAME] ** 2)) > 0.1:
            begins = number - last > 10
            last = number
            if not begins:
                continue
        elif number - last <= 5:
            continue
        else:
            noise = noise or float(np.sqrt(np.mean(frame**2)))
        made[start : start + FRAME] = random.normal(size=FRAME) * noise * 0.7
    return made


def drifted(sound: Sound, random: Random) -> Sound:
    """The same through a gain that moves by up to 6 dB within seconds."""
    at = np.arange(len(sound)) / RATE
    swing = random.uniform(-6, 6) * np.sin(2 * np.pi * at / random.uniform(4, 10))
    return sound * 10 ** (swing / 20)


def coded(sound: Sound, codec: str) -> Sound:
    """What a mobile network's codec (`gsm`, `amr-nb`) leaves of samples between -1 and 1."""
    if not shutil.which("sox"):
        return sound
    raw = ["-t", "raw", "-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed", "-"]
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    # GSM 06.10 of 13 kbit/s, AMR of 7.4.
    rate = ["-C", "4"] if codec == "amr-nb" else []
    for command in (
        ["sox", *raw, *rate, "-t", codec, "-"],
        ["sox", "-t", codec, "-", *raw],
    ):
        pcm = subprocess.run(command, input=pcm, capture_output=True, check=True).stdout
    back = np.frombuffer(pcm, "<i2").astype(float) / 32768
    return np.resize(back, len(sound)) if len(back) else sound


def through_packets(sound: Sound, loss: float, random: Random) -> Sound:
    """What A-law and lost packets leave of samples between -1 and 1, as 16-bit integers."""
    linear = np.clip(sound, -1, 1)
    size, curve = np.abs(linear) * 87.6, 1 + np.log(87.6)
    small = size < 1
    law = np.sign(linear) * np.where(small, size, 1 + np.log(np.maximum(size, 1))) / curve
    law = np.round(law * 127) / 127
    size = np.abs(law) * curve
    back = np.sign(law) * np.where(size < 1, size, np.exp(size - 1)) / 87.6
    frames = (back * 32767).astype("<i2")
    for start in range(0, len(frames), FRAME):
        if random.random() < loss:
            frames[start : start + FRAME] = 0
    return frames


def _quick(count: int) -> int:
    """At least `count` samples, and not a prime number of them, which takes a transform seconds."""
    return -(-count // 4096) * 4096


def _piece(count: int, random: Random, sounds: list[Sound]) -> Sound:
    sound = sounds[int(random.integers(len(sounds)))]
    return _even(np.resize(np.roll(sound, int(random.integers(len(sound)))), count))


def _even(sound: Sound) -> Sound:
    passed = in_band(sound, RATE)
    return passed / np.sqrt(np.mean(passed**2))
