"""What the pages show that comes from several rooms. No SQL: the rooms' own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.aws.jobs.job import Job, JobKind
from ringfence.aws.jobs.records import list_jobs
from ringfence.aws.training import crash_of
from ringfence.cards import Card, Customer, cards_of, counts_of_cards, get_card, get_customer
from ringfence.cases import (
    Attempt,
    Case,
    Entry,
    attempts_of,
    counts_of_cases,
    get_case,
    list_cases,
    timeline_of,
)
from ringfence.cases.records import payment_of
from ringfence.detectors import Decision, rules_at, stored_decision
from ringfence.detectors.deployments import ModelStatus, status_of, users_of
from ringfence.detectors.recent import RecentDecision, count_decisions, recent_decisions
from ringfence.errors import NotFound
from ringfence.events import EventType, get_event_type
from ringfence.models.messages import Message
from ringfence.models.trainings import Training, TrainingStatus, list_trainings
from ringfence.rules import Rule
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One decision as the live page shows it. `score` is the highest, None without a model."""

    key: tuple[str, str]
    decided_at: datetime
    event_id: str
    amount: str
    currency: str
    merchant: str
    score: float | None
    rules: tuple[str, ...]
    outcomes: tuple[str, ...]
    case_id: str | None
    reference: str
    note: str


@dataclass(frozen=True, slots=True)
class Totals:
    """How things stand. `held` and `blocked` count cards."""

    last_minute: int
    open_cases: int
    for_analyst: int
    held: int
    blocked: int


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case with everything that its page shows."""

    case: Case
    card: Card | None
    customer: Customer | None
    attempts: Sequence[Attempt]
    timeline: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What made a case: the decision and the rules that matched."""

    decision: Decision
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class VersionLife:
    """Where a model version stands.

    `messages` say why its training failed, `users` which detector versions use it, in words, and
    `job` how far the work on it is: None for a version that was not asked for over the AWS API.
    """

    training: Training
    status: ModelStatus
    messages: tuple[Message, ...]
    users: tuple[str, ...]
    job: Job | None


def feed(connection: Connection, since: datetime | None, limit: int) -> list[FeedRow]:
    """The latest decisions, newest first."""
    event_types: dict[str, EventType] = {}
    references: dict[str, str] = {}
    return [
        _feed_row(connection, recent, event_types, references)
        for recent in recent_decisions(connection, since=since, limit=limit)
    ]


def totals(connection: Connection, at: datetime) -> Totals:
    """How things stand at that moment."""
    cards = counts_of_cards(connection)
    return Totals(
        last_minute=count_decisions(connection, at - timedelta(minutes=1)),
        open_cases=counts_of_cases(connection)["open"],
        for_analyst=len(list_cases(connection, for_analyst=True, limit=100)),
        held=cards.get("held", 0),
        blocked=cards.get("blocked", 0),
    )


def case_facts(connection: Connection, case_id: str) -> CaseFacts:
    """Everything about a case, by its id or its spoken reference. Raises `NotFound`."""
    case = get_case(connection, case_id)
    try:
        card: Card | None = get_card(connection, case.card_id)
        customer: Customer | None = get_customer(connection, case.customer_id)
    except NotFound:
        card = customer = None
    return CaseFacts(
        case,
        card,
        customer,
        attempts_of(connection, case.case_id),
        timeline_of(connection, case.case_id),
    )


def suspicion(connection: Connection, case: Case) -> Suspicion:
    """What made a case. Raises `NotFound`."""
    decision = stored_decision(connection, case.event_type, case.event_id)
    rules = rules_at(connection, decision.detector_id, decision.decided_at)
    stored = {(r.rule_id, r.version): r for r in rules}
    return Suspicion(
        decision,
        tuple(
            stored[(m.rule_id, m.version)]
            for m in decision.rules
            if (m.rule_id, m.version) in stored
        ),
    )


def customers_with_cards(
    connection: Connection, customers: Sequence[Customer]
) -> list[tuple[Customer, Sequence[Card]]]:
    """Customers, each with the cards."""
    return [(customer, cards_of(connection, customer.customer_id)) for customer in customers]


def lives_of(
    connection: Connection, model_id: str, version: str | None = None
) -> list[VersionLife]:
    """The lives of a model's versions, or of that one, oldest number first.

    Raises `NotFound` for an unknown model, and when there is no version of that number.
    """
    # The version of a model that was deleted and made anew has the same name; the last is meant.
    jobs = {
        (job.payload["model_id"], job.payload["version"]): job
        for job in list_jobs(connection, JobKind.TRAINING)
    }
    lives = [
        _life(connection, training, jobs.get((model_id, training.version)))
        for training in list_trainings(connection, model_id)
        if version in (None, training.version)
    ]
    if version is not None and not lives:
        raise NotFound(f"model {model_id!r} has no version {version!r}", field="version")
    return lives


def jobs_of_clients(connection: Connection) -> list[Job]:
    """What clients of Fraud Detector asked for besides trainings, the latest first."""
    kinds = (JobKind.BATCH_IMPORT, JobKind.BATCH_PREDICTION, JobKind.EVENT_DELETION)
    jobs = [job for kind in kinds for job in list_jobs(connection, kind)]
    return sorted(jobs, key=lambda job: job.created_at, reverse=True)


def can_phone(visit: Visit) -> bool:
    """Whether the person may answer calls as a browser phone."""
    return visit.allows(Scope.PHONES)


def top_score(scores: Mapping[str, float]) -> float | None:
    """The highest of the models' scores; None without a model."""
    return max(scores.values(), default=None)


def _life(connection: Connection, training: Training, job: Job | None) -> VersionLife:
    crash = crash_of(connection, training)
    users: list[str] = []
    if training.status is TrainingStatus.COMPLETE:
        users = users_of(connection, training.model_id, training.version)
    return VersionLife(
        training,
        ModelStatus.ERROR if crash else status_of(connection, training),
        training.messages if crash is None else (crash,),
        tuple(users),
        job,
    )


def _feed_row(
    connection: Connection,
    recent: RecentDecision,
    event_types: dict[str, EventType],
    references: dict[str, str],
) -> FeedRow:
    decision = recent.decision
    if decision.event_type not in event_types:
        event_types[decision.event_type] = get_event_type(connection, decision.event_type)
    payment = payment_of(event_types[decision.event_type], recent.variables)
    reference = ""
    if decision.case_id is not None:
        if decision.case_id not in references:
            references[decision.case_id] = get_case(connection, decision.case_id).reference
        reference = references[decision.case_id]
    return FeedRow(
        key=(decision.event_type, decision.event_id),
        decided_at=decision.decided_at,
        event_id=decision.event_id,
        amount=payment["Amount"],
        currency=payment["Currency"],
        merchant=payment["Merchant"],
        score=top_score(decision.scores),
        rules=tuple(rule.rule_id for rule in decision.rules),
        outcomes=decision.outcomes,
        case_id=decision.case_id,
        reference=reference,
        note=decision.note or "",
    )
