"""The durable workflow of a case: call, wait, call again, conclude.

DBOS keeps how far each case has come. Every step reads the truth from our own tables, so a step
that runs twice (the process died before DBOS noted its end) finds what it did the first time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from dbos import DBOS, DBOSConfig, DBOSConfiguredInstance
from sqlalchemy import update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.calls import INTERRUPTED, Attempts
from ringfence.cases.plans import CardAction
from ringfence.cases.records import Case, attempts_of, get_case
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict
from ringfence.lines import CallEnd
from ringfence.storage import Database, now

# How soon the next attempt follows one that a crash cut off.
_AFTER_INTERRUPTION_SECONDS = 2.0


class NextStep(msgspec.Struct, frozen=True):
    """What a case does next: make attempt `number` after `wait_seconds`, or nothing (number 0)."""

    number: int
    wait_seconds: float


@DBOS.dbos_class()
class CaseWorkflow(DBOSConfiguredInstance):
    """The workflow, bound to this process's database and lines."""

    def __init__(self, database: Database, attempts: Attempts):
        super().__init__("cases")
        self._database = database
        self._attempts = attempts

    @DBOS.workflow(name="case")
    async def run(self, case_id: str) -> str:
        """Bring a case to its end; returns the verdict."""
        while True:
            number, wait_seconds = await self.plan_next(case_id)
            if number == 0:
                return await self.conclude(case_id)
            if wait_seconds > 0:
                await DBOS.sleep_async(wait_seconds)
            await self.attempt(case_id, number)

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def plan_next(self, case_id: str) -> tuple[int, float]:
        """The number of the next attempt and the seconds to wait for it; 0 when there is none."""
        with self._database.write() as connection:
            case = get_case(connection, case_id)
            if not case.open:
                return 0, 0.0
            made = attempts_of(connection, case_id)
            if len(made) >= case.plan.attempts:
                return 0, 0.0
            if cards.get_card(connection, case.card_id).state is cards.CardState.BLOCKED:
                return 0, 0.0  # the flow, or a person, has made it safe without an answer
            at = now()
            earliest = at
            if made:
                last = made[-1]
                seconds = (
                    _AFTER_INTERRUPTION_SECONDS
                    if last.end == INTERRUPTED
                    else case.plan.spacing_seconds
                )
                earliest = max(at, (last.ended_at or at) + timedelta(seconds=seconds))
            time_zone = cards.get_customer(connection, case.customer_id).time_zone
            allowed = _allowed(case, earliest, time_zone)
            if allowed > at:
                note(
                    connection,
                    case_id,
                    at,
                    EntryKind.WAITING,
                    f"attempt {len(made) + 1} follows at {allowed:%Y-%m-%d %H:%M:%S} UTC",
                )
            return len(made) + 1, (allowed - at).total_seconds()

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def attempt(self, case_id: str, number: int) -> str:
        """Make one attempt. Run again after a crash, it finds the attempt and does not dial."""
        return await self._attempts.make(case_id, number)

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def conclude(self, case_id: str) -> str:
        """Give a case without an answer its verdict, and do what the plan says about the card."""
        with self._database.write() as connection:
            case = get_case(connection, case_id)
            if case.verdict is not None:
                return case.verdict
            made = attempts_of(connection, case_id)
            spoke = any(
                a.end and CallEnd.__members__.get(a.end.upper()) and CallEnd(a.end).answered
                for a in made
            )
            verdict = Verdict.UNDECIDED if spoke else Verdict.UNREACHED
            action = case.plan.on_undecided if spoke else case.plan.on_unreached
            at = now()
            connection.execute(
                update(tables.cases)
                .where(tables.cases.c.case_id == case_id, tables.cases.c.verdict.is_(None))
                .values(
                    verdict=verdict,
                    verdict_by="ringfence",
                    verdict_at=at,
                    open=False,
                    closed_at=at,
                    for_analyst=action is CardAction.ANALYST,
                )
            )
            note(
                connection,
                case_id,
                at,
                EntryKind.VERDICT,
                f"{verdict} (after {len(made)} attempts)",
            )
            because = f"case {case.reference}: {verdict}"
            if action is CardAction.BLOCK:
                change = cards.block(
                    connection, case.card_id, by="ringfence", reason=because, case_id=case_id, at=at
                )
            elif action is CardAction.RELEASE:
                change = cards.lift_hold(
                    connection,
                    case.card_id,
                    case_id,
                    by="ringfence",
                    reason=because,
                    case_id=case_id,
                    at=at,
                )
            else:
                change = None
            state = cards.get_card(connection, case.card_id).state
            text = f"{action}: the card is {state}"
            note(connection, case_id, at, EntryKind.CARD if change else EntryKind.CLOSED, text)
            return verdict


def _allowed(case: Case, earliest: datetime, time_zone: str) -> datetime:
    if case.plan.quiet_hours is None:
        return earliest
    return case.plan.quiet_hours.next_allowed(earliest, time_zone)


def workflow_database_url(database: Database, data_dir: Path) -> str:
    """Where DBOS keeps its state: the same PostgreSQL, or a SQLite file of its own, so that its
    commits do not queue with those of the hot path."""
    if database.is_sqlite:
        return f"sqlite:///{(data_dir / 'workflows.db').absolute()}"
    return database.url


def workflow_configuration(url: str) -> DBOSConfig:
    """The settings of DBOS that we rely on."""
    return DBOSConfig(
        name="ringfence",
        system_database_url=url,
        # A new release must take up the cases of the release before it.
        application_version="1",
        executor_id="ringfence",
        notification_listener_polling_interval_sec=0.05,
        log_level="WARNING",
    )
