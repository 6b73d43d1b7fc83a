"""Ringfence and AutoGluon side by side: the same rows, the same machine, the same time.

    python -m bench autogluon
    python -m bench.autogluon --data registrations --budget 60

AutoGluon (tabular) gets each data set twice: with the columns of the file, as someone would give it
who has just the file, and with the values of our profiles beside them. These it gets as a present:
what they take is in our time alone. Its predictors are those that need no torch; it is told to look
for average precision. Of Ringfence a training that tries nothing is shown, too: that is what it is
unless a budget is given. AutoGluon runs in a venv of its own, which is made in the cache directory
at the first run (RINGFENCE_AUTOGLUON names a Python that has it already).

The Handbook's transactions and the registrations are not shipped: RINGFENCE_HANDBOOK and
RINGFENCE_REGISTRATIONS name the files; without them there is only the generator's data.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.contests import Contest, generated, handbook_week, registrations
from bench.tables import print_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRESETS = ("medium_quality", "best_quality")
DATA = ("generated", "registrations", "handbook")
_HERE = Path(__file__).resolve().parent
_REQUIREMENTS = _HERE / "requirements-autogluon.txt"
_SINGLE_ROWS, _WARM_UP = 200, 5
# Not counted in its budget: loading, the prediction of what is tested, one row after the other.
_PATIENCE_SECONDS = 900.0
# Bagging spreads folds over processes with Ray, which this venv does without. Looking for leaks
# between stack layers would take a quarter of the time and stacks nothing here.
_BAGGED: dict[str, Any] = {
    "dynamic_stacking": False,
    "ag_args_ensemble": {"fold_fitting_strategy": "sequential_local"},
}
_HEADER = (
    "trained by", "ROC AUC", "average precision", "frauds found at 1% FPR", "training, s",
    "one event, ms", "model, MB",
)  # fmt: skip
# Of which columns more is better.
_MORE_IS_BETTER = (True, True, True, False, False, False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How well one training did. `figures` are in the order of the table; None: it gave nothing,
    for the reason in `note`."""

    who: str
    figures: tuple[float, ...] | None
    note: str = ""


def ours(contest: Contest, budget_seconds: float | None, *, remembering: bool) -> Outcome:
    """Train and test Ringfence, with a budget also looking for the best recipe. Replaying history
    is part of its time."""
    import numpy as np

    from ringfence.models import DataInvalid, Scorer, train
    from ringfence.models.artifact import pack

    who = "Ringfence, with what it remembers" if remembering else "Ringfence, events alone"
    if budget_seconds is not None:
        who += ", tuned"
    started = time.perf_counter()
    try:
        trained = train(
            contest.learnable,
            plan=contest.plan if remembering else None,
            since=contest.since,
            budget_seconds=budget_seconds,
        )
    except DataInvalid as refused:
        return Outcome(who, None, str(refused))
    took = time.perf_counter() - started
    scorer = Scorer(trained.artifact)
    tested = contest.data.frame[contest.tested]
    rows, ats = tested.to_dicts(), tested["EVENT_TIMESTAMP"].to_list()
    values = contest.values[contest.tested].tolist() if remembering else None
    raw = np.array(scorer.log_odds(rows, ats, values))
    one_each: list[float] = []
    for place in range(min(_SINGLE_ROWS + _WARM_UP, len(rows))):
        profile = None if values is None else [values[place]]
        started = time.perf_counter()
        scorer.score([rows[place]], [ats[place]], profile)
        one_each.append(time.perf_counter() - started)
    single = statistics.median(one_each[_WARM_UP:])
    size = len(pack(trained.artifact)) / 1e6
    return Outcome(who, (*_ranking(contest, raw), took, 1e3 * single, size))


