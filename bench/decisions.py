"""Decisions over HTTP, durable, on one worker: how many a second, and how soon.

Beside them, in the same run and in turns, a plain FastAPI route that only scores a row, and the
empty reply of that server as the limit; and how often the disk takes a commit of one row, which is
what a server without group commit could do at most.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec
from bench.load import Load, Measured, http_request, run
from bench.plain_server import FEATURES, write_model
from bench.scoring import payments
from bench.servers import API_KEY, Server, plain_server, ringfence
from bench.tables import print_table

from ringfence.storage import Database

CONNECTIONS, MANY_CONNECTIONS = 64, 256
ROUNDS = 3
CLOSED_SECONDS = 4.0
OFFERED_SECONDS = 4.0
OFFERED = (200, 500, 1_000)
# More than a round can use up.
_REQUESTS_A_ROUND = 40_000
_PATH = "/v1/event-types/card_payment/decisions"
_RULES = (
    ("odd_amount", '$transaction_amt > 20000 and $transaction_env in ["U", "E"]', "review"),
    ("no_code", '$cvv in ["N", "V"] and $transaction_type == "T"', "review"),
    ("call", "$card_fraud_insightscore > 990", "call_cardholder"),
    ("unusual", "$card_fraud_insightscore > 950", "review"),
    ("usual", "$card_fraud_insightscore <= 950", "approve"),
)


def main() -> None:
    """Run, and print two tables."""
    with TemporaryDirectory() as folder, prepared(Path(folder)) as model, ringfence(model) as ours:
        plain_model = Path(folder) / "plain.txt"
        write_model(plain_model)
        with plain_server(plain_model) as plain:
            _throughput(plain, ours, _commits_a_second(Path(folder)))
            _latency(plain, ours)


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """A data directory with a model of 300 trees and a detector of a few rules."""
    import polars as pl

    from ringfence.cli.detectors import publish_version
    from ringfence.cli.options import open_database, settings_of
    from ringfence.cli.training import train_version
    from ringfence.models import boosting

    data, rules, data_dir = folder / "payments.csv", folder / "rules.json", folder / "data"
    rules.write_bytes(
        msgspec.json.encode(
            [{"rule_id": i, "expression": e, "outcomes": [o]} for i, e, o in _RULES]
        )
    )
    pl.DataFrame(
        [
            {
                "EVENT_TIMESTAMP": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "EVENT_LABEL": "fraud" if fraud else "legit",
                **variables,
            }
            for at, fraud, variables in payments(20_000, seed=1)
        ]
    ).write_csv(data)
    database: Database = open_database(settings_of(data_dir=data_dir))
    # Learns so slowly that it is never stopped before all 300 trees.
    kept = boosting._PARAMETERS["learning_rate"]
    boosting._PARAMETERS["learning_rate"] = 0.005
    try:
        train_version(database, str(data), "card_fraud", "card_payment", 0, lambda *_: None)
        publish_version(database, "card_fraud", "card_fraud", "card_payment", rules)
    finally:
        boosting._PARAMETERS["learning_rate"] = kept
        database.dispose()
    yield data_dir


def decision_requests(count: int, seed: int) -> list[bytes]:
    """Requests about distinct events, each of a customer and a card."""
    chance = random.Random(seed)
    found = []
    for number, (at, _, variables) in enumerate(payments(count, seed=seed + 100)):
        customer = chance.randint(1, 100_000)
        body = {
            "event_id": f"bench-{seed}-{number}",
            "event_timestamp": at,
            "entities": [
                {"entity_type": "customer", "entity_id": f"customer-{customer}"},
                {"entity_type": "card", "entity_id": f"card-{customer}"},
            ],
            "variables": variables,
        }
        found.append(http_request("POST", _PATH, msgspec.json.encode(body), API_KEY))
    return found


def plain_requests(count: int) -> list[bytes]:
    """Requests to the peer, each with a row of its own."""
    chance = random.Random(5)
    return [
        http_request(
            "POST",
            "/predict",
            msgspec.json.encode({"features": [chance.gauss(0, 1) for _ in range(FEATURES)]}),
        )
        for _ in range(count)
    ]


def _throughput(plain: Server, ours: Server, commits: float) -> None:
    load = Load(port=ours.port, connections=CONNECTIONS, seconds=1.0)
    run(load, decision_requests(5_000, seed=99))
    rows: list[tuple[str, ...]] = []
    for connections in (CONNECTIONS, MANY_CONNECTIONS):
        rows += _round(plain, ours, connections)
    rows.append(
        (
            "SQLite alone: durable commits of one row, one by one",
            f"{commits:,.0f}",
            f"{1000 / commits:.1f}",
            "",
            "",
        )
    )
    print_table(
        f"Requests a second in a closed loop, the median of {ROUNDS} rounds in turns",
        ("what", "a second", "p50 ms", "p99 ms", "beside the plain route"),
        rows,
    )


def _round(plain: Server, ours: Server, connections: int) -> list[tuple[str, ...]]:
    load = Load(port=ours.port, connections=connections, seconds=CLOSED_SECONDS)
    of_plain = msgspec.structs.replace(load, port=plain.port, repeat=True)
    asked, empty = plain_requests(2_000), [http_request("GET", "/empty")]
    decided, predicted, emptied, busy = [], [], [], []
    for turn in range(ROUNDS):
        emptied.append(run(of_plain, empty))
        predicted.append(run(of_plain, asked))
        requests = decision_requests(_REQUESTS_A_ROUND, seed=1_000 * connections + turn)
        before = ours.processor_seconds()
        decided.append(run(load, requests))
        busy.append((ours.processor_seconds() - before) / decided[-1].replies)
    _refuse_failures([*decided, *predicted, *emptied])
    peer = median(m.per_second for m in predicted)
    return [
        (
            f"{connections} connections: {what}",
            f"{median(m.per_second for m in measured):,.0f}",
            f"{median(m.p50_ms for m in measured):.1f}",
            f"{median(m.p99_ms for m in measured):.1f}",
            f"{median(m.per_second for m in measured) / peer:.2f}",
        )
        for what, measured in (
            (
                "Ringfence, event to durable decision "
                f"({median(busy) * 1e6:.0f} µs of processor time)",
                decided,
            ),
            ("plain FastAPI route, JSON to LightGBM on one row", predicted),
            ("empty reply of the plain server (the limit)", emptied),
        )
    ]


def _latency(plain: Server, ours: Server) -> None:
    rows = []
    asked = plain_requests(2_000)
    for rate in OFFERED:
        count = int(rate * OFFERED_SECONDS * 1.2)
        load = Load(
            port=ours.port, connections=CONNECTIONS, seconds=OFFERED_SECONDS, rate=float(rate)
        )
        of_plain = msgspec.structs.replace(load, port=plain.port)
        decided, predicted = [], []
        for turn in range(ROUNDS):
            decided.append(run(load, decision_requests(count, seed=10 * rate + turn)))
            predicted.append(run(of_plain, list(islice(cycle(asked), count))))
        _refuse_failures([*decided, *predicted])
        mine, other = (min(m, key=lambda one: one.late_ms) for m in (decided, predicted))
        rows.append(
            (
                f"{rate:,}",
                f"{mine.per_second:,.0f}",
                f"{mine.p50_ms:.1f}",
                f"{mine.p99_ms:.1f}",
                f"{other.p50_ms:.1f}",
                f"{other.p99_ms:.1f}",
                f"{mine.late_ms:.1f} / {other.late_ms:.1f}",
            )
        )
    print_table(
        "Time to a durable decision when requests come at random, counted from when each was due; "
        f"of {ROUNDS} rounds the one that the machine disturbed least",
        (
            "offered a second",
            "decided a second",
            "p50 ms",
            "p99 ms",
            "plain route p50 ms",
            "plain route p99 ms",
            "generator late, p99 ms",
        ),
        rows,
    )


def _refuse_failures(measured: Sequence[Measured]) -> None:
    failures = sum(m.failures for m in measured)
    if failures:
        raise RuntimeError(f"{failures} requests failed")


def _commits_a_second(folder: Path) -> float:
    connection = sqlite3.connect(folder / "commits.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, document BLOB)")
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 2.0:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (?, ?)", (count, b"x" * 800))
        connection.execute("COMMIT")
        count += 1
    took = time.perf_counter() - began
    connection.close()
    return count / took


if __name__ == "__main__":
    main()
