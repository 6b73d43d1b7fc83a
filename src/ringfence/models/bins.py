"""Bins: where a value of an event falls, of a variable, of what is remembered, or of the score.

Drift is told by counting events in bins, in training and in service by the same code. A text counts
by the part that its enrichment learns from (the mail domain, the network), never as it is written,
and is named only where it names no person; elsewhere it counts by how frequent it was in training.
It knows no events and no data sets, only values.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias

import msgspec

from ringfence.events.variables import Variable, VariableType
from ringfence.models.artifact import Encoding, Levels, Rates
from ringfence.models.enrichment import Key
from ringfence.models.steps import TIME_INPUT, Input, Step, steps_for

SCORE_BINS = 20
_SCORE_WIDTH = 1000 // SCORE_BINS
_DECISIVE = SCORE_BINS // 2
MISSING, UNKNOWN, ANY_TEXT = "missing", "hardly or not in training", "any text"
MAX_NAMED = 20
# Of 10,000 training events, those that a level had: frequent from the first, and so on.
_CLASSES = ((100.0, "1 % or more"), (10.0, "0.1 to 1 %"), (1.0, "0.01 to 0.1 %"), (0.0, "rarer"))
# Types whose parts may be named: what many people share.
_NAMED = frozenset(
    {
        VariableType.ARE_CREDENTIALS_VALID, VariableType.AVS, VariableType.BILLING_CITY,
        VariableType.BILLING_COUNTRY, VariableType.BILLING_PHONE, VariableType.BILLING_STATE,
        VariableType.CARD_BIN, VariableType.CATEGORICAL, VariableType.CURRENCY_CODE,
        VariableType.EMAIL_ADDRESS, VariableType.IP_ADDRESS, VariableType.NUMERIC,
        VariableType.PAYMENT_TYPE, VariableType.PHONE_NUMBER, VariableType.PRODUCT_CATEGORY,
        VariableType.SHIPPING_CITY, VariableType.SHIPPING_COUNTRY, VariableType.SHIPPING_PHONE,
        VariableType.SHIPPING_STATE, VariableType.USERAGENT,
    }
)  # fmt: skip
# An address, a long number, or a word that somebody types: what a category should not be.
_PERSONAL = re.compile(r"@|\d[\d ().-]{4,}\d")
_LONGEST_NAME = 40
# Parts that are the text itself, so that anything may stand there.
_AS_WRITTEN = frozenset({"value", "name"})
_MEMORY = 20_000


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """The bins of one variable, or of one remembered value (`remembered`).

    Bin 0 is for missing values. With `levels` or `classes` (of how frequent a text was) the last
    bin is for texts that training had not, or hardly; a number falls into the first bin whose edge
    it does not exceed, of one more than there are `edges`. `part` says what is looked at: `amount`,
    `domain`.
    """

    name: str
    part: str
    remembered: bool = False
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] | None = None
    coded: bool = False
    classes: bool = False

    @property
    def is_text(self) -> bool:
        """Whether levels are counted, not numbers."""
        return self.levels is not None

    @property
    def count(self) -> int:
        """How many bins there are."""
        if self.levels is None:
            return len(self.edges) + 2
        return 2 + len(self.levels) + (len(_CLASSES) if self.classes else 0)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each bin holds, in words."""
        if self.levels is None:
            shown = [f"{edge:.6g}" for edge in self.edges]
            if not shown:
                return MISSING, "any number"
            between = [f"{low} to {high}" for low, high in pairwise(shown)]
            return MISSING, f"up to {shown[0]}", *between, f"above {shown[-1]}"
        if not self.levels and not self.classes:
            return MISSING, ANY_TEXT
        others = [f"others, each {words}" for _, words in _CLASSES] if self.classes else []
        return MISSING, *self.levels, *others, UNKNOWN


Place: TypeAlias = Callable[[Input, datetime | None], int]


def key_of(step: Step) -> tuple[int, Key] | None:
    """The part of a text that is counted, and its place among the keys; None for one that has
    only numbers."""
    keys = step.enrichment.keys
    if not keys:
        return None
    # A card's scheme; the issuer's range would be more of a card than needs to be kept here.
    wanted = next((place for place, key in enumerate(keys) if key.name == "scheme"), 0)
    return wanted, keys[wanted]


def single_steps(variables: Iterable[Variable]) -> dict[str, Step]:
    """The step of each variable on its own, by name."""
    variables = list(variables)
    names = {variable.name for variable in variables}
    return {
        step.inputs[0]: step
        for step in steps_for(variables)
        if step.inputs[0] in names and step.inputs[1:] in ((), (TIME_INPUT,))
    }


