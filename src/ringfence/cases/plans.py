"""Contact plans: how a case reaches the cardholder."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, insert, select, update

from ringfence.cards.permissions import ConsentRule
from ringfence.cards.phones import read_phone_number
from ringfence.cases import tables
from ringfence.cases.follow_ups import WAYS, FollowUp
from ringfence.cases.quiet_hours import QuietHours
from ringfence.cases.verdicts import Verdict
from ringfence.contacts.published_flows import published_version, stored_flow
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


class OnMachine(StrEnum):
    """What to do when an answering machine picks up."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"  # once for a case: the plan's `message_flow`


class TextAnswer(StrEnum):
    """How an SMS is answered."""

    REPLY = "reply"  # 1 or 2, in an SMS
    LINK = "link"  # on a page of this server


class Texting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An SMS that asks the same question, once for a case.

    It is sent when `after_attempts` calls brought no answer (0: before the first), or when none
    can be made. After the last call the case waits until the text is `wait_seconds` old.
    """

    after_attempts: int = 1
    answer: TextAnswer = TextAnswer.REPLY
    wait_seconds: float = 3600.0


class ContactPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a case reaches the cardholder, and what to do when it does not.

    A cardholder whose language is German hears `FLOW.de` where there is such a flow, else `flow`.
    `answers` says which key is which verdict, in the menus of the flow that `questions` names by
    their block ids; in every menu when it names none. Times are in seconds.
    `hold_seconds` is how long the case's hold lasts at most. An attempt that a crash cut off
    counts as an attempt: the phone may have rung.

    `lines` are called on where `line` cannot be. `after` says what follows each way in which an
    attempt can end (`follow_ups.WAYS`), where that is not the default. Every wait is up to the
    share `jitter` longer, so that calls that failed together are not placed together again.
    `attempts_per_day` counts all calls to the cardholder in 24 hours, whatever the case;
    `messages` counts what reached them about this one, calls that anybody or a machine answered
    and texts, in `messages_days`. `quiet_hours_override_amount`: from this amount on, in the
    payment's currency, quiet hours do not count. `answer_attribute`: where the line's far side
    runs the flow, the attribute of the contact that holds the key that was pressed.
    `caller_numbers`: the number to call from, by the beginning of the number that is called; the
    longest that fits. `legit` is not accepted on a number that was changed, and not verified
    since, in the last `trusted_number_days`. `call_back` is what somebody who calls us needs to say
    that a payment was theirs; `text` asks by SMS too. The higher `priority` is called first, then
    the higher amount.
    """

    name: str
    outcomes: tuple[str, ...]
    flow: str = "verify-card-payment"
    line: str = "browser"
    lines: tuple[str, ...] = ()
    attempts: int = 3
    spacing_seconds: float = 300.0
    jitter: float = 0.1
    after: dict[str, FollowUp] = msgspec.field(default_factory=dict)
    attempts_per_day: int = 6
    messages: int = 3
    messages_days: float = 3.0
    ring_timeout_seconds: float = 30.0
    detect_machine: bool = False
    on_machine: OnMachine = OnMachine.HANG_UP
    message_flow: str = "leave-message"
    consent: ConsentRule = ConsentRule.RECORDED
    quiet_hours: QuietHours | None = QuietHours()
    quiet_hours_override_amount: float | None = None
    caller_numbers: dict[str, str] = msgspec.field(default_factory=dict)
    hold: bool = True
    hold_seconds: float = 86_400.0
    questions: tuple[str, ...] = ()
    answers: dict[str, Verdict] = msgspec.field(
        default_factory=lambda: {"1": Verdict.LEGIT, "2": Verdict.FRAUD}
    )
    answer_attribute: str = ""
    trusted_number_days: float = 7.0
    priority: int = 0
    on_unreached: CardAction = CardAction.ANALYST
    on_undecided: CardAction = CardAction.ANALYST
    call_back: CallBackCheck = CallBackCheck.BOTH
    text: Texting | None = None

    @property
    def all_lines(self) -> tuple[str, ...]:
        """The lines to call on, in their order."""
        return (self.line, *self.lines)

    @property
    def leaves_message(self) -> bool:
        """Whether an answering machine hears a message."""
        return self.detect_machine and self.on_machine is OnMachine.LEAVE_MESSAGE

    def verdict_of(self, block_id: str, key: str) -> Verdict | None:
        """What `key` says in the menu `block_id`; None when it is no answer."""
        if self.questions and block_id not in self.questions:
            return None
        return self.answers.get(key)

    def next_allowed(self, at: datetime, *time_zones: str, amount: float | None = None) -> datetime:
        """A moment from `at` on at which this plan may call somebody in all these `time_zones`
        about a payment of `amount`."""
        override = self.quiet_hours_override_amount
        if self.quiet_hours is None:
            return at
        if override is not None and amount is not None and amount >= override:
            return at
        return self.quiet_hours.next_allowed(at, *time_zones)

    def caller_number(self, to_number: str) -> str | None:
        """The number to call `to_number` (E.164) from; None where the plan does not say."""
        fitting = [prefix for prefix in self.caller_numbers if to_number.startswith(prefix)]
        return self.caller_numbers[max(fitting, key=len)] if fitting else None

    def check(self) -> None:
        """Raise `InvalidInput` naming the first field that does not fit."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise InvalidInput("not a name", field="name", expected="1 to 64 of 0-9 a-z _ -")
        if not self.outcomes or len(set(self.outcomes)) != len(self.outcomes):
            raise InvalidInput(
                "none, or one of them twice", field="outcomes", expected="one outcome or more"
            )
        self._check_lines()
        for field, low, high in _RANGES:
            if not low <= getattr(self, field) <= high:
                raise InvalidInput("out of range", field=field, expected=f"{low} to {high}")
        if self.text is not None:
            for field, value, high in (
                ("text.after_attempts", self.text.after_attempts, 10),
                ("text.wait_seconds", self.text.wait_seconds, 7 * 86_400),
            ):
                if not 0 <= value <= high:
                    raise InvalidInput("out of range", field=field, expected=f"0 to {high}")
        override = self.quiet_hours_override_amount
        if override is not None and not override > 0:
            raise InvalidInput(
                "not an amount", field="quiet_hours_override_amount", expected="more than 0"
            )
        if self.on_machine is OnMachine.LEAVE_MESSAGE and not self.detect_machine:
            raise InvalidInput(
                "nobody listens for machines",
                field="on_machine",
                expected="hang_up, or detect_machine true",
            )
        for key, verdict in self.answers.items():
            if key == OPT_OUT_KEY:
                raise InvalidInput("* stops such calls", field="answers", expected="0-9 or #")
            if len(key) != 1 or key not in "0123456789#":
                raise InvalidInput(f"{key!r} is not a key", field="answers", expected="0-9 or #")
            if verdict not in (Verdict.LEGIT, Verdict.FRAUD):
                raise InvalidInput("not an answer", field="answers", expected="legit or fraud")
        if len(self.answer_attribute) > 127:
            raise InvalidInput(
                "too long", field="answer_attribute", expected="the name of an attribute"
            )
        quiet = self.quiet_hours
        if quiet is not None and (quiet.start.tzinfo or quiet.end.tzinfo):
            raise InvalidInput(
                "names a time zone",
                field="quiet_hours",
                expected="times such as 21:00:00, which are the cardholder's",
            )

    def _check_lines(self) -> None:
        for field, lines in (("line", (self.line,)), ("lines", self.lines)):
            if any(not 0 < len(line) <= 32 for line in lines):
                raise InvalidInput("not a line", field=field, expected="the name of a line")
        if len(set(self.all_lines)) != len(self.all_lines) or len(self.lines) > 8:
            raise InvalidInput(
                "one of them twice, or too many", field="lines", expected="at most 8 other lines"
            )
        for way, follow in self.after.items():
            if way not in WAYS:
                raise InvalidInput(
                    f"no attempt ends so: {way[:32]!r}",
                    field="after",
                    expected="one of " + ", ".join(WAYS),
                )
            if follow.seconds is not None and not 0 <= follow.seconds <= 7 * 86_400:
                raise InvalidInput(
                    "out of range", field=f"after.{way}.seconds", expected="0 to 604800"
                )
            if follow.most is not None and not 0 <= follow.most <= 10:
                raise InvalidInput("out of range", field=f"after.{way}.most", expected="0 to 10")
        for prefix, number in self.caller_numbers.items():
            field = f"caller_numbers.{prefix[:17]}"
            if not _PREFIX.fullmatch(prefix):
                raise InvalidInput(
                    "not the beginning of a number", field=field, expected="such as +49"
                )
            if read_phone_number(number, field=field).e164 != number:
                raise InvalidInput("not in E.164", field=field, expected="such as +4930123456")


OPT_OUT_KEY = "*"
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_RANGES = (
    ("attempts", 1, 10),
    ("spacing_seconds", 0, 7 * 86_400),
    ("jitter", 0, 1),
    ("attempts_per_day", 1, 100),
    ("messages", 1, 100),
    ("messages_days", 0.01, 30),
    ("ring_timeout_seconds", 5, 120),
    ("hold_seconds", 60, 30 * 86_400),
    ("trusted_number_days", 0, 90),
    ("priority", -100, 100),
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
    if plan.leaves_message:
        try:
            published_version(connection, plan.message_flow)
        except NotFound as error:
            raise NotFound(error.message, field="message_flow") from None
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
