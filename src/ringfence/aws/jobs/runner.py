"""Running jobs in processes of their own, a few at once, beside a server that decides.

The runner is a thread that looks for jobs nobody works on. Several servers may have one: who claims
a job is settled in the database (`claims`). A process that dies, with this server or by itself, is
followed by another that goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from pydantic import SecretStr

from ringfence.aws.jobs.claims import LEASE, claim_next, give_back, unfinished_kinds
from ringfence.aws.jobs.context import job_folder
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import find_job, list_jobs
from ringfence.aws.jobs.work import WORK
from ringfence.settings import Settings
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 1.0
_POLL_SECONDS = 0.1
_TROUBLE_SECONDS = 5.0
# A process that is asked to stop says so within a second or two, unless it is deep in a library.
_CANCEL_SECONDS = 8.0
_GRACE_SECONDS = 10.0


class JobRunner:
    """Starts the processes of jobs, and ends them.

    Nothing happens before `start`. `close` ends what this server has started; another server, or
    this one the next time, goes on with it. `most` is how many of a kind run at once, one of each
    where it says nothing.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        most: Mapping[JobKind, int] | None = None,
        work: Mapping[JobKind, str] = WORK,
        lease: timedelta = LEASE,
    ):
        self._settings = settings
        self._database = database
        self._most = dict(most or {})
        self._work = work
        self._lease = lease
        self._children: list[_Child] = []
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-runner", daemon=True)

    def start(self) -> None:
        """Begin to look for jobs."""
        self._thread.start()

    def wake(self) -> None:
        """Look now: a job was added or is to be cancelled."""
        self._woken.set()

    def close(self) -> None:
        """Stop, and whatever was started with it."""
        self._closing.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        swept = False
        while not self._closing.is_set():
            try:
                swept = swept or self._sweep()
                self._look()
                self._wait()
            except Exception:
                _log.exception("jobs cannot be looked after")
                self._closing.wait(_TROUBLE_SECONDS)
        self._end_all()

    def _sweep(self) -> bool:
        """Remove the files of jobs that ended while nobody looked after them."""
        with self._database.read() as connection:
            wanted = {
                job_folder(self._settings, kind, job.job_id)
                for kind in JobKind
                for job in list_jobs(connection, kind)
                if not job.status.is_final
            }
        for folder in self._settings.data_dir.absolute().glob("jobs/*-*"):
            if folder not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
        return True

    def _wait(self) -> None:
        """Until it is time to look again, or somebody says so, or a process ends."""
        until = time.monotonic() + _LOOK_SECONDS
        while (left := until - time.monotonic()) > 0:
            patience = min(left, _POLL_SECONDS) if self._children else left
            if self._woken.wait(patience):
                self._woken.clear()
                return
            if any(child.process.poll() is not None for child in self._children):
                return

    def _look(self) -> None:
        for child in tuple(self._children):
            if child.process.poll() is not None:
                self._settle(child)
            else:
                self._watch(child)
        # Seen without keeping others from writing: mostly there are none.
        with self._database.read() as connection:
            unfinished = unfinished_kinds(connection)
        for kind in (each for each in JobKind if each in unfinished):
            while (job := self._claim(kind)) is not None:
                self._children.append(_Child(job, self._process(job)))

    def _claim(self, kind: JobKind) -> Job | None:
        most = self._most.get(kind, 1)
        if self._closing.is_set() or sum(c.job.kind is kind for c in self._children) >= most:
            return None
        with self._database.write() as connection:
            return claim_next(connection, kind, now(), most=most, lease=self._lease)

    def _watch(self, child: _Child) -> None:
        """End a process that has lost its job, hangs, or does not stop although it was asked."""
        with self._database.read() as connection:
            job = find_job(connection, child.job.kind, child.job.job_id)
        silent = job and job.heartbeat_at and job.heartbeat_at < now() - self._lease
        if job is None or job.claim != child.job.claim or silent:
            child.process.kill()
        elif job.status is JobStatus.CANCELLING:
            child.asked_at = child.asked_at or time.monotonic()
            if time.monotonic() - child.asked_at > _CANCEL_SECONDS:
                child.process.kill()

    def _settle(self, child: _Child) -> None:
        """Note how a process ended that could not say so itself."""
        code = child.process.returncode
        with self._database.write() as connection:
            crash = None if self._closing.is_set() else _why(code)
            give_back(connection, child.job, now(), crash)
            job = find_job(connection, child.job.kind, child.job.job_id)
        if job is None or job.status.is_final:
            folder = job_folder(self._settings, child.job.kind, child.job.job_id)
            shutil.rmtree(folder, ignore_errors=True)
        self._children.remove(child)

    def _end_all(self) -> None:
        for child in self._children:
            child.process.terminate()
        until = time.monotonic() + _GRACE_SECONDS
        for child in tuple(self._children):
            try:
                child.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            try:
                self._settle(child)
            except Exception:  # The end of the lease does it then.
                _log.warning("a job could not be given back", exc_info=True)

    def _process(self, job: Job) -> subprocess.Popen[bytes]:
        arguments = [str(job.kind), job.job_id, str(job.claim), self._work[job.kind]]
        return subprocess.Popen(  # noqa: S603 - ids that were checked when they were stored
            [sys.executable, "-m", "ringfence.aws.jobs", *arguments],
            env={**os.environ, **_environment(self._settings)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # Who interrupts the server at the terminal means the server, which then ends this one.
            start_new_session=True,
        )


@dataclass(slots=True)
class _Child:
    job: Job
    process: subprocess.Popen[bytes]
    asked_at: float | None = None
    """When it was first seen that the job is to be cancelled, on the monotonic clock."""


def _why(code: int) -> str:
    if code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"


def _environment(settings: Settings) -> dict[str, str]:
    """What this server was told otherwise than by the environment, for its children.

    It may hold secrets: no list of processes shows the environment of another's.
    """
    told = {name: getattr(settings, name) for name in settings.model_fields_set | {"data_dir"}}
    return {
        f"RINGFENCE_{name.upper()}": _written(value)
        for name, value in told.items()
        if value is not None
    }


def _written(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.absolute())
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
