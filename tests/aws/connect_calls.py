"""A telephone that does as it is told, a flow that talks with it, and what came of a contact."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from aws_clients import ClientOf
from flow_texts import block, flow_text
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

PATIENCE_SECONDS = 30.0
USUAL = "+15550100000"  # what lines call from that may call from any number


def talk(greeting: str = "Hello $.Attributes.who.") -> str:
    """A flow that greets, waits for a key, says what an attribute says by then, and hangs up."""
    return flow_text(
        block(
            "ask",
            "GetParticipantInput",
            "end",
            {"1": "told"},
            Text=greeting,
            InputTimeLimitSeconds="60",
            StoreInput="False",
        ),
        block("told", "MessageParticipant", "end", Text="Now $.Attributes.news."),
    )


class Phone:
    """One telephone: it rings, is answered where it is to be, and presses keys when told."""

    def __init__(self, url: str, number: str, key: str, answers: bool):
        self._url = f"{url.replace('http', 'ws', 1)}/v1/phones/ws?number={quote(number, safe='')}"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._answers = answers
        self._over = threading.Event()
        self._socket: ClientConnection | None = None
        self._call_id = ""
        self.rung: list[str] = []
        self.heard: list[str] = []
        self.welcome = threading.Event()

    def press(self, key: str) -> None:
        """Press a key in the call that is in progress."""
        self._send(type="key", call_id=self._call_id, key=key)

    def run(self) -> None:
        """Attend until told to stop; come back when the connection is lost, as the page does."""
        phone_id = uuid.uuid4().hex
        while not self._over.is_set():
            with (
                suppress(OSError, WebSocketException),
                connect(
                    self._url, additional_headers=self._headers, proxy=None, compression=None
                ) as socket,
            ):
                self._socket = socket
                self._send(type="hello", version=1, phone_id=phone_id)
                while not self._over.is_set():
                    with suppress(TimeoutError):
                        data = socket.recv(timeout=0.2)
                        if isinstance(data, str):
                            self._react(json.loads(data))
            self._over.wait(0.1)

    def stop(self) -> None:
        """Be a telephone no longer."""
        self._over.set()

    def _react(self, told: dict[str, Any]) -> None:
        if told["type"] == "welcome":
            self.welcome.set()
        elif told["type"] == "ring":
            self._call_id = told["call_id"]
            self.rung.append(self._call_id)
            if self._answers:
                self._send(type="answer", call_id=self._call_id)
        elif told["type"] == "prompt":
            self.heard.append(" ".join(caption["text"] for caption in told["captions"]))
            self._send(type="started", prompt_id=told["prompt_id"])
            self._send(type="finished", prompt_id=told["prompt_id"])

    def _send(self, **message: object) -> None:
        assert self._socket is not None
        self._socket.send(json.dumps(message))


@contextmanager
def phone(url: str, number: str, key: str, *, answers: bool = True) -> Iterator[Phone]:
    """A telephone while the block runs."""
    made = Phone(url, number, key, answers)
    attending = threading.Thread(target=made.run, daemon=True)
    attending.start()
    try:
        assert made.welcome.wait(PATIENCE_SECONDS)
        yield made
    finally:
        made.stop()
        attending.join(10)


def until(holds: Callable[[], Any]) -> Any:
    """What `holds` gives, once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)
    return found


def described(connect: ClientOf, instance: str, contact_id: str) -> dict[str, Any]:
    """All that is known of a contact."""
    told: dict[str, Any] = connect.describe_contact(InstanceId=instance, ContactId=contact_id)
    return dict(told["Contact"])


def ended(connect: ClientOf, instance: str, contact_id: str) -> dict[str, Any]:
    """The contact, once it is over."""

    def over() -> dict[str, Any] | None:
        contact = described(connect, instance, contact_id)
        return contact if "DisconnectTimestamp" in contact else None

    found: dict[str, Any] = until(over)
    return found
