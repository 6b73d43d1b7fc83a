"""How the trunks of a line stand, and which of them gets a call.

Knows what children have told of registrations and OPTIONS, and how the last calls went. A trunk of
which nothing is known yet counts as up: a call is the surest way to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from ringfence.lines.journal import utc_now
from ringfence.lines.sip.messages import Alive, Registered
from ringfence.lines.sip.settings import TrunkSettings

_AVOID_SECONDS = 30.0  # after a call that it did not take


class TrunkState(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk as an operator sees it. `up` is None while nothing is known."""

    name: str
    host: str
    up: bool | None
    since: datetime
    detail: str
    calls: int
    registered: bool | None


@dataclass(slots=True)
class _Trunk:
    settings: TrunkSettings
    registered: bool | None = None
    answers: bool | None = None
    since: datetime = field(default_factory=utc_now)
    detail: str = ""
    calls: int = 0
    avoided_until: float = 0.0

    @property
    def up(self) -> bool | None:
        if self.registered is False or self.answers is False:
            return False
        return True if self.registered or self.answers else None


class Trunks:
    """The trunks of one line. `clock` counts seconds."""

    def __init__(self, trunks: Sequence[TrunkSettings], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._trunks = {trunk.name: _Trunk(trunk) for trunk in trunks}

    def registered(self, message: Registered) -> None:
        """How a registration stands."""
        trunk = self._trunks[message.trunk]
        words = f"{message.status} {message.reason}".strip()
        detail = "" if message.active else f"not registered: {words}"
        self._change(trunk, detail, registered=message.active)

    def alive(self, message: Alive) -> None:
        """What a trunk says to an OPTIONS. Any answer but a failing server's shows that it is
        there: many do not know OPTIONS, and say so."""
        answers = 0 < message.status < 500 and message.status != 408
        detail = "" if answers else f"does not answer: {message.status} {message.reason}".strip()
        self._change(self._trunks[message.trunk], detail, answers=answers)

    def forget(self) -> None:
        """The child that watched the trunks is gone: nothing is known until the next one tells."""
        for trunk in self._trunks.values():
            trunk.registered = trunk.answers = None

    def failed(self, name: str) -> None:
        """A call was not taken: try the others first for a while."""
        self._trunks[name].avoided_until = self._clock() + _AVOID_SECONDS

    def began(self, name: str) -> None:
        """A call is placed on it."""
        self._trunks[name].calls += 1

    def ended(self, name: str) -> None:
        """A call on it is over."""
        self._trunks[name].calls -= 1

    def order(self, number: str) -> list[TrunkSettings]:
        """Those that may take a call to `number` (E.164), the best first.

        Those that are down come last: what we know of them may be old.
        """
        now = self._clock()
        able = [
            trunk
            for trunk in self._trunks.values()
            if trunk.settings.serves_number(number) and not self._is_full(trunk)
        ]
        able.sort(key=lambda trunk: (trunk.up is False, trunk.avoided_until > now))
        return [trunk.settings for trunk in able]

    def serves(self, number: str) -> bool:
        """Whether any of them may call `number`, full or not."""
        return any(trunk.settings.serves_number(number) for trunk in self._trunks.values())

    def states(self) -> list[TrunkState]:
        """All of them, in the order of the settings."""
        return [
            TrunkState(
                name=trunk.settings.name,
                host=trunk.settings.host,
                up=trunk.up,
                since=trunk.since,
                detail=trunk.detail,
                calls=trunk.calls,
                registered=trunk.registered,
            )
            for trunk in self._trunks.values()
        ]

    @staticmethod
    def _is_full(trunk: _Trunk) -> bool:
        most = trunk.settings.calls_at_once
        return most is not None and trunk.calls >= most

    @staticmethod
    def _change(trunk: _Trunk, detail: str, **changes: bool) -> None:
        before = trunk.up
        for name, value in changes.items():
            setattr(trunk, name, value)
        if trunk.up is not before:
            trunk.since = utc_now()
        if detail or trunk.up:
            trunk.detail = detail if trunk.up is False else ""
