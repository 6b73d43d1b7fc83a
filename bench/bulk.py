"""Training on millions of rows: time, and the memory that a machine must have for it.

    python -m bench bulk
    python bench/bulk.py [rows]

Made-up payments with 30 variables: 10 numbers, 12 categories of 10 to 1,000,000 levels, mailbox,
address of the network, user agent, telephone, postal code, state, country and device. Each training
runs in a process of its own. Its memory is the most that it and the processes it starts have at one
time, with their part of shared pages (`Pss` of Linux, read every second). Beside it stands plain
`lightgbm.train` on the same features, which it finds ready as one matrix of 8-byte numbers, with
the same parameters and as many trees, grown once; a training here grows them three times: to count
them, to be measured, and for the version itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from ringfence.events import DataType, EventType, Variable, VariableType

if __package__:
    from bench.tables import print_table
else:
    from tables import print_table

ROWS = 5_000_000
_LIMIT_GIGABYTES = 8.0
_CHUNK = 250_000
_START_US = 1_767_225_600_000_000
_DAYS = 180
_LEVELS = (10, 20, 50, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
_CUSTOMERS = 1_000_000
_OTHERS = {
    "email": VariableType.EMAIL_ADDRESS,
    "ip_address": VariableType.IP_ADDRESS,
    "agent": VariableType.USERAGENT,
    "phone": VariableType.PHONE_NUMBER,
    "postal": VariableType.BILLING_ZIP,
    "state": VariableType.BILLING_STATE,
    "country": VariableType.BILLING_COUNTRY,
    "device": VariableType.FINGERPRINT,
}
EVENT_TYPE = EventType(
    name="card_payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE),
        Variable("fee", DataType.FLOAT, VariableType.PRICE),
        *(Variable(f"measure_{n}", DataType.FLOAT, VariableType.NUMERIC) for n in range(4)),
        *(Variable(f"count_{n}", DataType.INTEGER, VariableType.NUMERIC) for n in range(4)),
        *(
            Variable(f"category_{levels}", DataType.STRING, VariableType.CATEGORICAL)
            for levels in _LEVELS
        ),
        *(Variable(name, DataType.STRING, kind) for name, kind in _OTHERS.items()),
    ),
    amount_variable="amount",
    merchant_variable="category_100000",
)


def write_payments(path: Path, rows: int) -> None:
    """Write so many made-up payments, a part at a time."""
    parts = []
    for number, start in enumerate(range(0, rows, _CHUNK)):
        part = path.with_suffix(f".{number}.part")
        _payments(start, min(start + _CHUNK, rows), rows).write_parquet(part)
        parts.append(part)
    pl.scan_parquet(parts).sink_parquet(path)
    for part in parts:
        part.unlink()


def _payments(start: int, stop: int, rows: int) -> pl.DataFrame:
    chance = np.random.default_rng(start + 1)
    count = stop - start
    customer = chance.integers(0, min(_CUSTOMERS, max(rows // 5, 100)), count)
    away = chance.random(count) < 0.08
    device = np.where(away, chance.integers(0, 10**9, count), customer)
    network = np.where(away, chance.integers(0, 2**24, count), customer * 2_654_435_761 % 2**24)
    amount = np.round(np.exp(chance.normal(3.3, 1.1, count)), 2)
    levels = {n: np.minimum(chance.pareto(0.7, count) * n / 50, n - 1).astype(int) for n in _LEVELS}
    measures = chance.normal(size=(4, count))
    risk = (
        -6.5
        + 0.6 * np.log(amount / 27)
        + 2.2 * away
        + 0.5 * measures[0]
        + np.sin(levels[1_000] * 1.7)
        + 1.2 * (levels[30_000] * 7_919 % 23 == 0)
        + 0.8 * (customer % 13 == 0)
    )
    fraud = chance.random(count) < 1 / (1 + np.exp(-risk))
    texts = pl.DataFrame({"customer": customer, "device": device, "network": network})
    agents = pl.Series(
        f"Mozilla/5.0 (Windows NT {6 + n % 5}.{n % 4}; Win64) AppleWebKit/537.{n % 40} "
        f"(KHTML, like Gecko) Chrome/{90 + n % 60}.0.{n}.{n % 97} Safari/537.{n % 40}"
        for n in range(2_000)
    )
    own = pl.col("customer")
    at = _START_US + np.arange(start, stop) * (_DAYS * 86_400 * 10**6 // rows)
    return texts.select(
        pl.Series(at).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").alias("EVENT_TIMESTAMP"),
        pl.Series(np.where(fraud, "fraud", "legit")).alias("EVENT_LABEL"),
        pl.format("c{}", own).alias("customer_id"),
        pl.format("k{}", own * 2 + pl.Series(chance.integers(0, 2, count))).alias("card_id"),
        pl.Series(amount).alias("amount"),
        pl.Series(np.round(amount * chance.random(count) / 10, 2)).alias("fee"),
        *(pl.Series(m).alias(f"measure_{n}") for n, m in enumerate(measures)),
        *(pl.Series(chance.poisson(3 * 10**n, count)).alias(f"count_{n}") for n in range(4)),
        *(pl.format("v{}", pl.Series(codes)).alias(f"category_{n}") for n, codes in levels.items()),
        pl.format("user.{}@mail{}.example.com", own, own % 3_000).alias("email"),
        pl.format(
            "{}.{}.{}.{}",
            pl.col("network") // 65_536 % 223 + 1,
            pl.col("network") // 256 % 256,
            pl.col("network") % 256,
            pl.Series(chance.integers(1, 255, count)),
        ).alias("ip_address"),
        agents.gather(device % len(agents)).alias("agent"),
        pl.format("+1{}", 2_010_000_000 + own * 7_919 % 7_000_000_000).alias("phone"),
        (own % 30_000 + 10_000).cast(pl.String).alias("postal"),
        pl.format("S{}", own % 50).alias("state"),
        pl.format("C{}", own % 60).alias("country"),
        pl.format("d{}", pl.col("device")).alias("device"),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process took: seconds, the most memory at one time, and what it printed as JSON."""

    seconds: float
    gigabytes: float
    found: dict[str, Any]


