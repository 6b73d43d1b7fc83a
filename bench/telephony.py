"""Telephone calls over SIP: how many, how steadily they sound, what they cost, which keys arrive.

    python -m bench telephony
    python -m bench.telephony --calls 300    # these calls alone

The PJSIP is that of this interpreter; with `PYTHONPATH`, one of your own (`docs/lines-sip.md`).

The far end is SIPp, with its sound at one UDP port of this process, on the same machine and the
same cores. Gaps are between two RTP packets of a call as the kernel received them, so that a busy
receiver adds none. The limit is a plain loop that sends a packet each 20 ms, alone and beside the
calls: what no telephone on this machine can go below. Every call plays a prompt over and over, and
hears the far end all the time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests" / "lines" / "sip"))

from bench import telephony_server
from bench.servers import Server
from bench.tables import print_table
from peers_sound import FarSound, Samples, Stream
from sip_children import Child, SIPp, child, dial, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.lines.sip.messages import Answered, Digit, Ended, HangUp, Play, Played

_CALLS = 100
_NEW_PER_SECOND = 20
_SECONDS = 20.0
_PROMPT_SECONDS = 3.0
_KEYS = "1234567890*#" * 5
_PRESSED_MILLISECONDS = 160  # down; as long, roughly, until the next


_LOOP = """
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
number, due = 0, time.monotonic()
while True:
    number += 1
    head = bytes([0x80, 8]) + (number & 0xFFFF).to_bytes(2, "big")
    sender.sendto(head + bytes(168), ("127.0.0.1", int(sys.argv[1])))
    due += 0.02
    time.sleep(max(0.0, due - time.monotonic()))
