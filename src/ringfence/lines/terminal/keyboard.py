"""Keys from a terminal, one by one and unseen, or lines from whatever stands in for one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self, TextIO

END_OF_INPUT = ""


class Keyboard:
    """Reads a terminal key by key while it is open, and leaves the terminal as it was.

    Use as an asynchronous context manager. Ctrl-C goes on working. Without a terminal, `lines`
    is what there is to read.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdin
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._restore = contextlib.ExitStack()

    @property
    def is_terminal(self) -> bool:
        """Whether a person can press keys here."""
        try:
            return self._stream.isatty() and os.name == "posix"
        except ValueError:  # closed
            return False

    async def __aenter__(self) -> Self:
        if self.is_terminal:
            loop = asyncio.get_running_loop()
            descriptor = self._stream.fileno()
            self._restore.enter_context(_key_by_key(descriptor))
            loop.add_reader(descriptor, self._read, descriptor)
            self._restore.callback(loop.remove_reader, descriptor)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore.close()

    async def keys(self) -> AsyncIterator[str]:
        """Each key as it is pressed, Escape as `\\x1b`; ends with the terminal."""
        while (key := await self._keys.get()) != END_OF_INPUT:
            yield key

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 64)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)
            self._keys.put_nowait(END_OF_INPUT)
        elif data[:1] == b"\x1b" and len(data) > 1:
            return  # an arrow or a function key: nothing on a telephone
        else:
            for key in data.decode(errors="ignore"):
                self._keys.put_nowait(key)


class Lines:
    """Lines of a pipe or a file, read as they are asked for; never blocks the event loop."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdin
        self._wanted = threading.Semaphore(0)
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._asked = False
        self._ended = False
        self._thread: threading.Thread | None = None

    async def next(self, timeout_seconds: float) -> str | None:
        """The next line without its end; None when none comes in time, or at the end of input."""
        if self._ended:
            await asyncio.sleep(timeout_seconds)
            return None
        if self._thread is None:
            # A daemon: a read that never returns must not keep the process from ending.
            self._thread = threading.Thread(
                target=self._read_each, args=(asyncio.get_running_loop(),), daemon=True
            )
            self._thread.start()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        if not self._asked:
            self._asked = True
            self._wanted.release()
        try:
            async with asyncio.timeout_at(deadline):
                line = await self._lines.get()
        except TimeoutError:
            return None
        self._asked = False
        if line == END_OF_INPUT:
            self._ended = True
            await asyncio.sleep(max(0.0, deadline - loop.time()))
            return None
        return line.rstrip("\r\n")

    def _read_each(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            self._wanted.acquire()
            try:
                line = self._stream.readline()
            except (OSError, ValueError):
                line = END_OF_INPUT
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
                loop.call_soon_threadsafe(self._lines.put_nowait, line)
            if line == END_OF_INPUT:
                return


@contextlib.contextmanager
def _key_by_key(descriptor: int) -> Iterator[None]:
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
