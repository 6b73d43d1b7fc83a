"""Metrics by segment: whether a version is as good in every week, at every amount, in every place.

Part of the baseline, from the held-out events. Segments are cut by what an event shows, never by
who it is about. A segment that may be worse only by chance is not called worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from ringfence.events.definitions import EventType
from ringfence.events.variables import VariableType
from ringfence.models.bins import is_impersonal
from ringfence.models.data import DataSet
from ringfence.models.metrics import auc_range
from ringfence.models.stability import share_range
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

# Below either, a segment's measures are not shown as such.
MIN_FRAUDS, MIN_LEGITS = 20, 100
_MOST_VALUES = 8
_BANDS = (0.2, 0.4, 0.6, 0.8, 0.95)
_LABEL = "EVENT_LABEL"
_ENTITY = "entity:"
_PLACES = (
    VariableType.BILLING_COUNTRY,
    VariableType.SHIPPING_COUNTRY,
    VariableType.CURRENCY_CODE,
    VariableType.PRODUCT_CATEGORY,
    VariableType.PAYMENT_TYPE,
)
_OTHERS = "others"
_STRETCHES = (("day", "1d", "%Y-%m-%d"), ("week from", "1w", "%Y-%m-%d"), ("month", "1mo", "%Y-%m"))
_MOST_STRETCHES = 12
_NEWNESS = ("new", "seen before")


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Held-out events that have something in common, and how well they are told apart.

    `by` is what they are cut by, `value` which part it is. `recall` and `fpr` are the shares of
    frauds and of legitimate events at or above the suggested threshold. All measures are None where
    there are too few events (`too_few`). `worse`: significantly so than the events outside.
    """

    by: str
    value: str
    events: int
    frauds: int
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    recall: float | None = None
    recall_low: float | None = None
    recall_high: float | None = None
    fpr: float | None = None
    too_few: bool = False
    worse: bool = False


def segments_of(
    data: DataSet,
    held_out: int,
    ranking: NDArray[np.float64],
    alerted: NDArray[np.bool_],
) -> tuple[Segment, ...]:
    """The segments of the events from row `held_out` on, which have a label.

    `ranking` orders them (log-odds or scores), `alerted` says which reach the suggested threshold;
    both have shape `(n_held_out,)`. A value of a variable counts as a segment of its own when it is
    among the eight most frequent ones.
    """
    frame = data.frame[held_out:]
    known = frame[_LABEL].is_not_null().to_numpy()
    is_fraud = frame[_LABEL].fill_null(False).to_numpy()
    found = []
    for by, values, order in _cuts(data, frame, held_out):
        there = set(values.drop_nulls().unique().to_list())
        for value in (value for value in order if value in there):
            inside = (values == value).fill_null(False).to_numpy() & known
            outside = ~inside & known
            if not outside.any():
                continue  # that is all there is
            found.append(_measured(by, value, inside, outside, is_fraud, ranking, alerted))
    return tuple(found)


def _measured(
    by: str,
    value: str,
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    is_fraud: NDArray[np.bool_],
    ranking: NDArray[np.float64],
    alerted: NDArray[np.bool_],
) -> Segment:
    events, frauds = int(inside.sum()), int((inside & is_fraud).sum())
    if frauds < MIN_FRAUDS or events - frauds < MIN_LEGITS:
        return Segment(by=by, value=value, events=events, frauds=frauds, too_few=True)
    auc, low, high = auc_range(is_fraud[inside], ranking[inside])
    hits = int((inside & is_fraud & alerted).sum())
    recall_low, recall_high = share_range(hits, frauds)
    alarms = int((inside & ~is_fraud & alerted).sum())
    worse = False
    others = int((outside & is_fraud).sum())
    if others >= MIN_FRAUDS and int(outside.sum()) - others >= MIN_LEGITS:
        _, other_low, _ = auc_range(is_fraud[outside], ranking[outside])
        other_recall_low, _ = share_range(int((outside & is_fraud & alerted).sum()), others)
        worse = high < other_low or recall_high < other_recall_low
    return Segment(
        by=by,
        value=value,
        events=events,
        frauds=frauds,
        auc=round(auc, 4),
        auc_low=round(low, 4),
        auc_high=round(high, 4),
        recall=round(hits / frauds, 4),
        recall_low=round(recall_low, 4),
        recall_high=round(recall_high, 4),
        fpr=round(alarms / (events - frauds), 5),
        worse=worse,
    )


