"""The demo's server: a real `ringfence serve` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2

from ringfence.errors import Unavailable

if TYPE_CHECKING:
    from ringfence.cli.stopwatch import Stopwatch
    from ringfence.settings import Settings

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


@asynccontextmanager
async def demo_server(
    settings: Settings, api_key: str, admin_password: str, watch: Stopwatch
) -> AsyncIterator[str]:
    """Run the server while the block runs; gives its address.

    Raises `Unavailable`, with where its log is, when it does not come up.
    """
    port = _free_port(settings.host, settings.port)
    log = settings.data_dir / "server.log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ringfence",
            "serve",
            "--data-dir",
            str(settings.data_dir),
            "--host",
            settings.host,
            "--port",
            str(port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={
                **os.environ,
                "RINGFENCE_API_KEY": api_key,
                "RINGFENCE_ADMIN_PASSWORD": admin_password,
                "RINGFENCE_BANK_NAME": "Example Bank",
                # A demo has no business in the bank's table of customers.
                "RINGFENCE_CUSTOMERS_URL": "",
            },
            # Ctrl-C in the terminal is for us; we stop the server when we are done.
            start_new_session=True,
        )
    url = f"http://{settings.host}:{port}"
    try:
        await _until_ready(url, api_key, process, str(log))
        watch.note("start the server", time.perf_counter() - began)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_ready(
    url: str, api_key: str, process: asyncio.subprocess.Process, log: str
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {api_key}"}, trust_env=False
    ) as client:
        while time.monotonic() < deadline and process.returncode is None:
            try:
                if (await client.get(f"{url}/readyz")).is_success:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.05)
    raise Unavailable("the server did not start", expected=f"its reason is in {log}")


def _free_port(host: str, port: int) -> int:
    """`port` if it is free, else any that is."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable(f"no port is free on {host}")
