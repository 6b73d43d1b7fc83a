"""How the sound of a call comes in: its packets, and whether any still come."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import pjsua2


@dataclass(frozen=True, slots=True)
class Reception:
    """What came in over the whole call."""

    lost_packets: int = 0
    received_packets: int = 0
    jitter_ms: float = 0.0


class Stream:
    """The sound stream of one call, of which PJSIP tells as long as it is there."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._flows = False
        self._statistics: Any = None
        self._seen = (0, 0)
        self._heard_at = 0.0

    def began(self, now: float) -> None:
        """Silence counts from now on."""
        self._heard_at = now

    def flows(self, flows: bool) -> None:
        """Sound flows from now on, or is about to flow no more."""
        if not flows:
            self.look()
        self._flows = flows

    def look(self) -> None:
        """Keep what PJSIP tells now."""
        if self._flows:
            with contextlib.suppress(pjsua2.Error):
                self._statistics = self._call.getStreamStat(0)

    def silent_seconds(self, now: float) -> float:
        """How long nothing came: no RTP, no RTCP. A call on hold is not silent."""
        self.look()
        seen = self._seen
        if self._statistics is not None:
            rtcp = self._statistics.rtcp
            seen = (rtcp.rxStat.pkt, rtcp.txStat.updateCount)
        held = any(
            media.status == pjsua2.PJSUA_CALL_MEDIA_REMOTE_HOLD
            for media in self._call.getInfo().media
        )
        if held or seen != self._seen:
            self._seen = seen
            self._heard_at = now
        return now - self._heard_at

    def reception(self) -> Reception:
        """How it came in, as far as PJSIP told."""
        if self._statistics is None:
            return Reception()
        received = self._statistics.rtcp.rxStat
        return Reception(received.loss, received.pkt, received.jitterUsec.mean / 1000)
