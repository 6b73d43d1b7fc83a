"""Piper: neural voices from a file, spoken in a process of their own.

`piper-tts` is an extra (`ringfence[piper]`) under the GPL 3, and its voices take some hundred
megabytes: a child process (`piper_child`) holds the voice, and loads it once. Plain texts go in,
as Piper knows no markup; breaks are silences of the script's already.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

from ringfence.errors import InvalidInput, Unavailable
from ringfence.lines.speech.engines import EngineFailed, Sound, Speaker
from ringfence.lines.speech.markup import Passage, passages
from ringfence.lines.speech.script import Utterance

HEADER = struct.Struct("<iI")  # the rate, or minus one; the bytes that follow
LOAD_SECONDS = 60.0
SAY_SECONDS = 20.0
REST_SECONDS = 30.0
_LONGEST_SOUND = 64 * 1024 * 1024  # bytes
_SLOWEST, _FASTEST = 0.4, 2.5  # tempo
_CLOSING_SECONDS = 2.0
_ANY_RATE = 22_050  # of a sound in which there is nothing


class PiperEngine:
    """A Piper voice as an `Engine`: all that is said with it is said by the speaker of the file."""

    asks_elsewhere = False

    def __init__(
        self,
        model: str,
        speaker: int | None = None,
        *,
        field: str = "model",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`speaker` is the number of one of several in the file. The voice is loaded when it first
        speaks. Raises `InvalidInput` for a missing file, `Unavailable` when Piper is not installed.
        """
        for path in (model, f"{model}.json"):
            if not Path(path).is_file():
                raise InvalidInput(
                    f"there is no file {path}",
                    field=field,
                    expected="a Piper voice and its description, NAME.onnx and NAME.onnx.json",
                )
        if find_spec("piper") is None:
            raise Unavailable(
                "Piper voices cannot be spoken: piper-tts is not installed",
                field=field,
                expected="pip install 'ringfence[piper]'",
            )
        self.name = f"piper/{Path(model).resolve()}#{speaker}"
        self._model = model
        self._speaker = speaker
        self._clock = clock
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._rests_until = 0.0

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        """See `Engine.say`."""
        import numpy as np

        from ringfence.lines.speech.waveform import from_pcm

        with self._at_work() as child:
            waves, rate = [np.zeros(0)], _ANY_RATE
            for passage in passages(utterance):
                pcm, rate = self._spoken(child, passage)
                waves.append(from_pcm(pcm) * passage.loudness)
            return Sound(np.concatenate(waves), rate)

    def warm_up(self) -> None:
        """Load the voice."""
        with self._at_work():
            pass

    def close(self) -> None:
        """End the child process, also while it speaks."""
        if (child := self._child) is not None:
            child.kill()
        with self._lock:
            self._put_down()

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[subprocess.Popen[bytes]]:
        """The child with its voice loaded, for one at a time; put down when it fails."""
        with self._lock:
            if self._clock() < self._rests_until:
                raise EngineFailed("Piper failed a moment ago")
            try:
                if self._child is None:
                    self._child = self._started()
                yield self._child
            except (OSError, EOFError, TimeoutError) as error:
                self._put_down()
                self._rests_until = self._clock() + REST_SECONDS
                raise EngineFailed(f"Piper: {error}") from error

    def _spoken(self, child: subprocess.Popen[bytes], passage: Passage) -> tuple[bytes, int]:
        assert child.stdin is not None
        tempo = min(max(passage.tempo, _SLOWEST), _FASTEST)
        request = {"text": passage.text, "tempo": tempo, "speaker": self._speaker}
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
        return _answer(child, SAY_SECONDS)

    def _started(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(  # noqa: S603 - our own module, and a file of the settings
            [sys.executable, "-m", "ringfence.lines.speech.piper_child", self._model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            _answer(child, LOAD_SECONDS)
        except EngineFailed as refusal:
            _end(child)
            raise OSError(refusal.message) from refusal
        except BaseException:
            _end(child)
            raise
        return child

    def _put_down(self) -> None:
        if self._child is not None:
            _end(self._child)
            self._child = None


def _end(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    try:
        child.wait(_CLOSING_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _answer(child: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, int]:
    """The samples and their rate.

    Raises `EngineFailed` for what the child refuses; `OSError`, `EOFError` and `TimeoutError` when
    it is of no use any more.
    """
    deadline = monotonic() + seconds
    rate, size = HEADER.unpack(_read(child, HEADER.size, deadline))
    if size > _LONGEST_SOUND:
        raise OSError("its answer is too long")
    body = _read(child, size, deadline)
    if rate < 0:
        raise EngineFailed(f"Piper: {body.decode(errors='replace')}")
    return body, rate


def _read(child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
    assert child.stdout is not None
    pipe, got = child.stdout.fileno(), bytearray()
    while len(got) < size:
        readable, _, _ = select.select([pipe], [], [], max(0.0, deadline - monotonic()))
        if not readable:
            child.kill()
            raise TimeoutError("no answer in time")
        chunk = os.read(pipe, size - len(got))
        if not chunk:
            raise EOFError("its process has ended")
        got += chunk
    return bytes(got)
