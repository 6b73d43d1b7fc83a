"""The steps from an event to features: which inputs go into which enrichment.

Training and scoring both start from the steps of the same variables, so that a feature means the
same in both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from ringfence.events.variables import DataType, Value, Variable, VariableType
from ringfence.models.artifact import Encoding, Levels
from ringfence.models.enrichment import BY_TYPE, Enrichment, Key, Number, Parts
from ringfence.models.enrichment.agreement import (
    NAME_AND_MAILBOX,
    NETWORK_AND_PLACE,
    PAIR,
    PHONE_AND_PLACE,
    POSTAL_AND_STATE,
    SAME,
)
from ringfence.models.enrichment.price import NUMBER, PRICE, PRICE_PAIR
from ringfence.models.enrichment.text import CATEGORY
from ringfence.models.enrichment.time_of_day import ELAPSED, TIME

TIME_INPUT = "EVENT_TIMESTAMP"
Input: TypeAlias = Value | datetime
_MAX_PRICES = 5
# What clients write for a value that they do not have; Amazon Fraud Detector's samples declare
# these as defaults.
_MISSING = frozenset({"<null>", "<unknown>"})


@dataclass(frozen=True, slots=True)
class Step:
    """One enrichment of one or two inputs: names of variables, or `EVENT_TIMESTAMP`."""

    inputs: tuple[str, ...]
    enrichment: Enrichment

    @property
    def stem(self) -> str:
        """How the names of its features begin: `email_address`, `ip_address~billing_state`."""
        return "~".join(self.inputs)

    def key_stem(self, key: Key) -> str:
        """The name under which the encoding of a key is kept."""
        return f"{self.stem}.{key.name}"

    def parts(self, values: Sequence[Input]) -> Parts:
        """Numbers and keys of the inputs' values; all missing as soon as one input is."""
        read = _number if self.enrichment.numeric else _text
        known = [read(value) for value in values]
        if None in known:
            return self.enrichment.missing()
        return self.enrichment.split(*known)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the matrix, and where it comes from. `part` says what it means; `levels` is
    how many a key with few levels has."""

    name: str
    step: Step
    part: Number | Key
    levels: int = 0

    @property
    def owner(self) -> str:
        """What its contribution counts for: the first of its inputs."""
        return self.step.inputs[0]


def steps_for(variables: Sequence[Variable]) -> tuple[Step, ...]:
    """The steps for these variables, in the order of their columns."""
    used = [v for v in variables if v.variable_type in BY_TYPE or v.data_type is DataType.DATETIME]
    singles = [
        Step((v.name, TIME_INPUT), ELAPSED)
        if v.data_type is DataType.DATETIME
        else Step((v.name,), _of_one(v))
        for v in used
    ]
    return (*singles, *_pairs(used), Step((TIME_INPUT,), TIME))


class Encoder:
    """Makes the features of one step from the values of its inputs: the numbers, then what was
    learned of the keys. The one way from values to features, in training and in scoring."""

    def __init__(self, step: Step, encodings: Mapping[str, Encoding]):
        enrichment = step.enrichment
        self._split = enrichment.split
        self._numeric = enrichment.numeric
        # Per key: how to look up a level, what an unknown level has, what a missing key has.
        self._lookups = [_lookup(encodings.get(step.key_stem(key))) for key in enrichment.keys]
        width = len(enrichment.numbers) + sum(len(missing) for *_, missing in self._lookups)
        self.missing = (math.nan,) * width

    def of_one(self, value: Input) -> tuple[float, ...]:
        """The features of a step with one input."""
        known = _number(value) if self._numeric else _text(value)
        if known is None:
            return self.missing
        numbers, keys = self._split(known)
        if keys:
            for key, (look_up, unknown, missing) in zip(keys, self._lookups, strict=True):
                numbers += missing if key is None else look_up(key, unknown)
        return numbers

    def of_two(self, value: Input, other: Input) -> tuple[float, ...]:
        """The features of a step with two inputs."""
        read = _number if self._numeric else _text
        known, of_other = read(value), read(other)
        if known is None or of_other is None:
            return self.missing
        numbers, keys = self._split(known, of_other)
        if keys:
            for key, (look_up, unknown, missing) in zip(keys, self._lookups, strict=True):
                numbers += missing if key is None else look_up(key, unknown)
        return numbers


_Found: TypeAlias = tuple[float, ...]


def _lookup(encoding: Encoding | None) -> tuple[Callable[[str, _Found], _Found], _Found, _Found]:
    table: dict[str, _Found] = {}
    if encoding is None:
        return table.get, (), ()
    if isinstance(encoding, Levels):
        table |= {level: (code,) for level, code in encoding.codes.items()}
        return table.get, (-1.0,), (math.nan,)
    table |= encoding.table
    return table.get, encoding.unknown, (math.nan, math.nan)


def features_of(steps: Sequence[Step], encodings: Mapping[str, Encoding]) -> tuple[Feature, ...]:
    """The columns of the matrix, in their order."""
    features = []
    for step in steps:
        features += [Feature(f"{step.stem}.{n.name}", step, n) for n in step.enrichment.numbers]
        for key in step.enrichment.keys:
            stem = step.key_stem(key)
            encoding = encodings.get(stem)
            if isinstance(encoding, Levels):
                features.append(Feature(f"{stem}.code", step, key, len(encoding.codes)))
            elif encoding is not None:
                features.append(Feature(f"{stem}.rate", step, key))
                features.append(Feature(f"{stem}.frequency", step, key))
    return tuple(features)


def _of_one(variable: Variable) -> Enrichment:
    enrichment = BY_TYPE[variable.variable_type]
    numeric = variable.data_type in (DataType.FLOAT, DataType.INTEGER)
    if numeric and enrichment is CATEGORY:
        return NUMBER
    if variable.data_type is DataType.BOOLEAN and not enrichment.numeric:
        return CATEGORY
    return enrichment


def _pairs(used: Sequence[Variable]) -> list[Step]:
    by_type: dict[VariableType, list[str]] = {}
    for variable in used:
        if variable.data_type is not DataType.DATETIME:
            by_type.setdefault(variable.variable_type, []).append(variable.name)

    def first(*types: VariableType) -> str | None:
        return next((by_type[t][0] for t in types if t in by_type), None)

    kinds = VariableType
    prices = [v.name for v in used if BY_TYPE.get(v.variable_type) is PRICE]
    found: list[tuple[str | None, str | None, Enrichment]] = [
        (price, prices[0], PRICE_PAIR) for price in islice(prices, 1, _MAX_PRICES)
    ]
    for part in ("NAME", "ADDRESS_L1", "CITY", "ZIP", "STATE", "COUNTRY", "PHONE"):
        pair = first(kinds[f"SHIPPING_{part}"]), first(kinds[f"BILLING_{part}"])
        found.append((*pair, SAME))
    place = first(kinds.BILLING_STATE, kinds.BILLING_COUNTRY, kinds.SHIPPING_STATE)
    found += [
        (first(kinds.BILLING_NAME), first(kinds.EMAIL_ADDRESS), NAME_AND_MAILBOX),
        (first(kinds.BILLING_ZIP), first(kinds.BILLING_STATE), POSTAL_AND_STATE),
        (first(kinds.IP_ADDRESS), place, NETWORK_AND_PLACE),
        (first(kinds.PHONE_NUMBER, kinds.BILLING_PHONE), place, PHONE_AND_PLACE),
        (first(kinds.CURRENCY_CODE), place, PAIR),
        (first(kinds.CARD_BIN), place, PAIR),
    ]
    return [Step((one, two), enrichment) for one, two, enrichment in found if one and two]


def _text(value: Input) -> str | datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if not text or (text[0] == "<" and text.lower() in _MISSING):
            return None
        return text
    if value is None or isinstance(value, datetime):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Input) -> float | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, datetime):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