def autogluon(
    contest: Contest, python: Path, budget_seconds: float, presets: str, *, remembering: bool
) -> Outcome:
    """Train and test AutoGluon in its own process."""
    import numpy as np

    given = "our profiles given" if remembering else "the file's columns"
    who = f"AutoGluon {presets}, {given}"
    with TemporaryDirectory() as name:
        folder = Path(name)
        task = {
            "presets": presets,
            "metric": "average_precision",
            "budget_seconds": budget_seconds,
            "threads": os.cpu_count() or 1,
            "single_rows": _SINGLE_ROWS,
            "verbosity": 0,
            "options": _BAGGED if presets == "best_quality" else {},
        }
        (folder / "task.json").write_text(json.dumps(task))
        for part, rows in (("learned", contest.learned), ("tested", contest.tested)):
            contest.columns(rows, remembered=remembering).write_parquet(folder / f"{part}.parquet")
        # Isolated, or this very file would be what the peer finds as `autogluon`.
        command = [str(python), "-I", str(_HERE / "autogluon_peer.py"), name]
        try:
            ran = subprocess.run(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                timeout=2 * budget_seconds + _PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Outcome(who, None, "it did not keep to its time")
        if ran.returncode:
            lines = ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"]
            return Outcome(who, None, lines[-1])
        result = json.loads((folder / "result.json").read_text())
        raw = np.load(folder / "scores.npy")
    note = f"{who}: {result['best']} of {', '.join(result['models'])}"
    single, took = result["single_seconds"], result["training_seconds"]
    figures = (*_ranking(contest, raw), took, 1e3 * single, result["model_mb"])
    return Outcome(who, figures, note)


def find_python(make: bool = True) -> Path:
    """The Python that has AutoGluon: named, kept from an earlier run, or made now."""
    named = os.environ.get("RINGFENCE_AUTOGLUON")
    if named:
        return Path(named)
    wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    venv = cache / "ringfence" / f"autogluon-{wanted}"
    python, ready = venv / "bin" / "python", venv / "ready"
    if not ready.exists() and make:
        _tell(f"installing AutoGluon into {venv}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(_REQUIREMENTS)]
        subprocess.run(install, check=True, stdout=sys.stderr)
        ready.touch()
    return python


def contests(names: list[str], folder: Path, *, events: int, days: int | None) -> Iterator[Contest]:
    """The data sets of those names, one after the other; those without a file are told of."""
    for name in names:
        if name == "generated":
            yield generated(events, folder)
            continue
        variable = f"RINGFENCE_{name.upper()}"
        source = os.environ.get(variable)
        if source is None:
            print(f"\nThe {name} data is not shipped: name its file in {variable} to see it here.")
        elif not Path(source).is_file():
            sys.exit(f"{variable}: there is no file {source}")
        elif name == "registrations":
            yield registrations(Path(source), folder)
        else:
            yield handbook_week(Path(source), folder, days)


def compare(contest: Contest, python: Path, presets: list[str], budget_seconds: float) -> None:
    """Train both in all ways, one after the other, and print the table."""
    outcomes: list[Outcome] = []
    for remembering, budget in ((False, None), (True, None), (True, budget_seconds)):
        how = f"{', remembering' if remembering else ''}{'' if budget is None else ', tuned'}"
        _tell(f"{contest.title}: Ringfence{how}")
        outcomes.append(ours(contest, budget, remembering=remembering))
    for remembering in (False, True):
        for name in presets:
            _tell(f"{contest.title}: AutoGluon {name}{', remembering' if remembering else ''}")
            outcomes.append(
                autogluon(contest, python, budget_seconds, name, remembering=remembering)
            )
    title = (
        f"{contest.title} ({len(contest.learned):,} learned from, {len(contest.tested):,} tested "
        f"with {int(contest.frauds().sum()):,} frauds; budget {budget_seconds:.0f} s)"
    )
    print_table(title, _HEADER, table_of(outcomes))
    print()
    for outcome in outcomes:
        if outcome.note:
            print(f"- {outcome.note if outcome.figures else f'{outcome.who}: {outcome.note}'}")


def table_of(outcomes: list[Outcome]) -> list[list[str]]:
    """Rows for the table, what is best of each column in bold."""
    formats = ("{:.4f}", "{:.4f}", "{:.1%}", "{:.0f}", "{:.3f}", "{:.2f}")
    found = [outcome.figures for outcome in outcomes if outcome.figures is not None]
    best = [
        (max if more else min)(figures[place] for figures in found)
        for place, more in enumerate(_MORE_IS_BETTER)
    ]
    rows = []
    for outcome in outcomes:
        if outcome.figures is None:
            rows.append([outcome.who, *("-" for _ in formats)])
            continue
        cells = [how.format(x) for how, x in zip(formats, outcome.figures, strict=True)]
        pairs = zip(cells, outcome.figures, best, strict=True)
        rows.append([outcome.who, *(f"**{cell}**" if x == top else cell for cell, x, top in pairs)])
    return rows


def _ranking(contest: Contest, raw: NDArray[np.float64]) -> tuple[float, float, float]:
    import numpy as np

    from ringfence.models.metrics import auc_range, average_precision

    frauds = contest.frauds()
    limit = np.quantile(raw[~frauds], 0.99)
    found = float((raw[frauds] > limit).mean())
    return auc_range(frauds, raw)[0], average_precision(frauds, raw), found


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Compare on all data there is, or on what is named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=DATA, nargs="+", default=list(DATA))
    parser.add_argument("--presets", choices=PRESETS, nargs="+", default=list(PRESETS))
    parser.add_argument(
        "--budget", type=float, default=120.0, help="seconds that each training may take (120)"
    )
    parser.add_argument(
        "--events", type=int, default=100_000, help="how many payments are generated (100000)"
    )
    parser.add_argument(
        "--days", type=int, help="learn only from the last days of the Handbook's (all)"
    )
    given = parser.parse_args()
    python = find_python()
    with TemporaryDirectory() as name:
        for contest in contests(given.data, Path(name), events=given.events, days=given.days):
            compare(contest, python, given.presets, given.budget)


if __name__ == "__main__":
    main()