def text_bins(
    variable: Variable, step: Step, encoding: Encoding | None, counts: Mapping[str, int]
) -> Bins:
    """The bins of a text. `counts` are of the training events, by the text of the key."""
    found = key_of(step)
    if found is None:
        raise ValueError(f"{variable.name} has no text to count")
    _, key = found
    checked = key.name in _AS_WRITTEN

    def nameable(levels: Iterable[str]) -> bool:
        return variable.variable_type in _NAMED and (
            not checked or all(is_impersonal(level) for level in levels)
        )

    if isinstance(encoding, Rates):
        events = sum(counts.values())
        least = max(30, events // 200)
        common = [level for level in encoding.table if counts.get(level, 0) >= least]
        common.sort(key=lambda level: (-counts[level], level))
        named = tuple(common[:MAX_NAMED])
        if not nameable(named):
            named = ()
        return Bins(name=variable.name, part=key.name, levels=named, classes=True)
    if isinstance(encoding, Levels):
        levels = tuple(sorted(encoding.codes, key=encoding.codes.__getitem__))
        if nameable(levels):
            return Bins(name=variable.name, part=key.name, levels=levels)
        coded = tuple(f"level {place + 1}" for place in range(len(levels)))
        return Bins(name=variable.name, part=key.name, levels=coded, coded=True)
    # One level, or none that comes again: either it is there or it is not.
    only = tuple(counts) if len(counts) == 1 else ()
    if nameable(only):
        return Bins(name=variable.name, part=key.name, levels=only)
    return Bins(name=variable.name, part=key.name, levels=())


def place_of(bins: Bins, step: Step, encoding: Encoding | None) -> Place:
    """A function from a value (and the event's time, where the step takes it) to its bin."""
    if not bins.is_text:
        return _number_place(bins, step)
    found = key_of(step)
    wanted = 0 if found is None else found[0]
    of_level = level_place(bins, encoding)
    memory: dict[object, int] = {}

    def place(value: Input, at: datetime | None) -> int:
        known = memory.get(value)
        if known is None:
            if len(memory) >= _MEMORY:
                memory.clear()
            _, keys = step.parts((value,))
            known = memory[value] = of_level(keys[wanted])
        return known

    return place


def level_place(bins: Bins, encoding: Encoding | None) -> Callable[[str | None], int]:
    """A function from the text of a key to its bin."""
    levels = bins.levels or ()
    last = bins.count - 1
    if bins.coded and isinstance(encoding, Levels):
        places = {level: int(code) + 1 for level, code in encoding.codes.items()}
    else:
        places = {level: place for place, level in enumerate(levels, start=1)}
    if bins.classes and isinstance(encoding, Rates):
        after = 1 + len(levels)
        for level, (_, frequency) in encoding.table.items():
            per_10_000 = math.expm1(frequency)
            # Hardly any is none: the encoding has it for a level that training forgot again.
            if level not in places and per_10_000 > 0:
                places[level] = after + next(
                    n for n, (least, _) in enumerate(_CLASSES) if per_10_000 >= least
                )

    def place(level: str | None) -> int:
        return 0 if level is None else places.get(level, last)

    return place


def number_place(bins: Bins, value: float | None) -> int:
    """The bin of a number; of None and NaN the one for missing values."""
    if value is None or value != value:
        return 0
    return 1 + bisect_left(bins.edges, value)


def score_place(score: float) -> int:
    """The bin of a score of 0 to 1000: of 50 each, the last one with 1000."""
    return min(SCORE_BINS - 1, max(0, int(score) // _SCORE_WIDTH))


def decisive(counts: Sequence[int]) -> list[int]:
    """Score bins as they are compared: those below 500 are one.

    Low scores lie close together, so that the few events which a version learned from after it was
    measured move where among them an event lands; and no rule looks there.
    """
    return [sum(counts[:_DECISIVE]), *counts[_DECISIVE:]]


def score_labels() -> tuple[str, ...]:
    """What each bin of the score holds."""
    return tuple(
        f"{start} to {start + _SCORE_WIDTH - (1 if start + _SCORE_WIDTH < 1000 else 0)}"
        for start in range(0, 1000, _SCORE_WIDTH)
    )


def is_impersonal(level: str) -> bool:
    """Whether a text may be named: it is short, and looks like no address and no long number."""
    return len(level) <= _LONGEST_NAME and _PERSONAL.search(level) is None


def _number_place(bins: Bins, step: Step) -> Place:
    edges = bins.edges
    names = [number.name for number in step.enrichment.numbers]
    wanted = names.index(bins.part)
    timed = len(step.inputs) > 1

    def place(value: Input, at: datetime | None) -> int:
        if value.__class__ is float and not timed and wanted == 0 and step.enrichment.numeric:
            return 1 + bisect_left(edges, value) if math.isfinite(value) else 0
        numbers, _ = step.parts((value, at) if timed else (value,))
        number = numbers[wanted]
        return 0 if number != number else 1 + bisect_left(edges, number)

    return place
