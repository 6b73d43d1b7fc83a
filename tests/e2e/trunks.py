"""A telephone network behind a trunk, in a process of its own: cardholders who ring, answer and
press keys, and what their telephones saw."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "lines" / "sip"))

from peers_sound import FarSound
from sip_children import PATIENCE, free_port, missing
from sipp_scenarios import pause, receive, reply, respond, scenario

__all__ = ["Invite", "Trunk", "missing"]


@dataclass(frozen=True)
class Invite:
    """A telephone was told to ring: when, for whom, and for which call."""

    at: float
    number: str
    call_id: str


class Trunk:
    """SIPp, which rings for `ring_seconds` and answers, and cardholders who then press `key`.

    It listens on one port for all its life, and can die and come back.
    """

    def __init__(self, folder: Path, *, key: str = "2", ring_seconds: float = 0.8) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.sound = FarSound()
        self._folder = folder
        self._scenario = folder / "scenario.xml"
        self._scenario.write_text(
            scenario(
                receive("INVITE"),
                respond("180 Ringing"),
                # Somebody who hangs up while it rings is let go by the default behaviour.
                pause(int(ring_seconds * 1000)),
                respond("200 OK", sdp=True),
                receive("ACK"),
                receive("BYE"),
                reply(),
            )
        )
        self._lives = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._key = key
        self._over = threading.Event()
        self._pressing = threading.Thread(target=self._press, daemon=True)
        self._pressing.start()
        self.start()

    def start(self) -> None:
        """Listen."""
        self.sound.mute(False)
        self._lives += 1
        log = (self._folder / "sipp.log").open("ab")
        self._process = subprocess.Popen(
            [
                *("sipp", "-sf", str(self._scenario), "-i", "127.0.0.1", "-p", str(self.port)),
                *("-nostdin", "-trace_msg", "-message_file", str(self._messages(self._lives))),
                *("-nr", "-aa", "-key", "rtp", str(self.sound.port)),
            ],
            cwd=self._folder,
            stdout=log,
            stderr=log,
            env=os.environ | {"TERM": "dumb"},
        )
        log.close()
        until = time.monotonic() + PATIENCE
        wanted = f":{self.port:04X} "
        while wanted not in Path("/proc/net/udp").read_text():
            assert self._process.poll() is None, (self._folder / "sipp.log").read_text()[-2000:]
            assert time.monotonic() < until, "SIPp does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        """Be gone at once, with all calls and their sound."""
        self.sound.mute()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """No more trunk."""
        self._over.set()
        self._pressing.join(2)
        self.kill()
        self.sound.close()

    def invites(self) -> list[Invite]:
        """The calls that came so far, each once, in order."""
        found: dict[str, Invite] = {}
        for life in range(1, self._lives + 1):
            file = self._messages(life)
            if not file.exists():
                continue
            for part in re.split(r"^-{20,} ", file.read_text(errors="replace"), flags=re.M)[1:]:
                if not (asked := re.search(r"^INVITE sips?:([^@;>\s]+)", part, re.MULTILINE)):
                    continue
                call = re.search(r"^Call-ID:\s*(\S+)", part, re.MULTILINE | re.IGNORECASE)
                assert call is not None, part
                at = datetime.fromisoformat(" ".join(part.split()[:2])).timestamp()
                found.setdefault(call[1], Invite(at, asked[1], call[1]))
        return sorted(found.values(), key=lambda one: one.at)

    def wait_for_invites(self, count: int) -> None:
        """Return once so many calls came."""
        until = time.monotonic() + PATIENCE
        while len(self.invites()) < count:
            assert time.monotonic() < until, f"{len(self.invites())} calls came, not {count}"
            time.sleep(0.02)

    def _messages(self, life: int) -> Path:
        return self._folder / f"messages-{life}.log"

    def _press(self) -> None:
        """Press the key some time after each call began to sound, and once more."""
        pressed: dict[tuple[str, int], int] = {}
        while not self._over.wait(0.05):
            for source, stream in list(self.sound.streams.items()):
                if not stream.packets:
                    continue
                age = time.time() - stream.packets[0][0]
                times = pressed.get(source, 0)
                if age > (1.5, 3.5)[min(times, 1)] and times < 2:
                    pressed[source] = times + 1
                    self.sound.press(self._key, stream)
