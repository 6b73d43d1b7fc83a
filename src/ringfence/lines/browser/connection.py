"""One WebSocket to a phone: what arrives is checked, what leaves never makes anybody wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
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
from ringfence.lines.changes import Changes
from ringfence.lines.live_sound import LARGEST_FRAME

_MOST_WAITING = 64  # messages to a phone that does not take them
_CLOSE_SECONDS = 2.0
_MOST_FRAMES = 8  # of a talk, to a phone that does not take them; older ones are lost


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


class _Allowance:
    """How many more messages a phone may send now: so many a second, and a burst."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = self._left = burst
        self._counted_at = asyncio.get_running_loop().time()

    def take(self) -> None:
        """Count a message. Raises `Refused` when it is one too many."""
        now = asyncio.get_running_loop().time()
        earned = (now - self._counted_at) * self._per_second
        self._left = min(self._burst, self._left + earned) - 1
        self._counted_at = now
        if self._left < 0:
            raise Refused(CloseCode.TOO_MANY, "too many messages")


class Connection:
    """A phone's WebSocket, from its acceptance until it is gone."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._outgoing: deque[str | bytes] = deque()
        self._frames: deque[bytes] = deque(maxlen=_MOST_FRAMES)
        self._sending = False
        self._changes = Changes()
        self._closing = asyncio.Event()
        self._close: tuple[int, str] = (1000, "")

    def send(self, message: ToPhone, sound: bytes | None = None) -> None:
        """Queue `message`, and the sound that belongs to it. A phone too slow to take it is cut."""
        if self._closing.is_set():
            return
        if len(self._outgoing) >= _MOST_WAITING:
            self.close(CloseCode.TOO_SLOW, "the phone does not take what is sent to it")
            return
        self._outgoing.append(write(message))
        if sound is not None:
            self._outgoing.append(sound)
        self._changes.notify()

    def send_frame(self, frame: bytes) -> None:
        """Queue a frame of a talk, after all messages. The oldest is lost when there are many."""
        if not self._closing.is_set():
            self._frames.append(frame)
            self._changes.notify()

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

    async def messages(self) -> AsyncGenerator[FromPhone | bytes, None]:
        """What the phone sends, checked, until it is gone; frames of a talk are `bytes`.

        Raises `Refused` for a message that is none, too large, or one of too many.
        """
        messages, frames = _Allowance(30.0, 120.0), _Allowance(100.0, 1000.0)
        while True:
            try:
                received = await self._socket.receive()
            except (RuntimeError, OSError):  # Starlette's word for a socket that is closed already
                return
            if received["type"] != "websocket.receive":
                return
            text = received.get("text")
            if text is not None:
                messages.take()
                yield _message(text)
            else:
                frames.take()
                yield _frame(received.get("bytes") or b"")

    async def _send_each(self) -> None:
        while True:
            await self._changes.until(lambda: bool(self._outgoing or self._frames))
            data = self._outgoing.popleft() if self._outgoing else self._frames.popleft()
            self._sending = True
            try:
                if isinstance(data, str):
                    await self._socket.send_text(data)
                else:
                    await self._socket.send_bytes(data)
            except Exception:  # however the server names it: nothing can be sent any more
                return
            finally:
                self._sending = False
                self._changes.notify()

    async def _say_goodbye(self, sender: asyncio.Task[None]) -> None:
        code, reason = self._close
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_SECONDS):
                if code != CloseCode.TOO_SLOW and not sender.done():
                    await self._changes.until(lambda: not self._outgoing and not self._sending)
                await self._socket.close(code, reason)


def _message(text: str) -> FromPhone:
    if len(text) > LARGEST_MESSAGE:
        raise Refused(CloseCode.TOO_LARGE, f"a message has at most {LARGEST_MESSAGE} characters")
    try:
        return read_from_phone(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # RFC 6455: a reason has at most 123 bytes.
        reason = str(error).encode("ascii", "replace").decode()[:120]
        raise Refused(CloseCode.BAD_MESSAGE, reason) from error


def _frame(data: bytes) -> bytes:
    if len(data) > LARGEST_FRAME:
        raise Refused(CloseCode.TOO_LARGE, f"a frame has at most {LARGEST_FRAME} bytes")
    if not data or len(data) % 2:
        raise Refused(CloseCode.BAD_MESSAGE, "a frame is 16-bit samples")
    return data
