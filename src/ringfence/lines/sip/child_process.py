"""One child process as its line sees it: started, spoken with, and gone some day."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable

import msgspec
import structlog

from ringfence.errors import Unavailable
from ringfence.lines.sip.messages import (
    LARGEST_MESSAGE,
    MOST_LIVE,
    Broken,
    Drain,
    Feed,
    FromChild,
    Ready,
    Setup,
    ToChild,
)

_START_SECONDS = 20.0
_END_SECONDS = 4.0
_log = structlog.get_logger(__name__)


class ChildProcess:
    """A running child. `heard` is told every message; `gone` once, when the process has ended."""

    def __init__(
        self,
        setup: Setup,
        heard: Callable[[ChildProcess, FromChild], None],
        gone: Callable[[ChildProcess], None],
    ) -> None:
        self.setup = setup
        self.ready: Ready | None = None
        self.alive = False
        self._heard = heard
        self._gone = gone
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._encoder = msgspec.msgpack.Encoder()

    @property
    def pid(self) -> int:
        """The process id; 0 before it is started."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> Ready:
        """Start the process and wait until it can place calls.

        Raises `Unavailable` with what the child says when it cannot.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ringfence.lines.sip.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        first: asyncio.Future[Ready | Broken | None] = asyncio.get_running_loop().create_future()
        self._tasks = [
            asyncio.create_task(self._read(first)),
            asyncio.create_task(self._log_errors()),
        ]
        self.alive = True
        self.tell(self.setup)
        try:
            async with asyncio.timeout(_START_SECONDS):
                answer = await asyncio.shield(first)
        except TimeoutError:
            answer = None
        if isinstance(answer, Ready):
            self.ready = answer
            return answer
        await self.end()
        detail = answer.detail if answer is not None else "it ended before it could place calls"
        raise Unavailable(f"a process of the SIP line does not start: {detail}")

    def tell(self, message: ToChild) -> None:
        """Send a message; one to a process that is gone is lost, as its calls are. Live sound is
        lost, too, while the process takes nothing."""
        process = self._process
        if process is None or process.stdin is None or not self.alive:
            return
        waiting = process.stdin.transport.get_write_buffer_size()
        if isinstance(message, Feed) and waiting > MOST_LIVE:
            return
        body = self._encoder.encode(message)
        with contextlib.suppress(OSError, RuntimeError):
            process.stdin.write(len(body).to_bytes(4, "big") + body)

    async def end(self, *, drain: bool = False) -> None:
        """Let it hang up and end; killed when it does not."""
        process = self._process
        if process is None:
            return
        if drain:
            self.tell(Drain())
        if process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, first: asyncio.Future[Ready | Broken | None]) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout
        decoder: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)
        try:
            while True:
                length = int.from_bytes(await pipe.readexactly(4), "big")
                if length > LARGEST_MESSAGE:
                    raise msgspec.DecodeError(f"a message of {length} bytes")
                message = decoder.decode(await pipe.readexactly(length))
                if isinstance(message, (Ready, Broken)):
                    if not first.done():
                        first.set_result(message)
                    continue
                self._heard(self, message)
        except asyncio.IncompleteReadError:
            pass
        except (msgspec.MsgspecError, OSError) as error:
            _log.error("a process of the SIP line cannot be understood", error=str(error))
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        finally:
            self.alive = False
            if not first.done():
                first.set_result(None)
            self._gone(self)

    async def _log_errors(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            if text:
                _log.info("SIP", child=self.pid, said=text[:500])
