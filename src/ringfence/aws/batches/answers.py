"""The columns that a batch prediction adds, in the form that Fraud Detector's output has them.

The form of MODEL_SCORES is what public clients take apart. Where several outcomes or rule results
stand in one cell, no source says how; that choice is made here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ringfence.rules import RuleResult

MODEL_SCORES, OUTCOMES, STATUS, RULE_RESULTS = "MODEL_SCORES", "OUTCOMES", "STATUS", "RULE_RESULTS"
ADDED = (MODEL_SCORES, OUTCOMES, STATUS, RULE_RESULTS)
SUCCESS = "Success"


def model_scores(scores: Mapping[str, float]) -> str:
    """`{'project_1_model': 953.0}`, from scores by model id."""
    return repr(dict(scores))


def outcomes(results: Iterable[RuleResult]) -> str:
    """`block`; of several rules that matched each outcome once, in their order: `block,review`."""
    return ",".join(dict.fromkeys(o for r in results if r.matched for o in r.outcomes))


def rule_results(results: Iterable[RuleResult]) -> str:
    """`[{'ruleId': 'rule_1', 'outcomes': ['block']}]`, of the rules that matched."""
    return repr([{"ruleId": r.rule_id, "outcomes": list(r.outcomes)} for r in results if r.matched])
