"""Why an event scored as it did, variable by variable, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from ringfence.carddata import mask_card_numbers
from ringfence.events.variables import Value
from ringfence.models.enrichment import Number
from ringfence.models.habits import Remembered
from ringfence.models.steps import TIME_INPUT, Feature

BIAS = "bias"
_MAX_SHOWN = 80


class Contribution(msgspec.Struct, frozen=True):
    """What one variable adds to the log-odds of fraud, or all that is remembered of one entity;
    positive raises the risk.

    `value` is as shown to people: never a secret, a card number at most by its last four. The
    entry of the variable `bias` is where every event starts, the log-odds of an average event.
    """

    variable: str
    value: str | None
    log_odds: float
    text: str


def explain(
    features: Sequence[Feature | Remembered],
    values: Sequence[float],
    added: Sequence[float],
    variables: Mapping[str, Value],
    at: datetime,
) -> tuple[Contribution, ...]:
    """One contribution per variable and the bias, the largest first.

    `values` are the event's features and `added` what each adds to the log-odds, with the bias
    last. A feature of two variables counts for the first of them; what is remembered counts for
    whose it is (`profile.card`).
    """
    profile = [v for f, v in zip(features, values, strict=True) if isinstance(f, Remembered)]
    grouped: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        grouped.setdefault(feature.owner, []).append(position)
    found = [Contribution(BIAS, None, added[-1], "where every event starts")]
    for variable, positions in grouped.items():
        total = math.fsum(added[position] for position in positions)
        # The words are of the feature that speaks most for the direction of the whole.
        telling = max(positions, key=lambda position: math.copysign(1.0, total) * added[position])
        value = at if variable == TIME_INPUT else variables.get(variable)
        shown = _shown(value)
        feature = features[telling]
        if isinstance(feature, Remembered):
            words = feature.words(values[telling], profile)
        else:
            words = _words(feature, values[telling], shown)
        found.append(Contribution(variable, shown, total, f"{words}: {_effect(total)}"))
    return tuple(sorted(found, key=lambda c: (-abs(c.log_odds), c.variable)))


def _shown(value: Value | datetime) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = mask_card_numbers(str(value))
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def _words(feature: Feature, value: float, shown: str | None) -> str:
    variable, *others = feature.step.inputs
    other = next(iter(others), "")
    if math.isnan(value):
        return f"{variable} is not known" if shown is None else f"{variable} says nothing here"
    part = feature.part
    if isinstance(part, Number):
        if part.otherwise is not None and not value:
            return part.otherwise.format(x=value, variable=variable, other=other)
        return part.words.format(x=value, variable=variable, other=other)
    subject = f"this {part.words}" + (f" ({variable} with {other})" if other else "")
    if feature.name.endswith(".rate"):
        return f"{subject} had a fraud share of about {1 / (1 + math.exp(-value)):.1%} in training"
    if feature.name.endswith(".frequency"):
        events = math.expm1(value)
        if not events:
            return f"{subject} was hardly ever seen in training"
        return f"{subject} was seen in {events:,.1f} of 10,000 events in training"
    if value < 0:
        return f"{subject} was hardly ever seen in training"
    return f"{subject} ranks {value + 1:.0f} of {feature.levels} by fraud share (1 is the lowest)"


def _effect(log_odds: float) -> str:
    if abs(log_odds) < 0.05:
        return "hardly matters"
    size = abs(log_odds)
    strength = "strongly" if size >= 1 else "clearly" if size >= 0.3 else "slightly"
    return f"{'raises' if log_odds > 0 else 'lowers'} the risk {strength}"
