"""Who picked up: a person, who says a word and waits, or a machine, which goes on speaking.

The quantities are those that Asterisk's AMD() goes by (greeting, silence after it, silence before
it); tones decide before words do. A machine is told of when it has beeped or fallen silent, so that
a message left then is recorded. Not to be sure counts as a person: `UNKNOWN`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.listening.beep import Tone, is_near, is_special_information, pitch, tones
from ringfence.lines.listening.frames import Frames, level
from ringfence.lines.listening.speech import FRAME_SAMPLES, FRAME_SECONDS, Word, words
from ringfence.lines.listening.tones import BLOCK, held_key

_LOOK_FRAMES = 5
_TONE_FRAMES = 7  # of a beep, at the least
_LONG_TONE_FRAMES = 20  # of a fax machine
_ENDLESS_TONE_FRAMES = 200  # longer than a machine beeps
_AFTER_TONE_FRAMES = 5
_TONE_FAINTEST_DB = -45.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Who picked up, and why one thinks so, in words for an operator."""

    answered_by: AnsweredBy
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What tells a person from a machine, in seconds.

    `initial_silence` is how long nobody need speak; `greeting` the longest that a person speaks
    without a pause of `after_greeting`; `undecided` after how long a person is assumed;
    `after_machine` the silence that ends a machine's greeting without a beep; `longest` how long
    its beep is waited for, counted from the answer.
    """

    initial_silence: float = 3.5
    greeting: float = 1.6
    after_greeting: float = 0.8
    undecided: float = 5.0
    after_machine: float = 2.0
    longest: float = 35.0


class MachineDetector:
    """Listens to sound of `rate` (8000 or 16000 Hz) from the answer on."""

    def __init__(self, rate: int, limits: Limits | None = None) -> None:
        """Raises `ValueError` for another rate."""
        self._limits = limits or Limits()
        self._frames = Frames(rate, FRAME_SAMPLES)
        self._levels: list[float] = []
        self._pitches: list[float] = []
        self.machine = ""  # why it is one, as soon as that is clear, before its greeting is over

    def hear(self, pcm: bytes) -> Finding | None:
        """What was found, once; None as long as it is not clear."""
        for frame in self._frames.cut(pcm):
            self._take(frame)
            if len(self._levels) % _LOOK_FRAMES == 0:
                found = self._by_tones() or self._by_words()
                if found is not None:
                    return found
        return None

    def finish(self) -> Finding:
        """What is likely when no more sound comes."""
        if self.machine:
            return Finding(AnsweredBy.MACHINE_SILENT, self.machine)
        return Finding(AnsweredBy.UNKNOWN, "the sound ended before it was clear who picked up")

    def _take(self, frame: array[int]) -> None:
        loud = level(frame)
        self._levels.append(loud)
        hz = pitch(frame) if loud > _TONE_FAINTEST_DB else 0.0
        # The two tones of a key may pass for one between them.
        self._pitches.append(0.0 if hz and held_key(frame[:BLOCK]) else hz)

    def _by_tones(self) -> Finding | None:
        heard = tones(self._pitches, _TONE_FRAMES)
        if not heard:
            return None
        if is_special_information(heard):
            return Finding(AnsweredBy.UNKNOWN, "a special information tone: number not in service")
        last = heard[-1]
        if not self.machine and not self._spoken_before(last):
            return self._by_first_tone(last)
        if last.end - last.start >= _ENDLESS_TONE_FRAMES:
            return Finding(AnsweredBy.UNKNOWN, f"a tone of {last.hz:.0f} Hz that does not end")
        if len(self._levels) - last.end < _AFTER_TONE_FRAMES:
            return None
        return Finding(AnsweredBy.MACHINE_BEEP, f"a beep of {last.hz:.0f} Hz after speech")

    def _by_first_tone(self, tone: Tone) -> Finding | None:
        """What a tone tells that nobody spoke before."""
        frames, over = tone.end - tone.start, len(self._levels) - tone.end
        if frames >= _LONG_TONE_FRAMES and is_near(tone.hz, 1100, 2100):
            return Finding(AnsweredBy.MACHINE_SILENT, f"a fax machine's tone of {tone.hz:.0f} Hz")
        if frames >= 2 * _LONG_TONE_FRAMES:
            return Finding(AnsweredBy.UNKNOWN, f"a long tone of {tone.hz:.0f} Hz, as of a network")
        # A tone of special information is followed by the next one at once.
        if over >= 2 * _AFTER_TONE_FRAMES and not is_near(tone.hz, 425, 440, 480, tolerance=15):
            return Finding(AnsweredBy.MACHINE_BEEP, f"a beep of {tone.hz:.0f} Hz")
        return None

    def _spoken_before(self, tone: Tone) -> bool:
        return bool(words(self._levels[: max(0, tone.start - 1)]))

    def _by_words(self) -> Finding | None:
        heard = words(self._levels)
        now = len(self._levels)
        if self.machine:
            return self._machine_over(heard, now)
        if not heard:
            if _seconds(now) >= self._limits.initial_silence:
                return Finding(AnsweredBy.UNKNOWN, "silent: nobody spoke")
            return None
        first = _first_greeting(heard, self._limits.after_greeting)
        length, silence = _seconds(first.end - first.start), _seconds(now - first.end)
        if length >= self._limits.greeting:
            self.machine = (
                f"spoke for over {self._limits.greeting:.1f} s without waiting for an answer"
            )
            return self._machine_over(heard, now)
        if silence >= self._limits.after_greeting and not self._sounds(now):
            why = f"spoke for {length:.1f} s and waited for an answer"
            return Finding(AnsweredBy.HUMAN, why)
        if _seconds(now) >= self._limits.undecided:
            return Finding(AnsweredBy.UNKNOWN, "neither a short greeting nor a long one")
        return None

    def _machine_over(self, heard: list[Word], now: int) -> Finding | None:
        end = heard[-1].end if heard else 0
        quiet = _seconds(now - end) >= self._limits.after_machine
        if quiet or _seconds(now) >= self._limits.longest:
            return Finding(AnsweredBy.MACHINE_SILENT, self.machine)
        return None

    def _sounds(self, now: int) -> bool:
        """Whether a tone sounds right now, which is soon known to be a beep or not."""
        return any(tone.end == now for tone in tones(self._pitches[-20:] or [0.0], 3))


def _first_greeting(heard: list[Word], pause_seconds: float) -> Word:
    """The first stretch of words that no long pause parts."""
    start, end = heard[0].start, heard[0].end
    for word in heard[1:]:
        if _seconds(word.start - end) >= pause_seconds:
            break
        end = word.end
    return Word(start, end)


def _seconds(frames: int) -> float:
    return frames * FRAME_SECONDS
