"""The features of a whole data set: what events say of themselves, and what is remembered.

Between reading and growing trees. The table of all values is never made: features stand by distinct
input (`distinct.py`), and rows of the table are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ringfence.events.variables import Variable
from ringfence.models.artifact import Encoding, Rates
from ringfence.models.data import DataSet
from ringfence.models.distinct import Inputs, features_of_step
from ringfence.models.encoding import block_starts
from ringfence.models.habits import Remembered, remembered_features
from ringfence.models.history import replayed
from ringfence.models.spill import Spill
from ringfence.models.splitting import Split
from ringfence.models.steps import Feature, Step, features_of, steps_for
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

    Rows: TypeAlias = slice | NDArray[np.int64]

# Rows that are made at once where all are gone through.
_ROWS = 50_000
# What is remembered waits on disk when it takes more than this.
_SPILLED_BYTES = 256 * 2**20


class Block(Protocol):
    """Some neighbouring features of all events."""

    @property
    def width(self) -> int:
        """How many features there are."""

    def write(self, rows: Rows, numbered: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        """The features of some events into `out`, shape `(n_rows, width)`. `numbered` are the
        numbers of the same events."""


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """The features of all events in order of time, and which rows are for what (`rows`).

    `is_fraud` and `weights` (None where every event counts alike) have shape `(n_events,)`.
    """

    features: tuple[Feature | Remembered, ...]
    encodings: dict[str, Encoding]
    rows: Split
    is_fraud: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    blocks: tuple[Block, ...]

    def learned_set(
        self, parameters: Mapping[str, Any], rows: Rows | None = None
    ) -> lightgbm.Dataset:
        """The rows that are learned from, or those given, for LightGBM to bin by `parameters`."""
        chosen = slice(self.rows.start, self.rows.stop) if rows is None else rows
        return self._binned(chosen, parameters=parameters)

    def held_out_set(self, learned: lightgbm.Dataset, rows: Rows | None = None) -> lightgbm.Dataset:
        """The held-out rows, or those given, in the bins of those that are learned from."""
        chosen = slice(self.rows.held_out, None) if rows is None else rows
        return self._binned(chosen, parameters=learned.get_params(), reference=learned)

    def held_out(self) -> NDArray[np.float64]:
        """The features of the held-out rows, shape `(n_held_out, n_features)`."""
        return self.values(slice(self.rows.held_out, None))

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """The features of these rows, a slice or ascending numbers, shape `(n_rows, n_features)`.

        Ask for no more than is needed at once: of a large data set they do not fit in memory.
        """
        import numpy as np

        numbered = self._numbered(rows)
        made = np.empty((len(numbered), len(self.features)))
        place = 0
        for block in self.blocks:
            block.write(rows, numbered, made[:, place : place + block.width])
            place += block.width
        return made

    def raw_scores(
        self, booster: lightgbm.Booster, rows: Rows | None = None, *, trees: int | None = None
    ) -> NDArray[np.float64]:
        """The trees' sums for the held-out rows, or those given, shape `(n_rows,)`.

        `trees` is how many of them count, by default as many as LightGBM would take.
        """
        import numpy as np

        numbered = self._numbered(slice(self.rows.held_out, None) if rows is None else rows)
        made = np.empty(len(numbered))
        for part in _parts(len(numbered)):
            made[part] = booster.predict(
                self.values(numbered[part]), num_iteration=trees, raw_score=True
            )
        return made

    def _numbered(self, rows: Rows) -> NDArray[np.int64]:
        import numpy as np

        if isinstance(rows, slice):
            return np.arange(*rows.indices(len(self.is_fraud)), dtype=np.int64)
        return rows

    def _binned(self, rows: Rows, **options: Any) -> lightgbm.Dataset:
        from ringfence.models.binning import binned

        numbered = self._numbered(rows)
        return binned(
            lambda part: self.values(numbered[part]),
            len(numbered),
            self.is_fraud[rows],
            None if self.weights is None else self.weights[rows],
            [feature.name.replace("~", "_with_") for feature in self.features],
            **options,
        )


def feature_table(
    data: DataSet,
    used: Sequence[Variable],
    plan: ProfilePlan | None,
    rows: Split,
    tell: Callable[[float, str], None],
    *,
    weights: NDArray[np.float64] | None = None,
) -> FeatureTable:
    """Enrich every event of a data set, and replay history into profiles where there is a plan.

    `tell` is told a share of this work (0 to 1) and what is being done. The table's rows may start
    later than `rows`: in the first block nothing is known of any level yet, which is unlike
    anything in service.
    """
    steps = steps_for(used)
    is_fraud = data.is_fraud()
    inputs = Inputs(data.frame)
    encodings: dict[str, Encoding] = {}
    blocks: list[Block] = []
    remembered: RememberedValues | None = None
    replaying = 0.0
    if plan is not None:
        # First, for nothing else takes so much memory for a while.
        replaying, told = 0.45, "replaying history into profiles"
        remembered = _remembered(data, plan, lambda done: tell(replaying * done, told))
    for done, step in enumerate(steps):
        share = replaying + (1.0 - replaying) * done / len(steps)
        tell(share, f"enriching {' with '.join(step.inputs)}")
        block, learned = features_of_step(step, inputs, is_fraud, rows.stop)
        encodings |= learned
        blocks.append(block)
        for name in _no_more(steps, done):
            inputs.forget(name)
    if remembered is not None:
        blocks.append(remembered)
    if any(isinstance(encoding, Rates) for encoding in encodings.values()):
        rows = replace(rows, start=max(rows.start, int(block_starts(rows.stop)[1])))
    return FeatureTable(
        (*features_of(steps, encodings), *remembered_features(plan, used)),
        encodings,
        rows,
        is_fraud,
        weights,
        tuple(blocks),
    )


@dataclass(frozen=True, slots=True)
class RememberedValues:
    """What is remembered: `values` for all past events, of which an event is the one at `past`."""

    values: NDArray[np.float64] | Spill
    past: NDArray[np.int64]

    @property
    def width(self) -> int:
        """The number of aggregates."""
        return int(self.values.shape[1])

    def write(self, rows: Rows, numbered: NDArray[np.int64], out: NDArray[np.float64]) -> None:
        """The values of some events into `out`, shape `(n_rows, width)`."""
        if isinstance(self.values, Spill):
            self.values.write(self.past[rows], out)
        else:
            out[:] = self.values[self.past[rows]]


def _remembered(
    data: DataSet, plan: ProfilePlan, progress: Callable[[float], None]
) -> RememberedValues:
    values, past = replayed(data, plan, progress)
    return RememberedValues(Spill(values) if values.nbytes > _SPILLED_BYTES else values, past)


def _no_more(steps: Sequence[Step], done: int) -> set[str]:
    """The inputs that no step after this one looks at."""
    later = {name for step in steps[done + 1 :] for name in step.inputs}
    return set(steps[done].inputs) - later


def _parts(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS, rows)) for start in range(0, rows, _ROWS))