"""


class Telephones:
    """As many child processes as `calls` calls need, all calling one far end."""

    def __init__(self, calls: int, port: int, folder: Path, stack: ExitStack) -> None:
        first = stack.enter_context(child(folder / "0.log", trunk(port)))
        self.each: int = first.ready.most_calls
        self.children: list[Child] = [first]
        for number in range(1, -(-calls // self.each)):
            log = folder / f"{number}.log"
            self.children.append(stack.enter_context(child(log, trunk(port), calls=self.each)))
        self._port = port
        self.version: str = first.ready.version

    def of(self, call: int) -> Child:
        """The child that has call number `call`: they are spread evenly."""
        return self.children[call % len(self.children)]

    def dial(self, call: int) -> None:
        headers = (("X-Bench", str(call)),)
        self.of(call).tell(dial(self._port, str(call), headers=headers, ring_seconds=60.0))

    def processor_seconds(self) -> float:
        return sum(Server(one.process, 0, 0).processor_seconds() for one in self.children)

    def megabytes(self) -> float:
        """Memory of all children; what they share counts once."""
        return sum(_proportional_megabytes(one.process) for one in self.children)


def main() -> None:
    """Print the tables."""
    if lacking := missing():
        print(f"\nNo telephony: {lacking}.")
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int)
    asked = parser.parse_args().calls
    _print_calls(asked or _CALLS)
    if asked:
        return
    print_table(
        "Keys by RFC 4733, four calls at once",
        ("packets lost", "late by up to, ms", "pressed", "heard", "heard right"),
        [_keys(loss, late) for loss, late in ((0.0, 0.0), (0.05, 0.0), (0.05, 60.0))],
    )
    telephony_server.main()


def _print_calls(calls: int) -> None:
    with _plain_loop() as worst:
        time.sleep(_SECONDS)
        idle = f"{worst():.1f}"
    sounding = _calls(calls)
    print_table(
        f"{calls} calls in progress for {_SECONDS:.0f} s, PJSIP {sounding['version']}, "
        f"{sounding['children']} processes",
        ("what", "measured", "plain loop beside the calls", "plain loop alone"),
        [
            [
                "worst gap between two packets of a call, ms",
                f"{sounding['worst']:.1f}",
                sounding["beside"],
                idle,
            ],
            ["gaps over 40 ms, of a million packets", f"{sounding['over']:.0f}", "", ""],
            ["packets that are lacking", str(sounding["missing"]), "", ""],
            ["processor of a call, % of a core", f"{sounding['processor']:.2f}", "", ""],
            ["memory of a call, MB", f"{sounding['memory']:.1f}", "", ""],
            [f"new calls a second, {_NEW_PER_SECOND} asked for", f"{sounding['rate']:.1f}", "", ""],
            ["from its Dial to its INVITE, p99 ms", f"{sounding['invite']:.1f}", "", ""],
        ],
    )


def _calls(calls: int) -> dict[str, float | str]:
    at = np.arange(int(_PROMPT_SECONDS * 8000)) / 8000
    prompt: Samples = (8000 * np.sin(2 * np.pi * (300 * at + 200 * at**2))).astype(np.int16)
    with _far_end() as (sound, peer, folder), ExitStack() as stack:
        telephones = Telephones(calls, peer.port, folder, stack)
        hearing = _Hearing(telephones.children, prompt.tobytes())
        stack.callback(hearing.close)
        dialled: dict[str, float] = {}
        began = time.monotonic()
        for call in range(calls):
            time.sleep(max(0.0, began + call / _NEW_PER_SECOND - time.monotonic()))
            dialled[str(call)] = time.time()
            telephones.dial(call)
        hearing.until(lambda: len(hearing.answered) >= calls)
        rate = calls / (max(hearing.answered.values()) - began)
        time.sleep(3.0)  # for all to be well under way
        marks = {source: len(stream.packets) for source, stream in sound.streams.items()}
        processor = telephones.processor_seconds()
        with _plain_loop() as worst:
            time.sleep(_SECONDS)
            beside = worst()
        processor = telephones.processor_seconds() - processor
        ended = {source: len(stream.packets) for source, stream in sound.streams.items()}
        memory = telephones.megabytes()
        gaps: list[float] = []
        lacking = packets = over = 0
        for source, stream in sound.streams.items():
            heard = Stream(source, stream.packets[marks[source] : ended[source]])
            gaps.append(heard.worst_gap_ms())
            lacking += heard.missing()
            packets += len(heard.packets)
            over += heard.gaps_over(40.0)
        for call in range(calls):
            telephones.of(call).tell(HangUp(str(call)))
        hearing.until(lambda: len(hearing.ended) >= calls)
        invited = _invites(peer)
    late = [(invited[call] - at) * 1000 for call, at in dialled.items()]
    return {
        "version": telephones.version,
        "children": str(len(telephones.children)),
        "worst": max(gaps),
        "beside": f"{beside:.1f}",
        "over": over / packets * 1e6,
        "missing": str(lacking),
        "processor": processor / _SECONDS / calls * 100,
        "memory": memory / calls,
        "rate": rate,
        "invite": float(np.quantile(late, 0.99)),
    }


def _keys(loss: float, late_ms: float) -> list[str]:
    with _far_end(loss, late_ms) as (sound, peer, folder), ExitStack() as stack:
        telephones = Telephones(4, peer.port, folder, stack)
        for call in range(4):
            telephones.dial(call)
            telephones.of(call).hear(Answered, call=str(call))
        sound.stream(3)
        for stream in list(sound.streams.values()):
            for key in _KEYS:
                sound.press(key, stream, _PRESSED_MILLISECONDS)
        for one in telephones.children:
            one.drain(len(_KEYS) * 0.31 + 2)
        said = [message for one in telephones.children for message in one.said]
        heard = {
            str(call): "".join(
                digit.key for digit in said if isinstance(digit, Digit) and digit.call == str(call)
            )
            for call in range(4)
        }
    pressed = 4 * len(_KEYS)
    right = sum(_alike(_KEYS, keys) for keys in heard.values())
    return [
        f"{loss:.0%}",
        f"{late_ms:.0f}",
        str(pressed),
        str(sum(map(len, heard.values()))),
        f"{right / pressed:.2%}",
    ]


class _Hearing:
    """Hears all children: who answered, who ended; and plays on whenever a prompt is over."""

    def __init__(self, children: Sequence[Child], prompt: bytes) -> None:
        self.answered: dict[str, float] = {}
        self.ended: dict[str, Ended] = {}
        self._prompt = prompt
        self._over = False
        self._threads = [
            threading.Thread(target=self._hear, args=(one,), daemon=True) for one in children
        ]
        for thread in self._threads:
            thread.start()

    def until(self, so: Callable[[], bool]) -> None:
        limit = time.monotonic() + 60
        while not so():
            assert time.monotonic() < limit, (len(self.answered), list(self.ended.values())[:3])
            time.sleep(0.01)

    def close(self) -> None:
        self._over = True
        for thread in self._threads:
            thread.join(2)

    def _hear(self, one: Child) -> None:
        while not self._over:
            one.drain(0.05)
            for message in one.said:
                self._react(one, message)
            one.said.clear()

    def _react(self, one: Child, message: object) -> None:
        if isinstance(message, Answered):
            self.answered[message.call] = time.monotonic()
            for number in (1, 2):  # one always waits behind the one that plays
                one.tell(Play(message.call, number, self._prompt))
        elif isinstance(message, Played) and message.heard and message.call not in self.ended:
            one.tell(Play(message.call, message.playing + 2, self._prompt))
        elif isinstance(message, Ended):
            self.ended[message.call] = message


@contextmanager
def _far_end(loss: float = 0.0, late_ms: float = 0.0) -> Iterator[tuple[FarSound, SIPp, Path]]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        sound = FarSound(loss=loss, jitter_ms=late_ms)
        peer = SIPp(scenario(*ANSWER, *HUNG_UP), folder, sound)  # type: ignore[arg-type]
        try:
            yield sound, peer, folder
        finally:
            peer.close()
            sound.close()


def _invites(peer: SIPp) -> dict[str, float]:
    """When the INVITE of each call was there first, by SIPp's log."""
    found: dict[str, float] = {}
    at = 0.0
    inviting = False
    for line in peer.log().splitlines():
        if line.startswith("-----") and len(words := line.split()) >= 3:
            at = datetime.fromisoformat(f"{words[1]} {words[2]}").timestamp()
        elif line.startswith("INVITE "):
            inviting = True
        elif inviting and line.startswith("X-Bench: "):
            found.setdefault(line.removeprefix("X-Bench: ").strip(), at)
            inviting = False
    return found


@contextmanager
def _plain_loop() -> Iterator[Callable[[], float]]:
    """A process that sends a packet each 20 ms while the block runs, and its worst gap so far."""
    sound = FarSound(talks=False)
    loop = subprocess.Popen([sys.executable, "-S", "-c", _LOOP, str(sound.port)])
    try:
        sound.stream()
        yield lambda: sound.stream().worst_gap_ms()
    finally:
        loop.kill()
        loop.wait()
        sound.close()


def _alike(pressed: str, heard: str) -> int:
    """How many of the keys that were pressed were heard, in order (the longest common part)."""
    row = [0] * (len(heard) + 1)
    for key in pressed:
        before = 0
        for place, other in enumerate(heard, start=1):
            before, row[place] = (
                row[place],
                before + 1 if key == other else max(row[place], row[place - 1]),
            )
    return row[-1]


def _proportional_megabytes(process: subprocess.Popen[bytes]) -> float:
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


if __name__ == "__main__":
    main()
