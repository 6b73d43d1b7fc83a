"""Making the baseline of a version: counting the events that it was trained and measured on.

At the end of training. What comes out stays below 64 kB whatever the data, and does not depend on
the order of events of the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ringfence.events.variables import DataType, Variable
from ringfence.models.artifact import Encoding
from ringfence.models.baseline import Baseline, Period, ScoreBin, Watched
from ringfence.models.bins import (
    SCORE_BINS,
    Bins,
    key_of,
    level_place,
    number_place,
    single_steps,
    text_bins,
)
from ringfence.models.data import DataSet
from ringfence.models.history import LABEL_AT
from ringfence.models.matrix import FeatureTable
from ringfence.models.metrics import Metrics, suggest_thresholds
from ringfence.models.segments import segments_of
from ringfence.models.splitting import Split
from ringfence.models.stability import stability_index
from ringfence.models.steps import TIME_INPUT, Step
from ringfence.models.weights import LABEL_SOURCE
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

MAX_BYTES = 64_000
_MOST_PERIODS = 24
# A score that about 2 % of legitimate events reach.
_UNSUGGESTED = 900.0
_READ_AT_ONCE, _STRETCH = 100_000, 1_000
_LABEL = "EVENT_LABEL"
_DECILES = tuple(tenth / 10 for tenth in range(1, 10))


def baseline_of(
    data: DataSet,
    table: FeatureTable,
    variables: Sequence[Variable],
    plan: ProfilePlan | None,
    log_odds: NDArray[np.float64],
    scores: NDArray[np.int64],
    metrics: Metrics,
) -> Baseline:
    """The baseline of a training on a table of features; `log_odds` and `scores` (0-1000) are of
    its held-out rows."""
    suggested = suggest_thresholds(metrics)
    width = 0 if plan is None else len(plan.aggregates)
    return make_baseline(
        data,
        variables,
        table.rows,
        table.encodings,
        scores,
        suggested[0].threshold if suggested else _UNSUGGESTED,
        plan=plan,
        # What is remembered fills the last columns.
        remembered=lambda rows: table.values(rows)[:, len(table.features) - width :],
        ranking=log_odds,
    )


def baseline_of_logins(
    data: DataSet,
    account: str,
    variables: Sequence[Variable],
    rows: Split,
    encodings: dict[str, Encoding],
    plan: ProfilePlan,
    remembered: NDArray[np.floating],
    log_odds: NDArray[np.float64],
    scores: NDArray[np.int64],
    metrics: Metrics,
) -> Baseline:
    """The baseline of a model of takeovers: of all logins that name an `account`, labelled or not.

    `remembered` has shape `(n_logins, n_aggregates)`; `log_odds` and `scores` (0-1000) are of the
    logins from `rows.held_out` on.
    """
    logins = data.past.filter(data.past[f"entity:{account}"].is_not_null())
    suggested = suggest_thresholds(metrics)
    return make_baseline(
        replace(data, frame=logins, past=logins),
        variables,
        rows,
        encodings,
        scores,
        suggested[0].threshold if suggested else _UNSUGGESTED,
        plan=plan,
        remembered=lambda part: remembered[part],
        ranking=log_odds,
    )


def make_baseline(
    data: DataSet,
    variables: Sequence[Variable],
    rows: Split,
    encodings: dict[str, Encoding],
    scores: NDArray[np.int64],
    threshold: float,
    *,
    plan: ProfilePlan | None = None,
    remembered: Callable[[slice], NDArray[np.floating]] | None = None,
    ranking: NDArray[np.float64] | None = None,
) -> Baseline:
    """The baseline of a training.

    `scores` (0-1000) are of the events from `rows.held_out` on, and `ranking` is what they were
    measured by (log-odds), by default the scores; `remembered` gives the values of `plan` for a
    slice of rows, shape `(n_rows, n_aggregates)`, and is asked for so many at once that they fit.
    """
    import numpy as np

    frame = data.frame
    parts, labels = _parts(frame[TIME_INPUT], rows)
    periods = len(labels)
    is_fraud = frame[_LABEL].fill_null(False).to_numpy()
    known = frame[_LABEL].is_not_null().to_numpy()
    steps = single_steps(variables)
    watched = [
        _of_variable(variable, steps[variable.name], frame, parts, periods, encodings)
        for variable in variables
        if variable.name in steps
    ]
    if plan is not None and remembered is not None:
        watched += _of_plan(plan, remembered, parts, periods)
    # The values at -1 are of rows that are neither learned from nor held out.
    of_period = np.bincount(parts + 1, minlength=periods + 2)[1:]
    frauds_of = np.bincount(parts[is_fraud] + 1, minlength=periods + 2)[1:]
    held_out_fraud, held_out_known = is_fraud[rows.held_out :], known[rows.held_out :]
    bins = np.minimum(np.maximum(scores, 0) // (1000 // SCORE_BINS), SCORE_BINS - 1).astype(int)
    of_label = np.bincount(bins[held_out_known], minlength=SCORE_BINS)
    of_fraud = np.bincount(bins[held_out_fraud], minlength=SCORE_BINS)
    ranked = scores.astype(np.float64) if ranking is None else ranking
    baseline = Baseline(
        training_events=int(of_period[:periods].sum()),
        training_frauds=int(frauds_of[:periods].sum()),
        held_out_events=len(scores),
        held_out_frauds=int(held_out_fraud.sum()),
        periods=tuple(
            Period(label, int(events), int(frauds))
            for label, events, frauds in zip(labels, of_period, frauds_of, strict=False)
        ),
        watched=tuple(watched),
        score=tuple(np.bincount(bins, minlength=SCORE_BINS).tolist()),
        calibration=tuple(
            ScoreBin(events, frauds)
            for events, frauds in zip(of_label.tolist(), of_fraud.tolist(), strict=True)
        ),
        threshold=threshold,
        alerts=int((scores >= threshold).sum()),
        label_delay_days=_label_delay(data.past),
        label_sources=_label_sources(frame),
        segments=segments_of(data, rows.held_out, ranked, scores >= threshold),
    )
    return _within_bounds(baseline)


def _parts(times: pl.Series, rows: Split) -> tuple[NDArray[np.int64], list[str]]:
    """Of each row the number of its period; the number after the last for held-out rows, -1 for
    those that are for nothing. And the labels of the periods."""
    import numpy as np
    import polars as pl

    learned = times[rows.start : rows.stop]
    parts = np.full(len(times), -1, dtype=np.int64)
    days = (learned[-1] - learned[0]).days if len(learned) else 0
    every, form = ("1mo", "%Y-%m") if days > 61 else ("1w", "%Y-%m-%d")
    if days > 31 * _MOST_PERIODS:
        every = "1q" if days <= 92 * _MOST_PERIODS else "1y"
    if days < 14:
        every, form = "1d", "%Y-%m-%d"
    starts = learned.dt.truncate(every)
    distinct = starts.unique().sort()
    numbers = starts.replace_strict(
        distinct, pl.arange(len(distinct), eager=True), return_dtype=pl.Int64
    )
    parts[rows.start : rows.stop] = numbers.to_numpy()
    parts[rows.held_out :] = len(distinct)
    return parts, distinct.dt.strftime(form).to_list()


def _of_variable(
    variable: Variable,
    step: Step,
    frame: pl.DataFrame,
    parts: NDArray[np.int64],
    periods: int,
    encodings: dict[str, Encoding],
) -> Watched:
    if key_of(step) is not None:
        return _of_text(variable, step, frame, parts, periods, encodings)
    name = step.enrichment.numbers[0].name
    numbers = _numbers(variable, step, frame)
    bins = Bins(
        name=variable.name, part=name, edges=_edges(numbers[(parts >= 0) & (parts < periods)])
    )
    return _counted(bins, _places(bins, numbers), parts, periods)


def _of_text(
    variable: Variable,
    step: Step,
    frame: pl.DataFrame,
    parts: NDArray[np.int64],
    periods: int,
    encodings: dict[str, Encoding],
) -> Watched:
    import numpy as np
    import polars as pl

    found = key_of(step)
    assert found is not None
    wanted, key = found
    encoding = encodings.get(step.key_stem(key))
    # Each distinct value is taken apart once.
    counted = (
        pl.DataFrame({"value": frame[variable.name], "part": pl.Series(parts)})
        .filter(pl.col("part") >= 0)
        .group_by("value", "part")
        .len()
    )
    values = counted["value"].to_list()
    texts = {value: step.parts((value,))[1][wanted] for value in dict.fromkeys(values)}
    of_training: dict[str, int] = {}
    of_part, sizes = counted["part"].to_numpy(), counted["len"].to_numpy().astype(np.int64)
    for value, part, size in zip(values, of_part.tolist(), sizes.tolist(), strict=True):
        text = texts[value]
        if text is not None and part < periods:
            of_training[text] = of_training.get(text, 0) + size
    bins = text_bins(variable, step, encoding, of_training)
    place = level_place(bins, encoding)
    placed = {text: place(text) for text in set(texts.values())}
    codes = np.array([placed[texts[value]] for value in values], dtype=np.int64)
    counts = np.zeros((periods + 1, bins.count), dtype=np.int64)
    np.add.at(counts, (of_part, codes), sizes)
    return _watched(bins, counts)


def _of_plan(
    plan: ProfilePlan,
    remembered: Callable[[slice], NDArray[np.floating]],
    parts: NDArray[np.int64],
    periods: int,
) -> list[Watched]:
    """What is remembered: a sample for the edges of the bins, then all of it to count."""
    import numpy as np

    slices = [
        slice(start, min(len(parts), start + _READ_AT_ONCE))
        for start in range(0, len(parts), _READ_AT_ONCE)
    ]
    sampled = slices
    if len(slices) > 1:
        # Deciles need no more: stretches that are spread evenly, the same for the same rows.
        starts = np.linspace(0, len(parts) - _STRETCH, _READ_AT_ONCE // _STRETCH)
        sampled = [slice(int(start), int(start) + _STRETCH) for start in starts]
    samples = []
    for part in sampled:
        learned = (parts[part] >= 0) & (parts[part] < periods)
        samples.append(remembered(part)[learned])
    sample = np.concatenate(samples) if samples else np.empty((0, len(plan.aggregates)))
    all_bins = [
        Bins(
            name=aggregate.name,
            part=str(aggregate.kind),
            remembered=True,
            edges=_edges(sample[:, place].astype(np.float64)),
        )
        for place, aggregate in enumerate(plan.aggregates)
    ]
    counts = [np.zeros((periods + 1, bins.count), dtype=np.int64) for bins in all_bins]
    for part in slices:
        values, of_rows = remembered(part), parts[part]
        used = of_rows >= 0
        for place, bins in enumerate(all_bins):
            places = _places(bins, values[used, place].astype(np.float64))
            counts[place] += _table(places, of_rows[used], periods, bins.count)
    return [_watched(bins, of_bins) for bins, of_bins in zip(all_bins, counts, strict=True)]


def _numbers(variable: Variable, step: Step, frame: pl.DataFrame) -> NDArray[np.float64]:
    """The number that is counted of each event, NaN where there is none."""
    import numpy as np
    import polars as pl

    column = frame[variable.name]
    enrichment = step.enrichment
    if enrichment.numeric and variable.data_type in (DataType.FLOAT, DataType.INTEGER):
        values: NDArray[np.float64] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.where(np.isfinite(values), values, np.nan)
    if len(step.inputs) > 1:
        pairs = zip(column.to_list(), frame[TIME_INPUT].to_list(), strict=True)
        return np.array([step.parts(pair)[0][0] for pair in pairs], dtype=np.float64)
    distinct = column.unique().to_list()
    found = [step.parts((value,))[0][0] for value in distinct]
    numbers: NDArray[np.float64] = column.replace_strict(
        pl.Series(distinct, dtype=column.dtype), pl.Series(found, dtype=pl.Float64)
    ).to_numpy()
    return numbers


def _edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """The deciles, each a value that there is, without repetition."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if not len(finite):
        return ()
    edges = np.unique(np.quantile(finite, _DECILES, method="inverted_cdf"))
    return tuple(float(edge) for edge in edges)


