"""The conditions of a block's branches."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ringfence.flows.references import Template

_NUMBER = re.compile(r"[+-]?(?:\d{1,50}(?:\.\d{0,50})?|\.\d{1,50})", re.ASCII)


def _numbers(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def holds(value: str, operand: str) -> bool:
        left, right = value.strip(), operand.strip()
        if not _NUMBER.fullmatch(left) or not _NUMBER.fullmatch(right):
            return False
        return compare(Decimal(left), Decimal(right))

    return holds


# Text is compared as it stands, upper and lower case apart; a comparison of numbers with something
# that is no number does not hold.
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda value, operand: value == operand,
    "TextStartsWith": lambda value, operand: value.startswith(operand),
    "TextEndsWith": lambda value, operand: value.endswith(operand),
    "TextContains": lambda value, operand: operand in value,
    "NumberGreaterThan": _numbers(lambda left, right: left > right),
    "NumberGreaterOrEqualTo": _numbers(lambda left, right: left >= right),
    "NumberLessThan": _numbers(lambda left, right: left < right),
    "NumericLessThan": _numbers(lambda left, right: left < right),
    "NumberLessOrEqualTo": _numbers(lambda left, right: left <= right),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison, and the block that follows where it holds."""

    operator: str
    operand: Template
    next_id: str

    def holds(self, value: str, data: Mapping[str, object]) -> bool:
        """Whether `value` fulfils it. An operand that refers to nothing matches nothing."""
        operand = self.operand.value(data)
        return operand is not None and OPERATORS[self.operator](value, operand)
