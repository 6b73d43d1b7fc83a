"""Beyond the call: an SMS that asks the same question, answered by a reply or on a page.

The text is put into the outbox in the transaction that decides to send it, once for a case. The
first answer wins, wherever it is given; a reply that a gateway delivers twice is heard once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import structlog
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from ringfence import cards
from ringfence.cards import Vault
from ringfence.cards.permissions import ContactChannel, record_permission
from ringfence.cases import tables
from ringfence.cases.answering import doubt_about
from ringfence.cases.case_texts import CaseText, texts_to
from ringfence.cases.links import new_link_id, signed_link
from ringfence.cases.plans import ContactPlan, TextAnswer
from ringfence.cases.records import Case, get_case
from ringfence.cases.replies import Meaning, read_reply
from ringfence.cases.text_wordings import text_of
from ringfence.cases.timeline import EntryKind, note
from ringfence.cases.verdicts import UNSETTLED, Verdict, leave_undecided, record_answer
from ringfence.contacts.messages import put_message
from ringfence.detectors import hold_plans
from ringfence.flows import Channel, Message, MessageFailed

_LEAST_SECONDS = 300.0  # that a link is good for, however soon its case is concluded
_VERDICTS = {Meaning.LEGIT: Verdict.LEGIT, Meaning.FRAUD: Verdict.FRAUD}
_log = structlog.get_logger(__name__)


class IncomingText(msgspec.Struct, frozen=True, kw_only=True):
    """An SMS that came in. `text_id` is what its gateway calls it."""

    text_id: str
    from_number: str  # E.164
    text: str


class LinkAnswer(StrEnum):
    """What came of an answer on the page."""

    TAKEN = "taken"
    CLOSED = "closed"  # it was answered before, here or elsewhere
    NOT_TRUSTED = "not_trusted"  # an analyst looks at it


class Texting:
    """Sends the texts of cases. `outbox` is told when there is one, after the commit."""

    def __init__(
        self,
        vault: Vault,
        *,
        public_url: str | None,
        sender: str,
        takes_texts: bool,
        outbox: Callable[[], None],
    ):
        self._vault = vault
        self._public_url = public_url
        self._sender = sender
        self._takes_texts = takes_texts
        self.outbox = outbox

    def why_not(self, plan: ContactPlan) -> str | None:
        """Why no text can be sent, whoever it is for; None where one can."""
        if not self._takes_texts:
            return "nobody sends SMS: sms_url is not set"
        if plan.text is not None and plan.text.answer is TextAnswer.LINK and not self._public_url:
            return "no link can be sent: public_url is not set"
        return None

    def send(
        self, connection: Connection, case: Case, customer: cards.Customer, at: datetime
    ) -> CaseText | None:
        """Put the text of a case, which has had none, into the outbox; None where its number
        takes none. Its plan has a `text`, and `why_not` knows nothing against it."""
        wanted = case.plan.text
        assert wanted is not None
        expires_at = at + timedelta(seconds=max(wanted.wait_seconds, _LEAST_SECONDS))
        link, link_id = "", None
        if wanted.answer is TextAnswer.LINK:
            link_id = new_link_id()
            address = (self._public_url or "").rstrip("/")
            link = f"{address}/c/{signed_link(self._vault, link_id, expires_at)}"
        kind = "question" if wanted.answer is TextAnswer.REPLY else "link"
        message = _put(connection, case, customer, kind, self._sender, at, link)
        if message is None:
            return None
        kept = CaseText(
            message_id=message,
            case_id=case.case_id,
            to_number=customer.phone_number,
            link_id=link_id,
            sent_at=at,
            expires_at=expires_at,
            answered_at=None,
        )
        connection.execute(insert(tables.case_texts).values(**msgspec.structs.asdict(kept)))
        text = f"asked by SMS, to the number ending in {customer.phone_number[-3:]}"
        note(connection, case.case_id, at, EntryKind.TEXTED, text)
        return kept


def hear_text(connection: Connection, incoming: IncomingText, *, sender: str, at: datetime) -> None:
    """Take an SMS that came in: an answer, the wish to stop, or what is asked about again.

    Heard once, however often it is delivered. One of nobody who was asked is logged and forgotten.
    """
    if not _first_time(connection, incoming, at):
        return
    asked = texts_to(connection, incoming.from_number)
    if not asked:
        _log.info("an SMS of nobody who was asked", text_id=incoming.text_id)
        return
    cases = [get_case(connection, each.case_id) for each in asked]
    unsettled = [case for case in cases if case.verdict in (None, *UNSETTLED)]
    reply = read_reply(incoming.text, frozenset(case.reference for case in cases))
    named = [case for case in cases if case.reference == reply.reference]
    about = named or (unsettled if len(unsettled) == 1 else [])
    if not about and not unsettled and reply.meaning is Meaning.FRAUD:
        about = cases[:1]  # who has second thoughts means the last question
    if reply.meaning is Meaning.STOP:
        _stop(connection, cases[0], sender, at)
    elif not about and not unsettled:
        _reply(connection, cases[0], "late", sender, at)
    elif not about or reply.meaning is Meaning.UNCLEAR:
        _reply(connection, (about or unsettled)[0], "unclear", sender, at)
    else:
        _answer(connection, about[0], _VERDICTS[reply.meaning], "SMS", sender, at)


def answer_link(
    connection: Connection, text: CaseText, verdict: Verdict, *, at: datetime
) -> LinkAnswer:
    """Take the answer that somebody gave on the page of a link, which answers once."""
    table = tables.case_texts
    first = connection.execute(
        update(table)
        .where(table.c.message_id == text.message_id, table.c.answered_at.is_(None))
        .values(answered_at=at)
    ).rowcount
    case = get_case(connection, text.case_id)
    if not first or case.verdict not in (None, *UNSETTLED):
        return LinkAnswer.CLOSED
    return _record(connection, case, verdict, "link", at)


def _answer(
    connection: Connection, case: Case, verdict: Verdict, by: str, sender: str, at: datetime
) -> None:
    taken = _record(connection, case, verdict, by, at)
    if verdict is Verdict.FRAUD:
        kind = "blocked"
    elif case.verdict not in (None, *UNSETTLED):
        kind = "late"
    else:
        kind = "not_trusted" if taken is LinkAnswer.NOT_TRUSTED else "confirmed"
    _reply(connection, case, kind, sender, at)


def _record(
    connection: Connection, case: Case, verdict: Verdict, by: str, at: datetime
) -> LinkAnswer:
    hold_plans(connection, [case.event_type])
    doubt = doubt_about(connection, case) if verdict is Verdict.LEGIT else None
    if doubt is not None:
        leave_undecided(connection, case.case_id, f"{by}: {doubt}", at=at)
        return LinkAnswer.NOT_TRUSTED
    first = record_answer(
        connection, case.case_id, verdict, by=f"cardholder ({by})", source="phone", at=at
    )
    return LinkAnswer.TAKEN if first else LinkAnswer.CLOSED


def _stop(connection: Connection, case: Case, sender: str, at: datetime) -> None:
    # Revoking consent by any reasonable means counts for calls too: 47 CFR 64.1200(a)(10).
    for channel in ContactChannel:
        record_permission(
            connection,
            case.customer_id,
            channel,
            given=False,
            source="SMS STOP",
            by="cardholder",
            at=at,
        )
    note(connection, case.case_id, at, EntryKind.POLICY, "the cardholder wants no more messages")
    _reply(connection, case, "stopped", sender, at)


def _reply(connection: Connection, case: Case, kind: str, sender: str, at: datetime) -> None:
    customer = cards.get_customer(connection, case.customer_id)
    _put(connection, case, customer, kind, sender, at)


def _put(
    connection: Connection,
    case: Case,
    customer: cards.Customer,
    kind: str,
    sender: str,
    at: datetime,
    link: str = "",
) -> str | None:
    text = text_of(kind, customer.language, case.attributes, link)
    message = Message(
        channel=Channel.SMS, to=customer.phone_number, text=text, subject="", sender=sender
    )
    try:
        return put_message(connection, message, case.case_id, at).message_id
    except MessageFailed as error:
        note(connection, case.case_id, at, EntryKind.TEXTED, f"no text: {error}")
        return None


def _first_time(connection: Connection, incoming: IncomingText, at: datetime) -> bool:
    first = insert(tables.heard_texts).values(text_id=incoming.text_id, heard_at=at)
    try:
        with connection.begin_nested():
            connection.execute(first)
    except IntegrityError:
        return False
    return True
