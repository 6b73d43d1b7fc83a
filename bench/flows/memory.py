"""What a contact holds that waits for its cardholder's answer."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.flows.calls import Calls, shipped_flow
from bench.tables import print_table

from ringfence.flows.laboratory.virtual_time import in_virtual_time

CALLS = 1000
_LISTENING_SECONDS = 10.0  # within the first prompt
_PAGE = 4096


def bench_memory() -> None:
    """The table: by Python's own account and by the system's, and as the limit an empty task."""
    rows = []
    in_virtual_time(_contacts(10))  # what is loaded once belongs to no contact
    for what, work in (("an empty task", _empty), ("a contact in its flow", _contacts)):
        resident = in_virtual_time(work(CALLS))[1]
        tracemalloc.start()
        held = in_virtual_time(work(CALLS))[0]
        tracemalloc.stop()
        rows.append([what, f"{held / CALLS / 1000:.1f} kB", f"{resident / CALLS / 1000:.1f} kB"])
    print_table(
        f"Memory of {CALLS:,} contacts in progress", ("each", "allocated", "resident"), rows
    )


async def _contacts(number: int) -> tuple[int, int]:
    calls = Calls(shipped_flow())
    return await _measured(lambda: [calls.start(each) for each in range(number)])


async def _empty(number: int) -> tuple[int, int]:
    return await _measured(
        lambda: [asyncio.create_task(asyncio.sleep(1000.0)) for _ in range(number)]
    )


async def _measured(start: Callable[[], list[asyncio.Task[Any]]]) -> tuple[int, int]:
    """Bytes allocated, if that is traced, and bytes resident, more than before."""
    gc.collect()
    before = _allocated(), _resident()
    working = start()
    await asyncio.sleep(_LISTENING_SECONDS)
    gc.collect()
    found = _allocated() - before[0], _resident() - before[1]
    for each in working:
        each.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    return found


def _allocated() -> int:
    return tracemalloc.get_traced_memory()[0]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
