"""AutoGluon's side of the comparison: `python -I autogluon_peer.py FOLDER`, in a venv of its own.

`bench.autogluon` starts it; nothing of Ringfence is imported here. It reads `task.json`,
`learned.parquet` and `tested.parquet` in the folder and leaves `scores.npy`, the probability of
fraud of each tested row, and `result.json`: seconds of training, seconds of the prediction of one
row (median), megabytes of the model, the names of what was trained.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

_LABEL = "EVENT_LABEL"
_WARM_UP = 5


def main() -> None:
    """Train, predict, and tell how long both took."""
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    import numpy as np
    import pandas as pd
    from autogluon.tabular import TabularPredictor

    learned = pd.read_parquet(folder / "learned.parquet")
    tested = pd.read_parquet(folder / "tested.parquet")
    started = time.perf_counter()
    predictor = TabularPredictor(
        label=_LABEL,
        problem_type="binary",
        eval_metric=task["metric"],
        path=str(folder / "model"),
        verbosity=task["verbosity"],
    ).fit(
        learned,
        presets=task["presets"],
        time_limit=task["budget_seconds"],
        num_cpus=task["threads"],
        **task["options"],
    )
    trained = time.perf_counter() - started
    probability = predictor.predict_proba(tested)[True]
    np.save(folder / "scores.npy", probability.to_numpy(dtype="float64"))

    predictor.persist()
    one_each: list[float] = []
    for place in range(min(task["single_rows"] + _WARM_UP, len(tested))):
        row = tested.iloc[[place]]
        started = time.perf_counter()
        predictor.predict_proba(row)
        one_each.append(time.perf_counter() - started)
    (folder / "result.json").write_text(
        json.dumps(
            {
                "training_seconds": trained,
                "single_seconds": statistics.median(one_each[_WARM_UP:]),
                "model_mb": predictor.disk_usage() / 1e6,
                "models": predictor.model_names(),
                "best": predictor.model_best,
            }
        )
    )


if __name__ == "__main__":
    main()
