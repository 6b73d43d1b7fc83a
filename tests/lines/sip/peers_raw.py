"""A far end that sends whatever bytes a test says, which SIPp would not."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator, Sequence


class RawPeer:
    """Answers each INVITE with `replies`, one after another, and each BYE with 200.

    `%(via)s`, `%(from)s`, `%(to)s` (with a tag), `%(call_id)s`, `%(cseq)s` and `%(headers)s` (all
    of them, and a Contact) in a reply are what they must be.
    """

    def __init__(self, replies: Sequence[str]) -> None:
        self._replies = replies
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self.received: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def methods(self) -> list[str]:
        """What was asked, in order."""
        return [message.split(" ", 1)[0] for message in self.received]

    def close(self) -> None:
        self._over.set()
        self._thread.join(2)
        self._socket.close()

    def _work(self) -> None:
        answered: set[str] = set()
        while not self._over.is_set():
            try:
                data, source = self._socket.recvfrom(65536)
            except (TimeoutError, ConnectionError):
                continue
            message = data.decode("utf-8", "replace")
            self.received.append(message)
            said = self._replies if message.startswith("INVITE ") else ()
            if message.startswith("INVITE "):
                branch = _header(message, "Via")
                said = () if branch in answered else self._replies
                answered.add(branch)
            elif message.startswith("BYE "):
                said = ("SIP/2.0 200 OK\n%(headers)sContent-Length: 0\n\n",)
            for reply in said:
                text = reply % self._known(message)
                self._socket.sendto(text.replace("\n", "\r\n").encode(), source)

    def _known(self, message: str) -> dict[str, str]:
        to = _header(message, "To")
        known = {
            "via": f"Via: {_header(message, 'Via')}\n",
            "from": f"From: {_header(message, 'From')}\n",
            "to": f"To: {to if 'tag=' in to else to + ';tag=raw'}\n",
            "call_id": f"Call-ID: {_header(message, 'Call-ID')}\n",
            "cseq": f"CSeq: {_header(message, 'CSeq')}\n",
        }
        contact = f"Contact: <sip:far@127.0.0.1:{self.port}>\n"
        return {**known, "headers": "".join(known.values()) + contact}


@contextlib.contextmanager
def raw_peer(*replies: str) -> Iterator[RawPeer]:
    """The far end, while the block runs."""
    peer = RawPeer(replies)
    try:
        yield peer
    finally:
        peer.close()


def _header(message: str, name: str) -> str:
    found = re.search(rf"^{name}:\s*(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
