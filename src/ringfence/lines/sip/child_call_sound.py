"""All that is heard on one call, and how it is connected."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pjsua2

from ringfence.lines.sip.child_engine import Engine
from ringfence.lines.sip.child_keys import KeySender
from ringfence.lines.sip.child_listening import Listener
from ringfence.lines.sip.child_playing import Playback
from ringfence.lines.sip.child_relay import Relay
from ringfence.lines.sip.child_sound import Recorder


class CallSound:
    """What goes to the far end of a call and comes from it, whatever it is connected by.

    PJSIP takes the call's sound away and gives another with every re-INVITE, so everything is
    connected anew whenever `connect` is called.
    """

    def __init__(
        self, engine: Engine, keys: KeySender, played: Callable[[int, float], None]
    ) -> None:
        """`played` is told of each sound that is over, and how many seconds of it went out."""
        self.playback = Playback(engine.rate, played)
        self.listener = Listener(engine)
        self._engine = engine
        self._keys = keys
        self._media: Any = None
        self._relay: Relay | None = None
        self._recorder: Recorder | None = None
        self._recorded: list[Recorder] = []
        self._joined: set[CallSound] = set()

    @property
    def flows(self) -> bool:
        """Whether there is sound on the call."""
        return self._media is not None

    @property
    def recorded(self) -> bool:
        """Whether a recording is being brought to its end."""
        return bool(self._recorded)

    def connect(self, media: Any) -> None:
        """The sound of the call is this from now on, or none."""
        self._media = media
        if media is None:
            self.playback.connect([])
            self._keys.connect([])
            self.listener.connect(None)
            return
        self._wire()
        for other in self._joined:
            other._wire()

    def relay(self, on: bool) -> None:
        """Carry sound to and from a telephone elsewhere (`feed`, `voice`) from now on, or no more.
        Raises `pjsua2.Error`."""
        if on and self._relay is None:
            self._relay = Relay(self._engine)
            self._wire()
        elif not on and self._relay is not None:
            self._relay.end(self._media, self._hearing())
            self._relay = None

    def feed(self, pcm: bytes) -> None:
        """The telephone elsewhere says this."""
        if self._relay is not None:
            self._relay.put(pcm)

    @property
    def hurried(self) -> bool:
        """Whether it is to be attended to sooner than usual: people talk, or sounds are joined."""
        return self._relay is not None or self.playback.settling

    def voice(self) -> bytes:
        """What the telephone elsewhere is to hear, since the last time."""
        return b"" if self._relay is None else self._relay.take()

    def join(self, other: CallSound) -> None:
        """Let both hear each other."""
        self._joined.add(other)
        other._joined.add(self)
        self._wire()
        other._wire()

    def part(self, other: CallSound) -> None:
        """Let both hear each other no more."""
        self._joined.discard(other)
        other._joined.discard(self)
        for one, two in ((self, other), (other, self)):
            if one._media is not None:
                for media in two._hearing():
                    with contextlib.suppress(pjsua2.Error):  # it is gone
                        one._media.stopTransmit(media)

    def record(self, recorder: Recorder) -> None:
        """Record both sides with `recorder`, unless it is being done already."""
        if self._recorder is None:
            self._recorder = recorder
            self._wire()

    def stop_recording(self) -> None:
        """Record no more; `recordings` has it soon."""
        if self._recorder is not None:
            recorder, self._recorder = self._recorder, None
            recorder.stop()
            self._recorded.append(recorder)
            self._wire()

    def recordings(self) -> list[bytes]:
        """The recordings that have become whole since the last time."""
        if self._recorder is not None and self._recorder.full:
            self.stop_recording()
        whole = []
        for recorder in list(self._recorded):
            wav = recorder.finished()
            if wav is not None:
                self._recorded.remove(recorder)
                whole.append(wav)
        return whole

    def end(self) -> None:
        """The call is over: nothing is heard on it any more."""
        for other in list(self._joined):
            self.part(other)
        self.playback.silence()
        self.listener.end()
        self._keys.end()
        self.relay(False)
        self.connect(None)
        self.stop_recording()

    def _hearing(self) -> list[Any]:
        hearing = [] if self._media is None else [self._media]
        if self._recorder is not None:
            hearing.append(self._recorder.media)
        return hearing

    def _wire(self) -> None:
        if self._media is None:
            return
        hearing = self._hearing()
        if self._recorder is not None:
            self._media.startTransmit(self._recorder.media)
        sources = [self._engine.noise, *(other._media for other in self._joined)]
        for source in sources:  # a recording has its pauses, too, from the noise
            if source is not None:
                for media in hearing:
                    source.startTransmit(media)
        self.playback.connect(hearing)
        self._keys.connect(hearing)
        self.listener.connect(self._media)
        if self._relay is not None:
            self._relay.connect(self._media, hearing)
