"""The scoring loop of a notebook: five processes, each with boto3, one prediction after the other.

    python bench/frauddetector/loop.py [seconds]

The detector has a model of 300 trees over 26 variables and a few rules. Requests are signed and
verified, answers are on disk. The limit is what the same five processes get out of a server that
does nothing: it reads a request and answers `{}`. The peer is Amazon Fraud Detector as its users
tell: 23,797 events in 18 minutes by five processes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.decisions import prepared
from bench.scoring import payments
from bench.servers import ringfence
from bench.tables import print_table

from ringfence.access import create_access_key
from ringfence.storage import Database

PROCESSES = 5
SECONDS = 8.0
ROUNDS = 3
_EVENTS = 2_000
_SERVICE = "frauddetector"
_REGION = "eu-west-1"
_PEER_A_SECOND = 23_797 / (18 * 60)
_NOTHING = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\n"


def main(seconds: float = SECONDS) -> None:
    """Run, and print a table."""
    with TemporaryDirectory() as folder, prepared(Path(folder)) as data_dir:
        key = _access_key(data_dir)
        rows = []
        with ringfence(data_dir) as server, _nothing() as nothing:
            limits, found = [], {"DISABLED": [], "ENABLED": []}
            spent = dict.fromkeys(found, 0.0)
            for number in range(ROUNDS):
                limits.append(_rate(nothing, key, seconds / 2, f"n{number}"))
                for ingestion, rates in found.items():
                    _keep(server.port, key, ingestion)
                    before = server.processor_seconds()
                    rate = _rate(server.port, key, seconds, f"{ingestion.lower()}{number}")
                    spent[ingestion] += (server.processor_seconds() - before) / (rate * seconds)
                    rates.append(rate)
        limit = median(limits)
        for ingestion, words in (
            ("DISABLED", "events are not kept"),
            ("ENABLED", "events are kept"),
        ):
            rate = median(found[ingestion])
            rows.append(
                [
                    f"Ringfence, {words}",
                    f"{rate:,.0f}",
                    f"{rate / limit:.0%}",
                    f"{1000 * spent[ingestion] / ROUNDS:.2f} ms",
                    f"{rate / _PEER_A_SECOND:,.0f} ×",
                ]
            )
        rows.append(
            [
                "A server that does nothing (limit)",
                f"{limit:,.0f}",
                "100%",
                "",
                f"{limit / _PEER_A_SECOND:,.0f} ×",
            ]
        )
        rows.append(
            ["Amazon Fraud Detector, as its users tell", f"{_PEER_A_SECOND:.0f}", "", "", "1 ×"]
        )
    print_table(
        f"`get_event_prediction` by {PROCESSES} processes with boto3, on the machine of the server",
        ("", "a second", "of the limit", "server's processor, each", "of the peer"),
        rows,
    )


def _access_key(data_dir: Path) -> tuple[str, str]:
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    try:
        return _created(database, data_dir)
    finally:
        database.dispose()


def _keep(port: int, key: tuple[str, str], ingestion: str) -> None:
    client = _client(port, key)
    (known,) = client.get_event_types(name="card_payment")["eventTypes"]
    client.put_event_type(
        name="card_payment",
        eventVariables=known["eventVariables"],
        entityTypes=known["entityTypes"],
        labels=known["labels"],
        eventIngestion=ingestion,
    )


def _rate(port: int, key: tuple[str, str], seconds: float, name: str) -> float:
    """Predictions a second of all processes together."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(PROCESSES)
    with spawn.Manager() as manager:
        answered = manager.list()
        processes = [
            spawn.Process(
                target=_ask, args=(port, key, seconds, f"{name}-{number}", barrier, answered)
            )
            for number in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        if len(answered) != PROCESSES:
            raise RuntimeError("a process has failed")
        return sum(answered) / seconds


def _ask(
    port: int,
    key: tuple[str, str],
    seconds: float,
    name: str,
    barrier: Barrier,
    answered: Any,
) -> None:
    requests = list(_requests(name))
    client = _client(port, key)
    client.get_event_prediction(**next(_requests(f"first-{name}")))
    barrier.wait()
    count, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        request = requests[count % len(requests)]
        client.get_event_prediction(**request | {"eventId": f"{name}-{count}"})
        count += 1
    answered.append(count)


def _requests(name: str) -> Iterator[dict[str, Any]]:
    for number, (at, _, variables) in enumerate(payments(_EVENTS, seed=11)):
        yield {
            "detectorId": "card_fraud",
            "eventId": f"{name}-{number}",
            "eventTypeName": "card_payment",
            "eventTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "entities": [{"entityType": "customer", "entityId": f"customer-{number % 997}"}],
            "eventVariables": {name: str(value) for name, value in variables.items()},
        }


def _client(port: int, key: tuple[str, str]) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        _SERVICE,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=_REGION,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(proxies={}),
    )


@contextmanager
def _nothing() -> Iterator[int]:
    """The port of a server that does nothing."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_do_nothing, args=(theirs,), daemon=True)
    process.start()
    yield ours.recv()
    process.terminate()
    process.join()


def _do_nothing(pipe: Any) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


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
    main(*(float(given) for given in sys.argv[1:]))
