"""The two streams between a child process and its line. Neither ever keeps PJSIP waiting."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import msgspec

from ringfence.lines.sip.messages import LARGEST_MESSAGE, MOST_LIVE, FromChild, ToChild, Voice

_CHUNK = 1 << 20
_MOST_UNREAD = 4 * LARGEST_MESSAGE


class LineGone(Exception):
    """The line closed a stream, reads no more, or says what is no message."""


class Pipes:
    """Reads `ToChild` and writes `FromChild` without waiting for either side."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Both descriptors are made non-blocking."""
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._coming = bytearray()
        self._going = bytearray()
        self._decoder = msgspec.msgpack.Decoder(ToChild)
        self._encoder = msgspec.msgpack.Encoder()
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)

    def wait(self, seconds: float) -> None:
        """Return when the line says something, or is gone, or after so long."""
        select.select([self._read_fd], [], [], seconds)

    def receive(self) -> Iterator[ToChild]:
        """The messages that have come whole. Raises `LineGone`."""
        while len(chunk := self._read()) == _CHUNK:
            self._coming += chunk
        self._coming += chunk
        while (message := self._next()) is not None:
            yield message

    def _read(self) -> bytes:
        try:
            chunk = os.read(self._read_fd, _CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            raise LineGone("the line is gone")
        return chunk

    def _next(self) -> ToChild | None:
        length = int.from_bytes(self._coming[:4], "big")
        if length > LARGEST_MESSAGE:
            raise LineGone(f"a message of {length} bytes; at most {LARGEST_MESSAGE} expected")
        if len(self._coming) < 4 + length or len(self._coming) < 4:
            return None
        body = bytes(self._coming[4 : 4 + length])
        del self._coming[: 4 + length]
        try:
            message: ToChild = self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise LineGone(f"no message of a line: {error}") from None
        return message

    def send(self, message: FromChild) -> None:
        """Queue `message` and write what the line takes at once. Raises `LineGone`.

        Live sound that the line does not take is lost.
        """
        if isinstance(message, Voice) and len(self._going) > MOST_LIVE:
            return
        body = self._encoder.encode(message)
        self._going += len(body).to_bytes(4, "big")
        self._going += body
        if len(self._going) > _MOST_UNREAD:
            raise LineGone("the line reads no more")
        self.flush()

    def flush(self) -> None:
        """Write what is queued, as far as the line takes it. Raises `LineGone`."""
        while self._going:
            try:
                written = os.write(self._write_fd, self._going[:_CHUNK])
            except BlockingIOError:
                return
            except OSError as error:
                self._going.clear()
                raise LineGone(f"the line is gone: {error}") from None
            del self._going[:written]

    def finish(self) -> None:
        """Write what is queued, waiting for the line to take it. Raises `LineGone`."""
        os.set_blocking(self._write_fd, True)
        self.flush()
