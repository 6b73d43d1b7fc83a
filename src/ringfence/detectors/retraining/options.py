"""How a model is trained anew: what somebody may say about it once, or in a schedule."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ringfence.errors import InvalidInput
from ringfence.models.weights import Unlabelled

_MAX_BUDGET_SECONDS = 604_800.0


class RetrainingOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is trained anew. What is not said here is as with the champion.

    `since`: learn from events from then on (remember all). `base_file`: a file with events from
    before the log. `unlabelled`: what is made of events without a label. `label_delay_days`: how
    long labels take; younger events are not compared on (but never more than a tenth of the time
    since the champion's data ended is left out). `alert_share`: the share of events at which recall
    is compared; when it is left out, as many as there are frauds, and at least 1 %. `keep_plan`:
    remember what the champion remembers, so that no profile has to be built. `budget_seconds`: try
    other ways to learn for about so long. `shadow`: have it score live events at once.
    """

    since: datetime | None = None
    base_file: str | None = None
    unlabelled: Unlabelled = Unlabelled()
    label_delay_days: float = 7.0
    alert_share: float | None = None
    keep_plan: bool = True
    budget_seconds: float | None = None
    seed: int | None = None
    shadow: bool = False

    def check(self) -> None:
        """Raise `InvalidInput` naming the first option that is out of range."""
        self.unlabelled.check()
        if self.since is not None and self.since.tzinfo is None:
            raise InvalidInput("has no offset", field="since", expected="a time such as ...Z")
        if not 0 <= self.label_delay_days <= 365:
            raise InvalidInput("out of range", field="label_delay_days", expected="0 to 365 days")
        if self.alert_share is not None and not 0 < self.alert_share <= 1:
            raise InvalidInput("out of range", field="alert_share", expected="above 0, at most 1")
        if self.budget_seconds is not None and not 1 <= self.budget_seconds <= _MAX_BUDGET_SECONDS:
            raise InvalidInput(
                "out of range", field="budget_seconds", expected=f"1 to {_MAX_BUDGET_SECONDS:.0f}"
            )
        if self.seed is not None and not 0 <= self.seed < 2**31:
            raise InvalidInput("out of range", field="seed", expected="0 to 2147483647")
