"""Conditions of the older format that say what they compare, each for itself.

The newer format has that in a parameter of the block, in other units. A module whose conditions are
about several things becomes as many blocks, one behind the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """The parameter and its value that mean the same; `units` of the older format make one."""

    parameter: str
    value: str
    units: int = 1

    def newer(self, operand: str) -> str:
        """The operand in the newer format's units; what is no number stays as it is."""
        return _changed(operand, lambda number: number / self.units)

    def older(self, operand: str) -> str:
        """The way back."""
        return _changed(operand, lambda number: number * self.units)


def separated(
    module: Mapping[str, object], comparisons: Mapping[str, Comparison]
) -> Sequence[Mapping[str, object]]:
    """Modules with conditions about one thing each; the same outcome in the same order.

    A module that cannot be taken apart comes back as it is.
    """
    branches, module_id = module.get("branches"), module.get("id")
    if not comparisons or not isinstance(branches, list) or not isinstance(module_id, str):
        return [module]
    if not all(isinstance(branch, Mapping) for branch in branches):
        return [module]

    def about(branch: Mapping[str, object]) -> Comparison | None:
        condition = branch.get("condition")
        return comparisons.get(condition) if isinstance(condition, str) else None

    comparing = [branch for branch in branches if about(branch) is not None]
    others = [branch for branch in branches if about(branch) is None]
    runs = [list(run) for _, run in groupby(comparing, key=about)]
    if not 1 < len(runs) <= _MOST_PARTS:
        return [module]
    ids = [module_id, *(f"{module_id} {number}" for number in range(2, len(runs) + 1))]
    parts = []
    for position, run in enumerate(runs):
        rest = others
        if position + 1 < len(runs):
            otherwise = {"condition": "NoMatch", "transition": ids[position + 1]}
            rest = [each for each in others if each.get("condition") != "NoMatch"] + [otherwise]
        parts.append({**module, "id": ids[position], "branches": [*run, *rest]})
    return parts


def _changed(operand: str, change: Callable[[Decimal], Decimal]) -> str:
    text = operand.strip()
    if not _NUMBER.fullmatch(text):
        return operand
    written = format(change(Decimal(text)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written
