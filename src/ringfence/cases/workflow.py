"""The durable workflow of a case: call, wait, call again, conclude.

DBOS keeps how far each case has come. Every step reads the truth from our own tables, so a step
that runs twice (the process died before DBOS noted its end) finds what it did the first time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSConfiguredInstance, DBOSPortableJSONSerializer
from sqlalchemy import Connection, update

from ringfence import cards
from ringfence.cases import tables
from ringfence.cases.calls import Attempts
from ringfence.cases.case_texts import text_of_case
from ringfence.cases.follow_ups import MACHINES, NextAttempt, NoAttempt
from ringfence.cases.older_sqlite import WorkflowConnection
from ringfence.cases.plans import CardAction
from ringfence.cases.policy import follow_up, may_call_from, may_text_from
from ringfence.cases.records import Attempt, Case, attempts_of, get_case, held_case
from ringfence.cases.texting import Texting
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import Verdict
from ringfence.storage import Database, now


@DBOS.dbos_class()
class CaseWorkflow(DBOSConfiguredInstance):
    """The workflow. There is one, as DBOS finds it by its name when it takes up a case."""

    def __init__(self) -> None:
        super().__init__("cases")
        self._bound: tuple[Database, Attempts, Texting | None] | None = None
        self._running: set[asyncio.Task[Any]] = set()

    def bind(self, database: Database, attempts: Attempts, texting: Texting | None) -> None:
        """Work on this database and with these attempts and texts from now on."""
        self._bound = database, attempts, texting

    async def stop(self) -> None:
        """Stop every case where it is, and hang up. They go on at the next start."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @property
    def _database(self) -> Database:
        return self._desk()[0]

    def _desk(self) -> tuple[Database, Attempts, Texting | None]:
        if self._bound is None:
            raise RuntimeError("no desk has bound the workflow")
        return self._bound

    # However often a server has crashed, a case goes on.
    @DBOS.workflow(name="case", max_recovery_attempts=None)
    async def run(self, case_id: str) -> str:
        """Bring a case to its end; returns the verdict."""
        this = asyncio.current_task()
        if this is not None and this not in self._running:
            self._running.add(this)
            this.add_done_callback(self._running.discard)
        while True:
            number, wait_seconds = await self.plan_next(case_id)
            if number == 0:
                return await self.conclude(case_id)
            if wait_seconds > 0:
                await DBOS.sleep_async(wait_seconds)
            if number > 0:
                await self.attempt(case_id, number)

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def plan_next(self, case_id: str) -> tuple[int, float]:
        """The number of the next attempt and the seconds to wait for it; 0 when there is none, and
        -1 when there is nothing to do but wait, for a text to be sent or answered."""
        planned = await asyncio.to_thread(self._plan_next, case_id)
        texting = self._desk()[2]
        if texting is not None:
            texting.outbox()
        return planned

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def attempt(self, case_id: str, number: int) -> str:
        """Make one attempt. Run again after a crash, it finds the attempt and does not dial."""
        return await self._desk()[1].make(case_id, number)

    @DBOS.step(retries_allowed=True, max_attempts=8, interval_seconds=0.5)
    async def conclude(self, case_id: str) -> str:
        """Give a case without an answer its verdict, and do what the plan says about the card."""
        return await asyncio.to_thread(self._conclude, case_id)

    def _plan_next(self, case_id: str) -> tuple[int, float]:
        at = now()
        with self._database.read() as connection:
            case = get_case(connection, case_id)
            if _is_safe(connection, case):
                return 0, 0.0
            made, allowed = _next_call(connection, case, at)
            texts = case.plan.text is not None and len(made) >= case.plan.text.after_attempts
            if not texts and not isinstance(allowed, NoAttempt) and allowed <= at:
                return len(made) + 1, 0.0  # nothing to write down, nobody to keep from writing
        with self._database.write() as connection:
            case = held_case(connection, case_id)
            if _is_safe(connection, case):
                return 0, 0.0
            made, allowed = _next_call(connection, case, at)
            no_more = isinstance(allowed, NoAttempt)
            answer_by = self._text(connection, case, len(made), no_more=no_more, at=at)
            if isinstance(allowed, NoAttempt):
                if allowed.because:
                    note(connection, case_id, at, EntryKind.POLICY, f"no call: {allowed.because}")
                if answer_by is not None and answer_by > at:
                    return -1, (answer_by - at).total_seconds()
                return 0, 0.0
            if allowed > at:
                note(
                    connection,
                    case_id,
                    at,
                    EntryKind.WAITING,
                    f"attempt {len(made) + 1} follows at {allowed:%Y-%m-%d %H:%M:%S} UTC",
                )
            return len(made) + 1, (allowed - at).total_seconds()

    def _text(
        self, connection: Connection, case: Case, made: int, *, no_more: bool, at: datetime
    ) -> datetime | None:
        """Ask by SMS where the plan says so and it may be done now. Until when the case waits for
        the answer, or for the time when it may be sent; None where there is nothing to wait for.
        """
        texting, wanted = self._desk()[2], case.plan.text
        if texting is None or wanted is None or (made < wanted.after_attempts and not no_more):
            return None
        wait = timedelta(seconds=wanted.wait_seconds)
        sent = text_of_case(connection, case.case_id)
        if sent is not None:
            return sent.sent_at + wait
        customer = cards.get_customer(connection, case.customer_id)
        why_not = texting.why_not(case.plan)
        allowed = (
            NoAttempt(why_not)
            if why_not is not None
            else may_text_from(connection, case, customer, at)
        )
        if isinstance(allowed, NoAttempt):
            if no_more:
                text = f"no SMS: {allowed.because}"
                note(connection, case.case_id, at, EntryKind.POLICY, text)
            return None
        if allowed > at:
            return allowed
        sent = texting.send(connection, case, customer, at)
        return None if sent is None else at + wait

    def _conclude(self, case_id: str) -> str:
        with self._database.read() as connection:
            verdict = get_case(connection, case_id).verdict
        if verdict is not None:
            return verdict  # seen without keeping others from writing
        with self._database.write() as connection:
            case = held_case(connection, case_id)
            if case.verdict is not None:
                return case.verdict
            made = attempts_of(connection, case_id)
            spoke = any(
                attempt.answered_at is not None and attempt.answered_by not in MACHINES
                for attempt in made
            )
            verdict = Verdict.UNDECIDED if spoke else Verdict.UNREACHED
            action = case.plan.on_undecided if spoke else case.plan.on_unreached
            at = now()
            connection.execute(
                update(tables.cases)
                .where(tables.cases.c.case_id == case_id)
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
            _act(connection, case, action, f"case {case.reference}: {verdict}", at)
            return verdict


def _is_safe(connection: Connection, case: Case) -> bool:
    """Whether nothing more is to be done: the case is closed, or its card is blocked, by the flow
    or by a person, without an answer."""
    if not case.open:
        return True
    return cards.get_card(connection, case.card_id).state is cards.CardState.BLOCKED


def _next_call(
    connection: Connection, case: Case, at: datetime
) -> tuple[Sequence[Attempt], datetime | NoAttempt]:
    """The attempts made so far, and from when on the next may be made."""
    made = attempts_of(connection, case.case_id)
    following = follow_up(case, made)
    if isinstance(following, NoAttempt):
        return made, following
    earliest = _earliest(made, following, case.plan.jitter, at)
    customer = cards.get_customer(connection, case.customer_id)
    return made, may_call_from(connection, case, customer, earliest, at)


def _earliest(
    made: Sequence[Attempt], following: NextAttempt, jitter: float, at: datetime
) -> datetime:
    if not made:
        return at
    seconds = following.seconds * (1 + jitter * random.random())  # noqa: S311 - only spreads calls
    return max(at, (made[-1].ended_at or at) + timedelta(seconds=seconds))


def _act(
    connection: Connection, case: Case, action: CardAction, because: str, at: datetime
) -> None:
    who_and_why: dict[str, Any] = {
        "by": "ringfence",
        "reason": because,
        "case_id": case.case_id,
        "at": at,
    }
    change = None
    if action is CardAction.BLOCK:
        change = cards.block(connection, case.card_id, **who_and_why)
    elif action is CardAction.RELEASE:
        change = cards.lift_hold(connection, case.card_id, case.case_id, **who_and_why)
    state = cards.get_card(connection, case.card_id).state
    text = f"{action}: the card is {state}"
    note(connection, case.case_id, at, EntryKind.CARD if change else EntryKind.CLOSED, text)


CASE_WORKFLOW = CaseWorkflow()


def workflow_database_url(database: Database, data_dir: Path) -> str:
    """Where DBOS keeps its state: the same PostgreSQL, or a SQLite file of its own, so that its
    commits do not queue with those of the hot path."""
    if database.is_sqlite:
        return f"sqlite:///{(data_dir / 'workflows.db').absolute()}"
    return database.url


def _connecting(url: str) -> DBOSConfig:
    if not url.startswith("sqlite"):
        return DBOSConfig()
    return DBOSConfig(db_engine_kwargs={"connect_args": {"factory": WorkflowConnection}})


def workflow_configuration(url: str) -> DBOSConfig:
    """The settings of DBOS that we rely on."""
    return DBOSConfig(
        name="ringfence",
        system_database_url=url,
        **_connecting(url),
        # A new release must take up the cases of the release before it.
        application_version="1",
        executor_id="ringfence",
        notification_listener_polling_interval_sec=0.05,
        # The default pickles, and what is in a database is not to be run.
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
    )
