"""What a telephone call looks like on a terminal: plain lines, one for each thing that happens."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TextIO


class Screen:
    """Writes a call line by line, each with the time since it began to ring."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.monotonic()

    def begin(self) -> None:
        """A new call: count from now."""
        self._began = time.monotonic()

    def line(self, mark: str, text: str) -> None:
        """One line; `mark` says who: `☎`, `»` for what is said, `›` for a key."""
        elapsed = int(time.monotonic() - self._began)
        self._write(f"  {elapsed // 60:02}:{elapsed % 60:02}  {mark} {_printable(text)}\n")

    def bell(self) -> None:
        """Ring the terminal's bell, if this is one."""
        with contextlib.suppress(ValueError):
            if self._stream.isatty():
                self._write("\a")

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        # A reader that went away must not end a call.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


def _printable(text: str) -> str:
    """`text` without control characters, which could command the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
