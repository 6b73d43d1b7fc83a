"""How much a label counts: by who gave it, and what is made of events that nobody labelled.

Between reading a data set and training. A cardholder's answer on the telephone, an analyst's
decision and an import are not equally sure; LABEL_SOURCE says whose a label is. It knows the
columns of a data set, not how it is learned from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from ringfence.errors import InvalidInput
from ringfence.models.history import LABEL_AT
from ringfence.models.steps import TIME_INPUT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ringfence.models.data import DataSet

LABEL_SOURCE = "LABEL_SOURCE"
ASSUMED = "assumed"
OTHER = "other"
_LABEL = "EVENT_LABEL"
_CLASSES = ("fraud", "legit")
_MOST = 100.0
# Assumed fraud is learned from, but no profile may know of it: in service nobody will.
_NEVER_KNOWN = datetime(2200, 1, 1, tzinfo=UTC)
# From this share of labelled events on, those without a label are not the ordinary ones.
_MOSTLY_LABELLED = 0.5


class LabelWeight(msgspec.Struct, frozen=True):
    """How often an event with such a label counts; 1 is an ordinary event."""

    fraud: float = 1.0
    legit: float = 1.0


DEFAULT_WEIGHTS: Mapping[str, LabelWeight] = {
    # Who denies a payment gives up the card: said lightly by few. Who confirms one may have pressed
    # the key that ends the call, or may be the thief who has the telephone too.
    "phone": LabelWeight(1.0, 0.9),
    "analyst": LabelWeight(),
    "import": LabelWeight(),
    # Nobody complained: most victims do within a statement or two, and not all of them.
    ASSUMED: LabelWeight(0.5, 0.5),
    OTHER: LabelWeight(),
}
"""By label source; `other` is for every source that is not named, and for none."""


class UnlabelledTreatment(StrEnum):
    """What is made of events without a label, in Amazon Fraud Detector's words.

    `AUTO` is `IGNORE` when at least half of the events that are old enough have a label, and
    otherwise `LEGIT`: where only suspicious events are asked about, the others are the ordinary
    ones, without which a model would know nothing of ordinary events.
    """

    IGNORE = "IGNORE"
    FRAUD = "FRAUD"
    LEGIT = "LEGIT"
    AUTO = "AUTO"


class Unlabelled(msgspec.Struct, frozen=True):
    """Events that have had no label for `days` days get one, with source `assumed`; younger ones
    stay out."""

    treatment: UnlabelledTreatment = UnlabelledTreatment.IGNORE
    days: float = 45.0

    def check(self) -> None:
        """Raise `InvalidInput` for days that are out of range."""
        if not 0 <= self.days <= 3650:
            raise InvalidInput("out of range", field="unlabelled_days", expected="0 to 3650 days")


def weights_of(
    given: Mapping[str, float | Mapping[str, float]],
) -> Mapping[str, LabelWeight]:
    """The default weights, with those of the settings over them.

    `{"phone": {"legit": 0.8}, "import": 0.7}`: a number is for both labels of a source. Raises
    `InvalidInput` naming the source for a label that is neither `fraud` nor `legit`, or a weight
    that is not from 0 to 100.
    """
    weights = dict(DEFAULT_WEIGHTS)
    for source, value in given.items():
        by_label = value if isinstance(value, Mapping) else dict.fromkeys(_CLASSES, value)
        for name, weight in by_label.items():
            where = f"label_weights.{source}.{name}"
            if name not in _CLASSES:
                raise InvalidInput("not a label", field=where, expected="fraud or legit")
            if not (math.isfinite(weight) and 0 <= weight <= _MOST):
                raise InvalidInput("out of range", field=where, expected=f"0 to {_MOST:g}")
        known = weights.get(source, weights[OTHER])
        weights[source] = msgspec.structs.replace(known, **by_label)
    return weights


def label_weights(
    frame: pl.DataFrame, weights: Mapping[str, LabelWeight] = DEFAULT_WEIGHTS
) -> NDArray[np.float64] | None:
    """The weight of each event of a data set's `frame`, shape `(n_events,)`.

    None when all are 1, as when the data does not say who gave its labels.
    """
    import polars as pl

    if LABEL_SOURCE not in frame.columns:
        return None
    others = weights.get(OTHER, LabelWeight())
    source, is_fraud = pl.col(LABEL_SOURCE).cast(pl.String), pl.col(_LABEL)
    named = {name: weight for name, weight in weights.items() if name != OTHER}
    of_fraud = source.replace_strict(
        {name: weight.fraud for name, weight in named.items()},
        default=others.fraud,
        return_dtype=pl.Float64,
    )
    of_legit = source.replace_strict(
        {name: weight.legit for name, weight in named.items()},
        default=others.legit,
        return_dtype=pl.Float64,
    )
    found = frame.select(pl.when(is_fraud).then(of_fraud).otherwise(of_legit)).to_series()
    if (found == 1.0).all():
        return None
    values: NDArray[np.float64] = found.to_numpy()
    return values


def resolve_treatment(labelled: int, events: int) -> UnlabelledTreatment:
    """What `AUTO` comes to, where so many of the events that are old enough have a label."""
    if labelled >= _MOSTLY_LABELLED * events:
        return UnlabelledTreatment.IGNORE
    return UnlabelledTreatment.LEGIT


def assume_labels(data: DataSet, unlabelled: Unlabelled, at: datetime) -> DataSet:
    """The data set with labels for what nobody labelled, as far as it is old enough at `at`.

    Profiles do not learn from assumed fraud, for in service they cannot. Raises what
    `Unlabelled.check` raises.
    """
    import polars as pl

    unlabelled.check()
    past, age = data.past, timedelta(days=unlabelled.days)
    is_old = pl.col(TIME_INPUT) <= at - age
    treatment = unlabelled.treatment
    if treatment is UnlabelledTreatment.AUTO:
        old = past.filter(is_old)[_LABEL]
        treatment = resolve_treatment(len(old) - old.null_count(), len(old))
    if treatment is UnlabelledTreatment.IGNORE:
        return data
    is_fraud = treatment is UnlabelledTreatment.FRAUD
    utc = pl.Datetime("us", "UTC")
    if LABEL_SOURCE not in past.columns:
        past = past.with_columns(pl.lit(None, pl.String).alias(LABEL_SOURCE))
    if LABEL_AT not in past.columns:
        past = past.with_columns(pl.lit(None, utc).alias(LABEL_AT))
    assumed = is_old & pl.col(_LABEL).is_null()
    known = pl.lit(_NEVER_KNOWN, utc) if is_fraud else (pl.col(TIME_INPUT) + age).cast(utc)
    past = past.with_columns(
        pl.when(assumed).then(pl.lit(is_fraud)).otherwise(pl.col(_LABEL)).alias(_LABEL),
        pl.when(assumed)
        .then(pl.lit(ASSUMED))
        .otherwise(pl.col(LABEL_SOURCE).cast(pl.String))
        .alias(LABEL_SOURCE),
        pl.when(assumed).then(known).otherwise(pl.col(LABEL_AT)).alias(LABEL_AT),
    )
    names = [*data.frame.columns]
    if LABEL_SOURCE not in names:
        names.append(LABEL_SOURCE)
    frame = past.select(names).filter(pl.col(_LABEL).is_not_null())
    return replace(data, frame=frame, past=past)
