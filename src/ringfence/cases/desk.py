"""The desk where cases are worked: starts workflows, and takes up what a crash left behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from dbos import DBOS, SetWorkflowID
from sqlalchemy import Connection, select, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.calls import Attempts
from ringfence.cases.follow_ups import INTERRUPTED
from ringfence.cases.opening import CaseOpening
from ringfence.cases.texting import Texting
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.workflow import (
    CASE_WORKFLOW,
    workflow_configuration,
    workflow_database_url,
)
from ringfence.contacts.calls import Calls
from ringfence.errors import Unavailable
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
_SWEEP_SECONDS = 5.0
_SETTLED_SECONDS = 0.5  # how long a telephone may ring on when somebody settles its case
_PREDECESSOR_SECONDS = 15.0  # how long a server that is stopping may take
_MOST_AT_ONCE = 500  # cases asked about in one question to DBOS

# In these a workflow does nothing any more. SUCCESS is among them for a database that was put
# back from a copy, in which the case is open again.
_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


class CaseDesk:
    """Works the cases of one process. Start and stop it on the event loop that has the lines."""

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        calls: Calls,
        *,
        bank_name: str,
        caller_number: str,
        texting: Texting | None = None,
    ):
        self._database = database
        self._data_dir = data_dir
        self._lock: sqlite3.Connection | None = None
        self.opening = CaseOpening(bank_name, self._opened)
        self._configuration = workflow_configuration(workflow_database_url(database, data_dir))
        self._attempts = Attempts(database, calls, caller_number)
        self._texting = texting
        self._launched = False
        self._started: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Launch the workflows: those that a crash cut off, and those of cases without one.

        Raises `Unavailable` when another process works the cases of this data directory.
        """
        if self._database.is_sqlite:
            self._lock = _alone(self._data_dir / "desk.lock")
        DBOS(config=self._configuration)
        CASE_WORKFLOW.bind(self._database, self._attempts, self._texting)
        # Not in a thread: DBOS runs what it recovers on the loop that launches it, and the lines
        # are on this one.
        DBOS.launch()
        self._launched = True
        self._spawn(self._for_ever(self._sweep, _SWEEP_SECONDS))
        self._spawn(self._for_ever(self._attempts.end_settled, _SETTLED_SECONDS))

    async def stop(self) -> None:
        """Stop working. What is unfinished goes on at the next start."""
        self._launched = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await CASE_WORKFLOW.stop()
        await asyncio.to_thread(self._attempts.close)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as thread:
            await loop.run_in_executor(thread, partial(DBOS.destroy, destroy_registry=False))
        # DBOS had made its own threads those of the loop, and they are gone.
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        if self._lock is not None:
            self._lock.close()

    def _opened(self, case_id: str) -> None:
        self._spawn(self._run(case_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, case_id: str) -> None:
        if not self._launched or case_id in self._started:
            return
        self._started.add(case_id)
        try:
            with SetWorkflowID(case_id):
                await DBOS.start_workflow_async(CASE_WORKFLOW.run, case_id)
        except Exception as error:
            # The sweep finds the case and tries again.
            self._started.discard(case_id)
            _log.error("a case's workflow did not start", case_id=case_id, error=str(error))

    async def _for_ever(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception as error:
                _log.error("looking after open cases failed", error=str(error))
            await asyncio.sleep(seconds)

    async def _sweep(self) -> None:
        open_cases = await asyncio.to_thread(self._open_cases)
        self._started.intersection_update(open_cases)
        for first in range(0, len(open_cases), _MOST_AT_ONCE):
            some = open_cases[first : first + _MOST_AT_ONCE]
            found = await DBOS.list_workflows_async(
                workflow_ids=some, load_input=False, load_output=False
            )
            statuses = {status.workflow_id: status.status for status in found}
            for case_id in some:
                status = statuses.get(case_id)
                if status is None:
                    await self._run(case_id)
                elif status in _OVER:
                    await asyncio.to_thread(self._hand_over, case_id, status)

    def _open_cases(self) -> list[str]:
        with self._database.write() as connection:
            _expire_holds(connection, now())
            return list(
                connection.execute(
                    select(tables.cases.c.case_id).where(tables.cases.c.open)
                ).scalars()
            )

    def _hand_over(self, case_id: str, status: str) -> None:
        """Leave to an analyst a case that no workflow brings to its end any more."""
        at = now()
        attempts = tables.attempts
        with self._database.write() as connection:
            handed_over = connection.execute(
                update(tables.cases)
                .where(tables.cases.c.case_id == case_id, tables.cases.c.verdict.is_(None))
                .values(
                    verdict="undecided",
                    verdict_by="ringfence",
                    verdict_at=at,
                    open=False,
                    closed_at=at,
                    for_analyst=True,
                )
            )
            if handed_over.rowcount == 0:
                return
            connection.execute(
                update(attempts)
                .where(attempts.c.case_id == case_id, attempts.c.end.is_(None))
                .values(ended_at=at, end=INTERRUPTED)
            )
            note(connection, case_id, at, EntryKind.ANALYST, f"the workflow ended with {status}")
        _log.error("a case's workflow failed", case_id=case_id, status=status)


def _alone(path: Path) -> sqlite3.Connection:
    """A lock that goes with this process, however it ends: a second one would take the first for
    dead and place its calls again."""
    lock = sqlite3.connect(path, timeout=_PREDECESSOR_SECONDS, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise Unavailable(
            f"another server works the cases in {path.parent}: {error}",
            field="data_dir",
            expected="one server for a data directory",
        ) from error
    return lock


def _expire_holds(connection: Connection, at: datetime) -> None:
    """End the holds whose time has come, and say so on the timelines of their cases."""
    for card_id in cards.expire_holds(connection, at):
        ended = [
            entry.case_id
            for entry in cards.card_history(connection, card_id)
            if entry.action is cards.CardAction.EXPIRED and entry.at == at
        ]
        known = connection.execute(
            select(tables.cases.c.case_id).where(tables.cases.c.case_id.in_(ended))
        ).scalars()
        state = cards.get_card(connection, card_id).state
        for case_id in known.all():
            text = f"the hold has expired, now {state}"
            note(connection, case_id, at, EntryKind.CARD, text)
