"""A telephone that can be put through to another one, on whatever line either of them is.

What is said, pressed and typed at one reaches the other at once and is kept nowhere. A telephone
that does not take it loses it, which the other one does not notice.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from ringfence.flows.participant import AnsweredBy, Destination
from ringfence.lines.handset import Handset
from ringfence.lines.journal import Journal
from ringfence.lines.speech.synthesizer import Synthesizer

PutThrough: TypeAlias = Callable[["TalkingHandset", Destination], Awaitable[None]]


class TalkingHandset(Handset):
    """A `Handset` whose live sound goes through this process, or can."""

    def __init__(
        self,
        journal: Journal,
        synthesizer: Synthesizer,
        answered_by: AnsweredBy,
        put_through: PutThrough,
    ) -> None:
        """`put_through` is `Switch.put_through` for the line of this telephone."""
        super().__init__(journal, synthesizer, answered_by)
        self._put_through = put_through
        self._engaged = False
        self._other: TalkingHandset | None = None

    async def connect(self, destination: Destination) -> None:
        """See `Participant.connect`."""
        self.check()
        await self._put_through(self, destination)
        self.check()

    def press(self, key: str) -> None:
        """See `Handset.press`. While it is put through, keys are for the other telephone alone."""
        if not self._engaged:
            super().press(key)
        elif (other := self._talks_with) is not None:
            other.other_pressed(key)

    def speak(self, words: str) -> None:
        """See `Handset.speak`. While it is put through, words are for the other telephone alone."""
        if not self._engaged:
            super().speak(words)
        elif (other := self._talks_with) is not None:
            other.other_typed(words)

    def said(self, frame: bytes) -> None:
        """What is said at this telephone now (`live_sound`): for the other one, if there is one."""
        if (other := self._talks_with) is not None:
            other.other_said(frame)

    # --- for the switch ---

    def waits_for(self, number: str) -> None:
        """Let it hear that the telephone `number` rings for it. Until then nobody hears it."""
        self._engaged = True

    def joins(self, other: TalkingHandset, number: str, name: str) -> None:
        """It is put through to `other`, which it is to know by `number` and `name`."""
        self._engaged = True
        self._other = other

    def parts(self, reached: bool) -> None:
        """It is taken back; `reached` says whether the other one had answered."""
        self._engaged = False
        self._other = None

    # --- for the other telephone ---

    @abstractmethod
    def other_said(self, frame: bytes) -> None:
        """Let it hear a frame of what is said at the other telephone."""

    @abstractmethod
    def other_pressed(self, key: str) -> None:
        """Let it have a key that was pressed at the other telephone."""

    @abstractmethod
    def other_typed(self, words: str) -> None:
        """Show it what was typed at the other telephone, if it can."""

    @property
    def _talks_with(self) -> TalkingHandset | None:
        return None if self.over else self._other
