"""What a telephone network posts to us about the calls of a line.

Such requests come in below `/lines/NAME/` without our keys: whose line it is sees for itself who
asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

LARGEST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """A request as it arrived. `path` is what follows `/lines/NAME/`, decoded; `target` is the
    whole path and query as they were sent; the names of `headers` are in lower case."""

    method: str
    path: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CallbackReply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class TakesCallbacks(Protocol):
    """A line that its network calls back over HTTP."""

    async def called_back(self, request: CallbackRequest) -> CallbackReply:
        """Answer a request. Never raises for what is in it: that is in the status."""
        ...
