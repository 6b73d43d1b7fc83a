"""A cardholder's phone on a line of its own: it answers, listens to the first words, and presses a
key."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from servers import HEADERS, Address


@contextmanager
def answering(there: Address, number: str, key: str) -> Iterator[list[str]]:
    """The phone, while the block runs; what it has heard so far. Like the page, it comes back when
    its connection is lost."""
    heard: list[str] = []
    hung_up = threading.Event()
    attending = threading.Thread(
        target=_attend, args=(there, number, key, heard, hung_up), daemon=True
    )
    attending.start()
    yield heard
    hung_up.set()
    attending.join(10)


def _attend(
    there: Address, number: str, key: str, heard: list[str], hung_up: threading.Event
) -> None:
    url = f"{there.phones}?number={quote(number, safe='')}"
    phone_id = uuid.uuid4().hex
    pressed: set[str] = set()
    while not hung_up.is_set():
        with (
            suppress(OSError, WebSocketException),
            connect(url, additional_headers=HEADERS, proxy=None, compression=None) as socket,
        ):
            _send(socket, type="hello", version=1, phone_id=phone_id)
            while not hung_up.is_set():
                with suppress(TimeoutError):
                    data = socket.recv(timeout=0.5)
                    if isinstance(data, str):
                        _react(socket, json.loads(data), key, heard, pressed)
        hung_up.wait(0.1)


def _react(
    socket: ClientConnection, told: dict[str, Any], key: str, heard: list[str], pressed: set[str]
) -> None:
    call_id = told.get("call_id", "")
    if told["type"] == "ring":
        _send(socket, type="answer", call_id=call_id)
    elif told["type"] == "prompt":
        heard.append(" ".join(caption["text"] for caption in told["captions"]))
        _send(socket, type="started", prompt_id=told["prompt_id"])
        _send(socket, type="finished", prompt_id=told["prompt_id"])
        if call_id not in pressed:
            pressed.add(call_id)
            _send(socket, type="key", call_id=call_id, key=key)


def _send(socket: ClientConnection, **message: object) -> None:
    socket.send(json.dumps(message))
