"""Keeping the time of retrainings: what is due is started as a process of its own.

A server that decides must neither load what trains models nor lend it its processor. The process
is a `ringfence retrain` that works on a run; which runs there are is in the database, where all
servers see them, so that one at a time is at work and none is done twice.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue

import structlog

from ringfence.detectors.retraining.runs import (
    RetrainingRun,
    RunKind,
    RunStatus,
    begin_run,
    finish_run,
)
from ringfence.detectors.retraining.schedules import claim_due
from ringfence.errors import Conflict, Unavailable
from ringfence.settings import Settings
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 15.0
_WAIT_SECONDS = 0.5
_GRACE_SECONDS = 10.0


class RetrainingClock:
    """Looks again and again whether a retraining is due, in a thread of its own.

    Nothing happens before `start`. `close` ends what this server has started; another server, or
    this one the next time, begins it anew.
    """

    def __init__(self, settings: Settings, database: Database):
        self._settings = settings
        self._database = database
        self._closing = threading.Event()
        self._asked: SimpleQueue[RetrainingRun] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="retraining-clock", daemon=True)

    def start(self) -> None:
        """Begin to look, unless this server is told not to train."""
        if self._settings.scheduled_retraining:
            self._thread.start()

    def close(self) -> None:
        """Stop, and whatever was started with it."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def train_now(self, model_id: str, by: str) -> RetrainingRun:
        """Start to train a model anew, with the options of its schedule.

        Raises `Conflict` while another training runs, `Unavailable` when this server does not
        train.
        """
        return self._begin(model_id, RunKind.RETRAIN, by, None)

    def compare_now(self, model_id: str, version: str, by: str) -> RetrainingRun:
        """Start to compare a candidate with the champion anew. Raises like `train_now`."""
        return self._begin(model_id, RunKind.EVALUATE, by, version)

    def _begin(self, model_id: str, kind: RunKind, by: str, version: str | None) -> RetrainingRun:
        if not self._thread.is_alive() or self._closing.is_set():
            raise Unavailable(
                "this server starts no trainings",
                field="model_id",
                expected="the setting scheduled_retraining, or: ringfence retrain",
            )
        with self._database.write() as connection:
            run = begin_run(connection, model_id, kind, by=by, at=now(), version=version)
        self._asked.put(run)
        return run

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                run = self._next()
                if run is not None:
                    self._do(run)
            except Exception:
                _log.exception("retrainings cannot be looked after")
                self._closing.wait(_LOOK_SECONDS)

    def _next(self) -> RetrainingRun | None:
        """What was asked for, as soon as it is; else what is due."""
        waited = 0.0
        while waited < _LOOK_SECONDS and not self._closing.is_set():
            with suppress(Empty):
                return self._asked.get(timeout=_WAIT_SECONDS)
            waited += _WAIT_SECONDS
        return None if self._closing.is_set() else claim_due(self._database, now())

    def _do(self, run: RetrainingRun) -> None:
        log = _log.bind(model=run.model_id, run=run.run_id, kind=str(run.kind))
        log.info("retraining started", by=run.started_by)
        process = self._process(run)
        while process.poll() is None and not self._closing.wait(_WAIT_SECONDS):
            pass
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.info("retraining ended", exit_code=process.returncode)
        # The process says itself how it went, unless it was killed or could not begin.
        message = f"the process ended with code {process.returncode}; nothing of it was stored"
        with suppress(Conflict), self._database.write() as connection:
            finish_run(connection, run.run_id, RunStatus.LOST, at=now(), message=message)

    def _process(self, run: RetrainingRun) -> subprocess.Popen[bytes]:
        settings = self._settings
        environment = {**os.environ, "RINGFENCE_DATA_DIR": str(settings.data_dir.absolute())}
        if settings.database_url is not None:
            # It may hold a password: no list of processes shows the environment of another's.
            environment["RINGFENCE_DATABASE_URL"] = settings.database_url
        arguments = ["retrain", "--run", run.run_id, "--", run.model_id]
        return subprocess.Popen(  # noqa: S603 - ids that were checked when they were stored
            [sys.executable, "-m", "ringfence", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Who interrupts the server at the terminal means the server, which then ends this one.
            start_new_session=True,
        )
