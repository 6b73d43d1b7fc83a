"""What functions print and log: the last lines of each, kept in memory, without card numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from ringfence.carddata import mask_card_numbers
from ringfence.storage import now

MOST_LINES = 200  # kept of each function
MOST_BYTES = 64 * 1024  # kept of one invocation
LONGEST_LINE = 2_000  # characters
_TAIL_BYTES = 4096  # AWS Lambda's
_log = structlog.get_logger(__name__)


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `request_id` is empty for what belongs to no invocation, such as loading."""

    at: datetime
    request_id: str
    text: str


def write_down(name: str, line: LogLine) -> None:
    """Put a line of a function into the server's own log."""
    _log.info("function log", function=name, request_id=line.request_id, text=line.text)


class FunctionLogs:
    """The last lines of every function, of one process. `tell` is told of each as it comes."""

    def __init__(self, tell: Callable[[str, LogLine], None] = write_down):
        self._tell = tell
        self._lines: dict[str, deque[LogLine]] = {}

    def lines(self, name: str) -> list[LogLine]:
        """The last lines of a function, the oldest first."""
        return list(self._lines.get(name, ()))

    def open(self, name: str, request_id: str = "") -> InvocationLog:
        """Where the lines of one invocation go."""
        return InvocationLog(self, name, request_id)

    def forget(self, name: str) -> None:
        """Drop the lines of a function that is gone."""
        self._lines.pop(name, None)

    def add(self, name: str, request_id: str, text: str) -> None:
        """Keep a line, and tell of it. Card numbers must be masked by now."""
        lines = self._lines.setdefault(name, deque(maxlen=MOST_LINES))
        line = LogLine(at=now(), request_id=request_id, text=text)
        lines.append(line)
        self._tell(name, line)


class InvocationLog:
    """The lines of one invocation; of one that prints without an end, only the first are kept."""

    def __init__(self, logs: FunctionLogs, name: str, request_id: str):
        self._logs = logs
        self._name = name
        self._request_id = request_id
        self._bytes = 0
        self._tail: deque[str] = deque(maxlen=MOST_LINES)

    def print(self, text: str) -> None:
        """Keep a line that the function has written."""
        if self._bytes > MOST_BYTES:
            return
        line = mask_card_numbers(text)
        if len(line) > LONGEST_LINE:
            line = line[: LONGEST_LINE - 3] + "..."
        self._bytes += len(line.encode(errors="replace"))
        self.note(line if self._bytes <= MOST_BYTES else "... what follows is not kept")

    def note(self, text: str) -> None:
        """Keep a line of ours about it."""
        self._tail.append(text)
        self._logs.add(self._name, self._request_id, text)

    def tail(self) -> str:
        """The last lines, 4 KB at the most."""
        text = "".join(f"{line}\n" for line in self._tail)
        return text.encode(errors="replace")[-_TAIL_BYTES:].decode(errors="ignore")
