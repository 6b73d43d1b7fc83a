"""From an event to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ringfence.events.variables import Value
from ringfence.models.artifact import Artifact
from ringfence.models.explanations import Contribution
from ringfence.models.trees import Trees


class Scorer:
    """Scores events with one model version. Immutable, and safe to use from several threads."""

    def __init__(self, artifact: Artifact):
        self._trees = Trees(artifact.trees)

    def score(self, rows: Sequence[Mapping[str, Value]], ats: Sequence[datetime]) -> list[float]:
        """The score of each event, a whole number from 0 (surely legitimate) to 1000 (fraud)."""
        raise NotImplementedError

    def explain(self, variables: Mapping[str, Value], at: datetime) -> tuple[Contribution, ...]:
        """What the score is made of, the largest contribution first."""
        raise NotImplementedError
