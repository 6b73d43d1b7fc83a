from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from banks import (
    CUSTOMER,
    PHONE,
    OpenBank,
    Telephone,
    add_customer,
    open_bank,
    payment,
    plan,
    set_up,
)

from ringfence.cards import CardState, CustomerChanges, Vault, update_customer
from ringfence.cards.permissions import ContactChannel, permissions_of
from ringfence.cases import EntryKind, Verdict, record_answer, tables
from ringfence.cases.case_texts import text_of_case, text_of_link
from ringfence.cases.links import read_link
from ringfence.cases.plans import ContactPlan, TextAnswer
from ringfence.cases.plans import Texting as TextPlan
from ringfence.cases.texting import IncomingText, LinkAnswer, Texting, answer_link, hear_text
from ringfence.contacts.messages import StoredMessage, list_messages
from ringfence.errors import InvalidInput
from ringfence.lines import CallEnd
from ringfence.storage import Database, now

VAULT = Vault(bytes(32))
SENDER = "+15550100000"


def texting(takes: bool = True, public_url: str | None = "https://cards.example.com/") -> Texting:
    return Texting(
        VAULT, public_url=public_url, sender=SENDER, takes_texts=takes, outbox=lambda: None
    )


def with_text(answer: TextAnswer = TextAnswer.REPLY, **changes: Any) -> ContactPlan:
    wait = changes.pop("wait_seconds", 600.0)
    after = changes.pop("after_attempts", 1)
    text = TextPlan(after_attempts=after, answer=answer, wait_seconds=wait)
    return plan(text=text, attempts=changes.pop("attempts", 1), **changes)


def texts(database: Database) -> list[StoredMessage]:
    with database.read() as connection:
        return list(reversed(list_messages(connection)))


def replies(database: Database, text: str, text_id: str = "t1", number: str = PHONE) -> None:
    incoming = IncomingText(text_id=text_id, from_number=number, text=text)
    with database.write() as connection:
        hear_text(connection, incoming, sender=SENDER, at=now())


def asked(
    database: Database,
    folder: Path,
    contact_plan: ContactPlan,
    then: Callable[[OpenBank, str], Any],
    *does: str,
    sends: Texting | None = None,
) -> None:
    """A case that was asked about by SMS after its calls; `then` is what happens."""
    card_id = set_up(database, contact_plan)
    line = Telephone(*(does or (CallEnd.NO_ANSWER,)))

    async def work() -> None:
        async with open_bank(
            database, folder, card_id, {line.name: line}, texting=sends or texting()
        ) as bank:
            case_id = await bank.suspect()
            await bank.until(lambda: bool(texts(database)) or not bank.case(case_id).open)
            await asyncio.to_thread(then, bank, case_id)

    asyncio.run(work())


