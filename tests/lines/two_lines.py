"""A server's browser phones and its SIP line over real processes, joined by one switch; what
somebody says at a browser phone, and what is heard at one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from telephones import Exchange, Telephone, exchange

sys.path.append(str(Path(__file__).parent / "sip"))

from peers_sound import RATE, FarSound, Samples, Stream, far_sound, found_in, level_dbov, read_wav
from sip_children import SIPp, far_end, missing
from sip_lines import LONG, OURS, Caller, open_line
from sipp_scenarios import ANSWER, HUNG_UP, TALK, pause, receive_status, scenario, send

from ringfence.flows.participant import Destination, Participant, Prompt
from ringfence.lines.live_sound import LIVE_RATE
from ringfence.lines.switch import Switch

__all__ = [
    "LONG",
    "OURS",
    "FarSound",
    "Samples",
    "Stream",
    "found_in",
    "level_dbov",
    "missing",
    "read_wav",
]

ANALYST = "+4930555666"
OUTSIDE = "+4930777888"  # no browser phone's
_FRAME = LIVE_RATE // 25  # samples of 40 ms, as a page sends them


@dataclass
class Server:
    """Both lines of a server."""

    phones: Exchange
    trunk: Caller


@asynccontextmanager
async def server(port: int, *, grace_seconds: float = 5.0, **line: Any) -> AsyncIterator[Server]:
    """A server whose trunk is the far end on that port."""
    switch = Switch()
    async with (
        exchange(switch=switch, grace_seconds=grace_seconds) as phones,
        open_line(port, switch=switch, **line) as trunk,
    ):
        yield Server(phones, trunk)


@contextmanager
def cardholders(folder: Path, leaves_after_seconds: int = 0) -> Iterator[tuple[SIPp, FarSound]]:
    """Telephones behind a trunk: each that rings is answered, and talks until either hangs up."""
    talks = (*ANSWER, *HUNG_UP)
    if leaves_after_seconds:
        talks = (*TALK, pause(leaves_after_seconds * 1000), send("BYE"), receive_status(200))
    with far_sound() as sound, far_end(scenario(*talks), folder, sound) as peer:
        yield peer, sound


class Menu:
    """Puts the caller through to a number, and then waits for a key."""

    def __init__(self, number: str = ANALYST, digits: str = "", *, records: bool = False) -> None:
        self.destination = Destination(number, OURS, "Ringfence Bank", 20.0, digits)
        self.key: str | None = None
        self.back = False
        self._records = records

    async def __call__(self, participant: Participant) -> None:
        if self._records:
            assert await participant.record(True)
        await participant.connect(self.destination)
        self.back = True
        self.key = await participant.digit(10)
        await participant.say(Prompt("Goodbye.", ssml=False), interruptible=False)


def sweep(low: float, high: float, rate: int = RATE, seconds: float = 1.2) -> Samples:
    """A tone that rises: like nothing else, and found wherever it is."""
    at = np.arange(int(seconds * rate)) / rate
    rise = (high - low) / (2 * seconds)
    return (9000 * np.sin(2 * np.pi * (low * at + rise * at**2))).astype(np.int16)


def is_in(part: Samples, whole: Samples) -> bool:
    """Whether most pieces of a sweep are there: a jitter buffer may have shifted some of it, and
    on a busy machine more than once."""
    pieces = np.array_split(part, 12)
    return sum(found_in(piece, whole)[0] > 0.9 for piece in pieces) > len(pieces) / 2


async def until(true: Callable[[], bool]) -> None:
    """Wait for what nobody tells."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def arrives(says: Callable[[], Awaitable[None]], heard: Callable[[], bool]) -> None:
    """Say something until it is heard: on a busy machine most of it may once be late."""
    for _ in range(8):
        await says()
        await asyncio.sleep(0.6)
        if heard():
            return
    raise AssertionError("what is said is not heard")


async def say(phone: Telephone, samples: Samples) -> None:
    """Say this at a browser phone, as it comes from a microphone."""
    clock = asyncio.get_running_loop().time
    began = clock()
    for number, start in enumerate(range(0, len(samples), _FRAME), 1):
        with contextlib.suppress(ConnectionError):
            await phone.socket.send(samples[start : start + _FRAME].astype("<i2").tobytes())
        await asyncio.sleep(max(0.0, began + number * _FRAME / LIVE_RATE - clock()))


def heard(phone: Telephone) -> Samples:
    """What a browser phone has heard in its talk, at 16 kHz."""
    frames = [sound for sound in phone.sounds if not sound.startswith(b"RIFF")]
    return np.frombuffer(b"".join(frames), "<i2").astype(np.int16)


async def say_outside(sound: FarSound, stream: Stream, samples: Samples) -> None:
    """Say this at a telephone on the trunk, to its end."""
    sound.say(samples, stream)
    await asyncio.sleep(len(samples) / RATE)
