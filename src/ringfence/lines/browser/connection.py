"""One WebSocket to a phone: what arrives is checked, what leaves never makes anybody wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any, Protocol

import msgspec

from ringfence.lines.browser.protocol import (
    LARGEST_MESSAGE,
    CloseCode,
    FromPhone,
    ToPhone,
    read_from_phone,
    write,
)

_MOST_WAITING = 64  # messages to a phone that does not take them
_CLOSE_SECONDS = 2.0
_MESSAGES_PER_SECOND = 30.0
_BURST = 120.0


class Socket(Protocol):
    """What is needed of a WebSocket; Starlette's fits. `receive` gives ASGI messages."""

    async def accept(self) -> None:
        """Accept the connection."""

    async def receive(self) -> MutableMapping[str, Any]:
        """The next ASGI message: `websocket.receive` or `websocket.disconnect`."""

    async def send_text(self, data: str) -> None:
        """Send a text message."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection."""


class Refused(Exception):
    """The connection is to be closed with `code` and `reason`."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Connection:
    """A phone's WebSocket, from its acceptance until it is gone."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._outgoing: asyncio.Queue[str | bytes] = asyncio.Queue(_MOST_WAITING)
        self._closing = asyncio.Event()
        self._close: tuple[int, str] = (1000, "")

    def send(self, message: ToPhone, sound: bytes | None = None) -> None:
        """Queue `message`, and the sound that belongs to it. A phone too slow to take it is cut."""
        if self._closing.is_set():
            return
        try:
            self._outgoing.put_nowait(write(message))
            if sound is not None:
                self._outgoing.put_nowait(sound)
        except asyncio.QueueFull:
            self.close(CloseCode.TOO_SLOW, "the phone does not take what is sent to it")

    def close(self, code: int, reason: str) -> None:
        """Close the connection soon, after what is queued has been sent if it can be."""
        if not self._closing.is_set():
            self._close = (code, reason)
            self._closing.set()

    async def run(self, attend: asyncio.Task[None]) -> None:
        """Send what is queued until `attend`, which reads, ends or the connection is closed."""
        sender = asyncio.create_task(self._send_each())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({attend, sender, closing}, return_when=asyncio.FIRST_COMPLETED)
            if attend.done() and not attend.cancelled():
                error = attend.exception()
                if isinstance(error, Refused):
                    self.close(error.code, error.reason)
                elif error is not None:
                    raise error
            if self._closing.is_set():
                await self._say_goodbye(sender)
        finally:
            for task in (attend, sender, closing):
                task.cancel()
            await asyncio.gather(attend, sender, closing, return_exceptions=True)

    async def messages(self) -> AsyncGenerator[FromPhone, None]:
        """What the phone sends, checked, until it is gone.

        Raises `Refused` for a message that is none, too large, or one of too many.
        """
        loop = asyncio.get_running_loop()
        allowance, counted_at = _BURST, loop.time()
        while True:
            try:
                received = await self._socket.receive()
            except (RuntimeError, OSError):  # Starlette's word for a socket that is closed already
                return
            if received["type"] != "websocket.receive":
                return
            now = loop.time()
            allowance = min(_BURST, allowance + (now - counted_at) * _MESSAGES_PER_SECOND) - 1
            counted_at = now
            if allowance < 0:
                raise Refused(CloseCode.TOO_MANY, "too many messages")
            text = received.get("text")
            if text is None:
                raise Refused(CloseCode.BAD_MESSAGE, "a phone sends text messages only")
            if len(text) > LARGEST_MESSAGE:
                raise Refused(
                    CloseCode.TOO_LARGE, f"a message has at most {LARGEST_MESSAGE} characters"
                )
            try:
                yield read_from_phone(text)
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                # RFC 6455: a reason has at most 123 bytes.
                reason = str(error).encode("ascii", "replace").decode()[:120]
                raise Refused(CloseCode.BAD_MESSAGE, reason) from error

    async def _send_each(self) -> None:
        while True:
            data = await self._outgoing.get()
            try:
                if isinstance(data, str):
                    await self._socket.send_text(data)
                else:
                    await self._socket.send_bytes(data)
            except Exception:  # however the server names it: nothing can be sent any more
                return
            finally:
                self._outgoing.task_done()

    async def _say_goodbye(self, sender: asyncio.Task[None]) -> None:
        code, reason = self._close
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                if code != CloseCode.TOO_SLOW and not sender.done():
                    await self._outgoing.join()
                await self._socket.close(code, reason)