def measured(*arguments: str) -> Measured:
    """Run one of this file's parts in a process of its own."""
    started = time.perf_counter()
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(1.0):
            most = max(most, sum(map(_held, _family(process.pid))))

    watching = threading.Thread(target=watch)
    watching.start()
    printed, _ = process.communicate()
    done.set()
    watching.join()
    if process.returncode:
        sys.exit(f"{' '.join(arguments)} failed")
    seconds = time.perf_counter() - started
    return Measured(seconds, most * 1024 / 1e9, json.loads(printed.splitlines()[-1]))


def _family(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _held(pid: int) -> int:
    """The kilobytes that a process holds; of pages that several share, its part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def train_child(path: str, remembering: str) -> None:
    """Train as `ringfence train` does; with what is remembered where that is asked for."""
    from ringfence.models import plan_for, read_data, train

    data = read_data(path, EVENT_TYPE)
    read = time.perf_counter()
    plan = plan_for(data) if remembering == "remembering" else None
    told: list[tuple[float, str]] = []

    def tell(share: float, what: str) -> None:
        stage = what.split(" tree ")[0]
        if not told or told[-1][1] != stage:
            told.append((time.perf_counter() - read, stage))
            gigabytes = _held(os.getpid()) * 1024 / 1e9
            print(f"{told[-1][0]:8.1f} s {gigabytes:6.2f} GB {what}", file=sys.stderr)

    trained = train(data, plan=plan, seed=1, progress=tell)
    facts = trained.facts
    print(
        json.dumps(
            {
                "auc": trained.metrics.auc,
                "trees": facts.best_iteration,
                "features": len(trained.artifact.features),
                "parameters": facts.parameters,
            }
        )
    )


def matrix_child(path: str, folder: str) -> None:
    """Write the features of the rows that are learned from as one matrix, for the peer."""
    from ringfence.models import read_data
    from ringfence.models.matrix import feature_table
    from ringfence.models.splitting import split

    data = read_data(path, EVENT_TYPE)
    table = feature_table(data, data.variables, None, split(data.rows), lambda _, __: None)
    shape = (table.rows.stop - table.rows.start, len(table.features))
    matrix = np.lib.format.open_memmap(Path(folder) / "x.npy", "w+", np.float64, shape)
    for start in range(0, shape[0], _CHUNK):
        stop = min(start + _CHUNK, shape[0])
        matrix[start:stop] = table.values(slice(table.rows.start + start, table.rows.start + stop))
    np.save(Path(folder) / "y.npy", table.is_fraud[table.rows.start : table.rows.stop])
    print("{}")


def peer_child(folder: str, parameters: str) -> None:
    """Plain LightGBM on a matrix in memory."""
    import lightgbm

    given = json.loads(parameters)
    matrix, fraud = np.load(Path(folder) / "x.npy"), np.load(Path(folder) / "y.npy")
    started = time.perf_counter()
    lightgbm.train(given, lightgbm.Dataset(matrix, fraud, params=given))
    print(json.dumps({"seconds": time.perf_counter() - started}))


def main() -> None:
    """Run, and print a table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "payments.parquet"
        write_payments(path, rows)
        alone = measured("train", str(path), "alone")
        remembering = measured("train", str(path), "remembering")
        measured("matrix", str(path), name)
        given = alone.found["parameters"] | {"num_iterations": alone.found["trees"]}
        peer = measured("peer", name, json.dumps(given | {"num_threads": 2}))
    print_table(
        f"Training on {rows:,} rows with {len(EVENT_TYPE.variables)} variables",
        ("what", "peak memory", f"share of {_LIMIT_GIGABYTES:.0f} GB", "time", "features", "AUC"),
        [
            _row("ONLINE_FRAUD_INSIGHTS, from the file to the model", alone),
            _row("TRANSACTION_FRAUD_INSIGHTS, history replayed", remembering),
            [
                "plain `lightgbm.train`, the matrix of the first ready in memory",
                f"{peer.gigabytes:.1f} GB",
                f"{peer.gigabytes / _LIMIT_GIGABYTES:.0%}",
                f"{peer.found['seconds']:.0f} s",
                str(alone.found["features"]),
                "",
            ],
        ],
    )


def _row(what: str, one: Measured) -> list[str]:
    return [
        what,
        f"{one.gigabytes:.1f} GB",
        f"{one.gigabytes / _LIMIT_GIGABYTES:.0%}",
        f"{one.seconds:.0f} s",
        str(one.found["features"]),
        f"{one.found['auc']:.3f}",
    ]


_CHILDREN = {"train": train_child, "matrix": matrix_child, "peer": peer_child}

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in _CHILDREN:
        _CHILDREN[sys.argv[1]](*sys.argv[2:])
    else:
        main()
