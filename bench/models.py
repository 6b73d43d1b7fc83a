"""How well models rank, beside what others published: `python -m bench.models [PARQUET]`.

The Fraud Detection Handbook's data is not shipped: give the path of a Parquet file of it, or name
it in RINGFENCE_HANDBOOK (`bench/handbook.py` says how it is tested). The generator's data compares
a model of events alone with one that remembers.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.handbook import bench_handbook
from bench.tables import print_table

from ringfence.events import EventType


def bench_generated(events: int = 100_000) -> None:
    """The table of the generator's data: events alone, and with what is remembered. Learned from
    the first 80% by time, ranked on the rest, which no training has seen."""
    import msgspec
    import numpy as np

    from ringfence.examples import read_example
    from ringfence.models import Scorer, plan_for, read_data, train
    from ringfence.models.history import remembered
    from ringfence.models.metrics import auc_range, average_precision
    from ringfence.simulation import Options, generate, write

    event_type = msgspec.json.decode(read_example("event_type.json"), type=EventType)
    frame = generate(Options(transactions=events, seed=7)).sort("EVENT_TIMESTAMP")
    learned = events * 4 // 5
    rows = []
    with TemporaryDirectory() as name:
        write(frame, Path(name) / "all.parquet")
        write(frame.head(learned), Path(name) / "learned.parquet")
        everything = read_data(Path(name) / "all.parquet", event_type)
        data = read_data(Path(name) / "learned.parquet", event_type)
    of = plan_for(data)
    values = remembered(everything, of, lambda _: None)[learned:].tolist()
    tested = everything.frame[learned:]
    frauds = everything.is_fraud()[learned:]
    events_tested, ats = tested.to_dicts(), tested["EVENT_TIMESTAMP"].to_list()
    for what, chosen in (("ONLINE", None), ("TRANSACTION", of)):
        started = time.perf_counter()
        trained = train(data, plan=chosen)
        took = time.perf_counter() - started
        scorer = Scorer(trained.artifact)
        raw = np.array(scorer.log_odds(events_tested, ats, values if chosen else None))
        limit = np.quantile(raw[~frauds], 0.99)
        started = time.perf_counter()
        for place in range(2_000):
            profiles = [values[place]] if chosen else None
            scorer.score([events_tested[place]], [ats[place]], profiles)
        cost = (time.perf_counter() - started) / 2_000 * 1e6
        rows.append(
            [
                f"{what}_FRAUD_INSIGHTS",
                f"{auc_range(frauds, raw)[0]:.3f}",
                f"{average_precision(frauds, raw):.3f}",
                f"{(raw[frauds] > limit).mean():.1%}",
                f"{took:.0f}",
                f"{cost:.0f}",
            ]
        )
    header = ("model type", "ROC AUC", "average precision", "frauds found at 1% FPR",
              "training, s", "one score, µs")  # fmt: skip
    print_table(f"Generated payments ({learned:,} learned from, the rest tested)", header, rows)


def main() -> None:
    """Print both tables; the Handbook's only where its file is."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("RINGFENCE_HANDBOOK")
    bench_generated()
    if given is None:
        print(
            "\nThe Fraud Detection Handbook's transactions are not shipped: name a Parquet file of "
            "them in RINGFENCE_HANDBOOK to see the figures beside the published ones."
        )
    elif not Path(given).is_file():
        sys.exit(f"there is no file {given}")
    else:
        bench_handbook(Path(given))


if __name__ == "__main__":
    main()
