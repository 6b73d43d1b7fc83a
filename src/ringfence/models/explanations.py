"""Why an event scored as it did, variable by variable, in words."""

from __future__ import annotations

import msgspec


class Contribution(msgspec.Struct, frozen=True):
    """What one variable adds to the log-odds of fraud; positive raises the risk.

    `value` is as shown to people: never a secret, a card number at most by its last four.
    """

    variable: str
    value: str | None
    log_odds: float
    text: str