def _places(bins: Bins, values: NDArray[np.float64]) -> NDArray[np.int64]:
    import numpy as np

    places = 1 + np.searchsorted(np.array(bins.edges), values, side="left")
    return np.where(np.isnan(values), number_place(bins, None), places)


def _counted(
    bins: Bins, places: NDArray[np.int64], parts: NDArray[np.int64], periods: int
) -> Watched:
    used = parts >= 0
    return _watched(bins, _table(places[used], parts[used], periods, bins.count))


def _table(
    places: NDArray[np.int64], parts: NDArray[np.int64], periods: int, width: int
) -> NDArray[np.int64]:
    import numpy as np

    flat = np.bincount(parts * width + places, minlength=(periods + 1) * width)
    table: NDArray[np.int64] = flat.reshape(periods + 1, width).astype(np.int64)
    return table


def _watched(bins: Bins, counts: NDArray[np.int64]) -> Watched:
    """From counts by period, the held-out events last, shape `(n_periods + 1, n_bins)`."""
    whole = counts[:-1].sum(axis=0).tolist()
    return Watched(
        bins=bins,
        training=tuple(whole),
        held_out=tuple(counts[-1].tolist()),
        by_period=tuple(round(stability_index(whole, row), 4) for row in counts[:-1].tolist()),
    )


