"""The journal of one call: events are noted at once and reported in order, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from ringfence.lines.line import CallEvent, CallEventKind, Report


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class Journal:
    """Notes what happens on a call without making the call wait for whoever reads it."""

    def __init__(self, report: Report, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._report = report
        self._clock = clock
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._failure: Exception | None = None
        self._reporting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._reporting = asyncio.create_task(self._report_each())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)

    def note(self, kind: CallEventKind, text: str = "") -> datetime:
        """Something happened now; returns when."""
        event = CallEvent(kind, self._clock(), text)
        self._events.put_nowait(event)
        return event.at

    async def settled(self) -> None:
        """Wait until all that was noted has been reported. Raises what the report raised."""
        await self._events.join()
        if self._failure is not None:
            raise self._failure

    async def _report_each(self) -> None:
        while True:
            event = await self._events.get()
            try:
                if self._failure is None:
                    await self._report(event)
            except Exception as error:
                self._failure = error
            finally:
                self._events.task_done()
