"""What answers as an endpoint, or as AWS Lambda's REST API, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """A request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int  # of the client, which tells connections apart


class Reply(NamedTuple):
    """What it is answered with."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


@dataclass
class StandIn:
    """`answer` is asked for each request; it may wait for `go_on`."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Reply] = lambda _: Reply(200, b"{}")
    go_on: threading.Event = field(default_factory=threading.Event)

    def answers(self, *replies: Reply) -> None:
        """Answer with these in turn, and with the last from then on."""
        waiting = list(replies)
        self.answer = lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may leave when they like."""


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One that answers `{}` until told otherwise."""
    there = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, body, self.client_address[1])
            there.asked.append(asked)
            reply = there.answer(asked)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
