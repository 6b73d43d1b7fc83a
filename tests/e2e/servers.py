"""Real servers in processes of their own: started, asked whether they are ready, killed.

`server` starts `ringfence serve` as a user does. A `Nursery` has everything imported already and
forks its servers, which then run the same command: imports are most of a start, and a test that
kills a hundred servers need not pay for them a hundred times.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

API_KEY = "test-key-0123456789-abcdef"
PASSWORD = "correct horse battery"
HEADERS = {"Authorization": f"Bearer {API_KEY}"}
START_SECONDS = 90.0

_NURSERY = """
import json, os, signal, sys, threading
import dbos, nicegui, uvicorn, uvloop
import ringfence.cli, ringfence.cli.commands, ringfence.web.server, ringfence.web.console.pages
assert threading.active_count() == 1, threading.enumerate()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need not be waited for
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child:
        print(child, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.update(asked["environment"])
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    sys.argv = ["ringfence", *asked["arguments"]]
    code = 1
    try:
        ringfence.cli.main()
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    finally:
        os._exit(code)
"""


@dataclass(frozen=True)
class Address:
    """Where a server is, and what it writes."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def phones(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/phones/ws"


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def arguments(data_dir: Path, port: int) -> list[str]:
    """What `ringfence` is told."""
    return ["serve", "--data-dir", str(data_dir), "--host", "127.0.0.1", "--port", str(port)]


def environment(**more: str) -> dict[str, str]:
    """The settings of these servers."""
    return {
        "RINGFENCE_API_KEY": API_KEY,
        "RINGFENCE_ADMIN_PASSWORD": PASSWORD,
        "RINGFENCE_LOG_LEVEL": "warning",
        **more,
    }


@contextlib.contextmanager
def server(data_dir: Path, settings: Mapping[str, str] | None = None) -> Iterator[Address]:
    """A server while the block runs, started as from a shell and told to stop afterwards."""
    data_dir.mkdir(parents=True, exist_ok=True)
    there = Address(free_port(), data_dir / "server.log")
    with there.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ringfence", *arguments(data_dir, there.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment(**(settings or {}))},
            cwd=data_dir,
        )
    try:
        until_ready(there, lambda: process.poll() is None)
        yield there
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_ready(there: Address, alive: object) -> None:
    """Return once the server takes requests."""
    deadline = time.monotonic() + START_SECONDS
    with httpx2.Client(headers=HEADERS, trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx2.HTTPError):
                if client.get(f"{there.url}/readyz").is_success:
                    return
            if not alive():  # type: ignore[operator]
                break
            time.sleep(0.02)
    raise AssertionError(f"the server did not start: {there.log.read_text()[-3000:]}")


class Nursery:
    """Forks servers that have everything imported. One at a time, always on the same port."""

    def __init__(self, data_dir: Path) -> None:
        self.there = Address(free_port(), data_dir / "server.log")
        self._data_dir = data_dir
        self._pid: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=data_dir,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def start(self) -> None:
        """Start a server and return once it takes requests."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "arguments": arguments(self._data_dir, self.there.port),
            "environment": environment(),
            "log": str(self.there.log),
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        self._pid = int(self._process.stdout.readline())
        until_ready(self.there, lambda: _alive(self._pid))

    def kill(self) -> None:
        """Kill the server as a power cut would, at once."""
        pid, self._pid = self._pid, None
        if pid is None or not _alive(pid):
            raise AssertionError(f"the server has died: {self.there.log.read_text()[-3000:]}")
        os.kill(pid, signal.SIGKILL)
        while _alive(pid):
            time.sleep(0.001)

    def stop(self) -> None:
        """Tell the server to stop, and return once it has."""
        pid, self._pid = self._pid, None
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60.0
        while _alive(pid):
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.01)

    def close(self) -> None:
        """No more servers."""
        if self._pid is not None and _alive(self._pid):
            self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
