"""The sound of many far ends at one port: what arrives and when, and what they say and press.

Who calls is known by the address that its RTP comes from. Arrival times are the kernel's, so that
how busy Python is does not count as a gap. What is sent can be lost, delayed and so reordered on
the way, like in a network.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160  # samples of 20 ms
KEYS = "0123456789*#"
EVENTS = 120  # the payload type of telephone events that the wheel offers
A_LAW_SILENCE = b"\xd5" * FRAME
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_TIMESPEC = struct.Struct("@qq")
_HEAD = struct.Struct(">BBHII")

Samples = NDArray[np.int16]


@dataclass(slots=True)
class Stream:
    """What came from one caller: arrival in seconds, sequence, timestamp, payload type, payload."""

    source: tuple[str, int]
    packets: list[tuple[float, int, int, int, bytes]] = field(default_factory=list)
    pressed: int = 0

    def sound(self) -> list[tuple[float, int, int, int, bytes]]:
        """The packets with sound."""
        return [packet for packet in self.packets if packet[3] in (0, 8)]

    def worst_gap_ms(self) -> float:
        """The longest time between two packets that follow each other."""
        return float(self._gaps_ms().max(initial=0.0))

    def gaps_over(self, milliseconds: float) -> int:
        """How many are longer."""
        return int((self._gaps_ms() > milliseconds).sum())

    def _gaps_ms(self) -> NDArray[np.float64]:
        return np.diff(np.array([packet[0] for packet in self.packets])) * 1000

    def missing(self) -> int:
        """Sequence numbers that are lacking between the first packet and the last."""
        numbers = [packet[1] for packet in self.packets]
        return (numbers[-1] - numbers[0] + 1) % 65536 - len(set(numbers)) if numbers else 0

    def heard(self) -> Samples:
        """The sound by its timestamps, with silence where packets are lacking."""
        packets = self.sound()
        if not packets:
            return np.zeros(0, np.int16)
        start = min(packet[2] for packet in packets)
        length = max(packet[2] + len(packet[4]) for packet in packets) - start
        samples = np.zeros(length, np.int16)
        for _, _, timestamp, kind, payload in packets:
            table = A_LAW if kind == 8 else MU_LAW
            values = table[np.frombuffer(payload, np.uint8)]
            samples[timestamp - start : timestamp - start + len(values)] = values
        return samples

    def keys(self) -> str:
        """The telephone events that came, each once."""
        events = {p[2]: p[4][0] for p in self.packets if p[3] not in (0, 8, 9, 13)}
        return "".join(KEYS[events[at]] for at in sorted(events) if events[at] < len(KEYS))


class FarSound:
    """The RTP port of as many far ends as call it. They are silent until told otherwise."""

    def __init__(
        self, *, loss: float = 0.0, jitter_ms: float = 0.0, talks: bool = True, seed: int = 1
    ) -> None:
        """`loss` is the part of what is sent here that never arrives; `jitter_ms` the most by
        which a packet is late; with `talks`, each sends sound from when it first hears any."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for option in (socket.SO_RCVBUF, _SO_RCVBUFFORCE):
            with contextlib.suppress(PermissionError):  # the second is root's, and has no limit
                self.socket.setsockopt(socket.SOL_SOCKET, option, 1 << 23)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port: int = self.socket.getsockname()[1]
        self.streams: dict[tuple[str, int], Stream] = {}
        self.loss = loss
        self.jitter_ms = jitter_ms
        self._talks = talks
        self._muted = False
        self._chance = random.Random(seed)
        self._outgoing: dict[tuple[str, int], _Talk] = {}
        self._late: list[tuple[float, int, bytes, tuple[str, int]]] = []
        self._number = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._receive, self._send)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2)
        self.socket.close()

    def mute(self, on: bool = True) -> None:
        """Send nothing at all, as when the network is gone; or do again."""
        self._muted = on

    def stream(self, number: int = 0, within: float = 20.0) -> Stream:
        """The stream of the caller that came as number `number`, once there is one."""
        until = time.monotonic() + within
        while len(self.streams) <= number:
            assert time.monotonic() < until, f"only {len(self.streams)} callers sent sound"
            time.sleep(0.01)
        return list(self.streams.values())[number]

    def press(self, key: str, stream: Stream, milliseconds: int = 160, kind: int = EVENTS) -> None:
        """Press a key as RFC 4733 says: packets while it is down, and the last one three times."""
        with self._lock:
            stream.pressed += 1
            self._outgoing.setdefault(stream.source, _Talk(self._chance)).press(
                KEYS.index(key), milliseconds // 20, kind
            )

    def say(self, samples: Samples, stream: Stream) -> None:
        """Say this, after what is being said."""
        encoded = encode_a_law(samples)
        with self._lock:
            self._outgoing.setdefault(stream.source, _Talk(self._chance)).say(encoded)

    def _receive(self) -> None:
        while not self._over.is_set():
            try:
                data, ancillary, _, source = self.socket.recvmsg(2048, 64)
            except (TimeoutError, ConnectionError):
                continue
            except OSError:
                return
            at = time.time()
            for _, kind, value in ancillary:
                if kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(value[:16])
                    at = seconds + nanoseconds / 1e9
            if len(data) < 12:
                continue
            first, second, sequence, timestamp, _ = _HEAD.unpack_from(data)
            if first >> 6 != 2:
                continue
            stream = self.streams.get(source)
            if stream is None:
                with self._lock:
                    stream = self.streams[source] = Stream(source)
                    if self._talks:
                        self._outgoing.setdefault(source, _Talk(self._chance))
            payload = data[12 + 4 * (first & 15) :]
            stream.packets.append((at, sequence, timestamp, second & 0x7F, payload))

    def _send(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            with self._lock:
                packets = [(talk.next(), to) for to, talk in self._outgoing.items()]
            now = time.monotonic()
            for packet, to in packets:
                if self._muted or self._chance.random() < self.loss:
                    continue
                late = self._chance.random() * self.jitter_ms / 1000
                heapq.heappush(self._late, (now + late, next(self._number), packet, to))
            due += 0.02
            while True:
                now = time.monotonic()
                while self._late and self._late[0][0] <= now:
                    _, _, packet, to = heapq.heappop(self._late)
                    with contextlib.suppress(OSError):
                        self.socket.sendto(packet, to)
                until = min(due, self._late[0][0]) if self._late else due
                if due <= now:
                    break
                time.sleep(max(0.0, until - now))


class _Talk:
    """What one far end sends, a packet each 20 ms."""

    def __init__(self, chance: random.Random) -> None:
        self._sequence = chance.randrange(65536)
        self._timestamp = chance.randrange(1 << 31)
        self._source = chance.randrange(1 << 32)
        self._speech: list[bytes] = []
        self._events: list[tuple[int, int, bytes, bool, bool]] = []

    def say(self, encoded: bytes) -> None:
        for start in range(0, len(encoded), FRAME):
            self._speech.append(encoded[start : start + FRAME].ljust(FRAME, b"\xd5"))

    def press(self, event: int, packets: int, kind: int) -> None:
        for number in range(packets + 3):
            ends = number >= packets
            duration = min(number + 1, packets) * FRAME
            payload = struct.pack(">BBH", event, (0x80 if ends else 0) | 10, duration)
            self._events.append((kind, number, payload, number == 0, number == packets + 2))
        self._events += [(-1, 0, b"", False, False)] * 4  # a pause before the next key

    def next(self) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        if self._events and self._events[0][0] >= 0:
            kind, number, payload, marker, _ = self._events.pop(0)
            # All packets of an event carry the timestamp of its begin.
            timestamp = (self._timestamp - number * FRAME) & 0xFFFFFFFF
            second = kind | (0x80 if marker else 0)
            return _HEAD.pack(0x80, second, self._sequence, timestamp, self._source) + payload
        if self._events:
            self._events.pop(0)
        payload = self._speech.pop(0) if self._speech else A_LAW_SILENCE
        return _HEAD.pack(0x80, 8, self._sequence, self._timestamp, self._source) + payload


@contextlib.contextmanager
def far_sound(loss: float = 0.0, jitter_ms: float = 0.0) -> Iterator[FarSound]:
    """Sound of far ends while the block runs."""
    sound = FarSound(loss=loss, jitter_ms=jitter_ms)
    try:
        yield sound
    finally:
        sound.close()


def tones(key: str, milliseconds: int = 100, pause_milliseconds: int = 120) -> Samples:
    """The two tones of a key (ITU-T Q.23), and silence after them."""
    row, column = divmod("123456789*0#".index(key), 3)
    at = np.arange(RATE * milliseconds // 1000) / RATE
    low, high = (697, 770, 852, 941)[row], (1209, 1336, 1477)[column]
    sound = 6000 * (np.sin(2 * np.pi * low * at) + np.sin(2 * np.pi * high * at))
    return np.pad(sound, (0, RATE * pause_milliseconds // 1000)).astype(np.int16)


def level_dbov(samples: Samples) -> float:
    """The level of sound: 0 is that of a square wave as loud as can be."""
    if not len(samples):
        return -127.0
    root = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return max(-127.0, 20 * float(np.log10(max(root, 1e-9) / 32768)))


def found_in(part: Samples, whole: Samples) -> tuple[float, int]:
    """How alike `part` is to the place in `whole` where it is most (1 is the same), and where."""
    if len(whole) < len(part):
        whole = np.pad(whole, (0, len(part) - len(whole)))
    a, b = part.astype(np.float64), whole.astype(np.float64)
    size = 1 << (len(a) + len(b)).bit_length()
    products = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    products = products[: len(b) - len(a) + 1]
    sums = np.concatenate(([0.0], np.cumsum(b**2)))
    energy = sums[len(a) :] - sums[: len(sums) - len(a)]
    floor = energy.max() * 1e-6 + 1e-9
    alike = products / np.sqrt(np.maximum(energy, floor) * (a**2).sum())
    at = int(np.argmax(alike))
    return float(alike[at]), at


def _a_law() -> Samples:
    codes = np.arange(256) ^ 0x55
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    value = (mantissa << 4) + 8
    value = np.where(exponent > 0, (value + 0x100) << np.maximum(exponent - 1, 0), value)
    return np.where(codes & 0x80, value, -value).astype(np.int16)


def _mu_law() -> Samples:
    codes = ~np.arange(256) & 0xFF
    exponent, mantissa = (codes >> 4) & 7, codes & 15
    value = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(codes & 0x80, -value, value).astype(np.int16)


A_LAW, MU_LAW = _a_law(), _mu_law()
_ORDER = np.argsort(A_LAW)
_EDGES = (A_LAW[_ORDER][1:].astype(np.int32) + A_LAW[_ORDER][:-1]) / 2


def encode_a_law(samples: Samples) -> bytes:
    """A-law, the nearest value for each sample."""
    return _ORDER[np.searchsorted(_EDGES, samples)].astype(np.uint8).tobytes()


def read_wav(data: bytes) -> Samples:
    """The samples of a mono WAV file."""
    import io
    import wave

    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
