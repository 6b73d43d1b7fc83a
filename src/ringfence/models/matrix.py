"""Features of a whole data set at once: each distinct input is taken apart once, then spread.

The same steps as in scoring (`steps.py`), so that a value has the same features in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ringfence.events.variables import Variable
from ringfence.models.artifact import Encoding, Rates
from ringfence.models.data import DataSet
from ringfence.models.encoding import block_starts, learn
from ringfence.models.habits import Remembered, remembered_features
from ringfence.models.history import remembered
from ringfence.models.splitting import Split
from ringfence.models.steps import TIME_INPUT, Encoder, Feature, Input, Step, features_of, steps_for
from ringfence.profiles import ProfilePlan

if TYPE_CHECKING:
    import lightgbm
    import numpy as np
    from numpy.typing import NDArray

    Rows: TypeAlias = slice | NDArray[np.int64]


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
    matrix: NDArray[np.float64]

    def learned_set(
        self, parameters: Mapping[str, Any], rows: Rows | None = None
    ) -> lightgbm.Dataset:
        """The rows that are learned from, or those given, for LightGBM to bin by `parameters`."""
        import lightgbm

        chosen = slice(self.rows.start, self.rows.stop) if rows is None else rows
        return lightgbm.Dataset(
            self.values(chosen),
            self.is_fraud[chosen],
            weight=None if self.weights is None else self.weights[chosen],
            feature_name=[feature.name.replace("~", "_with_") for feature in self.features],
            params=dict(parameters),
        )

    def held_out_set(self, learned: lightgbm.Dataset, rows: Rows | None = None) -> lightgbm.Dataset:
        """The held-out rows, or those given, in the bins of those that are learned from."""
        import lightgbm

        chosen = slice(self.rows.held_out, None) if rows is None else rows
        return lightgbm.Dataset(self.values(chosen), self.is_fraud[chosen], reference=learned)

    def held_out(self) -> NDArray[np.float64]:
        """The features of the held-out rows, shape `(n_held_out, n_features)`."""
        return self.values(slice(self.rows.held_out, None))

    def values(self, rows: Rows) -> NDArray[np.float64]:
        """The features of these rows, a slice or ascending numbers, shape `(n_rows, n_features)`.

        Ask for no more than is needed at once: of a large data set they do not fit in memory.
        """
        return self.matrix[rows]


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
    import numpy as np

    steps = steps_for(used)
    columns = {v.name: data.frame[v.name].to_list() for v in used}
    columns[TIME_INPUT] = data.frame[TIME_INPUT].to_list()
    is_fraud = data.is_fraud()
    encodings: dict[str, Encoding] = {}
    blocks: list[NDArray[np.float64]] = []
    enriching = 1.0 if plan is None else 0.55
    for done, step in enumerate(steps):
        tell(enriching * done / len(steps), f"enriching {' with '.join(step.inputs)}")
        learned, features = Distinct(step, columns).learn(is_fraud, rows.stop)
        encodings |= learned
        blocks.append(features)
    if plan is not None:
        told = "replaying history into profiles"
        blocks.append(remembered(data, plan, lambda done: tell(0.55 + 0.45 * done, told)))
    if any(isinstance(encoding, Rates) for encoding in encodings.values()):
        rows = replace(rows, start=max(rows.start, int(block_starts(rows.stop)[1])))
    return FeatureTable(
        (*features_of(steps, encodings), *remembered_features(plan, used)),
        encodings,
        rows,
        is_fraud,
        weights,
        np.hstack(blocks),
    )


class Distinct:
    """The distinct inputs of a step over a data set, and which of them each event has (`codes`,
    shape `(n_events,)`)."""

    def __init__(self, step: Step, columns: Mapping[str, Sequence[Input]]):
        import numpy as np

        seen: dict[tuple[Input, ...], int] = {}
        rows = zip(*(columns[name] for name in step.inputs), strict=True)
        codes = [seen.setdefault(row, len(seen)) for row in rows]
        self.step = step
        self.codes: NDArray[np.int64] = np.array(codes, dtype=np.int64)
        self.inputs = list(seen)

    def learn(
        self, is_fraud: NDArray[np.bool_], training: int
    ) -> tuple[dict[str, Encoding], NDArray[np.float64]]:
        """Encodings by key stem, and the step's features, shape `(n_events, n_features)`, with
        what is learned taken out of time (`encoding.py`)."""
        import numpy as np

        parts = [self.step.parts(inputs) for inputs in self.inputs]
        numbers = np.array([numbers for numbers, _ in parts], dtype=np.float64)
        columns = [numbers.reshape(len(parts), -1)[self.codes]]
        encodings: dict[str, Encoding] = {}
        for position, key in enumerate(self.step.enrichment.keys):
            levels: dict[str, int] = {}
            texts = (keys[position] for _, keys in parts)
            of_distinct = [
                -1 if text is None else levels.setdefault(text, len(levels)) for text in texts
            ]
            codes = np.array(of_distinct, dtype=np.int64)[self.codes]
            encoding, features = learn(list(levels), codes, is_fraud, training)
            if encoding is not None:
                encodings[self.step.key_stem(key)] = encoding
                columns.append(features)
        return encodings, np.hstack(columns)

    def encode(self, encodings: Mapping[str, Encoding]) -> NDArray[np.float64]:
        """The step's features with given encodings, as scoring has them."""
        import numpy as np

        encoder = Encoder(self.step, encodings)
        encode = encoder.of_one if len(self.step.inputs) == 1 else encoder.of_two
        rows = [encode(*inputs) for inputs in self.inputs]
        return np.array(rows, dtype=np.float64).reshape(len(rows), -1)[self.codes]
