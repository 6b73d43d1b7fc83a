"""Scoring very many events at once, column by column, to the same scores as one by one.

Beside `scoring`, which serves single events: here the steps are applied to distinct inputs, as in
training, and trees see thousands of rows in one call. For processes of their own: it needs Polars
and NumPy, which a server does without.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from ringfence.models.artifact import Artifact
from ringfence.models.distinct import Inputs, distinct_inputs
from ringfence.models.enrichment.price import NUMBER
from ringfence.models.steps import Encoder, Step, steps_for
from ringfence.models.trees import Trees
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

# Per step; a remembered result takes some 300 bytes.
_REMEMBERED = 131_072
_Inputs: TypeAlias = tuple[Any, ...]
_Features: TypeAlias = tuple[float, ...]


class BulkScorer:
    """Scores events by the table with one model version. For one thread.

    `plan` is what the version wants remembered, None when it looks at events alone.
    """

    def __init__(self, artifact: Artifact):
        self.plan: ProfilePlan | None = artifact.plan
        self._bounds = artifact.bounds
        self._trees = Trees(artifact.trees)
        self._steps = [
            _BulkStep(step, Encoder(step, artifact.encodings))
            for step in steps_for(artifact.variables)
        ]
        remembered = 0 if self.plan is None else len(self.plan.aggregates)
        self._width = sum(step.width for step in self._steps) + remembered

    def score(
        self, frame: pl.DataFrame, profiles: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The score of each event, a whole number from 0 to 1000, shape `(n_events,)`.

        `frame` has a column for each variable, in its data type, and `EVENT_TIMESTAMP` in UTC;
        `profiles` are the profile values, shape `(n_events, n_aggregates)`. Raises `ValueError`
        when they are missing or not wanted.
        """
        import numpy as np

        if (profiles is None) != (self.plan is None):
            raise ValueError("profile values go with a model that has a plan, and only with it")
        rows = frame.height
        if rows == 0:
            return np.empty(0)
        matrix = np.empty((rows, self._width))
        inputs = Inputs(frame)
        place = 0
        for step in self._steps:
            step.write(inputs, matrix[:, place : place + step.width])
            place += step.width
        if profiles is not None:
            matrix[:, place:] = profiles
        values = array("d")
        values.frombytes(matrix.tobytes())
        log_odds = self._trees.log_odds(values, rows)
        return np.searchsorted(self._bounds, log_odds, side="right").astype(np.float64)


class _BulkStep:
    """One step. What inputs were taken apart into is remembered, within bounds, for the next
    table."""

    def __init__(self, step: Step, encoder: Encoder):
        self._step = step
        self.width = len(encoder.missing)
        self._is_number = step.enrichment is NUMBER
        of_one, of_two = encoder.of_one, encoder.of_two
        self._encode: Callable[[_Inputs], _Features] = (
            (lambda given: of_one(given[0]))
            if len(step.inputs) == 1
            else (lambda given: of_two(given[0], given[1]))
        )
        self._repeats = step.enrichment.repeats
        self._memory: dict[_Inputs, _Features] = {}

    def write(self, inputs: Inputs, out: NDArray[np.float64]) -> None:
        """The features of all events into `out`, shape `(n_events, width)`."""
        import numpy as np

        if self._is_number:
            column = inputs.column(self._step.inputs[0])
            if column.dtype.is_numeric():
                numbers = column.cast(float).to_numpy()
                out[:, 0] = np.where(np.isfinite(numbers), numbers, np.nan)
                return
        count, tuples, codes = distinct_inputs(self._step, inputs)
        table = np.empty((count, self.width))
        start = 0
        for some in tuples:
            table[start : start + len(some)] = self._features(some)
            start += len(some)
        out[:] = table[codes]

    def _features(self, some: list[_Inputs]) -> list[_Features]:
        if not self._repeats:
            return [self._encode(given) for given in some]
        memory, encode, features = self._memory, self._encode, []
        if len(memory) + len(some) > _REMEMBERED:
            memory.clear()
        for given in some:
            found = memory.get(given)
            if found is None:
                found = memory[given] = encode(given)
            features.append(found)
        return features
