"""A file: one line of JSON for each message."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ringfence.errors import InvalidInput
from ringfence.streams.messages import Message
from ringfence.streams.targets.addresses import FIELD
from ringfence.streams.targets.target import NotTaken

_LOOK_BACK = 65_536


class File:
    """Appends lines to the file of `url`, which is made if there is none, for its owner alone.

    It is opened for each round, so that it may be moved away and a new one begins.
    """

    def __init__(self, url: str):
        parts = urlsplit(url)
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost") or path.endswith("/") or not path:
            raise InvalidInput(
                "does not name a file", field=FIELD, expected="file:///path/to/decisions.jsonl"
            )
        self._path = Path(path)
        self.name = f"file {path}"

    async def send(self, messages: Sequence[Message]) -> int:
        """Append them all, and return when they are on disk."""
        lines = b"".join(message.body + b"\n" for message in messages)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                end = _mended(descriptor)
                os.lseek(descriptor, end, os.SEEK_SET)
                rest = memoryview(lines)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NotTaken(f"it cannot be written: {error.strerror}") from None
        return len(messages)

    async def close(self) -> None:
        """Nothing is open between rounds."""


def _mended(descriptor: int) -> int:
    """Where the next line begins. What a crash or a full disk left of a line goes; the message is
    written again, for it was never noted as published."""
    end = os.fstat(descriptor).st_size
    at = end
    while at > 0:
        begin = max(0, at - _LOOK_BACK)
        os.lseek(descriptor, begin, os.SEEK_SET)
        newline = os.read(descriptor, at - begin).rfind(b"\n")
        if newline >= 0:
            at = begin + newline + 1
            break
        at = begin
    if at != end:
        os.ftruncate(descriptor, at)
    return at
