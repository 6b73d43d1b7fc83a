"""Sound on its way to and from one call: files in memory that PJSIP plays and records itself.

PJSIP reads and writes files, and does it in C, on its own clock, with no gap. Ours are anonymous
memory (`memfd_create`), so that nothing that is said is ever on a disk.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import pjsua2

from ringfence.lines.sip.child_callbacks import guarded

T = TypeVar("T")

FRAME_SECONDS = 0.02
_MOST_FRAMES = 100
HEADER_BYTES = 44  # bytes of a WAV file before its samples
_NOISE_SECONDS = 2
_NOISE_LEVEL = 12  # of 32768: -68 dBov
_MOST_LOOKS = 100  # for the end of a recording, a hundredth of a second apart


def wav_header(samples: int, rate: int) -> bytes:
    """The start of a WAV file of 16-bit mono PCM."""
    size = samples * 2
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", size),
    )


class MemoryFile:
    """A file that has no place on a disk, and a path by which this process can open it."""

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("sound", os.MFD_CLOEXEC)
        else:
            import tempfile

            self.descriptor, path = tempfile.mkstemp()
            Path(path).unlink()
        self.path = f"/proc/self/fd/{self.descriptor}"
        if not Path(self.path).exists():
            self.path = f"/dev/fd/{self.descriptor}"

    def close(self) -> None:
        """Forget it. What PJSIP has opened by its path stays open there."""
        os.close(self.descriptor)


def read_buffer(vector: Any) -> bytes:
    """The bytes of a `ByteVector`, without making a Python number of each.

    The three pointers of a `std::vector` are its begin, end and end of storage in every C++
    library that PJSIP is built with; `buffers_are_readable` proves it.
    """
    begin, end = (ctypes.c_size_t * 2).from_address(int(vector.this))
    return ctypes.string_at(begin, end - begin)


def buffers_are_readable() -> bool:
    """Whether `read_buffer` reads what was written, in this build."""
    sample = bytes(range(256)) + b"\x07"
    return read_buffer(pjsua2.ByteVector(sample)) == sample


def comfort_noise(rate: int) -> Any:
    """A player of faint noise without an end: a line that is silent between prompts sounds dead.

    It also keeps RTP flowing, which far ends and the networks between watch.
    """
    # A linear congruential generator: any noise will do, and `random` costs time at the start.
    state = 1
    samples = bytearray()
    for _ in range(_NOISE_SECONDS * rate):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        samples += struct.pack("<h", (state >> 16) % (2 * _NOISE_LEVEL + 1) - _NOISE_LEVEL)
    file = MemoryFile()
    os.write(file.descriptor, wav_header(len(samples) // 2, rate) + samples)
    player = pjsua2.AudioMediaPlayer()
    player.createPlayer(file.path, 0)
    file.close()
    return player


class Stock(Generic[T]):
    """Ports that calls borrow and give back.

    PJSIP's clock may still be in a port that Python has just let go of, so none ever is.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._free: deque[T] = deque()

    def lend(self) -> T:
        """The one that was given back the longest ago, or a new one. Raises `pjsua2.Error`."""
        return self._free.popleft() if self._free else self._make()

    def take_back(self, port: T, listeners: list[Any]) -> None:
        """It is wanted no more; `listeners` hear it no more."""
        stop(port, listeners)
        self._free.append(port)


def stop(source: Any, listeners: list[Any]) -> None:
    """Let `source` be heard by `listeners` no more."""
    for media in listeners:
        try:
            source.stopTransmit(media)
        except pjsua2.Error:  # one of them is gone
            continue


class Ear(pjsua2.AudioMediaPort):  # type: ignore[misc]
    """Collects what the far end says, frame by frame, for as long as somebody listens."""

    def __init__(
        self, rate: int, read: Callable[[Any], bytes], most_frames: int = _MOST_FRAMES
    ) -> None:
        """`most_frames` are kept for whoever listens too slowly; older ones are lost."""
        super().__init__()
        self._read = read
        self._silence = bytes(int(rate * FRAME_SECONDS) * 2)
        self._frames: deque[bytes] = deque(maxlen=most_frames)
        self.createPort("ear", sound_format(rate))

    @guarded(None)
    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802
        """Called by PJSIP's clock for every frame that comes in."""
        audio = frame.type == pjsua2.PJMEDIA_FRAME_TYPE_AUDIO and frame.size
        self._frames.append(self._read(frame.buf) if audio else self._silence)

    def clear(self) -> None:
        """Forget what was heard."""
        self._frames.clear()

    def take(self, least_frames: int) -> bytes:
        """What came in since the last time; nothing while there are fewer than `least_frames`."""
        if len(self._frames) < least_frames:
            return b""
        return b"".join(self._frames.popleft() for _ in range(len(self._frames)))


def sound_format(rate: int) -> Any:
    """How a port of ours has its sound: frames of mono PCM at `rate`."""
    form = pjsua2.MediaFormatAudio()
    form.type = pjsua2.PJMEDIA_TYPE_AUDIO
    form.id = pjsua2.PJMEDIA_FORMAT_PCM
    form.clockRate = rate
    form.channelCount = 1
    form.bitsPerSample = 16
    form.frameTimeUsec = int(FRAME_SECONDS * 1_000_000)
    form.avgBps = form.maxBps = rate * 16
    return form


class Recorder:
    """A recording of everything that is connected to it, kept in memory.

    PJSIP tells the kind of a recording by the end of its file's name, so it is given a link that
    is called `.wav` for a moment; only the link, which holds nothing, is in a folder.
    """

    def __init__(self, most_bytes: int) -> None:
        """Raises `pjsua2.Error` when PJSIP holds as many recordings as it can."""
        import tempfile

        self._most_bytes = most_bytes
        self._file = MemoryFile()
        self._looks = 0
        self.media: Any = pjsua2.AudioMediaRecorder()
        with tempfile.TemporaryDirectory(prefix="ringfence-") as folder:
            link = Path(folder) / "recording.wav"
            link.symlink_to(self._file.path)
            self.media.createRecorder(str(link))

    @property
    def full(self) -> bool:
        """Whether it has grown to all that may be kept of one call."""
        return os.fstat(self._file.descriptor).st_size >= self._most_bytes

    def stop(self) -> None:
        """Record no more. PJSIP writes what it holds back with its clock's next tick."""
        self.media = None

    def finished(self) -> bytes | None:
        """The recording as a WAV file, once PJSIP has written all of it after `stop`."""
        self._looks += 1
        head = os.pread(self._file.descriptor, HEADER_BYTES, 0)
        written = len(head) == HEADER_BYTES and any(
            head[40:44]
        )  # its length, which is written last
        if not written and self._looks < _MOST_LOOKS:
            return None
        wav = os.pread(self._file.descriptor, os.fstat(self._file.descriptor).st_size, 0)
        self._file.close()
        return wav
