"""When models are trained anew without anybody asking, and what then promotes a challenger.

Pure definitions and arithmetic of time: who keeps the time and starts the work is in `web`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ringfence.detectors import tables
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerStatus,
    list_challengers,
)
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy, check_policy
from ringfence.detectors.retraining.promotion import shadow_days
from ringfence.detectors.retraining.runs import (
    LEASE,
    RetrainingRun,
    RunKind,
    RunStatus,
    begin_run,
    give_up_lost_runs,
    list_runs,
    running_run,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.models import get_model
from ringfence.storage import Database

BY_SCHEDULE = "schedule"
# Somebody may have killed it for a reason; after that many losses the next time is waited for.
_LOSSES = 3
_DAY = timedelta(days=1)


class RetrainingSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A model is trained anew every so many days after the last time, or at the times of `cron`
    (five fields, UTC). `policy` promotes what is better, also of trainings that somebody starts by
    hand; None leaves every promotion to a person."""

    model_id: str
    enabled: bool = True
    every_days: float | None = None
    cron: str | None = None
    policy: PromotionPolicy | None = None
    options: RetrainingOptions = RetrainingOptions()
    updated_by: str
    updated_at: datetime

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if self.every_days is not None and self.cron is not None:
            raise InvalidInput(
                "given beside every_days", field="cron", expected="one of cron and every_days"
            )
        if self.enabled and self.every_days is None and self.cron is None:
            raise InvalidInput(
                "it does not say when", field="every_days", expected="every_days, or cron"
            )
        if self.every_days is not None and not 0.01 <= self.every_days <= 365:
            raise InvalidInput("out of range", field="every_days", expected="0.01 to 365 days")
        if self.cron is not None:
            from croniter import croniter  # type: ignore[import-untyped]

            fields = self.cron.split()
            if len(self.cron) > 128 or len(fields) != 5 or not croniter.is_valid(self.cron):
                raise InvalidInput(
                    "not a time table",
                    field="cron",
                    expected="five fields: minute hour day month weekday, as in 0 3 * * 0",
                )
        if self.policy is not None:
            check_policy(self.policy)
        self.options.check()


def put_schedule(connection: Connection, schedule: RetrainingSchedule) -> None:
    """Store a model's schedule in place of the one before. Raises `NotFound`, `InvalidInput`."""
    get_model(connection, schedule.model_id)
    schedule.check()
    schedules = tables.retraining_schedules
    connection.execute(delete(schedules).where(schedules.c.model_id == schedule.model_id))
    connection.execute(insert(schedules).values(msgspec.structs.asdict(schedule)))


def delete_schedule(connection: Connection, model_id: str) -> None:
    """Train a model no more on its own, and promote nothing. Raises `NotFound`."""
    get_schedule(connection, model_id)
    schedules = tables.retraining_schedules
    connection.execute(delete(schedules).where(schedules.c.model_id == model_id))


def get_schedule(connection: Connection, model_id: str) -> RetrainingSchedule:
    """A model's schedule. Raises `NotFound`."""
    for schedule in list_schedules(connection):
        if schedule.model_id == model_id:
            return schedule
    raise NotFound(f"model {model_id!r} has no retraining schedule", field="model_id")


def list_schedules(connection: Connection) -> list[RetrainingSchedule]:
    """All schedules by model."""
    schedules = tables.retraining_schedules
    return [
        msgspec.convert({str(k): v for k, v in row._mapping.items()}, RetrainingSchedule)
        for row in connection.execute(select(schedules).order_by(schedules.c.model_id))
    ]


def stated_policy(connection: Connection, model_id: str) -> PromotionPolicy | None:
    """What promotes a model's challengers without a person; None for nothing."""
    try:
        return get_schedule(connection, model_id).policy
    except NotFound:
        return None


def stated_options(connection: Connection, model_id: str) -> RetrainingOptions:
    """How a model is trained anew when nobody says otherwise."""
    try:
        return get_schedule(connection, model_id).options
    except NotFound:
        return RetrainingOptions()


def next_time(schedule: RetrainingSchedule, runs: Sequence[RetrainingRun]) -> datetime | None:
    """When a model is to be trained next; None when that is not planned.

    `runs` are the model's, the newest first. A time that has passed is due. What was lost is due
    again at once, three times at most.
    """
    if not schedule.enabled:
        return None
    trainings = [run for run in runs if run.kind is RunKind.RETRAIN]
    losses = 0
    for run in trainings:
        if run.status is not RunStatus.LOST:
            break
        losses += 1
    if losses and trainings[0].ended_at is not None and losses < _LOSSES:
        return trainings[0].ended_at
    last = max(schedule.updated_at, trainings[0].started_at if trainings else schedule.updated_at)
    if schedule.every_days is not None:
        if trainings:
            last = trainings[0].started_at
        return last + timedelta(days=schedule.every_days)
    from croniter import croniter

    following: datetime = croniter(schedule.cron, last).get_next(datetime)
    return following


def claim_due(database: Database, at: datetime) -> RetrainingRun | None:
    """Take the place for what is due first, if anything is and the place is free."""
    with database.read() as connection:
        if not _anything_to_do(connection, at):
            return None
    try:
        with database.write() as connection:
            give_up_lost_runs(connection, at)
            if running_run(connection) is not None:
                return None
            due = _due(connection, at)
            if due is None:
                return None
            model_id, kind, version = due
            return begin_run(connection, model_id, kind, by=BY_SCHEDULE, at=at, version=version)
    except (Conflict, IntegrityError):
        return None  # another server was faster


def _anything_to_do(connection: Connection, at: datetime) -> bool:
    running = running_run(connection)
    if running is not None:
        return at - running.heartbeat_at > LEASE  # somebody has to notice that it has died
    return _due(connection, at) is not None


def _due(connection: Connection, at: datetime) -> tuple[str, RunKind, str | None] | None:
    waiting: list[tuple[datetime, str]] = []
    schedules = {schedule.model_id: schedule for schedule in list_schedules(connection)}
    for model_id, schedule in schedules.items():
        planned = next_time(schedule, list_runs(connection, model_id))
        if planned is not None and planned <= at:
            waiting.append((planned, model_id))
    if waiting:
        return min(waiting)[1], RunKind.RETRAIN, None
    for schedule in schedules.values():
        for candidate in _ripe(connection, schedule, at):
            return candidate.model_id, RunKind.EVALUATE, candidate.version
    return None


def _ripe(connection: Connection, schedule: RetrainingSchedule, at: datetime) -> list[Challenger]:
    """Candidates that have been shadows for long enough: whether they are better is to be seen
    anew, once a day at the most."""
    policy = schedule.policy
    if policy is None or policy.min_shadow_days <= 0:
        return []
    pause = min(_DAY, timedelta(days=policy.min_shadow_days))
    return [
        challenger
        for challenger in list_challengers(connection, schedule.model_id)
        if challenger.status is ChallengerStatus.CANDIDATE
        and at - challenger.evaluation.evaluated_at >= pause
        and not _tried_lately(connection, challenger, at - pause)
        and shadow_days(connection, challenger, at) >= policy.min_shadow_days
    ]


def _tried_lately(connection: Connection, challenger: Challenger, since: datetime) -> bool:
    return any(
        run.kind is RunKind.EVALUATE
        and run.version == challenger.version
        and run.started_at > since
        for run in list_runs(connection, challenger.model_id)
    )
