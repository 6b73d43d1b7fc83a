"""Answers among the data: what tells fraud from legit because it was written when that was known.

A part of validation. In service such a variable says nothing, and a model that relied on it fails.
All of this is warned of, not refused: whether a value is known in time, only its owner knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ringfence.events.variables import DataType, Variable
from ringfence.models.columns import read_times
from ringfence.models.data import DataSet
from ringfence.models.history import LABEL_AT
from ringfence.models.messages import Message, MessageKind
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_TOO_GOOD = 0.995
# So many frauds are needed before a rule without an exception is more than chance.
_ENOUGH = 20
_CHANCE = 1e-6
_LATER_MS = 60_000
_LABEL = "EVENT_LABEL"
_ENTITY = "entity:"
_HINT = "make sure that it is known at the time of the event and not written afterwards"


def leaks(data: DataSet, used: Sequence[Variable], is_fraud: NDArray[np.bool_]) -> list[Message]:
    """A finding for each variable, and for the labels, entities and times, that gives the answer
    away. `is_fraud` is of the events of the frame, shape `(n_events,)`."""
    if not is_fraud.any() or is_fraud.all():
        return []
    messages = []
    for variable in used:
        column = data.frame[variable.name]
        # One finding is enough, the surest first.
        findings = _of_variable(variable, column, data.frame[TIME_INPUT], is_fraud)
        messages += [found for found, _ in zip(findings, range(1), strict=False)]
    return [
        *messages,
        *_labels_before_events(data.past),
        *_contradictions(data.frame, [v.name for v in used]),
        *_labels_by_entity(data.past),
    ]


def _of_variable(
    variable: Variable, column: pl.Series, at: pl.Series, is_fraud: NDArray[np.bool_]
) -> Iterator[Message]:
    title = "Variable predicts the label"
    auc = auc_alone(column, is_fraud)
    if auc >= _TOO_GOOD:
        text = f"{column.name} alone tells fraud from legit almost perfectly (AUC {auc:.3f}); "
        yield Message(MessageKind.WARNING, column.name, title, text + _HINT)
    missing = column.is_null().to_numpy()
    for what, rows in (("missing", missing), ("not missing", ~missing)):
        count = int(rows.sum())
        # Where that cannot be chance.
        if is_fraud[rows].all() and count and float(is_fraud.mean()) ** count < _CHANCE:
            text = f"all {count:,} events where {column.name} is {what} are frauds; {_HINT}"
            yield Message(MessageKind.WARNING, column.name, title, text)
    share = _only_value(column, is_fraud)
    if share is not None:
        text = f"every fraud has the same {column.name}, which {share:.1%} of legit events have; "
        yield Message(MessageKind.WARNING, column.name, title, text + _HINT)
    if variable.data_type is DataType.DATETIME:
        yield from _known_later(column, at, is_fraud)


def auc_alone(column: pl.Series, is_fraud: NDArray[np.bool_]) -> float:
    """How well a variable alone tells fraud from legit: by its number, by what other events of the
    same text were, or by the shape of the text; 0.5 to 1."""
    import polars as pl

    if column.dtype.is_numeric():
        counted = (
            pl.DataFrame({"value": column.cast(pl.Float64).fill_null(-1e300), "fraud": is_fraud})
            .group_by("value")
            .agg(pl.len().alias("events"), pl.col("fraud").sum().alias("frauds"))
        )
        value, events, frauds = (each.to_numpy() for each in counted)
        found = _auc_of_groups(value, frauds, events - frauds)
        return max(found, 1 - found)
    best = _auc_of_levels(column, is_fraud)
    if column.dtype == pl.String and best < _TOO_GOOD:
        # Numbers of cases and the like: each its own, but all of a kind.
        shape = column.str.replace_all(r"[0-9]+", "9").str.replace_all(r"\p{L}+", "a")
        best = max(best, _auc_of_levels(shape, is_fraud))
    return best


def _auc_of_levels(column: pl.Series, is_fraud: NDArray[np.bool_]) -> float:
    import numpy as np
    import polars as pl

    levels = column.cast(pl.String).cast(pl.Categorical).to_physical()
    codes = levels.cast(pl.Int64).fill_null(-1).to_numpy() + 1
    counts = np.bincount(codes)
    frauds = np.bincount(codes, weights=is_fraud)
    base = float(is_fraud.mean())
    # Without the event itself: of a level that comes once, the share would be the label.
    others = np.maximum(counts, 1)
    of_frauds, of_legits = (frauds - 1 + base) / others, (frauds + base) / others
    nobody = np.zeros(len(counts))
    found = _auc_of_groups(
        np.concatenate([of_frauds, of_legits]),
        np.concatenate([frauds, nobody]),
        np.concatenate([nobody, counts - frauds]),
    )
    # A level of few events seems lower for a fraud, as one is taken out: that is no prediction.
    return max(found, 0.5)


def _auc_of_groups(
    values: NDArray[np.float64], frauds: NDArray[Any], legits: NDArray[Any]
) -> float:
    """The area under the ROC curve of events that come in groups of one value: as of all of them,
    without a place for each. Arrays have shape `(n_groups,)`."""
    import numpy as np

    _, places = np.unique(values, return_inverse=True)
    of_frauds = np.bincount(places, weights=frauds)
    of_legits = np.bincount(places, weights=legits)
    below = np.cumsum(of_legits) - of_legits / 2
    return float((of_frauds * below).sum() / (of_frauds.sum() * of_legits.sum()))


def _only_value(column: pl.Series, is_fraud: NDArray[np.bool_]) -> float | None:
    """The share of legit events that have the one value which all frauds have, where few do."""
    import polars as pl

    frauds = column.filter(pl.Series(is_fraud))
    if len(frauds) < _ENOUGH or frauds.n_unique() != 1:
        return None
    legit = column.filter(pl.Series(~is_fraud))
    share = float(legit.eq_missing(frauds[0]).mean() or 0.0)
    return share if share < 0.05 else None


def _known_later(
    column: pl.Series, at: pl.Series, is_fraud: NDArray[np.bool_]
) -> Iterator[Message]:
    times, _ = read_times(column, column.name)
    later = ((times - at).dt.total_milliseconds() > _LATER_MS).fill_null(False).to_numpy()
    count = int(later.sum())
    if not count:
        return
    of_fraud, of_legit = float(later[is_fraud].mean()), float(later[~is_fraud].mean())
    text = f"{column.name} lies after the event in {count:,} of {len(column):,} rows: in "
    text += f"{of_fraud:.1%} of frauds, in {of_legit:.1%} of legit events"
    # A date that all events look forward to, such as an arrival, is no answer.
    if abs(of_fraud - of_legit) > 0.05:
        title = "Variable is known only later"
        yield Message(MessageKind.WARNING, column.name, title, f"{text}; {_HINT}")
    else:
        yield Message(MessageKind.INFO, column.name, "Times after the event", f"{text}; {_HINT}")


def _labels_before_events(past: pl.DataFrame) -> list[Message]:
    if LABEL_AT not in past.columns:
        return []
    early = int((past[LABEL_AT] < past[TIME_INPUT]).sum() or 0)
    if not early:
        return []
    text = (
        f"{early:,} of {past.height:,} labels were given before their event happened; what "
        "profiles knew of fraud at that time may be wrong: check the two columns' time zones"
    )
    return [Message(MessageKind.WARNING, LABEL_AT, "Labels before their events", text)]


def _contradictions(frame: pl.DataFrame, names: Sequence[str]) -> list[Message]:
    """Events that are the same in all that is known of them, but not in their label."""
    import polars as pl

    hashes = frame.select(TIME_INPUT, *names).hash_rows()
    counted = (
        pl.DataFrame({"row": hashes, "fraud": frame[_LABEL]})
        .group_by("row")
        .agg(pl.len().alias("events"), pl.col("fraud").sum().alias("frauds"))
        .filter((pl.col("frauds") > 0) & (pl.col("frauds") < pl.col("events")))
    )
    if counted.is_empty():
        return []
    text = (
        f"{int(counted['events'].sum()):,} events are the same in time and in every variable as "
        "another one with the other label; keep one of each, with the label that came last"
    )
    return [Message(MessageKind.WARNING, _LABEL, "Events repeated with other labels", text)]


def _labels_by_entity(past: pl.DataFrame) -> list[Message]:
    """Entities that have either frauds or legit events, never both: labels of the entity, it
    seems, not of the event."""
    import polars as pl

    messages = []
    for column in past.columns:
        if not column.startswith(_ENTITY):
            continue
        counted = (
            past.lazy()
            .filter(pl.col(_LABEL).is_not_null() & pl.col(column).is_not_null())
            .group_by(column)
            .agg(pl.len().alias("events"), pl.col(_LABEL).sum().alias("frauds"))
            .filter(pl.col("events") > 1)
            .select(
                pl.col("frauds").sum().alias("frauds"),
                ((pl.col("frauds") > 0) & (pl.col("frauds") < pl.col("events")))
                .sum()
                .alias("mixed"),
                (pl.col("frauds") > 0).sum().alias("with_fraud"),
            )
            .collect()
        )
        frauds, mixed, with_fraud = counted.row(0)
        if mixed or not with_fraud or (frauds or 0) < _ENOUGH:
            continue
        name = column.removeprefix(_ENTITY)
        text = (
            f"every {name} with several events has either only frauds or only legit ones "
            f"({with_fraud:,} with frauds); labels seem to be given to the {name}, not to the "
            "event, so that events before the first fraud teach the model what was not yet so"
        )
        messages.append(Message(MessageKind.INFO, f"{name}_id", "Labels by entity", text))
    return messages
