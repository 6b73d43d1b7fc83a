"""The processes of one Python function: so many at once, kept warm, replaced when one is lost.

Lives on one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ringfence.carddata import mask_card_numbers
from ringfence.errors import InvalidInput
from ringfence.functions.definitions import PythonFunction
from ringfence.functions.handler import HandlerProcess, LoadFailed
from ringfence.functions.invocations import Answer, Invocation, failed


class Processes:
    """Runs the events of one function, as it was defined at one time."""

    def __init__(self, name: str, definition: PythonFunction, region: str):
        self._name = name
        self._definition = definition
        self._region = region
        self._places = asyncio.Semaphore(definition.processes)
        self._idle: list[HandlerProcess] = []
        self._running: set[asyncio.Task[Answer]] = set()
        self._retired = False

    async def invoke(self, invocation: Invocation) -> Answer:
        """The answer. An event that has begun goes on to its end when its caller gives up."""
        await self._places.acquire()
        running = asyncio.create_task(self._run(invocation))
        self._running.add(running)
        running.add_done_callback(self._ran)
        return await asyncio.shield(running)

    async def warm(self, listener: Callable[[str], None]) -> None:
        """Have a process wait for the first event. Raises `LoadFailed`."""
        async with self._places:
            if not self._idle:
                self._idle.append(await self._started(listener))

    async def retire(self) -> None:
        """Take no more events; what has begun goes on to its end."""
        self._retired = True
        while self._idle:
            await self._idle.pop().kill()

    async def close(self) -> None:
        """End every process now."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.retire()

    def _ran(self, running: asyncio.Task[Answer]) -> None:
        self._running.discard(running)
        self._places.release()
        if not running.cancelled():
            running.exception()  # whoever gave up does not hear of it

    async def _run(self, invocation: Invocation) -> Answer:
        process = None
        while self._idle and process is None:
            found = self._idle.pop()
            if found.usable:
                process = found
            else:
                found.drop()
        if process is None:
            try:
                process = await self._started(invocation.log.print)
            except LoadFailed as failure:
                invocation.log.note(f"[ERROR] {failure}")
                return failed(invocation.request_id, failure.error)
        log, request = invocation.log, f"RequestId: {invocation.request_id}"
        log.note(f"START {request} Version: $LATEST")
        began = time.perf_counter()
        answer = await process.invoke(invocation)
        log.note(f"END {request}")
        log.note(f"REPORT {request}\tDuration: {(time.perf_counter() - began) * 1000:.2f} ms")
        if process.usable and not self._retired:
            self._idle.append(process)
        else:
            await process.kill()
        return answer

    async def _started(self, listener: Callable[[str], None]) -> HandlerProcess:
        return await HandlerProcess.start(self._name, self._definition, self._region, listener)


async def try_loading(name: str, definition: PythonFunction, region: str) -> None:
    """Load the code once in a process of its own, so that what is wrong with it shows now.

    Raises `InvalidInput` naming `handler`, with the end of what the code printed meanwhile.
    """
    printed: list[str] = []
    try:
        process = await HandlerProcess.start(name, definition, region, printed.append)
    except LoadFailed as failure:
        last = "; ".join(line.strip() for line in printed[-5:] if line.strip())
        text = f"the code cannot be loaded: {failure}" + (f" (printed: {last})" if last else "")
        raise InvalidInput(
            mask_card_numbers(text)[:1000],
            field="handler",
            expected="code that can be imported, and a function in it",
        ) from None
    await process.kill()
