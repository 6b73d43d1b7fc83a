"""Room for calls of a line: its processes, and calls in them that PJSIP is not done with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sip_children import far_end, missing
from sip_lines import during, open_line
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.lines import CallEnd

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def test_calls_find_room_while_pjsip_waits_for_far_ends_that_have_gone(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER), tmp_path) as gone,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as there,
    ):

        async def work() -> None:
            trunks = [
                {"name": "gone", "host": f"127.0.0.1:{gone.port}", "calls_at_once": 4},
                {"name": "there", "host": f"127.0.0.1:{there.port}"},
            ]
            async with open_line(trunks=trunks, calls_at_once=4) as caller:
                ends = [await asyncio.gather(*(caller.call() for _ in range(4)))]
                gone.process.kill()
                ends.append(await asyncio.gather(*(caller.call() for _ in range(4))))
                assert {result.end for four in ends for result in four} == {CallEnd.COMPLETED}

        during(work(), 90)
