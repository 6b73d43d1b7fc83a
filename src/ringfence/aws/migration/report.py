"""What became of each resource in a move."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Fate(StrEnum):
    """What became of a resource."""

    CREATED = "created"
    SAME = "was here"  # and is as it was there
    KEPT = "differs"  # what is here stays as it is
    RETRAINED = "retrained"
    LEFT = "left"  # cannot be moved


class Moved(msgspec.Struct, frozen=True):
    """A resource, such as `label/fraud`, and what became of it; `note` says more."""

    resource: str
    fate: Fate
    note: str = ""


@dataclass(slots=True)
class Report:
    """Everything that was looked at, in its order. `dry`: nothing was changed."""

    dry: bool
    moved: list[Moved] = field(default_factory=list)

    def add(self, resource: str, fate: Fate, note: str = "") -> None:
        """Note what became of a resource."""
        self.moved.append(Moved(resource, fate, note))

    def counts(self) -> dict[str, Counter[Fate]]:
        """By kind of resource, how many fared how."""
        counts: dict[str, Counter[Fate]] = {}
        for one in self.moved:
            counts.setdefault(one.resource.partition("/")[0], Counter())[one.fate] += 1
        return counts
