"""Blocks a second of 1,000 calls in progress on one core, in virtual time."""

from __future__ import annotations

import asyncio
import time

from bench.flows.calls import Calls, shipped_flow
from bench.tables import print_table

from ringfence.flows.laboratory.virtual_time import in_virtual_time

CALLS = 1000
_ROUNDS = 3


def bench_speed() -> None:
    """The table: calls, and as the limit a loop that does nothing but wake tasks up."""
    blocks, seconds, minutes = min((in_virtual_time(_calls()) for _ in range(_ROUNDS)), key=_time)
    wakes, empty_seconds = min(
        (in_virtual_time(_empty(blocks)) for _ in range(_ROUNDS)), key=lambda found: found[1]
    )
    print_table(
        f"{CALLS:,} contact flows in progress, one core, virtual time",
        ("what", "steps", "CPU seconds", "steps a second"),
        [
            ["blocks of flows", f"{blocks:,}", f"{seconds:.2f}", f"{blocks / seconds:,.0f}"],
            [
                "the same loop waking empty tasks",
                f"{wakes:,}",
                f"{empty_seconds:.2f}",
                f"{wakes / empty_seconds:,.0f}",
            ],
        ],
    )
    print(f"\n{minutes:,.0f} minutes of calls took {seconds:.1f} s")


def _time(found: tuple[int, float, float]) -> float:
    return found[1]


async def _calls() -> tuple[int, float, float]:
    calls = Calls(shipped_flow())
    loop = asyncio.get_running_loop()
    lengths = []
    began = time.process_time()
    working = [calls.start(number) for number in range(CALLS)]
    for each in working:
        each.add_done_callback(lambda _: lengths.append(loop.time()))
    await asyncio.gather(*working)
    return calls.blocks, time.process_time() - began, sum(lengths) / 60


async def _empty(steps: int) -> tuple[int, float]:
    async def idle(times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(1.0)

    times = max(steps // CALLS, 1)
    began = time.process_time()
    await asyncio.gather(*(idle(times) for _ in range(CALLS)))
    return times * CALLS, time.process_time() - began