def test_who_was_not_reached_is_asked_by_sms_and_the_reply_settles_the_case(
    database: Database, tmp_path: Path
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        (question,) = texts(database)
        assert question.to == PHONE
        assert "EUR 4155" in question.text
        assert bank.case(case_id).open
        replies(database, "1")
        case = bank.case(case_id)
        assert (case.verdict, case.verdict_by) == (Verdict.LEGIT, "cardholder (SMS)")
        assert bank.card().state is CardState.ACTIVE
        assert "noted that it was you" in texts(database)[1].text
        assert bank.told(case_id, EntryKind.LABEL)

    asked(database, tmp_path, with_text(), then)


def test_a_reported_fraud_blocks_the_card_and_says_so(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        replies(database, "No!!")
        assert bank.case(case_id).verdict == Verdict.FRAUD
        assert bank.card().state is CardState.BLOCKED
        assert "is blocked" in texts(database)[1].text

    asked(database, tmp_path, with_text(), then)


def test_a_reply_that_is_delivered_twice_is_heard_once(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        for _ in range(3):
            replies(database, "1")
        assert len(texts(database)) == 2
        replies(database, "2", text_id="t2")  # another one: it can still make things safer
        assert bank.card().state is CardState.BLOCKED

    asked(database, tmp_path, with_text(), then)


def test_the_first_answer_wins_wherever_it_is_given(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        with database.write() as connection:
            record_answer(connection, case_id, Verdict.LEGIT, by="ana", source="analyst", at=now())
        replies(database, "1")
        assert bank.case(case_id).verdict_by == "ana"
        assert "this question is closed" in texts(database)[1].text

    asked(database, tmp_path, with_text(), then)


@pytest.mark.parametrize("concluded", [False, True])
def test_a_yes_that_is_not_trusted_is_left_to_a_colleague_and_nobody_is_told_why(
    database: Database, tmp_path: Path, concluded: bool
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        with database.write() as connection:
            if concluded:
                cases = tables.cases.update().values(open=False, verdict=Verdict.UNREACHED)
                connection.execute(cases)
            moved = CustomerChanges(phone_number="+4930999999")
            update_customer(connection, CUSTOMER, moved, by="test", at=now())
            moved = CustomerChanges(phone_number=PHONE)
            update_customer(connection, CUSTOMER, moved, by="test", at=now())
        replies(database, "1")
        case = bank.case(case_id)
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        assert bank.card().state is CardState.HELD
        told = texts(database)[1].text
        assert "A colleague will look at this" in told
        assert not re.search("number|chang|new|trust", told)

    asked(database, tmp_path, with_text(), then)


def test_what_is_unclear_is_asked_again_and_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        replies(database, "who is this? yes no")
        assert bank.case(case_id).open
        assert "reply 1" in texts(database)[1].text

    asked(database, tmp_path, with_text(), then)


def test_stop_is_recorded_for_texts_and_calls_and_confirmed_once(
    database: Database, tmp_path: Path
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        replies(database, "STOP")
        with database.read() as connection:
            found = permissions_of(connection, bank.case(case_id).customer_id)
        assert {(each.channel, each.given, each.source) for each in found} == {
            (channel, False, "SMS STOP") for channel in ContactChannel
        }
        assert bank.case(case_id).open
        assert "no more texts" in texts(database)[1].text

    asked(database, tmp_path, with_text(), then)


def test_nobody_who_was_not_asked_is_heard(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        replies(database, "2", number="+4930999999")
        assert bank.case(case_id).open
        assert len(texts(database)) == 1

    asked(database, tmp_path, with_text(), then)


def test_of_two_open_cases_the_reference_says_which(database: Database, tmp_path: Path) -> None:
    card_id = set_up(database, with_text())
    other_card = add_customer(database, "c2", PHONE, "4000056655665556")
    line = Telephone(CallEnd.NO_ANSWER, CallEnd.NO_ANSWER)

    async def work() -> None:
        async with open_bank(
            database, tmp_path, card_id, {line.name: line}, texting=texting()
        ) as bank:
            first = await bank.suspect()
            decision = await bank.engine.decide(payment("e2", other_card, customer_id="c2"))
            second = decision.case_id
            assert second is not None
            await bank.until(lambda: len(texts(database)) == 2)
            replies(database, "2")
            assert bank.case(first).open
            assert bank.case(second).open
            replies(database, f"2 {bank.case(second).reference.lower()}", text_id="t2")
            assert bank.case(first).open
            assert bank.case(second).verdict == Verdict.FRAUD

    asyncio.run(work())


def test_without_an_answer_the_case_is_concluded_when_its_time_is_over(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, with_text(wait_seconds=0.3))
    line = Telephone(CallEnd.NO_ANSWER)

    async def work() -> None:
        async with open_bank(
            database, tmp_path, card_id, {line.name: line}, texting=texting()
        ) as bank:
            case = await bank.closed(await bank.suspect())
            assert case.verdict == Verdict.UNREACHED
            assert case.closed_at is not None
            (text,) = texts(database)
            assert case.closed_at - text.created_at >= timedelta(seconds=0.3)
            replies(database, "1")  # late, and still the first answer of a person
            assert bank.case(case.case_id).verdict == Verdict.LEGIT

    asyncio.run(work())


@pytest.mark.parametrize("after", [0, 1, 2])
def test_the_text_is_sent_after_as_many_calls_as_the_plan_says(
    after: int, database: Database, tmp_path: Path
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        told = [entry.kind for entry in bank.timeline(case_id)]
        before = told[: told.index(EntryKind.TEXTED)]
        assert before.count(EntryKind.DIALLED) == after

    busy = [CallEnd.NO_ANSWER] * 3
    asked(database, tmp_path, with_text(after_attempts=after, attempts=3), then, *busy)


def test_who_answers_the_call_gets_no_text(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        assert bank.case(case_id).verdict == Verdict.LEGIT
        assert texts(database) == []

    asked(database, tmp_path, with_text(), then, "1")


@pytest.mark.parametrize(
    ("answer", "sends", "why"),
    [
        (TextAnswer.REPLY, texting(takes=False), "sms_url"),
        (TextAnswer.LINK, texting(public_url=None), "public_url"),
    ],
)
def test_a_text_that_cannot_be_sent_is_told_on_the_timeline(
    answer: TextAnswer, sends: Texting, why: str, database: Database, tmp_path: Path
) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        assert why in " ".join(bank.told(case_id, EntryKind.POLICY))
        assert bank.case(case_id).verdict == Verdict.UNREACHED

    asked(database, tmp_path, with_text(answer), then, sends=sends)


def link_of(message: StoredMessage) -> str:
    found = re.search(r"https://cards\.example\.com/c/(\S+)", message.text)
    assert found is not None
    return found[1]


def test_a_link_answers_once(database: Database, tmp_path: Path) -> None:
    def then(bank: OpenBank, case_id: str) -> None:
        link_id = read_link(VAULT, link_of(texts(database)[0]), now())
        assert link_id is not None
        with database.write() as connection:
            text = text_of_link(connection, link_id)
            assert text == text_of_case(connection, case_id)
            assert text is not None
            assert answer_link(connection, text, Verdict.LEGIT, at=now()) is LinkAnswer.TAKEN
        with database.write() as connection:
            assert answer_link(connection, text, Verdict.FRAUD, at=now()) is LinkAnswer.CLOSED
        assert bank.case(case_id).verdict_by == "cardholder (link)"
        assert bank.card().state is CardState.ACTIVE

    asked(database, tmp_path, with_text(TextAnswer.LINK), then)


@pytest.mark.parametrize(("field", "value"), [("after_attempts", 11), ("wait_seconds", -1)])
def test_a_text_that_does_not_fit_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(InvalidInput) as refusal:
        with_text(**{field: value}).check()
    assert refusal.value.field == f"text.{field}"
