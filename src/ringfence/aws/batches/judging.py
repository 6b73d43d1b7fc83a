"""What a detector version says of many events at once: scored by the table, rules by value.

Most rules look at a score and little else, so that thousands of events ask the same question: it is
answered once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ringfence.aws.batches import answers
from ringfence.aws.batches.checking import CheckedPart
from ringfence.aws.batches.columns import EVENT_TIMESTAMP
from ringfence.detectors.external import LeftAlone, Said
from ringfence.detectors.newcomers import NOT_KNOWN
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.errors import Unavailable
from ringfence.events.variables import Value
from ringfence.models import output_variable
from ringfence.models.bulk_scoring import BulkScorer
from ringfence.models.external import ExternalCalls
from ringfence.rules import references
from ringfence.rules.functions.dates import NOW

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

# Answers that are remembered; one takes some 500 bytes.
_REMEMBERED = 100_000
# Seconds before an endpoint that is left alone, for it has failed before, is asked again.
_PAUSES = (5.0, 31.0)


class BulkJudge:
    """A detector version for very many events. For one thread.

    `scorers` are by model id, and `counts` where, among the values of its plan, a model that does
    not judge newcomers finds how often the entity was seen. `close` when done.
    """

    def __init__(
        self,
        runtime: DetectorRuntime,
        scorers: Mapping[str, BulkScorer],
        counts: Mapping[str, int | None],
    ):
        self._runtime = runtime
        self._scorers = scorers
        self._counts = counts
        self._calls = ExternalCalls() if runtime.external.are_asked_ahead else None
        expressions = [rule.expression for rule in runtime.rules.values()]
        self._asked = sorted({n for text in expressions for n in references(text).variables})
        self._mind_time = any(NOW.name in text.lower() for text in expressions)
        self._known: dict[tuple[Any, ...], tuple[str, str]] = {}
        # Not any more once an external model has refused a whole part.
        self._is_patient = True

    def close(self) -> None:
        """Close the connections to external models."""
        if self._calls is not None:
            self._calls.close()

    def judge(self, part: CheckedPart, profiles: Mapping[str, NDArray[np.float64]]) -> pl.DataFrame:
        """The lines of the output: what is shown of each record, and what is added to it.

        `profiles` are the values of plans by their ids, one row for each event that is taken.
        """
        import polars as pl

        taken = part.taken
        scores = {
            model_id: self._scores(model_id, scorer, taken, profiles)
            for model_id, scorer in self._scorers.items()
        }
        said = self._external(taken)
        matched = self._matched(taken, scores, said)
        texts = _score_texts(scores, taken.height)
        nothing = Said({})
        found = iter(zip(texts, matched, said or [nothing] * taken.height, strict=True))
        rows: list[tuple[str | None, ...]] = []
        for reason in part.refusals:
            if reason is not None:
                rows.append((None, None, reason, None))
                continue
            text, (outcomes, rule_results), of_others = next(found)
            if isinstance(of_others, Unavailable):
                rows.append((None, None, str(of_others), None))
            else:
                rows.append((text, outcomes or None, answers.SUCCESS, rule_results))
        added = pl.DataFrame(rows, schema=dict.fromkeys(answers.ADDED, pl.String), orient="row")
        return pl.concat([part.shown, added], how="horizontal")

    def _scores(
        self,
        model_id: str,
        scorer: BulkScorer,
        taken: pl.DataFrame,
        profiles: Mapping[str, NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        if scorer.plan is None:
            return scorer.score(taken)
        import numpy as np

        remembered = profiles[scorer.plan.plan_id]
        scores = scorer.score(taken, remembered)
        count = self._counts[model_id]
        # Also where it is not known who it is about: there is no count then.
        return scores if count is None else np.where(remembered[:, count] > 0, scores, NOT_KNOWN)

    def _matched(
        self,
        taken: pl.DataFrame,
        scores: Mapping[str, NDArray[np.float64]],
        said: list[Said | Unavailable] | None,
    ) -> list[tuple[str, str]]:
        """The outcomes and the rule results of each event, as texts."""
        times = taken[EVENT_TIMESTAMP].to_list()
        by_name = {output_variable(model_id): of_model for model_id, of_model in scores.items()}
        columns: list[list[Value]] = [
            by_name[name].tolist()
            if name in by_name
            else taken[name].to_list()
            if name in taken.columns
            else [_value(of_event, name) for of_event in said]
            if said is not None
            else [None] * taken.height
            for name in self._asked
        ]
        evaluate, known = self._runtime.rule_set.evaluate, self._known
        matched = []
        for at, *values in zip(times, *columns, strict=True):
            key = (*values, at) if self._mind_time else tuple(values)
            answer = known.get(key)
            if answer is None:
                results = evaluate(dict(zip(self._asked, values, strict=True)), at)
                answer = answers.outcomes(results), answers.rule_results(results)
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[key] = answer
            matched.append(answer)
        return matched

    def _external(self, taken: pl.DataFrame) -> list[Said | Unavailable] | None:
        """What external models say of each event, or why nothing can be said; None without any."""
        external = self._runtime.external
        if not external:
            return None
        rows = taken.drop(EVENT_TIMESTAMP).to_dicts()
        said = self._ask(rows)
        for pause in _PAUSES if self._is_patient else ():
            missed = [number for number, told in enumerate(said) if isinstance(told, LeftAlone)]
            if not missed:
                break
            time.sleep(pause)
            again = self._ask([rows[number] for number in missed])
            for number, told in zip(missed, again, strict=True):
                said[number] = told
        self._is_patient = not all(isinstance(told, Unavailable) for told in said)
        return said

    def _ask(self, rows: list[dict[str, Any]]) -> list[Said | Unavailable]:
        external = self._runtime.external
        if self._calls is not None:
            return external.ask_each(self._calls, rows)
        try:
            return list(external.answer(rows))
        except Unavailable:
            # One of them is refused: which one shows when each is asked alone.
            return [self._ask_one(row) for row in rows]

    def _ask_one(self, row: dict[str, Any]) -> Said | Unavailable:
        try:
            return self._runtime.external.answer([row])[0]
        except Unavailable as error:
            return error


def _value(said: Said | Unavailable, name: str) -> Value:
    return None if isinstance(said, Unavailable) else said.values.get(name)


def _score_texts(scores: Mapping[str, NDArray[np.float64]], rows: int) -> list[str]:
    """MODEL_SCORES of each event. A score is a whole number, so there are few texts."""
    if not scores:
        return [answers.model_scores({})] * rows
    known: dict[tuple[float, ...], str] = {}
    texts = []
    for of_event in zip(*(of_model.tolist() for of_model in scores.values()), strict=True):
        text = known.get(of_event)
        if text is None:
            text = answers.model_scores(dict(zip(scores, of_event, strict=True)))
            known[of_event] = text
        texts.append(text)
    return texts
