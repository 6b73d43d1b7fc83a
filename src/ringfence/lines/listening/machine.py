"""Who picked up: a person, who says a word and waits, or a machine, which goes on speaking.

The quantities are those that Asterisk's AMD() goes by (greeting, silence after it, silence before
it); tones decide before words do. A machine is told of when it has beeped or fallen silent, so that
a message left then is recorded; who spoke for long, waits and does not beep is a person after all.
Not to be sure counts as a person: `UNKNOWN`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.listening.beep import Tone, is_near, is_special_information, pitch, tones
from ringfence.lines.listening.frames import Frames, level
from ringfence.lines.listening.speech import FRAME_SAMPLES, FRAME_SECONDS, Word, loudness, words
from ringfence.lines.listening.tones import BLOCK, held_key

_LOOK_FRAMES = 5
_TONE_FRAMES = 7  # of a beep, at the least
_LONG_TONE_FRAMES = 20  # of a fax machine
_ENDLESS_TONE_FRAMES = 200  # longer than a machine beeps
_AFTER_TONE_FRAMES = 5
_LOW_TONE_HZ = 600.0  # under which a sung or drawn vowel may pass for a tone for a while
_LOW_TONE_FRAMES = 12
_FIRST_TONE_FRAMES = 10  # of a beep before which nobody spoke
_TONE_FAINTEST_DB = -45.0
_TONE_BELOW_LOUD_DB = 12.0  # at the most: a television plays notes, too


@dataclass(frozen=True, slots=True)
class Finding:
    """Who picked up, and why one thinks so, in words for an operator."""

    answered_by: AnsweredBy
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What tells a person from a machine, in seconds.

    `initial_silence` is how long nobody need speak. `greeting` is the longest that a person speaks
    without waiting for an answer; who speaks for longer is taken for a machine, unless a greeting
    of no more than `business_greeting` is followed by `after_business`, and no beep: a business.
    `after_greeting` is the silence that is waited for after a greeting, and `hurried` the one that
    is enough when it would last beyond `hurry`, counted from the answer. `pause` is as much of a
    shorter silence as counts into a greeting. `undecided` is after how long a person is assumed;
    `after_machine` the silence that ends a machine's greeting without a beep; `longest` how long
    its beep is waited for, counted from the answer.
    """

    initial_silence: float = 2.8
    greeting: float = 1.4
    business_greeting: float = 3.6
    after_business: float = 1.5
    after_greeting: float = 0.9
    hurried: float = 0.7
    hurry: float = 2.8
    pause: float = 0.4
    undecided: float = 5.0
    after_machine: float = 2.0
    longest: float = 35.0


@dataclass(frozen=True, slots=True)
class _Greeting:
    """The first words that no long silence parts.

    `span` are the seconds from its first sound to its last, `length` the same with long pauses cut
    short, and `silence` those after it. `is_last` tells whether nothing else was said since.
    """

    length: float
    span: float
    silence: float
    is_over: bool
    is_last: bool


class MachineDetector:
    """Listens to sound of `rate` (8000 or 16000 Hz) from the answer on."""

    def __init__(self, rate: int, limits: Limits | None = None) -> None:
        """Raises `ValueError` for another rate."""
        self._limits = limits or Limits()
        self._frames = Frames(rate, FRAME_SAMPLES)
        self._levels: list[float] = []
        self._pitches: list[float] = []
        self.machine = ""  # why it is one, as soon as that is likely, before its greeting is over

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
        heard = [one for one in tones(self._pitches, _TONE_FRAMES) if self._may_be_beep(one)]
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
        if frames < _FIRST_TONE_FRAMES or is_near(tone.hz, 425, 440, 480, tolerance=15):
            return None
        # A tone of special information is followed by the next one at once.
        if over >= 2 * _AFTER_TONE_FRAMES:
            return Finding(AnsweredBy.MACHINE_BEEP, f"a beep of {tone.hz:.0f} Hz")
        return None

    def _may_be_beep(self, tone: Tone) -> bool:
        if tone.hz < _LOW_TONE_HZ and tone.end - tone.start < _LOW_TONE_FRAMES:
            return False
        least = loudness(self._levels) - _TONE_BELOW_LOUD_DB
        return max(self._levels[tone.start : tone.end]) >= least

    def _spoken_before(self, tone: Tone) -> bool:
        return bool(words(self._levels[: max(0, tone.start - 1)]))

    def _by_words(self) -> Finding | None:
        limits, now = self._limits, len(self._levels)
        heard = words(self._levels)
        self.machine = ""
        if not heard:
            if _seconds(now) >= limits.initial_silence:
                return Finding(AnsweredBy.UNKNOWN, "silent: nobody spoke")
            return None
        greeting = self._first_greeting(heard, now)
        if greeting.length >= limits.greeting:
            self.machine = f"spoke for over {limits.greeting:.1f} s without waiting for an answer"
            if not self._of_business(greeting):
                return self._machine_over(heard, now)
        waits = limits.after_business if self.machine else 0.0
        if greeting.is_over and greeting.silence >= waits and not self._sounds(now):
            self.machine = ""
            why = f"spoke for {greeting.span:.1f} s and waited for an answer"
            return Finding(AnsweredBy.HUMAN, why)
        if not self.machine and _seconds(now) >= limits.undecided:
            return Finding(AnsweredBy.UNKNOWN, "neither a short greeting nor a long one")
        return None

    def _first_greeting(self, heard: list[Word], now: int) -> _Greeting:
        start, end = heard[0].start, heard[0].end
        length = _seconds(end - start)
        for word in heard[1:]:
            silence = _seconds(word.start - end)
            if silence >= self._awaited(end):
                return _Greeting(length, _seconds(end - start), silence, True, False)
            length += min(silence, self._limits.pause) + _seconds(word.end - word.start)
            end = word.end
        silence = _seconds(now - end)
        is_over = silence >= self._awaited(end)
        return _Greeting(length, _seconds(end - start), silence, is_over, True)

    def _awaited(self, end: int) -> float:
        """The seconds of silence after which a greeting that ends there is over."""
        limits = self._limits
        in_time = limits.hurry - _seconds(end)
        return max(limits.hurried, min(limits.after_greeting, in_time))

    def _of_business(self, greeting: _Greeting) -> bool:
        return greeting.is_last and greeting.span < self._limits.business_greeting

    def _machine_over(self, heard: list[Word], now: int) -> Finding | None:
        end = heard[-1].end if heard else 0
        quiet = _seconds(now - end) >= self._limits.after_machine
        if quiet or _seconds(now) >= self._limits.longest:
            return Finding(AnsweredBy.MACHINE_SILENT, self.machine)
        return None

    def _sounds(self, now: int) -> bool:
        """Whether a tone sounds right now, which is soon known to be a beep or not."""
        return any(tone.end == now for tone in tones(self._pitches[-20:] or [0.0], 3))


def _seconds(frames: int) -> float:
    return frames * FRAME_SECONDS
