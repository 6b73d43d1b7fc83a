"""A real SIP child, driven over its pipes, and SIPp as the far end with its sound in our hands."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ringfence.lines.sip.messages import Dial, FromChild, Ready, Setup, ToChild, TrunkSetup

PATIENCE = 40.0  # seconds; a busy machine is slow, a failing test needs to say so only once
PROGRAM = ("-m", "ringfence.lines.sip.child")
M = TypeVar("M")


def missing() -> str:
    """What this machine lacks for these tests; empty when it has everything."""
    if shutil.which("sipp") is None:
        return "sipp is not installed"
    return "" if find_spec("pjsua2") else "pjsua2 is not installed"


class Child:
    """A child process, and what it has said."""

    def __init__(self, setup: Setup, log: Path, program: Sequence[str] = PROGRAM) -> None:
        self.log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self.said: list[Any] = []
        self._coming: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.tell(setup)

    def tell(self, message: ToChild) -> None:
        body = msgspec.msgpack.encode(message)
        self.process.stdin.write(len(body).to_bytes(4, "big") + body)
        self.process.stdin.flush()

    def hear(self, kind: type[M], within: float = PATIENCE, **fields: object) -> M:
        """The next message of this kind and with these fields; others are kept in `said`."""
        until = time.monotonic() + within
        while True:
            try:
                message = self._coming.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                message = None
            if message is None:
                raise AssertionError(
                    f"no {kind.__name__} {fields} in {self.said[-20:]}; log: {self.log.read_text()}"
                )
            self.said.append(message)
            if isinstance(message, kind) and all(
                getattr(message, name) == value for name, value in fields.items()
            ):
                return message

    def drain(self, seconds: float) -> None:
        """Note in `said` what comes within `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                message = self._coming.get(timeout=left)
                if message is None:
                    return
                self.said.append(message)

    def ended(self) -> int:
        """The status of the process, once it has ended."""
        return self.process.wait(timeout=PATIENCE)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _read(self) -> None:
        decoder = msgspec.msgpack.Decoder(FromChild)
        pipe = self.process.stdout
        while len(size := pipe.read(4)) == 4:
            self._coming.put(decoder.decode(pipe.read(int.from_bytes(size, "big"))))
        self._coming.put(None)


def trunk(port: int, **changes: Any) -> TrunkSetup:
    facts = {
        "name": "trunk",
        "uri": f"sip:127.0.0.1:{port}",
        "transport": "udp",
        "id_uri": "sip:bank@127.0.0.1",
        "keep_alive_seconds": 0.0,
    }
    return TrunkSetup(**(facts | changes))


def setup(*trunks: TrunkSetup, **changes: Any) -> Setup:
    facts = {"trunks": trunks, "calls": 4, "bind_host": "127.0.0.1"}
    return Setup(**(facts | changes))


def dial(port: int, call: str = "a", **changes: Any) -> Dial:
    facts = {
        "call": call,
        "trunk": "trunk",
        "to_uri": f"sip:+4930901820@127.0.0.1:{port}",
        "from_uri": '"Bank" <sip:+15550100000@127.0.0.1>',
    }
    return Dial(**(facts | changes))


@contextlib.contextmanager
def child(
    log: Path, *trunks: TrunkSetup, program: Sequence[str] = PROGRAM, **changes: Any
) -> Iterator[Child]:
    """A child that is ready."""
    running = Child(setup(*trunks, **changes), log, program)
    try:
        running.ready = running.hear(Ready)
        yield running
    finally:
        running.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RtpEnd:
    """The RTP end of a far end: keeps what arrives, and sends what a test says."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.packets: list[tuple[float, bytes]] = []
        self._peer: tuple[str, int] | None = None
        self._sequence = 0
        self._timestamp = 0
        self._stop = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self) -> None:
        self._stop = True
        self._reader.join(timeout=2)
        self.socket.close()

    def wait_for_packets(self, count: int) -> None:
        until = time.monotonic() + PATIENCE
        while len(self.packets) < count:
            assert time.monotonic() < until, f"{len(self.packets)} RTP packets, not {count}"
            time.sleep(0.01)

    def heard(self, payload_type: int = 8) -> list[int]:
        """What has arrived, decoded, with silence where packets are lacking."""
        samples: dict[int, bytes] = {}
        for _, packet in self.packets:
            if packet[1] & 0x7F == payload_type:
                (timestamp,) = struct.unpack_from(">I", packet, 4)
                samples[timestamp] = packet[12:]
        pcm: list[int] = []
        start = min(samples, default=0)
        for timestamp in sorted(samples):
            pcm += [0] * (timestamp - start - len(pcm))
            pcm += [A_LAW[byte] for byte in samples[timestamp]]
        return pcm

    def keys(self) -> str:
        """The telephone events that have arrived, each once."""
        events: dict[int, int] = {}
        for _, packet in self.packets:
            if packet[1] & 0x7F not in (8, 0):
                (timestamp,) = struct.unpack_from(">I", packet, 4)
                events[timestamp] = packet[12]
        return "".join("0123456789*#"[events[at]] for at in sorted(events) if events[at] < 12)

    def press(self, key: str, payload_type: int = 120, packets: int = 8) -> None:
        """Send a telephone event (RFC 4733)."""
        self._timestamp += 1600
        for number in range(packets + 3):
            ends = number >= packets
            duration = min(number + 1, packets) * 160
            event = "0123456789*#".index(key)
            self._send(
                payload_type,
                struct.pack(">BBH", event, (0x80 if ends else 0) | 10, duration),
                marker=number == 0,
            )
            time.sleep(0.02)

    def say(self, samples: list[int]) -> None:
        """Send sound as A-law, in real time."""
        began = time.monotonic()
        for number, start in enumerate(range(0, len(samples), 160)):
            self._timestamp += 160
            self._send(8, bytes(a_law(sample) for sample in samples[start : start + 160]))
            time.sleep(max(0.0, began + (number + 1) * 0.02 - time.monotonic()))

    def lose(self, packets: int) -> None:
        """Go on as if so many packets had been sent."""
        self._sequence += packets
        self._timestamp += packets * 160

    def send_raw(self, packet: bytes) -> None:
        """Send what may be no RTP at all."""
        assert self._peer is not None
        self.socket.sendto(packet, self._peer)

    def _send(self, payload_type: int, payload: bytes, marker: bool = False) -> None:
        assert self._peer is not None, "no RTP came yet, so that it is unknown where to send it"
        self._sequence += 1
        head = struct.pack(
            ">BBHII",
            0x80,
            payload_type | (0x80 if marker else 0),
            self._sequence & 0xFFFF,
            self._timestamp & 0xFFFFFFFF,
            0x5EED,
        )
        self.socket.sendto(head + payload, self._peer)

    def _read(self) -> None:
        self.socket.settimeout(0.1)
        while not self._stop:
            with contextlib.suppress(TimeoutError, ConnectionError):
                packet, self._peer = self.socket.recvfrom(4096)
                self.packets.append((time.monotonic(), packet))


def _a_law_value(byte: int) -> int:
    byte ^= 0x55
    exponent, mantissa = (byte >> 4) & 7, byte & 15
    value = (mantissa << 4) + 8
    if exponent:
        value = (value + 0x100) << (exponent - 1)
    return value if byte & 0x80 else -value


A_LAW = [_a_law_value(byte) for byte in range(256)]
_NEAREST = sorted((value, byte) for byte, value in enumerate(A_LAW))


def a_law(sample: int) -> int:
    """The byte whose value is nearest."""
    import bisect

    at = bisect.bisect_left(_NEAREST, (sample, -1))
    return min(_NEAREST[max(0, at - 1) : at + 1], key=lambda entry: abs(entry[0] - sample))[1]


class SIPp:
    """A far end that plays one scenario, over and over."""

    def __init__(
        self, scenario: str, folder: Path, sound: RtpEnd | None = None, *args: str
    ) -> None:
        self.port = free_port()
        file = folder / f"scenario-{self.port}.xml"
        file.write_text(scenario)
        self._log = (folder / f"sipp-{self.port}.log").open("wb")
        self.messages = folder / f"messages-{self.port}.log"
        self.process = subprocess.Popen(
            [
                *("sipp", "-sf", str(file), "-i", "127.0.0.1", "-p", str(self.port), "-nostdin"),
                *("-trace_msg", "-message_file", str(self.messages), "-nr", "-timeout", "120s"),
                *("-key", "rtp", str(sound.port if sound else 9), *args),
            ],
            cwd=folder,
            stdout=self._log,
            stderr=self._log,
            env=os.environ | {"TERM": "dumb"},
        )
        self._wait_until_it_listens()

    def log(self) -> str:
        """All that was sent and received."""
        return self.messages.read_text(errors="replace") if self.messages.exists() else ""

    def saw(self, text: str) -> str:
        """The log, once `text` is in it."""
        until = time.monotonic() + PATIENCE
        while text not in self.log():
            assert time.monotonic() < until, f"no {text!r} in {self.log()}"
            time.sleep(0.02)
        return self.log()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()

    def _wait_until_it_listens(self) -> None:
        until = time.monotonic() + PATIENCE
        wanted = f"{self.port:04X}"
        while time.monotonic() < until:
            assert self.process.poll() is None, Path(self._log.name).read_text()
            lines = Path("/proc/net/udp").read_text().splitlines()[1:]
            lines += Path("/proc/net/tcp").read_text().splitlines()[1:]
            if any(line.split()[1].endswith(f":{wanted}") for line in lines):
                return
            time.sleep(0.02)
        raise AssertionError("SIPp does not listen")


@contextlib.contextmanager
def far_end(scenario: str, folder: Path, sound: RtpEnd | None = None, *args: str) -> Iterator[SIPp]:
    peer = SIPp(scenario, folder, sound, *args)
    try:
        yield peer
    finally:
        peer.close()


# Scenarios, as parts that follow each other.
