"""What is played to one call: sounds that follow each other without a gap."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pjsua2

from ringfence.lines.sip.child_sound import (
    FRAME_SECONDS,
    HEADER_BYTES,
    MemoryFile,
    stop,
    wav_header,
)

MOST_PLAYERS = 4  # of one call
_AHEAD_SECONDS = 0.5  # of sound that players hold ready
_TAIL_SECONDS = 0.6  # of silence after a sound: PJSIP tells no position in its last buffer


class _Player(pjsua2.AudioMediaPlayer):  # type: ignore[misc]
    """A player that remembers that its file is over."""

    over = False

    def onEof2(self) -> None:  # noqa: N802
        """Called by PJSIP."""
        self.over = True


@dataclass(slots=True)
class _Part:
    """A sound that plays, after `lead` samples of silence that end when the one before ends."""

    number: int
    samples: int
    lead: int
    player: Any
    before: _Part | None
    offset: int = 0  # how far the one before is ahead, in samples of both their files
    late: int | None = None  # behind the one before, when last looked at
    settled: bool = False  # both are known to run together

    @property
    def end(self) -> int:
        """Where its sound ends in its file, in samples."""
        return self.lead + self.samples

    @property
    def position(self) -> int:
        """How much of its file went out, in samples."""
        return self.end if self.player.over else int(self.player.getPos())


class Playback:
    """Plays one sound after another to a call.

    A player starts while the one before still plays, with as much silence before its sound as the
    other has left: both run on the same clock, so one ends in the very sample in which the next
    begins.
    """

    def __init__(self, rate: int, played: Callable[[int, float], None]) -> None:
        """`played` is told the number of each sound that is over, and how many seconds went out."""
        self._rate = rate
        self._frame = int(rate * FRAME_SECONDS)
        self._played = played
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._parts: deque[_Part] = deque()
        self._to: list[Any] = []

    @property
    def busy(self) -> bool:
        """Whether anything plays or waits to."""
        return bool(self._parts or self._waiting)

    @property
    def settling(self) -> bool:
        """Whether two players have yet to be seen running together."""
        return any(part.before is not None and not part.settled for part in self._parts)

    def play(self, number: int, pcm: bytes) -> None:
        """Play `pcm` after what is playing. Raises `pjsua2.Error` when PJSIP has no player left."""
        self._waiting.append((number, pcm[: len(pcm) & ~1]))
        self._fill()

    def connect(self, to: list[Any]) -> None:
        """Send to these media from now on: the call's, and what else hears our side."""
        self._to = to
        for part in self._parts:
            self._start(part)

    def silence(self) -> None:
        """Stop at once, and forget what waits."""
        parts, self._parts = self._parts, deque()
        waiting, self._waiting = self._waiting, deque()
        heard = [self._heard(part) for part in parts]
        for part in parts:
            stop(part.player, self._to)
            part.before = None
        for part, seconds in zip(parts, heard, strict=True):
            self._played(part.number, seconds)
        for number, _ in waiting:
            self._played(number, 0.0)

    def attend(self) -> None:
        """Tell of what is over, start what is next, and hold both players together."""
        while self._parts and self._parts[0].position >= self._parts[0].end:
            part = self._parts.popleft()
            stop(part.player, self._to)
            self._played(part.number, part.samples / self._rate)
            if self._parts:
                self._parts[0].before = None
        self._fill()
        for part in self._parts:
            if part.before is not None and not part.settled:
                self._align(part, part.before)

    def _fill(self) -> None:
        while self._waiting and self._hungry:
            number, pcm = self._waiting.popleft()
            if not pcm:
                self._played(number, 0.0)
                continue
            before = self._parts[-1] if self._parts else None
            position = before.position if before else 0
            lead = max(0, before.end - position) if before else 0
            player = self._player(pcm, lead)
            part = _Part(number, len(pcm) // 2, lead, player, before, position)
            self._parts.append(part)
            self._start(part)

    @property
    def _hungry(self) -> bool:
        if len(self._parts) < 2:
            return True
        last = self._parts[-1]
        left = last.end - last.position
        return len(self._parts) < MOST_PLAYERS and left < _AHEAD_SECONDS * self._rate

    def _player(self, pcm: bytes, lead: int) -> Any:
        file = MemoryFile()
        try:
            samples = lead + len(pcm) // 2 + int(_TAIL_SECONDS * self._rate)
            os.write(file.descriptor, wav_header(samples, self._rate))
            os.lseek(file.descriptor, lead * 2, os.SEEK_CUR)  # a hole: silence that takes no memory
            rest = memoryview(pcm)
            while rest:
                rest = rest[os.write(file.descriptor, rest) :]
            os.ftruncate(file.descriptor, HEADER_BYTES + samples * 2)
            player = _Player()
            player.createPlayer(file.path, pjsua2.PJMEDIA_FILE_NO_LOOP)
        finally:
            file.close()
        return player

    def _start(self, part: _Part) -> None:
        for media in self._to:
            part.player.startTransmit(media)

    def _align(self, part: _Part, before: _Part) -> None:
        # Between the look at the one player and the start of the other the clock may have ticked,
        # and while we look it may be between the two, so that only what is seen twice is believed.
        position, ahead = part.position, before.position
        near_its_sound = position + 3 * self._frame > part.lead
        if position == 0 or part.position != position or near_its_sound:
            return
        late, part.late = part.late, (ahead - part.offset) - position
        if late != part.late:
            return
        if late:
            part.player.setPos(position + late)
            part.late = None
        else:
            part.settled = True

    def _heard(self, part: _Part) -> float:
        return max(0, min(part.samples, part.position - part.lead)) / self._rate
