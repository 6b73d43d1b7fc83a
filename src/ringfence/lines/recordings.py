"""A sound file of a flow as a line plays it: a WAV file read, mixed to mono, at the line's rate.

Read by hand because the standard library's `wave` knows neither G.711 nor, before Python 3.12,
files whose form is written out (WAVE_FORMAT_EXTENSIBLE). Forms: "Multimedia Programming Interface
and Data Specifications 1.0" (RIFF), RFC 2361 (format tags), ITU-T G.711.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringfence.flows.participant import PromptFailed, Recording
from ringfence.lines.speech.audio import Audio, Caption, Speech

if TYPE_CHECKING:
    from ringfence.lines.speech.waveform import Wave

LARGEST_BYTES = 50 * 1024 * 1024  # Amazon Connect's limits for a prompt
LONGEST_SECONDS = 300.0
_RATES = range(1000, 192_001)

_PCM, _A_LAW, _MU_LAW, _EXTENSIBLE = 0x0001, 0x0006, 0x0007, 0xFFFE
_BITS = {_PCM: (8, 16), _A_LAW: (8,), _MU_LAW: (8,)}
# What follows the format tag in the GUID of a form that is written out.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


@dataclass(frozen=True, slots=True)
class _Form:
    tag: int
    channels: int
    rate: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


async def played(recording: Recording, rate: int) -> Speech:
    """`recording` as mono sound at `rate`, with its name as the caption. Read in a thread.

    Its level is left as it is. Raises `PromptFailed` for a file that is no WAV file of 8 or 16 bit
    PCM or G.711 in mono or stereo, is larger than 50 MB, or lasts longer than 5 minutes.
    """
    return await asyncio.to_thread(read, recording, rate)


def read(recording: Recording, rate: int) -> Speech:
    """The same as `played`, in the calling thread."""
    from ringfence.lines.speech import waveform

    form, data = _checked(recording)
    sound = waveform.resample(_mono(form, data), form.rate, rate)
    return Speech(Audio(waveform.to_pcm(sound), rate), (Caption(0.0, recording.name),))


def _checked(recording: Recording) -> tuple[_Form, bytes]:
    def failed(why: str) -> PromptFailed:
        return PromptFailed(f"the recording {recording.name!r} cannot be played: {why}")

    if len(recording.wav) > LARGEST_BYTES:
        raise failed(f"it has {len(recording.wav)} bytes, at most {LARGEST_BYTES} are played")
    if recording.wav[:4] != b"RIFF" or recording.wav[8:12] != b"WAVE":
        raise failed("it is not a WAV file")
    chunks = dict(reversed(list(_chunks(recording.wav))))  # of two with a name the first counts
    if len(chunks.get(b"fmt ", b"")) < 16 or b"data" not in chunks:
        raise failed("it is a WAV file without a form or without sound")
    form = _form(chunks[b"fmt "])
    if form.bits not in _BITS.get(form.tag, ()):
        raise failed(
            f"its sound is {form.bits} bit of format {form.tag:#06x}, "
            "expected 8 or 16 bit PCM, A-law or µ-law"
        )
    if form.channels not in (1, 2):
        raise failed(f"it has {form.channels} channels, expected 1 or 2")
    if form.rate not in _RATES:
        raise failed(f"its rate is {form.rate} Hz, expected {_RATES[0]} to {_RATES[-1]} Hz")
    frames = len(chunks[b"data"]) // form.frame_bytes
    if frames > LONGEST_SECONDS * form.rate:
        raise failed(f"it lasts {frames / form.rate:.0f} s, at most {LONGEST_SECONDS:.0f} s")
    return form, chunks[b"data"][: frames * form.frame_bytes]


def _chunks(wav: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a file; of one that was cut off or streamed, what there is."""
    at = 12
    while at + 8 <= len(wav):
        name, size = wav[at : at + 4], int.from_bytes(wav[at + 4 : at + 8], "little")
        yield name, wav[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _form(chunk: bytes) -> _Form:
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and chunk[26:40] == _GUID_TAIL:
        tag = int.from_bytes(chunk[24:26], "little")
    return _Form(tag, channels, rate, bits)


def _mono(form: _Form, data: bytes) -> Wave:
    import numpy as np

    if form.tag == _A_LAW:
        samples = _a_law()[np.frombuffer(data, np.uint8)]
    elif form.tag == _MU_LAW:
        samples = _mu_law()[np.frombuffer(data, np.uint8)]
    elif form.bits == 8:  # unsigned, as no other width of PCM is
        samples = (np.frombuffer(data, np.uint8).astype(np.float64) - 128.0) / 128.0
    else:
        samples = np.frombuffer(data, "<i2").astype(np.float64) / 32768.0
    mixed: Wave = samples.reshape(-1, form.channels).mean(axis=1)
    return mixed


def _mu_law() -> Wave:
    """What each of the 256 codes of µ-law stands for: 14 bits, on full scale -1..1."""
    import numpy as np

    code = ~np.arange(256) & 0xFF
    segment, step = code >> 4 & 7, code & 15
    magnitude = ((2 * step + 33) << segment) - 33
    return np.where(code & 0x80, -magnitude, magnitude) / 8192.0


def _a_law() -> Wave:
    """What each of the 256 codes of A-law stands for: 13 bits, on full scale -1..1."""
    import numpy as np

    code = np.arange(256) ^ 0x55
    segment, step = code >> 4 & 7, code & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude) / 4096.0
