"""Requests as bytes on a socket, for what no client would send, and what must hold of answers."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api_servers import Server

PREFIX = "AWSHawksNestServiceFacade"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST/20260301/eu-west-1/frauddetector/aws4_request"
    f", SignedHeaders=host;x-amz-date;x-amz-target, Signature={'0' * 64}"
)
# Longer than any answer takes, and what a hang is told by.
_PATIENCE_SECONDS = 20.0

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def error(self) -> str:
        """The name of the error, empty when there was none."""
        return "" if self.status == 200 else str(json.loads(self.body)["__type"])


class Wire:
    """A connection to a server that stays open from request to request, as clients keep it."""

    def __init__(self, server: Server):
        self.server = server
        self._host = urlsplit(server.url).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=_PATIENCE_SECONDS)

    def ask(self, operation: str, body: bytes | str) -> Answer:
        """Ask for an operation, as whoever has signed it."""
        return self.send([("x-amz-target", f"{PREFIX}.{operation}")], body)

    def send(self, headers: Headers, body: bytes | str, *, signed: bool = True) -> Answer:
        """Send a POST request with these headers, and a signature unless told otherwise."""
        content = body.encode() if isinstance(body, str) else body
        connection = self._connection
        connection.putrequest("POST", "/", skip_accept_encoding=True)
        for name, value in [*headers, *(_SIGNATURE if signed else ())]:
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("content-length", str(len(content)))
        connection.endheaders(content)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())

    def raw(self, head: str, body: bytes) -> Answer:
        """Send bytes, on a connection of their own; `{host}` in the head is the server."""
        with self._sent(head, body) as opened:
            answer = http.client.HTTPResponse(opened)
            answer.begin()
            return Answer(answer.status, answer.read())

    def leave(self, head: str, body: bytes) -> None:
        """Send bytes, and hang up without waiting for an answer."""
        self._sent(head, body).close()

    def _sent(self, head: str, body: bytes) -> socket.socket:
        host, port = self._host.split(":")
        opened = socket.create_connection((host, int(port)), _PATIENCE_SECONDS)
        lines = [line.format(host=self._host) for line in head.strip().splitlines()]
        opened.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return opened

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def memory_bytes(self) -> int:
        """How much memory the process of the server holds."""
        mark = f"RINGFENCE_DATA_DIR={self.server.data_dir}".encode()
        for process in Path("/proc").iterdir():
            try:
                ours = process.name.isdigit() and mark in (process / "environ").read_bytes()
                if ours and b"serve" in (process / "cmdline").read_bytes():
                    pages = int((process / "statm").read_text().split()[1])
                    return pages * os.sysconf("SC_PAGE_SIZE")
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
        raise AssertionError("the server is gone")


_SIGNATURE = (("authorization", AUTHORIZATION), ("x-amz-date", "20260301T100000Z"))


def check(answer: Answer) -> None:
    """Whether it is an answer in AWS's form, and no fault of the server's."""
    document: Any = json.loads(answer.body)
    assert isinstance(document, dict), answer
    if answer.status != 200:
        assert 400 <= answer.status < 500, answer
        assert set(document) == {"__type", "message"}, answer
        assert document["__type"].endswith("Exception"), answer
        assert document["message"], answer
