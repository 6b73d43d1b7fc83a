"""The servers that are measured: each a process of its own, stopped at the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

API_KEY = "bench-key-of-a-server-that-lives-for-a-minute"
_START_SECONDS = 60.0


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ready_seconds: float):
        self.process = process
        self.port = port
        self.ready_seconds = ready_seconds

    def resident_megabytes(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """Processor time so far, of all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def plain_server(model: Path) -> Iterator[Server]:
    """The peer of `bench.plain_server`."""
    port = _free_port()
    with _running(["-m", "bench.plain_server", str(port), str(model)], port, "/empty") as server:
        yield server


@contextmanager
def ringfence(data_dir: Path) -> Iterator[Server]:
    """A real `ringfence serve`."""
    port = _free_port()
    command = ["-m", "ringfence", "serve", "--data-dir", str(data_dir), "--port", str(port)]
    given = {
        "RINGFENCE_API_KEY": API_KEY,
        "RINGFENCE_ADMIN_PASSWORD": "bench password",
        "RINGFENCE_LOG_LEVEL": "warning",
        # Once an hour, and a minute after the start: not what these minutes are to show.
        "RINGFENCE_DRIFT_CHECK_MINUTES": "0",
    }
    with _running(command, port, "/readyz", given) as server:
        yield server


@contextmanager
def _running(
    command: Sequence[str], port: int, ready_path: str, given: Mapping[str, str] | None = None
) -> Iterator[Server]:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, env={**os.environ, **(given or {})}
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready_path}")
        yield Server(process, port, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    request = Request(url, headers={"authorization": f"Bearer {API_KEY}"})
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(request, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise RuntimeError(f"{url} did not answer; exit code {process.returncode}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
