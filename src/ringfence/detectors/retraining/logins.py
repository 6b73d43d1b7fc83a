"""Models of account takeovers, champion and challenger: what can be compared where labels are few.

Most takeovers are never reported, and nobody says of a login that it was ordinary. So all logins
without a label count as ordinary, the two are ranked only on enough labelled takeovers, and what is
left otherwise is what needs no label. It knows nothing of how the two were trained.
"""

from __future__ import annotations

import msgspec

from ringfence.detectors.retraining.comparison import ENOUGH_FRAUDS, Evaluation
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.errors import InvalidInput
from ringfence.models import Metrics, suggest_challenges
from ringfence.models.weights import Unlabelled, UnlabelledTreatment

# What is made of logins without a label, whatever is made of other events.
ORDINARY = Unlabelled(UnlabelledTreatment.LEGIT, 0.0)
_RATE = 0.01
# The score that stands for this rate by definition, where no row of the measures is near it.
_SCORE = 750.0


def check_login_options(options: RetrainingOptions) -> None:
    """Raise `InvalidInput` for an option that means nothing to a model of account takeovers."""
    for field, given, expected in (
        ("since", options.since is not None, "none: it learns from all logins that it remembers"),
        ("budget_seconds", options.budget_seconds is not None, "none: it has but one way to learn"),
        (
            "unlabelled",
            options.unlabelled.treatment is UnlabelledTreatment.FRAUD,
            "another treatment: logins without a label count as ordinary",
        ),
    ):
        if given:
            raise InvalidInput(
                "not for a model of account takeovers", field=field, expected=expected
            )


def challenged_from(metrics: Metrics) -> float:
    """The score (0-1000) from which on a version challenges 1 % of logins, as it was measured."""
    suggested = suggest_challenges(metrics.takeover, (_RATE,)) if metrics.takeover else ()
    return suggested[0].threshold if suggested else _SCORE


def judged_by_takeovers(found: Evaluation) -> Evaluation:
    """A comparison on logins, without what too few labelled takeovers cannot tell: a policy that
    asks for a gain is then not met."""
    remarks = []
    if found.is_enough:
        remarks.append(
            f"{found.assumed:,} of {found.events:,} logins have no label and count as ordinary; "
            "takeovers that nobody noticed count as ordinary for both."
        )
    else:
        known = "1 takeover is" if found.frauds == 1 else f"{found.frauds:,} takeovers are"
        remarks.append(
            f"{known} known among {found.events:,} logins, where {ENOUGH_FRAUDS} are the least to "
            "tell which version finds more. Only what needs no label is compared: scores, and "
            "how many logins are challenged."
        )
        found = msgspec.structs.replace(
            found,
            champion=None,
            challenger=None,
            auc_gain=None,
            auc_gain_low=None,
            auc_gain_high=None,
            average_precision_gain=None,
            recall_gain=None,
            volumes=(),
        )
    if found.challenges is not None:
        of = found.challenges
        remarks.append(
            f"At the thresholds that their measures suggest for {_RATE:.0%} of logins, the "
            f"champion ({of.champion_threshold:.0f}) challenges {of.champion_rate:.2%}, the "
            f"challenger ({of.challenger_threshold:.0f}) {of.challenger_rate:.2%}."
        )
    return msgspec.structs.replace(found, remarks=tuple(remarks))
