"""The ways of defrauding cardholders, one a file, each with a drift of its own.

To add one: write its file, name it here.
"""

from ringfence.simulation.patterns import (
    account_takeover,
    card_testing,
    compromised_merchant,
    phone_order,
    slow_abuse,
    stolen_card,
)
from ringfence.simulation.patterns.pattern import Pattern

PATTERNS: tuple[Pattern, ...] = (
    stolen_card.PATTERN,
    card_testing.PATTERN,
    account_takeover.PATTERN,
    compromised_merchant.PATTERN,
    slow_abuse.PATTERN,
    phone_order.PATTERN,
)
PATTERN_NAMES = tuple(pattern.name for pattern in PATTERNS)

__all__ = ["PATTERNS", "PATTERN_NAMES", "Pattern"]
