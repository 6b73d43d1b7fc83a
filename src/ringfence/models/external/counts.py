"""Counting how endpoints answer, for `/metrics` and the console."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringfence.models.external.breaker import BreakerState


@dataclass(slots=True)
class Counts:
    """What came of asking one model since the process began: events by what came of them, requests
    and the seconds that they took in all, and whether one may ask now."""

    by_result: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("answered", "timeout", "unreachable", "refused", "unreadable", "skipped"), 0
        )
    )
    seconds: float = 0.0
    requests: int = 0
    state: BreakerState = BreakerState.CLOSED
