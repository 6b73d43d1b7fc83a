"""A real HTTP endpoint on loopback that answers as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ringfence.models.external import (
    Endpoint,
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    OnFailure,
)


@dataclass
class Asked:
    """What an endpoint was asked."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Remote:
    """An endpoint. `answer` makes status and body of what is asked; it may wait for `go_on`.
    `arrived` is set by the first request."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answer: Callable[[Asked], tuple[int, bytes]] = lambda asked: (200, b'{"score": 0.8}')

    def scores(self, probability: float) -> None:
        """Answer with this from now on."""
        self.answer = lambda asked: (200, json.dumps({"score": probability}).encode())

    def fails(self, status: int = 500, body: bytes = b"oops") -> None:
        """Answer with this from now on."""
        self.answer = lambda asked: (status, body)

    def waits(self) -> None:
        """Answer 0.8, but not before `go_on` is set."""

        def slowly(asked: Asked) -> tuple[int, bytes]:
            self.go_on.wait(30)
            return 200, b'{"score": 0.8}'

        self.answer = slowly


@contextmanager
def remote() -> Iterator[Remote]:
    """A running endpoint."""
    endpoint = Remote()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            asked = Asked(self.path, dict(self.headers.items()), body)
            endpoint.asked.append(asked)
            endpoint.arrived.set()
            status, content = endpoint.answer(asked)
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # nobody waits any more

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/score"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def asked_at(
    url: str,
    *,
    name: str = "remote",
    fallback: float | None = None,
    on_failure: OnFailure = OnFailure.FALLBACK,
    inputs: tuple[ExternalInput, ...] = (
        ExternalInput(variable="amount"),
        ExternalInput(variable="merchant", input="shop"),
    ),
    **endpoint: Any,
) -> ExternalModel:
    """An external model behind this address, whose output is `<name>_score`."""
    return ExternalModel(
        name=name,
        event_type="card_payment",
        kind=ExternalKind.HTTP,
        inputs=inputs,
        outputs=(ExternalOutput(variable=f"{name}_score", key="score", fallback=fallback),),
        endpoint=Endpoint(url=url, **{"timeout_seconds": 5.0, **endpoint}),
        on_failure=on_failure,
    )