def _cuts(
    data: DataSet, frame: pl.DataFrame, held_out: int
) -> Iterator[tuple[str, pl.Series, Sequence[str]]]:
    """What to cut by, the part that each held-out event belongs to (null for none), and the parts
    in the order in which they are shown."""
    if not frame.height:
        return
    yield _by_time(frame)
    event_type = data.event_type
    amount = event_type.amount_variable
    for name in [amount] if amount else _named(event_type, (VariableType.PRICE,)):
        if name in frame.columns and frame[name].dtype.is_numeric():
            yield name, *_bands(data.frame[name][:held_out], frame[name])
    for name in _named(event_type, _PLACES):
        if name in frame.columns:
            yield name, *_frequent(frame[name])
    yield from _newness(data, frame)


def _by_time(frame: pl.DataFrame) -> tuple[str, pl.Series, list[str]]:
    """Days, weeks or months: the shortest that leave enough frauds to measure by."""
    times, frauds = frame[TIME_INPUT], int(frame[_LABEL].sum() or 0)
    cuts: list[tuple[str, pl.Series, list[str]]] = []
    for by, every, form in _STRETCHES:
        starts = times.dt.truncate(every).dt.strftime(form)
        cuts.append((by, starts, starts.unique().sort().to_list()))
        if len(cuts[-1][2]) <= min(_MOST_STRETCHES, frauds // MIN_FRAUDS):
            break
    return cuts[-1]


def _bands(learned: pl.Series, amounts: pl.Series) -> tuple[pl.Series, list[str]]:
    """Bands between quantiles of what was learned from."""
    import numpy as np
    import polars as pl

    found = (learned.quantile(share, "lower") for share in _BANDS)
    edges = sorted({float(edge) for edge in found if edge is not None})
    if not edges:
        return pl.Series(amounts.name, [None] * len(amounts), dtype=pl.String), []
    shown = [f"{edge:,.2f}" for edge in edges]
    between = [f"over {low} to {high}" for low, high in pairwise(shown)]
    labels = [f"up to {shown[0]}", *between, f"over {shown[-1]}"]
    known = amounts.cast(pl.Float64).fill_nan(None)
    places = pl.Series(np.searchsorted(np.array(edges), known.to_numpy(), side="left"))
    bands = places.replace_strict(dict(enumerate(labels)), default=None, return_dtype=pl.String)
    return bands.zip_with(known.is_not_null(), pl.Series([None], dtype=pl.String)), labels


def _named(event_type: EventType, kinds: Sequence[VariableType]) -> list[str]:
    """The first variable of each of these types."""
    names = []
    for kind in kinds:
        of_kind = [v.name for v in event_type.variables if v.variable_type is kind]
        if kind is VariableType.CURRENCY_CODE and event_type.currency_variable:
            of_kind.insert(0, event_type.currency_variable)
        names += of_kind[:1]
    return list(dict.fromkeys(names))


def _frequent(values: pl.Series) -> tuple[pl.Series, list[str]]:
    """The values as texts, those beyond the most frequent ones, and those that may point at a
    person, as `others`."""
    import polars as pl

    texts = values.cast(pl.String).str.strip_chars()
    texts = texts.set(texts == "", None)
    counts = texts.drop_nulls().value_counts(name="events")
    ordered = counts.sort(["events", texts.name], descending=[True, False])
    kept = [text for text in ordered[texts.name].head(_MOST_VALUES) if is_impersonal(text)]
    frame = pl.DataFrame({"text": texts})
    other = pl.when(pl.col("text").is_null()).then(None).otherwise(pl.lit(_OTHERS))
    part = pl.when(pl.col("text").is_in(kept)).then(pl.col("text")).otherwise(other)
    return frame.select(part).to_series(), [*kept, _OTHERS]


def _newness(data: DataSet, frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series, Sequence[str]]]:
    """Whether an event is the first one of its card, its customer."""
    import polars as pl

    past = data.past
    labelled = past[_LABEL].is_not_null()
    for entity in data.event_type.entity_types:
        column = _ENTITY + entity
        if column not in past.columns:
            continue
        part = (
            pl.when(pl.col(column).is_null())
            .then(None)
            .when(pl.col(column).is_first_distinct())
            .then(pl.lit(_NEWNESS[0]))
            .otherwise(pl.lit(_NEWNESS[1]))
        )
        is_first = past.select(part).to_series()
        # The rows of the frame are the last of those that have a label.
        if frame.height <= int(labelled.sum()):
            is_first = is_first.filter(labelled)
        if len(is_first) >= frame.height:
            yield entity, is_first[-frame.height :], _NEWNESS
