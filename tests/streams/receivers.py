"""A webhook on loopback that answers as a test wants it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Posted:
    """A request."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return str(json.loads(self.body)["detail"]["eventId"])


@dataclass
class Receiver:
    """A webhook. `status_of` is asked for each request; requests wait for `go_on` while it is
    clear."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    taken: list[Posted] = field(default_factory=list)
    status_of: Callable[[Posted], int] = lambda _: 204
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def taken_ids(self) -> list[str]:
        return [posted.event_id for posted in self.taken]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A webhook that takes what it is sent, until told otherwise."""
    there = Receiver()
    there.go_on.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            posted = Posted({k.lower(): v for k, v in self.headers.items()}, body)
            there.posted.append(posted)
            there.go_on.wait(20)
            status = there.status_of(posted)
            if 200 <= status < 300:
                there.taken.append(posted)
            self.send_response(status)
            for name, value in there.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(there.answer)))
            self.end_headers()
            self.wfile.write(there.answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there.url = f"http://127.0.0.1:{server.server_port}/decisions"
        try:
            yield there
        finally:
            there.go_on.set()
            server.shutdown()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.005)
