"""A name server (dnsmasq) that knows what a test says, on an address of its own on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_DNSMASQ = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")


def missing_name_server() -> str:
    """What this machine lacks for a name server; empty when it has everything."""
    if _DNSMASQ is None:
        return "dnsmasq is not installed"
    return "" if os.geteuid() == 0 else "only root may listen at port 53"


class NameServer:
    """It knows the zone `.test`. `address` is where it listens, at port 53."""

    def __init__(self, folder: Path, *records: str) -> None:
        self.address = f"127.53.{os.getpid() % 250}.{next(_NUMBERS)}"
        self._log = folder / f"dnsmasq-{self.address}.log"
        self.process = subprocess.Popen(
            [
                *(str(_DNSMASQ), "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv"),
                *("--no-hosts", "--bind-interfaces", "--user=root", "--pid-file=", "--port=53"),
                *(
                    f"--listen-address={self.address}",
                    "--local=/test/",
                    "--local-ttl=60",
                    "--log-queries",
                ),
                *(f"--log-facility={self._log}", *records),
            ]
        )
        until = time.monotonic() + 20
        while not self._listens():
            assert self.process.poll() is None
            assert time.monotonic() < until, "dnsmasq does not listen"
            time.sleep(0.02)

    def asked(self) -> str:
        """What it was asked, and answered."""
        return self._log.read_text()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, 53), 1):
            return True
        return False


_NUMBERS = iter(range(1, 250))


@contextlib.contextmanager
def name_server(folder: Path, *records: str) -> Iterator[NameServer]:
    """A name server with these records, as dnsmasq writes them, while the block runs."""
    server = NameServer(folder, *records)
    try:
        yield server
    finally:
        server.close()


def host(name: str, address: str = "127.0.0.1") -> str:
    return f"--host-record={name},{address}"


def service(name: str, target: str, port: int, priority: int = 10, weight: int = 10) -> str:
    return f"--srv-host={name},{target},{port},{priority},{weight}"
