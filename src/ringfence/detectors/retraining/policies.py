"""A stated policy: when a challenger takes its champion's place without anybody's decision.

Pure comparison of numbers with what was asked. It knows neither where challengers come from nor
how one is promoted.
"""

from __future__ import annotations

import msgspec

from ringfence.detectors.retraining.comparison import Evaluation
from ringfence.errors import InvalidInput


class PromotionPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a challenger is promoted without anybody's decision: when all that is stated holds.

    `min_frauds`: labelled frauds in the window that the two were compared on. `auc_gain_low`: the
    low end of the 95 % range of the difference in AUC, at least. `recall_gain`: the difference in
    recall at the same number of alerts, at least. `average_precision_gain`: likewise.
    `max_score_psi`: how far scores may move, lest rules flag much more or less than before.
    `min_shadow_days`: for how long it has scored live events as a shadow.
    """

    min_frauds: int = 50
    auc_gain_low: float | None = None
    recall_gain: float | None = None
    average_precision_gain: float | None = None
    max_score_psi: float | None = None
    min_shadow_days: float = 0.0


def check_policy(policy: PromotionPolicy) -> None:
    """Raise `InvalidInput` for a policy that states nothing, or something that cannot be met."""
    asked = (policy.auc_gain_low, policy.recall_gain, policy.average_precision_gain)
    if all(gain is None for gain in asked):
        raise InvalidInput(
            "it does not say in what a challenger must be better",
            field="promote_when",
            expected="one of auc_gain_low, recall_gain, average_precision_gain",
        )
    for name in ("auc_gain_low", "recall_gain", "average_precision_gain"):
        gain = getattr(policy, name)
        if gain is not None and not -1 <= gain <= 1:
            raise InvalidInput("out of range", field=f"promote_when.{name}", expected="-1 to 1")
    if not 1 <= policy.min_frauds <= 10_000_000:
        raise InvalidInput(
            "out of range", field="promote_when.min_frauds", expected="1 to 10000000"
        )
    if policy.max_score_psi is not None and not 0 < policy.max_score_psi <= 100:
        raise InvalidInput(
            "out of range", field="promote_when.max_score_psi", expected="above 0, at most 100"
        )
    if not 0 <= policy.min_shadow_days <= 365:
        raise InvalidInput(
            "out of range", field="promote_when.min_shadow_days", expected="0 to 365 days"
        )


def judge(
    policy: PromotionPolicy, evaluation: Evaluation, shadow_days: float
) -> tuple[bool, tuple[str, ...]]:
    """Whether a challenger meets a policy, and how it stands with each of its conditions."""
    judged = [
        _condition("frauds to compare on", evaluation.frauds, policy.min_frauds, "d"),
        *(
            _condition(what, value, least, ".4f")
            for what, value, least in (
                ("gain in AUC, low end of the 95 % range", evaluation.auc_gain_low,
                 policy.auc_gain_low),
                ("gain in recall at the same number of alerts", evaluation.recall_gain,
                 policy.recall_gain),
                ("gain in average precision", evaluation.average_precision_gain,
                 policy.average_precision_gain),
            )
            if least is not None
        ),
    ]  # fmt: skip
    if policy.max_score_psi is not None:
        met = evaluation.score_psi <= policy.max_score_psi
        text = f"stability index of the scores {evaluation.score_psi:.4f}"
        judged.append((met, f"{text}, at most {policy.max_score_psi:.4f}"))
    if policy.min_shadow_days:
        judged.append(_condition("days as a shadow", shadow_days, policy.min_shadow_days, ".1f"))
    reasons = tuple(f"{text}: {'met' if met else 'not met'}" for met, text in judged)
    return all(met for met, _ in judged), reasons


def _condition(what: str, value: float | None, least: float, form: str) -> tuple[bool, str]:
    shown = "cannot be told" if value is None else format(value, form)
    return value is not None and value >= least, f"{what} {shown}, at least {least:{form}}"
