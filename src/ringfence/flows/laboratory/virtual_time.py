"""Time that does not pass: a minute of a call takes as long as the code that runs in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time, in seconds from 0, jumps to the next thing that is due.

    Nothing outside takes part in it: sockets and child processes are never looked at, and what is
    handed to a thread is done at once, in no time. When everybody waits for somebody else, running
    raises `RuntimeError`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

        def select(timeout: float | None) -> list[Any]:
            if timeout is None:
                raise RuntimeError("everybody waits for somebody else")
            self._now += max(timeout, 0.0)
            return []

        self._selector: Any
        self._selector.select = select

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call it here and now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, with all its waiting left out. Raises what it raises."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def virtual_clock(started_at: datetime) -> Callable[[], datetime]:
    """A clock that follows the time of the running loop, which began at `started_at`."""
    loop = asyncio.get_running_loop()
    return lambda: started_at + timedelta(seconds=loop.time())
