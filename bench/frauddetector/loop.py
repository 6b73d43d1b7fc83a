"""The scoring loop of a notebook: five processes, each with boto3, one prediction after the other.

    python bench/frauddetector/loop.py [seconds]

The detector has a model of 300 trees over 26 variables and a few rules. Requests are signed and
verified, answers are on disk. The limit is what the same five processes get out of a server that
does nothing: it reads a request and answers `{}`. The peer is Amazon Fraud Detector as its users
tell: 23,797 events in 18 minutes by five processes.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.decisions import prepared
from bench.scoring import payments
from bench.servers import Server, ringfence
from bench.tables import print_table

PROCESSES = 5
SECONDS = 6.0
ROUNDS = 3
_EVENTS = 1_000
_REGION = "eu-west-1"
_PEER_A_SECOND = 23_797 / (18 * 60)
_NOTHING = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"
_WAYS = {"DISABLED": "events are not kept", "ENABLED": "events are kept"}


def main(seconds: float = SECONDS) -> None:
    """Run, and print a table."""
    with TemporaryDirectory() as folder, prepared(Path(folder)) as data_dir:
        requests = Path(folder) / "requests.json"
        requests.write_text(json.dumps(list(_requests())))
        key = _access_key(data_dir)
        with ringfence(data_dir) as server, _nothing() as nothing:
            limits: list[float] = []
            rates: dict[str, list[float]] = {ingestion: [] for ingestion in _WAYS}
            spent: dict[str, list[float]] = {ingestion: [] for ingestion in _WAYS}
            for number in range(ROUNDS):
                limits.append(_rate(nothing, key, seconds, f"n{number}", requests))
                for ingestion in _WAYS:
                    _keep(server, key, ingestion)
                    before = server.processor_seconds()
                    name = f"{ingestion.lower()}{number}"
                    rate = _rate(server.port, key, seconds, name, requests)
                    rates[ingestion].append(rate)
                    spent[ingestion].append(
                        (server.processor_seconds() - before) / (rate * seconds)
                    )
    limit = median(limits)
    print_table(
        f"`get_event_prediction` by {PROCESSES} processes with boto3, on the machine of the server",
        ("", "a second", "of the limit", "the server's processor, each", "of the peer"),
        [
            *(
                [
                    f"Ringfence, {words}",
                    f"{median(rates[ingestion]):,.0f}",
                    f"{median(rates[ingestion]) / limit:.0%}",
                    f"{1000 * median(spent[ingestion]):.2f} ms",
                    f"{median(rates[ingestion]) / _PEER_A_SECOND:,.0f} times",
                ]
                for ingestion, words in _WAYS.items()
            ),
            ["a server that does nothing (limit)", f"{limit:,.0f}", "100%", "", ""],
            ["Amazon Fraud Detector, as its users tell", f"{_PEER_A_SECOND:.0f}", "", "", ""],
        ],
    )


def _access_key(data_dir: Path) -> Mapping[str, str]:
    """The environment of clients."""
    command = ["-m", "ringfence", "keys", "create", "bench", "--json", "--data-dir", str(data_dir)]
    made = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE)
    environment: Mapping[str, str] = json.loads(made.stdout)["environment"]
    return environment


def _keep(server: Server, key: Mapping[str, str], ingestion: str) -> None:
    import boto3
    from botocore.config import Config

    client: Any = boto3.client(
        "frauddetector",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        region_name=_REGION,
        aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
    (known,) = client.get_event_types(name="card_payment")["eventTypes"]
    client.put_event_type(
        name="card_payment",
        eventVariables=known["eventVariables"],
        entityTypes=known["entityTypes"],
        labels=known["labels"],
        eventIngestion=ingestion,
    )


def _rate(port: int, key: Mapping[str, str], seconds: float, name: str, requests: Path) -> float:
    """Predictions a second of all processes together."""
    script = str(Path(__file__).with_name("asking.py"))
    processes = [
        subprocess.Popen(
            [sys.executable, script, str(port), str(seconds), f"{name}-{number}", str(requests)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **key},
            text=True,
        )
        for number in range(PROCESSES)
    ]
    answered = 0
    for process in processes:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError("a client has failed")
    for process in processes:
        if process.stdin is not None:
            process.stdin.write("go\n")
            process.stdin.flush()
    for process in processes:
        answered += int(process.communicate()[0])
    return answered / seconds


def _requests() -> Iterator[dict[str, Any]]:
    for number, (at, _, variables) in enumerate(payments(_EVENTS, seed=11)):
        yield {
            "detectorId": "card_fraud",
            "eventTypeName": "card_payment",
            "eventTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "entities": [{"entityType": "customer", "entityId": f"customer-{number % 97}"}],
            "eventVariables": {name: str(value) for name, value in variables.items()},
        }


@contextmanager
def _nothing() -> Iterator[int]:
    """The port of a server that does nothing, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, "nothing"], stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            raise RuntimeError("no output")
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


async def _do_nothing() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(
                int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            writer.write(_NOTHING + b"Content-Length: 2\r\n\r\n{}")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["nothing"]:
        asyncio.run(_do_nothing())
    main(*(float(given) for given in sys.argv[1:]))
