"""Backtest: what a detector version would have done with past events.

Events are judged as in service, by the same scorers and rules, with what profiles remembered at
their time replayed from the events before; nothing is stored and nobody is called. Two versions are
run over the same events side by side. What is counted, and how, is in `backtest.report`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ringfence.detectors.backtest.history import Past, PastEvents, Progress
from ringfence.detectors.backtest.report import BacktestReport, Overlap, Tally
from ringfence.detectors.backtest.worker import (
    Judge,
    Judgement,
    JudgeProcess,
    Questions,
    judge_process,
)
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.definitions import get_detector
from ringfence.detectors.outcomes import list_outcomes
from ringfence.detectors.rules import list_rules
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.detectors.versions import DetectorStatus, RuleRef, list_detector_versions
from ringfence.errors import InvalidInput, NotFound
from ringfence.events.definitions import EventType
from ringfence.models import get_version
from ringfence.profiles import ProfilePlan
from ringfence.rules import Rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CASE_HOURS = 31 * 24
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Below this, starting a process takes longer than the work.
_WORTH_PROCESSES = 5_000
# Batches that wait for each process, so that none is ever idle.
_WAITING = 3
# The share of the work that it takes to replay profiles.
_REPLAYED = 0.5


@dataclass(frozen=True, slots=True)
class Subject:
    """A detector version to test, its rules in the order in which they are evaluated, and when the
    last event happened that one of its models learned from or was measured on."""

    runtime: DetectorRuntime
    rules: tuple[Rule, ...]
    trained_until: datetime | None = None

    @property
    def event_type(self) -> EventType:
        """The type of the events that it decides about."""
        return self.runtime.reader.event_type


def backtest(
    past: Past,
    subjects: Sequence[Subject],
    *,
    alert_outcomes: Collection[str],
    case_hours: float | None = None,
    database_url: str | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> BacktestReport:
    """What one or two detector versions would have done with past events.

    `alert_outcomes` are the outcomes that open a case. A case lasts `case_hours`, or until the end
    of the UTC day. With `database_url`, where the versions are stored, large histories are judged
    by so many `processes`; without, or a small one, in this process. `progress` is told the share
    of the work that is done, 0 to 1.

    Raises `InvalidInput` naming the field, `Unavailable` when a process dies.
    """
    _check(subjects, alert_outcomes, case_hours)
    versions = [of.runtime.version for of in subjects]
    tallies = [
        Tally(
            version.detector_id,
            version.version,
            of.rules,
            frozenset(alert_outcomes),
            case_hours,
            of.trained_until,
        )
        for version, of in zip(versions, subjects, strict=True)
    ]
    overlap = Overlap()
    total = past.count()
    tell = progress or _silent
    plans = {id_: plan for of in subjects for id_, plan in of.runtime.plans.items()}
    begun = _REPLAYED if plans else 0.0
    asked = _asked(past, _remembered(past, plans, lambda share: tell(share * begun)))
    if database_url is None or total < _WORTH_PROCESSES:
        judged = _judged_here(asked, Judge([of.runtime for of in subjects]))
    else:
        named = [(version.detector_id, version.version) for version in versions]
        judged = _judged_by_processes(asked, database_url, named, max(1, processes))
    done, first_at, last_at = 0, None, None
    for events, judgements in judged:
        _count(events, judgements, tallies, overlap)
        if events.ats:
            first_at, last_at = events.ats[0] if first_at is None else first_at, events.ats[-1]
        done += len(events.ats)
        tell(begun + (1 - begun) * min(1.0, done / total))
    reports = tuple(tally.report() for tally in tallies)
    return BacktestReport(
        event_type=subjects[0].event_type.name,
        source=past.source,
        events=done,
        first_at=_instant(first_at),
        last_at=_instant(last_at),
        alert_outcomes=tuple(sorted(alert_outcomes)),
        case_hours=case_hours,
        versions=reports,
        comparison=overlap.compare(*reports) if len(reports) == 2 else None,
    )


def subject(
    connection: Connection, catalog: Catalog, detector_id: str, version: str | None = None
) -> Subject:
    """A version to test: the one of that number; of none, the active one, or else the latest.

    Raises `NotFound`, `InvalidInput` for a version with an external model that is asked over HTTP.
    """
    if version is None:
        get_detector(connection, detector_id)
        versions = list_detector_versions(connection, detector_id)
        if not versions:
            raise NotFound(f"detector {detector_id!r} has no version yet", field="detector")
        active = [found for found in versions if found.status is DetectorStatus.ACTIVE]
        version = (active or versions)[-1].version
    runtime = catalog.version(connection, detector_id, version)
    runtime.external.refuse_endpoints()
    stored = {RuleRef(r.rule_id, r.version): r for r in list_rules(connection, detector_id)}
    return Subject(
        runtime,
        tuple(stored[ref] for ref in runtime.version.rules),
        max(
            (
                get_version(connection, ref.model_id, ref.version).facts.last_at
                for ref in runtime.version.models
            ),
            default=None,
        ),
    )


def check_outcomes(connection: Connection, outcomes: Collection[str]) -> None:
    """Raise `InvalidInput` for an outcome that does not exist."""
    known = list_outcomes(connection)
    for outcome in outcomes:
        if outcome not in known:
            raise InvalidInput(
                f"there is no outcome {outcome!r}",
                field="alert_outcomes",
                expected="some of " + ", ".join(known),
            )


def _check(
    subjects: Sequence[Subject], alert_outcomes: Collection[str], case_hours: float | None
) -> None:
    if len(subjects) not in (1, 2):
        raise InvalidInput(f"{len(subjects)} given", field="versions", expected="one or two")
    if len({of.event_type.name for of in subjects}) > 1:
        raise InvalidInput(
            "decides about events of another type", field="against", expected="the same event type"
        )
    if not alert_outcomes:
        raise InvalidInput(
            "nothing would be an alert",
            field="alert_outcomes",
            expected="an outcome, or a contact plan that names one",
        )
    if case_hours is not None and not 0 < case_hours <= MAX_CASE_HOURS:
        raise InvalidInput(
            "out of range", field="case_hours", expected=f"above 0, at most {MAX_CASE_HOURS}"
        )


def _silent(share: float) -> None:
    """No progress is shown."""


def _tell_on(tell: Progress, before: float, parts: int, share: float) -> None:
    tell(before + share / parts)


def _remembered(
    past: Past, plans: Mapping[str, ProfilePlan], tell: Progress
) -> dict[str, NDArray[np.float64]]:
    """What each plan remembered at every event."""
    values: dict[str, NDArray[np.float64]] = {}
    for plan_id, plan in plans.items():
        before = len(values) / len(plans)
        values[plan_id] = past.remembered(plan, partial(_tell_on, tell, before, len(plans)))
    return values


_Asked = Iterator[tuple[PastEvents, Questions]]
_Judged = Iterator[tuple[PastEvents, list[Judgement]]]


def _asked(past: Past, remembered: Mapping[str, NDArray[np.float64]]) -> _Asked:
    start = 0
    for events in past.batches():
        part = slice(start, start + len(events.ats))
        profiles = {plan_id: values[part].tolist() for plan_id, values in remembered.items()}
        yield events, Questions(events.ats, events.variables, profiles)
        start = part.stop


def _judged_here(asked: _Asked, judge: Judge) -> _Judged:
    for events, questions in asked:
        yield events, judge.judge(questions)


def _judged_by_processes(
    asked: _Asked, url: str, versions: Sequence[tuple[str, str]], processes: int
) -> _Judged:
    """The batches in their order, while each process works on one of the next."""
    with ExitStack() as stack:
        idle: SimpleQueue[JudgeProcess] = SimpleQueue()
        for _ in range(processes):
            idle.put(stack.enter_context(judge_process(url, versions)))
        threads = stack.enter_context(_threads(processes))

        def judge(questions: Questions) -> list[Judgement]:
            process = idle.get()
            try:
                return process.judge(questions)
            finally:
                idle.put(process)

        waiting: deque[tuple[PastEvents, Future[list[Judgement]]]] = deque()
        for events, questions in asked:
            waiting.append((events, threads.submit(judge, questions)))
            if len(waiting) > _WAITING * processes:
                of_first, judged = waiting.popleft()
                yield of_first, judged.result()
        while waiting:
            of_first, judged = waiting.popleft()
            yield of_first, judged.result()


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(count, thread_name_prefix="backtest")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _count(
    events: PastEvents, judgements: Sequence[Judgement], tallies: Sequence[Tally], overlap: Overlap
) -> None:
    alerts = []
    for tally, judgement in zip(tallies, judgements, strict=True):
        add = tally.add
        alerts.append(
            [
                add(at, matched, fraud, amount, card, customer)
                for at, matched, fraud, amount, card, customer in zip(
                    events.ats,
                    judgement.matched,
                    events.fraud,
                    events.amounts,
                    events.cards,
                    events.customers,
                    strict=True,
                )
            ]
        )
        tally.add_not_evaluated(judgement.not_evaluated)
    if len(alerts) == 2:
        for first, second, fraud in zip(*alerts, events.fraud, strict=True):
            overlap.add(first, second, fraud)


def _instant(at: int | None) -> datetime | None:
    return None if at is None else _EPOCH + timedelta(microseconds=at)
