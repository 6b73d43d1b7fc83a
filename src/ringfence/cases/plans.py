"""Contact plans: how a case reaches the cardholder."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, insert, select, update

from ringfence.cases import tables
from ringfence.cases.verdicts import Verdict
from ringfence.contacts.flows import published_version, stored_flow
from ringfence.detectors import list_outcomes
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.names import NAME_PATTERN
from ringfence.events.revisions import raise_revision
from ringfence.storage import now


class CardAction(StrEnum):
    """What happens to the card when a call could not settle the case."""

    HOLD = "hold"  # keep the hold until it expires
    BLOCK = "block"
    RELEASE = "release"  # lift the case's hold
    ANALYST = "analyst"  # keep the hold, and queue the case for an analyst


class CallBackCheck(StrEnum):
    """What a cardholder who calls back needs, to say that a payment was theirs."""

    BOTH = "both"  # to call from their number, and the reference
    VERIFIED_CALLER = "verified_caller"  # both, or a number for which the network has signed
    CALLER = "caller"  # both, or their number alone
    REFERENCE = "reference"  # both, or the reference alone


class QuietHours(msgspec.Struct, frozen=True):
    """No call starts from `start` until `end`, in the cardholder's time zone."""

    start: time = time(21, 0)
    end: time = time(8, 0)

    def next_allowed(self, at: datetime, time_zone: str) -> datetime:
        """A moment from `at` on that is outside the quiet hours: `at`, or when they next end.

        Where clocks are turned back past the end of the quiet hours, these end twice.
        """
        zone = ZoneInfo(time_zone)
        # Two rounds at most: hours that would end in the hour that a clock leaves out end a
        # day later when they have begun again by then.
        while self._cover(at.astimezone(zone).time()):
            at = self._next_end(at, zone)
        return at

    def _cover(self, clock: time) -> bool:
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def _next_end(self, at: datetime, zone: ZoneInfo) -> datetime:
        day = at.astimezone(zone).date()
        ends = (
            datetime.combine(day + timedelta(days=days), self.end.replace(fold=fold), zone)
            for days in (0, 1)
            for fold in (0, 1)
        )
        return next(end for each in ends if (end := each.astimezone(at.tzinfo)) > at)


class ContactPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a case reaches the cardholder, and what to do when it does not.

    A cardholder whose language is German hears `FLOW.de` where there is such a flow, else `flow`.
    `answers` says which key is which verdict, in the menus of the flow that `questions` names by
    their block ids; in every menu when it names none. Times are in seconds.
    `hold_seconds` is how long the case's hold lasts at most. An attempt that a crash cut off
    counts as an attempt: the phone may have rung.
    """

    name: str
    outcomes: tuple[str, ...]
    flow: str = "verify-card-payment"
    line: str = "browser"
    attempts: int = 3
    spacing_seconds: float = 300.0
    ring_timeout_seconds: float = 30.0
    quiet_hours: QuietHours | None = QuietHours()
    hold: bool = True
    hold_seconds: float = 86_400.0
    questions: tuple[str, ...] = ()
    answers: dict[str, Verdict] = msgspec.field(
        default_factory=lambda: {"1": Verdict.LEGIT, "2": Verdict.FRAUD}
    )
    on_unreached: CardAction = CardAction.ANALYST
    on_undecided: CardAction = CardAction.ANALYST
    call_back: CallBackCheck = CallBackCheck.BOTH

    def verdict_of(self, block_id: str, key: str) -> Verdict | None:
        """What `key` says in the menu `block_id`; None when it is no answer."""
        if self.questions and block_id not in self.questions:
            return None
        return self.answers.get(key)

    def next_allowed(self, at: datetime, time_zone: str) -> datetime:
        """A moment from `at` on at which this plan may call somebody in `time_zone`."""
        if self.quiet_hours is None:
            return at
        return self.quiet_hours.next_allowed(at, time_zone)

    def check(self) -> None:
        """Raise `InvalidInput` naming the first field that does not fit."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise InvalidInput("not a name", field="name", expected="1 to 64 of 0-9 a-z _ -")
        if not self.outcomes or len(set(self.outcomes)) != len(self.outcomes):
            raise InvalidInput(
                "none, or one of them twice", field="outcomes", expected="one outcome or more"
            )
        if not 0 < len(self.line) <= 32:
            raise InvalidInput("not a line", field="line", expected="the name of a line")
        for field, low, high in (
            ("attempts", 1, 10),
            ("spacing_seconds", 0, 7 * 86_400),
            ("ring_timeout_seconds", 5, 120),
            ("hold_seconds", 60, 30 * 86_400),
        ):
            if not low <= getattr(self, field) <= high:
                raise InvalidInput("out of range", field=field, expected=f"{low} to {high}")
        for key, verdict in self.answers.items():
            if len(key) != 1 or key not in "0123456789*#":
                raise InvalidInput(f"{key!r} is not a key", field="answers", expected="0-9, * or #")
            if verdict not in (Verdict.LEGIT, Verdict.FRAUD):
                raise InvalidInput("not an answer", field="answers", expected="legit or fraud")
        quiet = self.quiet_hours
        if quiet is not None and (quiet.start.tzinfo or quiet.end.tzinfo):
            raise InvalidInput(
                "names a time zone",
                field="quiet_hours",
                expected="times such as 21:00:00, which are the cardholder's",
            )


