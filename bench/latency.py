"""One event in process: features, profile values and score, after histories of growing length.

    python -m bench latency
    python bench/latency.py [longest history]

A TRANSACTION_FRAUD_INSIGHTS model is trained on generated payments with the 40 aggregates that are
proposed for them. Then the payments come one by one, the same customers over and over as time goes
on; each is read, looked up, scored, and added to what is remembered, with states kept as bytes as
in a server. The limit is LightGBM's own single-row prediction on the ready matrix, the features
given: what no model with these trees can go below. Reading and writing a database is not part of
it: see `bench/profiles.py`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from ringfence.events import Entity, EventType
from ringfence.examples import read_example
from ringfence.models import DataSet, Scorer, Trained, plan_for, read_data, train
from ringfence.profiles.advancing import Advancer, Arrival
from ringfence.simulation import Options, generate, write

if __package__:
    from bench.tables import print_table
else:
    from tables import print_table

# A payment or so a day of each customer, and more than a year to the first measurement: by then
# every window is as full as it gets.
_WORLD = Options(transactions=90_000, customers=20, days=3_650, seed=3)
_MEASURED = 5_000
_HISTORIES = (10_000, 100_000, 1_000_000, 5_000_000)


class Payments:
    """Generated payments that go on for ever: each round is the same as the one before, as much
    later as they span."""

    def __init__(self, data: DataSet):
        past = data.past
        self._ats: list[datetime] = past["EVENT_TIMESTAMP"].to_list()
        entities = [name for name in data.event_type.entity_types if f"entity:{name}" in past]
        ids = [past[f"entity:{name}"].to_list() for name in entities]
        self._entities = [
            tuple(Entity(name, found) for name, found in zip(entities, row, strict=True))
            for row in zip(*ids, strict=True)
        ]
        self._variables: list[dict[str, Any]] = past.select(
            [variable.name for variable in data.variables]
        ).to_dicts()
        self._span = self._ats[-1] - self._ats[0] + timedelta(minutes=1)

    def __iter__(self) -> Iterator[tuple[datetime, Sequence[Entity], dict[str, Any]]]:
        rounds = 0
        while True:
            later = rounds * self._span
            for at, who, what in zip(self._ats, self._entities, self._variables, strict=True):
                yield at + later, who, what
            rounds += 1


def trained() -> tuple[DataSet, Trained]:
    """The model that is measured, and its data."""
    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    with TemporaryDirectory() as name:
        path = Path(name) / "payments.parquet"
        write(generate(_WORLD), path)
        data = read_data(path, event_type)
    return data, train(data, plan=plan_for(data))


def main() -> None:
    """Print the table."""
    longest = int(sys.argv[1]) if len(sys.argv) > 1 else _HISTORIES[-1]
    data, of = trained()
    scorer, plan = Scorer(of.artifact), of.artifact.plan
    assert plan is not None
    advancer, states = Advancer(plan), dict[bytes, bytes]()
    histories = [length for length in _HISTORIES if length <= longest]
    rows: list[list[str]] = []
    features: list[int] = []
    whole: list[int] = []
    ready: list[dict[str, float]] = []
    gc.freeze()
    for number, (at, who, what) in enumerate(Payments(data)):
        started = time.perf_counter_ns()
        arrival = Arrival(at.timestamp(), who, what)
        advanced = advancer.advance([arrival], lambda _: states)
        states.update(advanced.states)
        remembered = time.perf_counter_ns()
        scorer.score([what], [at], advanced.values)
        ended = time.perf_counter_ns()
        if number < histories[0] - _MEASURED:
            continue
        features.append(remembered - started)
        whole.append(ended - started)
        if number + 1 in histories:
            size = sum(map(len, states.values())) / len(states)
            rows.append(
                [
                    f"{number + 1:,}",
                    *_percentiles(whole[-_MEASURED:]),
                    *_percentiles(features[-_MEASURED:]),
                    f"{len(states):,}",
                    f"{size:.0f}",
                ]
            )
            features, whole = [], []
            if number + 1 == histories[-1]:
                ready.append(scorer.features(what, at, advanced.values[0]))
                break
    print_table(
        f"One event in process, {len(plan.names)} aggregates, {of.facts.best_iteration} trees, "
        "microseconds",
        ("events before", "p50", "p99", "of it profiles p50", "p99", "states", "bytes a state"),
        rows,
    )
    print_table(
        "The limit: LightGBM's single-row prediction, features given, microseconds",
        ("what", "p50", "p99"),
        [["Booster.predict, one row", *_predict(of, list(ready[0].values()))]],
    )


def _predict(of: Trained, row: Sequence[float]) -> list[str]:
    import lightgbm
    import numpy as np

    booster = lightgbm.Booster(model_str=of.artifact.trees)
    matrix = np.array([row])
    costs = []
    for _ in range(_MEASURED):
        started = time.perf_counter_ns()
        booster.predict(matrix, raw_score=True, num_threads=1)
        costs.append(time.perf_counter_ns() - started)
    return _percentiles(costs)


def _percentiles(nanoseconds: Sequence[int]) -> list[str]:
    ordered = sorted(nanoseconds)
    return [f"{ordered[int(len(ordered) * part)] / 1000:.0f}" for part in (0.5, 0.99)]


if __name__ == "__main__":
    main()
