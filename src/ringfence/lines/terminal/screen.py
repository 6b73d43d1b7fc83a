"""What a telephone call looks like on a terminal: plain lines, one for each thing that happens."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TextIO

_ERASE = "\r\x1b[K"


class Screen:
    """Writes a call line by line, each with the time since it began to ring."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._began = time.monotonic()
        self._unfinished = ""

    def begin(self) -> None:
        """A new call: count from now."""
        self._began = time.monotonic()

    def line(self, mark: str, text: str) -> None:
        """One line; `mark` says who: `☎`, `»` for what is said, `›` for a key."""
        elapsed = int(time.monotonic() - self._began)
        line = f"  {elapsed // 60:02}:{elapsed % 60:02}  {mark} {_printable(text)}\n"
        if self._unfinished:
            line = f"{_ERASE}{line}{self._unfinished}"
        self._write(line)

    def unfinished(self, mark: str, text: str) -> None:
        """Show a line that is being typed, below all others; nothing at all with both empty."""
        if self._is_terminal():
            self._unfinished = f"         {mark} {_printable(text)}" if mark else ""
            self._write(f"{_ERASE}{self._unfinished}")

    def bell(self) -> None:
        """Ring the terminal's bell, if this is one."""
        if self._is_terminal():
            self._write("\a")

    def _is_terminal(self) -> bool:
        try:
            return self._stream.isatty()
        except ValueError:  # closed
            return False

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        # A reader that went away must not end a call.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()


def _printable(text: str) -> str:
    """`text` without control characters, which could command the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
