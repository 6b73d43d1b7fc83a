"""Features of a whole data set at once: each distinct input is taken apart once, then spread.

The same steps as in scoring (`steps.py`), so that a value has the same features in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ringfence.models.artifact import Encoding
from ringfence.models.encoding import learn
from ringfence.models.steps import Encoder, Input, Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
