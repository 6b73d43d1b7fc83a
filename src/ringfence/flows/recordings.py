"""What a recording must be to be played: a WAV file within Amazon Connect's limits.

Source: Amazon Connect administrator guide, "Flow block: Play prompt", error scenarios.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ringfence.flows.participant import PromptFailed, Recording

MOST_BYTES = 50 * 1024 * 1024
LONGEST_SECONDS = 300

_HEADER = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHII")  # format, channels, frames and bytes a second


def check_recording(recording: Recording) -> None:
    """Raise `PromptFailed` for what is no WAV file, or over 50 MB, or longer than 5 minutes."""
    if len(recording.wav) > MOST_BYTES:
        raise PromptFailed(f"the recording {recording.name!r} has more than {MOST_BYTES} bytes")
    seconds = recording_seconds(recording.wav)
    if seconds is None:
        raise PromptFailed(f"the recording {recording.name!r} is no WAV file")
    if seconds > LONGEST_SECONDS:
        raise PromptFailed(
            f"the recording {recording.name!r} lasts {seconds:.0f} s, at most {LONGEST_SECONDS}"
        )


def recording_seconds(wav: bytes) -> float | None:
    """How long a WAV file is, whatever its coding; None for what is no WAV file."""
    byte_rate = 0
    for name, content in _chunks(wav):
        if name == b"fmt " and len(content) >= _FORMAT.size:
            _, _, _, byte_rate = _FORMAT.unpack_from(content)
        elif name == b"data" and byte_rate:
            return len(content) / byte_rate
    return None


def _chunks(wav: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The chunks of a RIFF file; one that is cut off ends with the file."""
    if len(wav) < _HEADER.size:
        return
    riff, _, kind = _HEADER.unpack_from(wav)
    if (riff, kind) != (b"RIFF", b"WAVE"):
        return
    view, at = memoryview(wav), _HEADER.size
    while at + _CHUNK.size <= len(wav):
        name, size = _CHUNK.unpack_from(wav, at)
        at += _CHUNK.size
        yield name, view[at : at + size]
        at += size + size % 2  # chunks begin at even places