def _label_delay(past: pl.DataFrame) -> tuple[float, float] | None:
    if LABEL_AT not in past.columns:
        return None
    days = (past[LABEL_AT] - past[TIME_INPUT]).dt.total_seconds() / 86_400
    days = days.filter(past[_LABEL].is_not_null()).drop_nulls()
    middle, late = days.quantile(0.5), days.quantile(0.9)
    return None if middle is None or late is None else (round(middle, 2), round(late, 2))


def _label_sources(frame: pl.DataFrame) -> dict[str, int]:
    if LABEL_SOURCE not in frame.columns:
        return {}
    sources = frame[LABEL_SOURCE].fill_null("not said").value_counts(sort=True).head(20)
    return {source: int(count) for source, count in sorted(sources.iter_rows())}


def _within_bounds(baseline: Baseline) -> Baseline:
    """Without what takes most room, in as many steps as it needs."""
    lighter = baseline
    if len(msgspec.json.encode(lighter)) > MAX_BYTES:
        plain = [msgspec.structs.replace(of, by_period=()) for of in lighter.watched]
        lighter = msgspec.structs.replace(lighter, watched=tuple(plain))
    # Remembered values stand last: what an event says itself matters more.
    while len(msgspec.json.encode(lighter)) > MAX_BYTES and lighter.watched:
        kept = lighter.watched[: len(lighter.watched) * 9 // 10]
        lighter = msgspec.structs.replace(lighter, watched=kept)
    return lighter
