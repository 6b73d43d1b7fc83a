"""Group commit: many concurrent requests share one transaction and one fsync.

A single thread takes whatever has queued up, hands it to `apply` inside one write transaction, and
resolves every caller only after the commit. While it waits for the disk, the next batch gathers;
so the batch grows by itself under load and is a single item when idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from sqlalchemy import Connection

from ringfence.errors import Unavailable
from ringfence.storage.database import Database

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Runs `apply(connection, items)` for batches of items.

    `apply` returns one result per item, in order; a result that is an exception is raised for that
    item alone, and so must have written nothing for it. If `apply` itself raises, the batch is
    rolled back and its items are tried one by one, so that one bad item cannot fail its
    neighbours. Nothing is resolved before its commit.
    """

    def __init__(
        self,
        database: Database,
        apply: Callable[[Connection, Sequence[Item]], Sequence[Result | BaseException]],
        *,
        max_batch: int = 256,
        max_queue: int = 20_000,
    ):
        self._database = database
        self._apply = apply
        self._max_batch = max_batch
        self._queue: queue.SimpleQueue[
            tuple[Item, _LoopWaiter[Result] | _ThreadWaiter[Result]] | None
        ] = queue.SimpleQueue()
        self._max_queue = max_queue
        self._closed = False
        # Without it an item could enter behind the mark that ends the queue and wait for ever.
        self._entrance = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    async def submit(self, item: Item) -> Result:
        """The result of `item` once it is durable. Raises `Unavailable` when overloaded."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._put(item, _LoopWaiter(loop, future))
        return await future

    def run(self, item: Item) -> Result:
        """Like `submit`, for a caller in a thread of its own."""
        waiter: _ThreadWaiter[Result] = _ThreadWaiter()
        self._put(item, waiter)
        return waiter.future.result()

    def close(self) -> None:
        """Finish what is queued, then stop."""
        with self._entrance:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _put(self, item: Item, waiter: _LoopWaiter[Result] | _ThreadWaiter[Result]) -> None:
        with self._entrance:
            if self._closed:
                raise Unavailable("the server is shutting down")
            if self._queue.qsize() >= self._max_queue:
                raise Unavailable("too many requests are waiting")
            self._queue.put((item, waiter))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            entry = self._queue.get()
            if entry is None:
                return
            batch = [entry]
            while len(batch) < self._max_batch:
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    stopping = True
                    break
                batch.append(entry)
            self._resolve(batch, self._commit([item for item, _ in batch]))

    def _commit(self, items: list[Item]) -> Sequence[Result | BaseException]:
        begun = False
        try:
            with self._database.write() as connection:
                begun = True
                results = self._apply(connection, items)
                if len(results) != len(items):
                    raise RuntimeError(f"{len(results)} results for {len(items)} items")
                return results
        except BaseException as error:
            # Nothing may end this thread, for all later items would wait for ever; a panic in an
            # extension module is not an `Exception`. A database that cannot be used fails every
            # item alike, and trying each for its own time-out would only hold up the rest.
            if len(items) == 1 or not begun:
                return [error] * len(items)
            return [self._commit([item])[0] for item in items]

    @staticmethod
    def _resolve(
        batch: Sequence[tuple[Item, _LoopWaiter[Result] | _ThreadWaiter[Result]]],
        results: Sequence[Result | BaseException],
    ) -> None:
        by_loop: dict[
            asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Result], Result | BaseException]]
        ] = {}
        for (_, waiter), result in zip(batch, results, strict=True):
            if isinstance(waiter, _LoopWaiter):
                by_loop.setdefault(waiter.loop, []).append((waiter.future, result))
            else:
                waiter.resolve(result)
        for loop, resolved in by_loop.items():
            # One wake-up of the event loop for the whole batch; a loop that has gone (the server
            # was stopped) has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve_all, resolved)


def _resolve_all(
    resolved: Sequence[tuple[asyncio.Future[Result], Result | BaseException]],
) -> None:
    for future, result in resolved:
        if future.done():
            continue
        if isinstance(result, StopIteration):
            # A future refuses this one, and the rest of the batch must still hear.
            future.set_exception(RuntimeError(repr(result)))
        elif isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)


class _LoopWaiter(Generic[Result]):
    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Result]):
        self.loop = loop
        self.future = future


class _ThreadWaiter(Generic[Result]):
    def __init__(self) -> None:
        self.future: Future[Result] = Future()

    def resolve(self, result: Result | BaseException) -> None:
        if isinstance(result, BaseException):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)
