"""The load: HTTP/1.1 requests prepared beforehand, sent over kept connections by a process of its
own, so that the generator neither shares an interpreter with what it measures nor builds anything
while it measures.

*Closed*: every connection sends its next request as soon as it has its reply; gives the most that
the server can do. *Offered*: requests start at random moments (a Poisson process) at a given rate,
whatever the server does, and a request that has to wait for a free connection has waited since the
moment it was due, so that a slow server cannot hide its slowness.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import uvloop

_DRAIN_SECONDS = 10.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. `rate` is requests a second, None for a closed loop; sending ends after
    `seconds` or with the last request, unless they are to `repeat`."""

    port: int
    connections: int
    seconds: float
    rate: float | None = None
    repeat: bool = False


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Times are in milliseconds; `late_ms` is how late the generator itself was
    at the 99th percentile, which no latency below it can be blamed on the server for."""

    replies: int
    failures: int
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    late_ms: float


def run(load: Load, requests: Sequence[bytes]) -> Measured:
    """Send `requests` from a process of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "load"
        path.write_bytes(msgspec.msgpack.encode((load, requests)))
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", str(path)], check=True, stdout=subprocess.PIPE
        )
    return msgspec.json.decode(done.stdout, type=Measured)


def http_request(method: str, path: str, body: bytes = b"", api_key: str | None = None) -> bytes:
    """One HTTP/1.1 request, ready to send."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    if body:
        lines.append("content-type: application/json")
    if api_key:
        lines.append(f"authorization: Bearer {api_key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Client(asyncio.Protocol):
    """One connection. `done(client, ok)` hears of every complete reply."""

    def __init__(self, done: Callable[[_Client, bool], None]):
        self.done = done
        self.began = 0.0
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, request: bytes, began: float) -> None:
        self.began = began
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head = data.find(b"\r\n\r\n")
        if head >= 0:
            place = data.find(b"content-length: ", 0, head)
            length = int(data[place + 16 : data.find(b"\r", place)])
            if len(data) >= head + 4 + length:
                self._buffer = b""
                self.done(self, data.startswith(b"HTTP/1.1 200 "))
                return
        self._buffer = data

    def connection_lost(self, exc: Exception | None) -> None:
        if self.began:
            self.done(self, False)

    def close(self) -> None:
        self._transport.close()


class _Tally:
    """Counts replies until the last one that was sent for has come."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.ended = self.started
        self.latencies: list[float] = []
        self.late: list[float] = []
        self.failures = 0

    def reply(self, client: _Client, ok: bool) -> None:
        self.ended = time.perf_counter()
        self.latencies.append(self.ended - client.began)
        client.began = 0.0
        if not ok:
            self.failures += 1

    def measured(self) -> Measured:
        ordered = sorted(self.latencies)
        return Measured(
            replies=len(ordered),
            failures=self.failures,
            per_second=len(ordered) / (self.ended - self.started),
            p50_ms=_percentile(ordered, 0.5) * 1000,
            p99_ms=_percentile(ordered, 0.99) * 1000,
            max_ms=ordered[-1] * 1000,
            late_ms=_percentile(sorted(self.late), 0.99) * 1000 if self.late else 0.0,
        )


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _connect(load: Load, done: Callable[[_Client, bool], None]) -> list[_Client]:
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: _Client(done), "127.0.0.1", load.port))[1]
        for _ in range(load.connections)
    ]


async def _closed(load: Load, requests: Sequence[bytes]) -> Measured:
    finished = asyncio.Event()
    waiting = deque(requests)
    in_flight = 0
    ends = 0.0

    def send(client: _Client) -> None:
        nonlocal in_flight
        began = time.perf_counter()
        if began >= ends or not waiting:
            if not in_flight:
                finished.set()
            return
        request = waiting.popleft()
        if load.repeat:
            waiting.append(request)
        in_flight += 1
        client.send(request, began)

    def done(client: _Client, ok: bool) -> None:
        nonlocal in_flight
        in_flight -= 1
        tally.reply(client, ok)
        send(client)

    clients = await _connect(load, done)
    tally = _Tally()
    ends = tally.started + load.seconds
    for client in clients:
        send(client)
    await asyncio.wait_for(finished.wait(), load.seconds + _DRAIN_SECONDS)
    for client in clients:
        client.close()
    return tally.measured()


async def _offered(load: Load, requests: Sequence[bytes]) -> Measured:
    assert load.rate is not None
    loop = asyncio.get_running_loop()
    finished = asyncio.Event()
    chance = random.Random(1)
    due: deque[tuple[float, bytes]] = deque()
    at = 0.0
    for request in requests:
        at += chance.expovariate(load.rate)
        if at >= load.seconds:
            break
        due.append((at, request))
    expected = len(due)
    waiting: deque[tuple[float, bytes]] = deque()

    def done(client: _Client, ok: bool) -> None:
        tally.reply(client, ok)
        if waiting:
            began, request = waiting.popleft()
            client.send(request, began)
        else:
            free.append(client)
        if len(tally.latencies) == expected:
            finished.set()

    def tick() -> None:
        now = time.perf_counter() - tally.started
        while due and due[0][0] <= now:
            at, request = due.popleft()
            tally.late.append(now - at)
            if free:
                free.pop().send(request, tally.started + at)
            else:
                waiting.append((tally.started + at, request))
        if due:
            loop.call_later(due[0][0] - (time.perf_counter() - tally.started), tick)

    free = await _connect(load, done)
    clients = list(free)
    tally = _Tally()
    tick()
    await asyncio.wait_for(finished.wait(), load.seconds + _DRAIN_SECONDS)
    for client in clients:
        client.close()
    return tally.measured()


def main() -> None:
    load, requests = msgspec.msgpack.decode(
        Path(sys.argv[1]).read_bytes(), type=tuple[Load, list[bytes]]
    )
    if load.rate is None:
        measured = uvloop.run(_closed(load, requests))
    else:
        # uvloop and epoll count in whole milliseconds; select counts in microseconds.
        with asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
        ) as runner:
            measured = runner.run(_offered(load, requests))
    print(msgspec.json.encode(measured).decode())


if __name__ == "__main__":
    main()
