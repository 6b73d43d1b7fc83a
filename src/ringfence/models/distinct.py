"""Features by distinct input: each is taken apart once, and an event knows which of them it has.

Five million events have far fewer countries, shops and addresses of networks, so that the features
of all events take little memory until they are asked for, some rows at a time. The steps are those
of scoring (`steps.py`), so that a value has the same features in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ringfence.models.artifact import Encoding
from ringfence.models.encoding import Learned, learn
from ringfence.models.enrichment.price import NUMBER
from ringfence.models.steps import Input, Step

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Rows: TypeAlias = slice | NDArray[np.int64]

# Inputs that are taken apart before their features are put away.
_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Coded:
    """The distinct values of a column, and which of them each event has: `codes`, shape
    `(n_events,)`."""

    values: pl.Series
    codes: NDArray[np.unsignedinteger[Any]]


class Inputs:
    """The columns of a data set's frame, coded when they are asked for."""

    def __init__(self, frame: pl.DataFrame):
        self._frame = frame
        self._coded: dict[str, Coded] = {}

    def column(self, name: str) -> pl.Series:
        """The column as it stands."""
        return self._frame[name]

    def coded(self, name: str) -> Coded:
        """The column by its distinct values, remembered until it is forgotten."""
        if name not in self._coded:
            self._coded[name] = _coded(self._frame[name])
        return self._coded[name]

    def forget(self, name: str) -> None:
        """Give back the memory of a column that no further step looks at."""
        self._coded.pop(name, None)


@dataclass(frozen=True, slots=True)
class StepFeatures:
    """The features of one step for all events.

    `numbers` has, for each number of the enrichment, its value by distinct input; `keys` has what
    was learned of each key, and the place of each distinct input in it. `codes`, shape
    `(n_events,)`, says which input an event has; None when inputs and events are the same.
    """

    numbers: tuple[NDArray[Any], ...]
    keys: tuple[tuple[Learned, NDArray[np.int32]], ...]
    codes: NDArray[np.unsignedinteger[Any]] | None

    @property
    def width(self) -> int:
        """The number of features."""
        return len(self.numbers) + sum(learned.width for learned, _ in self.keys)

    def write(self, rows: Rows, numbered: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        """The features of some events into `out`, shape `(n_rows, width)`. `numbered` are the
        numbers of the same events."""
        codes = rows if self.codes is None else self.codes[rows]
        for place, number in enumerate(self.numbers):
            out[:, place] = number[codes]
        place = len(self.numbers)
        for learned, places in self.keys:
            out[:, place : place + learned.width] = learned.features(numbered, places[codes])
            place += learned.width


def features_of_step(
    step: Step, inputs: Inputs, is_fraud: NDArray[np.bool_], training: int
) -> tuple[StepFeatures, dict[str, Encoding]]:
    """The features of a step, and what was learned of the first `training` events by key stem."""
    import numpy as np

    column = inputs.column(step.inputs[0])
    if step.enrichment is NUMBER and column.dtype.is_numeric():
        values = column.cast(float).to_numpy()
        number = _narrowed(np.where(np.isfinite(values), values, np.nan))
        return StepFeatures((number,), (), None), {}
    count, tuples, codes = distinct_inputs(step, inputs)
    width = len(step.enrichment.numbers)
    numbers = [np.empty(count) for _ in range(width)]
    levels: list[dict[str, int]] = [{} for _ in step.enrichment.keys]
    of_input = [np.empty(count, dtype=np.int32) for _ in levels]
    start = 0
    for some in tuples:
        parts = [step.parts(values) for values in some]
        here = slice(start, start + len(parts))
        start = here.stop
        if width:
            table = np.array([found for found, _ in parts], dtype=np.float64)
            for place, number in enumerate(numbers):
                number[here] = table[:, place]
        for place, known in enumerate(levels):
            texts = (keys[place] for _, keys in parts)
            of_input[place][here] = [
                -1 if text is None else known.setdefault(text, len(known)) for text in texts
            ]
    narrow = []
    while numbers:
        narrow.append(_narrowed(numbers.pop(0)))
    keys, encodings = [], {}
    for key in step.enrichment.keys:
        known, level = levels.pop(0), of_input.pop(0)
        learned = learn(list(known), level[codes], is_fraud, training)
        if learned is not None:
            encodings[step.key_stem(key)] = learned.encoding
            keys.append((learned, learned.places[level]))
    return StepFeatures(tuple(narrow), tuple(keys), codes), encodings


def distinct_inputs(
    step: Step, inputs: Inputs
) -> tuple[int, Iterator[list[tuple[Input, ...]]], NDArray[np.unsignedinteger[Any]]]:
    """How many distinct inputs there are, the inputs in parts, and which of them events have."""
    import numpy as np

    coded = [inputs.coded(name) for name in step.inputs]
    if len(coded) == 1:
        return len(coded[0].values), _parts([coded[0].values]), coded[0].codes
    one, other = coded
    both = one.codes.astype(np.int64) * len(other.values) + other.codes
    distinct, codes = np.unique(both, return_inverse=True)
    of_one, of_other = np.divmod(distinct, len(other.values))
    values = [one.values.gather(of_one), other.values.gather(of_other)]
    return len(distinct), _parts(values), _small(codes, len(distinct))


def _coded(column: pl.Series) -> Coded:
    name = column.name
    distinct = column.unique(maintain_order=True)
    numbered = distinct.to_frame().with_row_index("code")
    codes = column.to_frame().join(
        numbered, on=name, how="left", nulls_equal=True, maintain_order="left"
    )["code"]
    return Coded(distinct, _small(codes.to_numpy(), len(distinct)))


def _parts(columns: list[pl.Series]) -> Iterator[list[tuple[Input, ...]]]:
    for start in range(0, len(columns[0]), _AT_ONCE):
        yield list(zip(*(c.slice(start, _AT_ONCE).to_list() for c in columns), strict=True))


def _small(codes: NDArray[Any], count: int) -> NDArray[np.unsignedinteger[Any]]:
    """The same codes, of which there are `count`, in as few bytes as they need."""
    import numpy as np

    return codes.astype(np.min_scalar_type(max(0, count - 1)))


def _narrowed(values: NDArray[np.float64]) -> NDArray[Any]:
    """The same values in fewer bytes, where not a bit of any gets lost."""
    import numpy as np

    with np.errstate(over="ignore"):
        for kind in (np.float16, np.float32):
            for part in (values[:_AT_ONCE], values):
                narrow = part.astype(kind)
                if not np.array_equal(narrow, part, equal_nan=True):
                    break
            else:
                return narrow
    return values
