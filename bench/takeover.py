"""How well takeovers are found that nobody has told of: `python -m bench.takeover`.

Logins of the generator, who knows which were takeovers: models learn from the first 80% by time,
without labels, with those of a tenth of the takeovers, and with all that were known by then; the
rest is ranked. Beside them an isolation forest (scikit-learn) looks at the same profile values.
Attempts that failed are no takeovers and are left out of what is ranked. `python -m bench.takeover
LOGINS SEED` takes another size of the world and another seed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
from bench.tables import print_table

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ringfence.events import EventType

_LOGINS = 100_000
_TAKEOVER_SHARE = 0.01
_CHALLENGED = (0.01, 0.03)


@dataclass(frozen=True, slots=True)
class Ranked:
    """The logins that are ranked: rows of the whole, and what each really was."""

    rows: NDArray[np.int64]
    takeover: NDArray[np.bool_]
    pattern: list[str | None]
    account: list[str]

    def figures(self, raw: NDArray[np.float64]) -> list[str]:
        """AUC, its 95% range, logins by strangers found at each challenge rate, accounts of which
        at least one was, and logins of each pattern, both at the first rate."""
        import numpy as np

        from ringfence.models.metrics import auc_range
        from ringfence.simulation.logins import TAKEOVER_NAMES

        auc, low, high = auc_range(self.takeover, raw)
        limits = [np.quantile(raw[~self.takeover], 1 - share) for share in _CHALLENGED]
        found = [f"{(raw[self.takeover] > limit).mean():.1%}" for limit in limits]
        strange = np.flatnonzero(self.takeover).tolist()
        noticed = {self.account[row] for row in strange if raw[row] > limits[0]}
        found.append(f"{len(noticed) / len({self.account[row] for row in strange}):.1%}")
        patterns = np.array(self.pattern, dtype=object)
        each = []
        for name in TAKEOVER_NAMES:
            these = self.takeover & (patterns == name)
            each.append(f"{(raw[these] > limits[0]).mean():.0%} of {these.sum()}")
        return [f"{auc:.3f} ({low:.3f} to {high:.3f})", *found, *each]


def bench_takeovers(count: int, seed: int) -> None:
    """The table of the generator's logins."""
    import numpy as np

    from ringfence.events import EventType
    from ringfence.examples import read_example
    from ringfence.simulation.logins import LoginOptions, generate_logins

    event_type = msgspec.json.decode(read_example("login_event_type.json"), type=EventType)
    rows: list[list[str]] = []
    learned = count * 4 // 5
    for what, labelled in (("no label", 0.0), ("a tenth labelled", 0.1), ("all labelled", 1.0)):
        frame = generate_logins(
            LoginOptions(
                logins=count, seed=seed, takeover_share=_TAKEOVER_SHARE, labelled=labelled
            ),
            with_pattern=True,
        )
        pattern = frame["takeover_pattern"].to_list()
        valid = frame["are_credentials_valid"].to_list()
        accounts = frame["ENTITY_ID"].to_list()
        tested = [row for row in range(learned, count) if pattern[row] is None or valid[row]]
        ranked = Ranked(
            np.array(tested),
            np.array([pattern[row] is not None for row in tested]),
            [pattern[row] for row in tested],
            [accounts[row] for row in tested],
        )
        found, took, values = _ours(frame, event_type, learned, ranked)
        rows.append([f"Ringfence, {what}", *found, f"{took:.0f}"])
        if not labelled:
            started = time.perf_counter()
            found = ranked.figures(_forest(values, learned, ranked))
            rows.append(
                ["isolation forest, no label", *found, f"{time.perf_counter() - started:.0f}"]
            )
    header = (
        "learned from",
        "ROC AUC (95% range)",
        *(f"found at {share:.0%} challenged" for share in _CHALLENGED),
        "accounts noticed at 1%",
        "stuffing",
        "targeted",
        "phished",
        "own device",
        "training, s",
    )
    print_table(
        f"Takeovers among {count:,} generated logins ({learned:,} learned from, the rest ranked; "
        "by pattern: found at 1%)",
        header,
        rows,
    )


def _ours(
    frame: pl.DataFrame, event_type: EventType, learned: int, ranked: Ranked
) -> tuple[list[str], float, NDArray[np.float64]]:
    import numpy as np
    import polars as pl

    from ringfence.models import Scorer, read_data
    from ringfence.models.takeover import train_takeover
    from ringfence.profiles import History, replay
    from ringfence.simulation import write

    first = frame.head(learned).drop("takeover_pattern")
    ends = first["EVENT_TIMESTAMP"][-1]
    known = pl.col("LABEL_TIMESTAMP") <= ends
    first = first.with_columns(
        pl.when(known).then(pl.col(name)).alias(name) for name in ("EVENT_LABEL", "LABEL_TIMESTAMP")
    )
    with TemporaryDirectory() as name:
        write(first, Path(name) / "learned.parquet")
        write(frame.drop("takeover_pattern"), Path(name) / "all.parquet")
        data = read_data(Path(name) / "learned.parquet", event_type, labels_required=False)
        everything = read_data(Path(name) / "all.parquet", event_type, labels_required=False)
    started = time.perf_counter()
    trained = train_takeover(data)
    took = time.perf_counter() - started
    plan = trained.artifact.plan
    assert plan is not None
    past = everything.past
    values = replay(
        plan,
        History(
            at=[at.timestamp() for at in past["EVENT_TIMESTAMP"].to_list()],
            variables={v.name: past[v.name].to_list() for v in everything.variables},
            entities={"account": frame["ENTITY_ID"].to_list()},
        ),
    )
    tested: Any = past[ranked.rows.tolist()]
    raw = Scorer(trained.artifact).log_odds(
        tested.to_dicts(), tested["EVENT_TIMESTAMP"].to_list(), values[ranked.rows].tolist()
    )
    return ranked.figures(np.array(raw)), took, values


def _forest(values: NDArray[np.float64], learned: int, ranked: Ranked) -> NDArray[np.float64]:
    """How odd an isolation forest finds the logins. It cuts between the extremes of a value, so
    values are made even first (by rank); what is missing is -1."""
    import numpy as np
    from sklearn.ensemble import IsolationForest
    from sklearn.preprocessing import QuantileTransformer

    even = QuantileTransformer(random_state=0).fit(values[:learned])
    filled = np.nan_to_num(even.transform(values), nan=-1.0)
    forest = IsolationForest(n_estimators=300, random_state=0).fit(filled[:learned])
    odd: NDArray[np.float64] = -forest.score_samples(filled[ranked.rows])
    return odd


def main() -> None:
    """Print the table."""
    given = [int(text) for text in sys.argv[1:3]]
    bench_takeovers(*(given + [_LOGINS, 7][len(given) :]))


if __name__ == "__main__":
    main()