def put_plan(connection: Connection, plan: ContactPlan) -> None:
    """Create or replace a plan. Open cases keep the plan they were opened with.

    Raises `InvalidInput` naming the field, `NotFound` for an unknown flow, `Conflict` when an
    outcome already has another plan.
    """
    plan.check()
    known = list_outcomes(connection)
    for outcome in plan.outcomes:
        if outcome not in known:
            raise InvalidInput(
                f"there is no outcome {outcome!r}",
                field="outcomes",
                expected="one of " + (", ".join(known) or "the outcomes, of which there are none"),
            )
    flow = stored_flow(connection, plan.flow, published_version(connection, plan.flow))
    for question in plan.questions:
        if question not in flow.blocks:
            raise InvalidInput(
                f"the flow {plan.flow!r} has no block {question!r}",
                field="questions",
                expected="ids of blocks of the flow",
            )
    for other in list_plans(connection):
        shared = set(other.outcomes) & set(plan.outcomes)
        if other.name != plan.name and shared:
            raise Conflict(
                f"outcome {min(shared)!r} already has the plan {other.name!r}", field="outcomes"
            )
    changed = connection.execute(
        update(tables.contact_plans)
        .where(tables.contact_plans.c.name == plan.name)
        .values(definition=plan, updated_at=now())
    )
    if changed.rowcount == 0:
        connection.execute(
            insert(tables.contact_plans).values(name=plan.name, definition=plan, updated_at=now())
        )
    raise_revision(connection)


def list_plans(connection: Connection) -> list[ContactPlan]:
    """All plans by name."""
    rows = connection.execute(
        select(tables.contact_plans.c.definition).order_by(tables.contact_plans.c.name)
    )
    return [msgspec.convert(row.definition, ContactPlan) for row in rows]


def called_outcomes(connection: Connection) -> tuple[str, ...]:
    """The outcomes that open a case: those that a plan names."""
    return tuple(outcome for plan in list_plans(connection) for outcome in plan.outcomes)


def get_plan(connection: Connection, name: str) -> ContactPlan:
    """The plan of that name. Raises `NotFound`."""
    stored = connection.execute(
        select(tables.contact_plans.c.definition).where(tables.contact_plans.c.name == name)
    ).scalar()
    if stored is None:
        raise NotFound(f"there is no contact plan {name!r}", field="name")
    return msgspec.convert(stored, ContactPlan)
