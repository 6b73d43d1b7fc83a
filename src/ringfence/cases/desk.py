"""The desk where cases are worked: starts workflows, and takes up what a crash left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import structlog
from dbos import DBOS, SetWorkflowID
from sqlalchemy import select, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.calls import Attempts
from ringfence.cases.opening import CaseOpening
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.workflow import (
    CaseWorkflow,
    workflow_configuration,
    workflow_database_url,
)
from ringfence.lines import Line
from ringfence.storage import Database, now

_log = structlog.get_logger(__name__)
_SWEEP_SECONDS = 5.0


class CaseDesk:
    """Works the cases of one process. Start and stop it on the event loop that has the lines."""

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        lines: Mapping[str, Line],
        *,
        bank_name: str,
        caller_number: str,
    ):
        self._database = database
        self.opening = CaseOpening(bank_name, self._opened)
        self._configuration = workflow_configuration(workflow_database_url(database, data_dir))
        self._attempts = Attempts(database, lines, caller_number)
        self._workflow: CaseWorkflow | None = None
        self._started: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Launch the workflows: those that a crash cut off, and those of cases without one."""
        DBOS(config=self._configuration)
        self._workflow = CaseWorkflow(self._database, self._attempts)
        await asyncio.to_thread(DBOS.launch)
        self._spawn(self._sweep_for_ever())

    async def stop(self) -> None:
        """Stop working. What is unfinished goes on at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=False)

    def _opened(self, case_id: str) -> None:
        self._spawn(self._run(case_id))

    def _spawn(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, case_id: str) -> None:
        if self._workflow is None or case_id in self._started:
            return
        self._started.add(case_id)
        with SetWorkflowID(case_id):
            await DBOS.start_workflow_async(self._workflow.run, case_id)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except Exception as error:
                _log.error("the sweep over open cases failed", error=str(error))
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _sweep(self) -> None:
        for case_id in await asyncio.to_thread(self._open_cases):
            status = await DBOS.get_workflow_status_async(case_id)
            if status is None:
                await self._run(case_id)
            elif status.status in ("ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
                _log.error("a case's workflow failed", case_id=case_id, status=status.status)
                await asyncio.to_thread(self._hand_over, case_id, status.status)

    def _open_cases(self) -> list[str]:
        at = now()
        with self._database.write() as connection:
            cards.expire_holds(connection, at)
            return list(
                connection.execute(
                    select(tables.cases.c.case_id).where(tables.cases.c.open)
                ).scalars()
            )

    def _hand_over(self, case_id: str, status: str) -> None:
        at = now()
        with self._database.write() as connection:
            connection.execute(
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
            note(connection, case_id, at, EntryKind.ANALYST, f"the workflow ended with {status}")
