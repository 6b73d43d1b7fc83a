"""Engines: what makes sound of words, and which of them speaks for whom.

An operator says which; where the one that was chosen cannot speak, the built-in one does, so that
a call is never silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from ringfence.errors import Unavailable
from ringfence.lines.speech.script import Utterance

if TYPE_CHECKING:
    from ringfence.lines.speech.waveform import Wave

_log = structlog.get_logger(__name__)


class EngineFailed(Unavailable):
    """An engine cannot say something now; another one may."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a voice by its name in Amazon Connect, and the language it speaks."""

    voice: str
    language: str


@dataclass(frozen=True, slots=True)
class Sound:
    """A wave at its engine's own rate, in samples per second."""

    wave: Wave
    rate: int


class Engine(Protocol):
    """Something that speaks. Safe to use from many threads.

    `asks_elsewhere` says that it waits for others most of the time, so that the sentences of a
    prompt are better asked for at once.
    """

    asks_elsewhere: bool

    @property
    def name(self) -> str:
        """A name that differs where the same words would sound otherwise."""

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        """The sound of `utterance`. Raises `EngineFailed`."""
        ...

    def warm_up(self) -> None:
        """Load or connect to what takes time. Raises `EngineFailed`."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine speaks: `default`, or the one for a voice's name or a language.

    The keys of `chosen` are in lower case: `joanna`, `en-us`, `en`. `last` is who speaks when that
    one cannot.
    """

    last: Engine
    default: Engine | None = None
    chosen: Mapping[str, Engine] | None = None

    def speaking(self, speaker: Speaker) -> tuple[Engine, ...]:
        """The engines for `speaker`, in the order in which they are tried."""
        chosen = self.chosen or {}
        language = speaker.language.strip().lower().replace("_", "-")
        keys = (speaker.voice.strip().lower(), language, language.partition("-")[0])
        first = next((chosen[key] for key in keys if key in chosen), self.default)
        return (self.last,) if first is None or first is self.last else (first, self.last)

    def warm_up(self) -> None:
        """Let the engines load what takes time; the log tells which cannot."""
        for engine in self._all():
            try:
                engine.warm_up()
            except EngineFailed as error:
                _log.warning("a speech engine cannot speak", engine=engine.name, error=str(error))

    def close(self) -> None:
        """Let go of what the engines hold."""
        for engine in self._all():
            engine.close()

    def _all(self) -> list[Engine]:
        every = (*(self.chosen or {}).values(), self.default, self.last)
        return list({id(each): each for each in every if each is not None}.values())
