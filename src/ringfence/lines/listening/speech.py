"""Where in the last seconds somebody spoke, told by loudness alone.

What counts as speech is judged anew with every look from all that was heard: a loud room, a faint
line and a television behind the speaker only shift what is quiet and what is loud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160

_FAINTEST_DB = -48.0  # under which nothing is speech
_CONTRAST_DB = 9.0  # between what is quiet and what is loud, for any speech to be in it
_ABOVE_QUIET = 0.6  # of that contrast
_LOUD_FRAMES = 8  # that may be louder than what is loud: clicks
_CLICK_FRAMES = 3  # of sound that is no word
_GAP_FRAMES = 9  # of quiet that is no pause: a stop consonant, a lost packet


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of speech without a pause, in frames; `end` is exclusive."""

    start: int
    end: int


def words(levels: Sequence[float]) -> list[Word]:
    """The stretches of speech in `levels` (dB below full scale, one for each frame of 20 ms)."""
    if not levels:
        return []
    ordered = sorted(levels)
    quiet = max(ordered[len(ordered) // 10], _FAINTEST_DB - 6)
    loud = _loudness(ordered)
    if loud - quiet < _CONTRAST_DB:
        return [Word(0, len(levels))] if _steady_speech(levels, quiet) else []
    least = max(_FAINTEST_DB, quiet + _ABOVE_QUIET * (loud - quiet))
    found: list[Word] = []
    start = -1
    for index, level in enumerate([*levels, -100.0]):
        if level >= least:
            start = index if start < 0 else start
        elif start >= 0:
            if found and start - found[-1].end <= _GAP_FRAMES:
                found[-1] = Word(found[-1].start, index)
            else:
                found.append(Word(start, index))
            start = -1
    return [word for word in found if word.end - word.start >= _CLICK_FRAMES]


def loudness(levels: Sequence[float]) -> float:
    """How loud in dB below full scale is what is loud in `levels`, of which there is one at least.

    That is no share of all frames: a word stays what is loud however long one waits after it.
    """
    return _loudness(sorted(levels))


def _loudness(ordered: Sequence[float]) -> float:
    return ordered[-1 - min(len(ordered) // 20, _LOUD_FRAMES)]


def _steady_speech(levels: Sequence[float], quiet: float) -> bool:
    """Whether sound without any pause moves as speech does, unlike noise."""
    mean = sum(levels) / len(levels)
    moves = (sum((level - mean) ** 2 for level in levels) / len(levels)) ** 0.5
    return quiet > _FAINTEST_DB and moves > 3.0
