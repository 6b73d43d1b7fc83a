"""Rules that a model version's own measures suggest, where nobody has written any yet.

Between a trained version and a detector version that is published with it. For payments they end in
a call or a look at a desk; for logins in a question that only the owner can answer.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ringfence.cases.furnishing import CALL_OUTCOME, OUTCOMES
from ringfence.detectors import list_outcomes, put_outcome, put_rule
from ringfence.errors import InvalidInput
from ringfence.models import (
    ModelVersion,
    TakeoverMetrics,
    output_variable,
    suggest_challenges,
    suggest_thresholds,
)
from ringfence.rules import Rule

CHALLENGE_OUTCOME = "challenge"
BLOCK_OUTCOME = "block"

_OUTCOMES_OF_LOGINS = {
    CHALLENGE_OUTCOME: "Ask whoever signs in for a second proof before letting them in.",
    BLOCK_OUTCOME: "Let nobody in, and have the owner set a new password.",
    "approve": "Let it pass.",
}
_CHALLENGED, _BLOCKED = 0.01, 0.001
# Whoever is blocked cannot prove anything: only where so many held-out logins tell how rare a
# score is.
_BLOCKS_HELD_OUT = 10


def put_suggested_rules(
    connection: Connection, detector_id: str, version: ModelVersion
) -> list[Rule]:
    """Store the suggested rules of a version, and the outcomes they name that there are not yet.

    In the order in which they are to be tried; a rule that differs from the stored one of its name
    becomes its next version. Raises what `suggested_rules` and `put_rule` raise.
    """
    wanted = suggested_rules(version)
    meanings = OUTCOMES if version.metrics.takeover is None else _OUTCOMES_OF_LOGINS
    known = list_outcomes(connection)
    for name in (name for rule in wanted for name in rule.outcomes):
        if name not in known:
            put_outcome(connection, name, meanings[name])
    return [put_rule(connection, detector_id, rule) for rule in wanted]


def suggested_rules(version: ModelVersion) -> list[Rule]:
    """Rules by thresholds that a version's measurements say something about.

    For payments: ring the cardholder above 1 % false positives, have an analyst look above 4 %,
    else approve. For logins: challenge the 1 % that look most like strangers, block 0.1 % where
    10,000 held-out logins or more tell which these are, else approve. Raises `InvalidInput` where
    the measurements have no such threshold.
    """
    score = f"${output_variable(version.model_id)}"
    if version.metrics.takeover is not None:
        return _of_logins(score, version.metrics.takeover, version.facts.held_out_rows)
    suggested = {t.fpr: t.threshold for t in suggest_thresholds(version.metrics)}
    if not suggested:
        raise _nothing_suggested("1 % to 6 % false positives")
    call, review = suggested[min(suggested)], suggested.get(0.04, suggested[max(suggested)])
    return [
        _rule(
            "call_cardholder",
            f"{score} > {call:.0f}",
            CALL_OUTCOME,
            "So few legitimate payments score higher that a call is worth it.",
        ),
        _rule("review", f"{score} > {review:.0f}", "review", "Unusual, not alarming."),
        _rule("approve", f"{score} <= {review:.0f}", "approve", "Like most payments."),
    ]


def _of_logins(score: str, metrics: TakeoverMetrics, held_out: int) -> list[Rule]:
    suggested = suggest_challenges(metrics, (_CHALLENGED,))
    if not suggested:
        raise _nothing_suggested("a challenge rate of 1 %")
    challenge = suggested[0].threshold
    rules = [
        _rule(
            "challenge",
            f"{score} >= {challenge:.0f}",
            CHALLENGE_OUTCOME,
            f"{suggested[0].cr:.1%} of logins look so much like a stranger.",
        ),
        _rule("approve", f"{score} < {challenge:.0f}", "approve", "As the account's owner does."),
    ]
    rare = [row for row in metrics.rows if 0 < row.cr <= _BLOCKED and row.threshold > challenge]
    if rare and held_out * _BLOCKED >= _BLOCKS_HELD_OUT:
        block = min(rare, key=lambda row: row.threshold)
        text = f"{block.cr:.2%} of logins look even more like a stranger."
        rules.insert(0, _rule("block", f"{score} >= {block.threshold:.0f}", BLOCK_OUTCOME, text))
    return rules


def _rule(rule_id: str, expression: str, outcome: str, description: str) -> Rule:
    return Rule(
        rule_id=rule_id,
        version="1",
        expression=expression,
        outcomes=(outcome,),
        description=description,
    )


def _nothing_suggested(where: str) -> InvalidInput:
    return InvalidInput(
        f"the model version has no threshold at {where}",
        field="rules",
        expected="rules of your own (--rules FILE)",
    )
