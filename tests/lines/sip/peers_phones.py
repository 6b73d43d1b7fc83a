"""A telephone: baresip, which a test lets call, answer and press keys; it keeps what it hears."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peers_sound import RATE, Samples, read_wav
from sip_children import PATIENCE, free_port


def no_phone() -> str:
    """What this machine lacks for a telephone; empty when it has everything."""
    return "" if shutil.which("baresip") else "baresip is not installed"


class Phone:
    """A telephone with the number `user`. `registrar` is where it registers, with a password."""

    def __init__(
        self,
        folder: Path,
        user: str,
        *,
        registrar: str = "",
        password: str = "",
        answers: bool = True,
        dtmf: str = "rtpevent",
        says: Samples | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port = free_port()
        control = free_port()
        _write_wav(folder / "says.wav", says if says is not None else np.zeros(RATE * 60, np.int16))
        modules = next(Path("/usr/lib").glob("**/baresip/modules"))
        (folder / "config").write_text(
            f"sip_listen 127.0.0.1:{self.port}\n"
            f"net_interface 127.0.0.1\n"
            f"module_path {modules}\n"
            "module g711.so\nmodule aufile.so\nmodule sndfile.so\n"
            "module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n"
            f"ctrl_tcp_listen 127.0.0.1:{control}\n"
            f"audio_source aufile,{folder / 'says.wav'}\n"
            "audio_player none,nil\naudio_alert none,nil\n"
            f"snd_path {folder}\n"
        )
        domain = registrar or f"127.0.0.1:{self.port}"
        login = f"auth_user={user};auth_pass={password};regint=60" if registrar else "regint=0"
        answer = "auto" if answers else "manual"
        (folder / "accounts").write_text(
            f"<sip:{user}@{domain}>;{login};answermode={answer};dtmfmode={dtmf}\n"
        )
        (folder / "contacts").touch()
        self._log = (folder / "baresip.log").open("wb")
        self._process = subprocess.Popen(
            ["baresip", "-f", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._control = self._connected(control)
        self._control.settimeout(0.1)
        self._read = b""
        self.events: list[dict[str, Any]] = []

    def wait_for(self, event: str, within: float = PATIENCE) -> dict[str, Any]:
        """The first event of this type from now on, or among those that nobody waited for yet."""
        until = time.monotonic() + within
        while True:
            for at, told in enumerate(self.events):
                if told.get("type") == event:
                    del self.events[: at + 1]
                    return told
            assert time.monotonic() < until, f"no {event}: {self.log()}"
            self._receive()

    def wait_until_registered(self) -> None:
        """Return once its registrar knows it."""
        until = time.monotonic() + PATIENCE
        while "[1 binding]" not in self.log() and "bindings]" not in self.log():
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)

    def press(self, keys: str) -> None:
        """Press keys."""
        for key in keys:
            self._do("sndcode", key)
            time.sleep(0.25)

    def call(self, uri: str) -> None:
        """Call somebody."""
        self._do("dial", uri)

    def answer(self) -> None:
        """Pick up."""
        self._do("accept")

    def hang_up(self) -> None:
        """Hang up, or decline."""
        self._do("hangup")

    def heard(self) -> Samples:
        """What came out of its earpiece in its last call, which is over."""
        until = time.monotonic() + PATIENCE
        while True:
            # The head of the file says how long it is only once it is complete.
            files = sorted(self._folder.glob("dump-*-dec.wav"))
            with contextlib.suppress(EOFError, wave.Error):
                if files and len(samples := read_wav(files[-1].read_bytes())):
                    return samples
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)

    def log(self) -> str:
        """What it says about itself."""
        return (self._folder / "baresip.log").read_text(errors="replace")

    def close(self) -> None:
        self._control.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _do(self, command: str, with_: str = "") -> None:
        body = json.dumps({"command": command, "params": with_}).encode()
        self._control.sendall(b"%d:%b," % (len(body), body))

    def _receive(self) -> None:
        with contextlib.suppress(TimeoutError):
            self._read += self._control.recv(65536)
        while (colon := self._read.find(b":")) > 0:
            end = colon + 1 + int(self._read[:colon])
            if len(self._read) <= end:
                return
            told = json.loads(self._read[colon + 1 : end])
            self._read = self._read[end + 1 :]
            if told.get("event"):
                self.events.append(told)

    def _connected(self, port: int) -> socket.socket:
        until = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)


@contextlib.contextmanager
def phone(folder: Path, user: str, **how: Any) -> Iterator[Phone]:
    """A telephone while the block runs."""
    one = Phone(folder, user, **how)
    try:
        yield one
    finally:
        one.close()


def _write_wav(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
