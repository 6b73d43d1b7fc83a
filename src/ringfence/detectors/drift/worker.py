"""Checks and reports of drift in a process of their own, so that deciding does not notice them.

A server asks for one at a time; the process ends when it has answered. Where it is asked in the
same process (the command line), nothing of this is needed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime

import msgspec

from ringfence import errors
from ringfence.detectors.backtest.worker import receive, send
from ringfence.detectors.drift.alerts import Checked, Checking, check_drift
from ringfence.detectors.drift.checks import drift_report
from ringfence.detectors.drift.report import DriftReport
from ringfence.errors import RingfenceError, Unavailable
from ringfence.storage import Database

_NICENESS = 10


class ReportAsked(msgspec.Struct, frozen=True, tag="report", kw_only=True):
    """A report on one version and window; bounds and the most events are those of `checking`."""

    url: str
    model_id: str
    version: str
    since: datetime
    until: datetime
    checking: Checking


class CheckAsked(msgspec.Struct, frozen=True, tag="check", kw_only=True):
    """A check of all versions that decide now."""

    url: str
    checking: Checking


class _Failure(msgspec.Struct, frozen=True, tag="failure"):
    kind: str
    message: str
    field: str | None
    expected: str | None


class _Reported(msgspec.Struct, frozen=True, tag="reported"):
    report: DriftReport


class _Checked(msgspec.Struct, frozen=True, tag="checked"):
    checked: Checked


_Answer = _Failure | _Reported | _Checked


class DriftProcess:
    """Asks in a process of its own. Safe to use from several threads; `close` ends what runs."""

    def __init__(self, database: Database):
        self._url = database.url
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False

    def report(
        self, model_id: str, version: str, since: datetime, until: datetime, checking: Checking
    ) -> DriftReport:
        """As `drift_report`. Blocks. Also raises `Unavailable` when the process dies."""
        answer = self._ask(
            ReportAsked(
                url=self._url,
                model_id=model_id,
                version=version,
                since=since,
                until=until,
                checking=checking,
            )
        )
        if not isinstance(answer, _Reported):
            raise Unavailable("the drift report failed")
        return answer.report

    def check(self, checking: Checking) -> Checked:
        """As `check_drift`. Blocks. Raises `Unavailable`."""
        answer = self._ask(CheckAsked(url=self._url, checking=checking))
        if not isinstance(answer, _Checked):
            raise Unavailable("the drift check failed")
        return answer.checked

    def close(self) -> None:
        """End whatever runs; later calls raise `Unavailable`."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()

    def _ask(self, asked: ReportAsked | CheckAsked) -> _Answer:
        with self._lock:
            if self._closed:
                raise Unavailable("the server is stopping")
            # The URL may hold a password, so it goes through the pipe.
            process = subprocess.Popen(
                [sys.executable, "-c", "from ringfence.detectors.drift.worker import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            send(process.stdin, asked)
            reply = receive(process.stdout)
        except OSError:
            reply = None
        finally:
            process.kill()
            process.communicate()
            with self._lock:
                self._running.discard(process)
        if reply is None:
            raise Unavailable("the process that looks for drift has died")
        answer: _Answer = msgspec.msgpack.decode(reply, type=_Answer)
        if isinstance(answer, _Failure):
            family = getattr(errors, answer.kind, Unavailable)
            raise family(answer.message, field=answer.field, expected=answer.expected)
        return answer


def main() -> None:
    """Answer the one question that comes through standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    question = receive(sys.stdin.buffer)
    if question is None:
        return
    asked = msgspec.msgpack.decode(question, type=ReportAsked | CheckAsked)
    send(sys.stdout.buffer, answer(asked))


def answer(asked: ReportAsked | CheckAsked) -> _Answer:
    """What is asked for, or why it cannot be had."""
    database = Database(asked.url)
    try:
        if isinstance(asked, CheckAsked):
            return _Checked(check_drift(database, asked.checking))
        with database.read() as connection:
            return _Reported(
                drift_report(
                    connection,
                    asked.model_id,
                    asked.version,
                    asked.since,
                    asked.until,
                    bounds=asked.checking.bounds,
                    most_events=asked.checking.most_events,
                )
            )
    except RingfenceError as error:
        return _Failure(type(error).__name__, error.message, error.field, error.expected)
    finally:
        database.dispose()
