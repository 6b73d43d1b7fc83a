"""Calls over SIP that come and go for a long time: what grows, what is lost, what is stuck.

    python -m bench.soak [--minutes N] [--calls-per-second N]

A SIP line in this process, its telephone processes, and far ends of SIPp on the same machine, which
echo our sound. Of ten calls six hear a prompt and press a key, and one each is busy, is hung up by
the far end, rings in vain, and is hung up by us without a word from the far end. A row a minute:
nothing in it may grow but the number of calls. At the end every call must have ended as it had to,
and all room be free again.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

sys.path.append(str(Path(__file__).parents[1] / "tests" / "lines" / "sip"))

from bench.tables import print_table
from sip_children import far_end as sipp
from sip_children import free_port, missing
from sip_lines import OURS, SHORT, open_line
from sipp_scenarios import (
    ANSWER,
    HUNG_UP,
    TALK,
    pause,
    receive,
    receive_status,
    respond,
    scenario,
    send,
)

from ringfence.flows import Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest
from ringfence.lines.sip.line import SipLine

_SECONDS_BETWEEN_ROWS = 60.0
_CALLS_AT_ONCE = 12
_KEY = "4"

_PRESSES = scenario(
    *TALK,
    pause(1000),
    send("INFO", body=f"Signal={_KEY}\nDuration=160\n", kind="application/dtmf-relay"),
    receive_status(200),
    *HUNG_UP,
)
_BUSY = scenario(receive("INVITE"), respond("486 Busy Here"), receive("ACK"))
_LEAVES = scenario(*TALK, pause(700), send("BYE"), receive_status(200))
_RINGS = scenario(
    receive("INVITE"),
    respond("180 Ringing"),
    receive("CANCEL"),
    respond("200 OK"),
    respond("487 Request Terminated").replace("[last_CSeq:]", "CSeq: 1 INVITE"),
    receive("ACK"),
)
_MUTE = scenario(*ANSWER)  # it never answers our BYE

# Which number begins how, by whom it is answered, and how such a call must end.
_KINDS = {
    "+4930": (_PRESSES, {CallEnd.COMPLETED}),
    "+4940": (_BUSY, {CallEnd.BUSY}),
    "+4950": (_LEAVES, {CallEnd.HUNG_UP}),
    "+4960": (_RINGS, {CallEnd.NO_ANSWER}),
    "+4970": (_MUTE, {CallEnd.COMPLETED}),
}
_TURN = ("+4930",) * 6 + ("+4940", "+4950", "+4960", "+4970")


def main() -> None:
    """Print the rows, and what was wrong; the status is 1 when anything was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--calls-per-second", type=float, default=1.0)
    given = parser.parse_args()
    if lacking := missing():
        print(f"\nNo soak: {lacking}.")
        return
    with TemporaryDirectory() as name, _far_ends(Path(name), given.minutes) as ports:
        wrong = asyncio.run(_soak(ports, given.minutes, given.calls_per_second))
    for what in wrong:
        print(what)
    sys.exit(bool(wrong))


@contextmanager
def _far_ends(folder: Path, minutes: float) -> Iterator[dict[str, int]]:
    ends = []
    ports = {}
    # Its log of messages would fill the disk, and its own time limit is too short.
    last = ("-timeout", f"{minutes * 60 + 300:.0f}s", "-message_file", os.devnull, "-rtp_echo")
    try:
        for beginning, (played, _) in _KINDS.items():
            sound = SimpleNamespace(port=free_port() & ~1)
            end = sipp(played, folder, sound, *last, "-mp", str(sound.port))
            ends.append(end)
            ports[beginning] = end.__enter__().port
        yield ports
    finally:
        for end in ends:
            end.__exit__(None, None, None)


class _Calls:
    """Places calls, and notes how they ended."""

    def __init__(self, line: SipLine) -> None:
        self.ends: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.placed = 0
        self._line = line
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    def place(self) -> None:
        self.placed += 1
        task = asyncio.create_task(self._call(self.placed, _TURN[self.placed % len(_TURN)]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ended(self) -> None:
        await asyncio.gather(*self._tasks)

    async def _call(self, number: int, beginning: str) -> None:
        pressed: list[str | None] = []
        presses = beginning == "+4930"

        async def talk(participant: Participant) -> None:
            await participant.say(SHORT, interruptible=False)
            if beginning in ("+4930", "+4950"):
                pressed.append(await participant.digit(20.0))

        async def report(event: CallEvent) -> None:
            """Nobody listens."""

        to_number = f"{beginning}{number % 10_000_000:07d}"
        request = CallRequest(f"soak-{number}", to_number, OURS, ring_timeout_seconds=3.0)
        result = await self._line.call(request, talk, report)
        self.ends[result.end] += 1
        if result.end not in _KINDS[beginning][1] or (presses and pressed != [_KEY]):
            self.wrong.append(f"{to_number}: {result.end} {result.detail} {pressed}")


async def _soak(ports: dict[str, int], minutes: float, rate: float) -> list[str]:
    trunks = [
        {"name": f"t{port}", "host": f"127.0.0.1:{port}", "serves": [beginning]}
        for beginning, port in ports.items()
    ]
    rows: list[list[str]] = []
    async with open_line(trunks=trunks, calls_at_once=_CALLS_AT_ONCE, spare_calls=4) as caller:
        line = caller.line
        calls = _Calls(line)
        began = row_at = time.monotonic()
        while (now := time.monotonic()) < began + minutes * 60:
            if calls.running < _CALLS_AT_ONCE:
                calls.place()
            if now >= row_at:
                rows.append(_row(now - began, calls, line))
                row_at += _SECONDS_BETWEEN_ROWS
            await asyncio.sleep(1 / rate)
        await calls.ended()
        await asyncio.sleep(40.0)  # PJSIP waits for 32 s for far ends that say nothing
        rows.append(_row(time.monotonic() - began, calls, line))
        stuck = [
            f"{pid} still holds {held} calls" for pid, held, _ in line.state().processes if held
        ]
        if line.state().calls:
            stuck.append(f"the line counts {line.state().calls} calls, and there are none")
    print_table(
        f"{calls.placed} calls in {minutes:g} minutes, {_ends(calls)}",
        (
            "minute",
            "calls ended",
            "wrong",
            "parent MB",
            "its objects",
            "its files",
            "processes",
            "largest MB",
            "most files",
        ),
        rows,
    )
    return calls.wrong[:20] + stuck


def _row(seconds: float, calls: _Calls, line: SipLine) -> list[str]:
    gc.collect()
    processes = [pid for pid, _, _ in line.state().processes]
    return [
        f"{seconds / 60:.0f}",
        str(sum(calls.ends.values())),
        str(len(calls.wrong)),
        f"{_megabytes(os.getpid()):.1f}",
        str(len(gc.get_objects())),
        str(_files(os.getpid())),
        str(len(processes)),
        f"{max(map(_megabytes, processes)):.1f}",
        str(max(map(_files, processes))),
    ]


def _megabytes(pid: int) -> float:
    """Memory that is its own: not files, which are shared."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) / 1024


def _files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - it changes meanwhile


def _ends(calls: _Calls) -> str:
    return ", ".join(f"{number} {end}" for end, number in sorted(calls.ends.items()))


if __name__ == "__main__":
    main()
