"""What is answered in a call, and by whom: keys, machines, far sides that run the flow."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from banks import (
    AT,
    CUSTOMER,
    PHONE,
    Telephone,
    add_customer,
    deciding,
    open_bank,
    payment,
    plan,
    set_up,
)
from flow_texts import block, flow_text
from sqlalchemy import update

from ringfence import cards
from ringfence.cards.permissions import permissions_of
from ringfence.cases import Case, ContactPlan, EntryKind, OnMachine, Verdict, put_plan, tables
from ringfence.cases.functions import CaseFunctions
from ringfence.contacts.flows import import_flow
from ringfence.flows import AnsweredBy
from ringfence.lines import CallEnd, CallRequest, CallResult, Conversation, Limits, Report
from ringfence.storage import Database, now


@pytest.mark.parametrize("does", ["*", "9*"])
async def test_a_star_stops_such_calls_at_once_also_of_other_cases(
    database: Database, tmp_path: Path, does: str
) -> None:
    telephone = Telephone(does, "2")
    set_up(database)
    other = add_customer(database, "c2", "+4930123457", "5555555555554444")
    with database.write() as connection:
        second = cards.add_card(
            connection, cards.Vault(bytes(32)), CUSTOMER, "4000056655665556", by="test", at=AT
        ).card.card_id
    async with open_bank(database, tmp_path, second, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        said = bank.told(case_id, EntryKind.POLICY)
        assert said[0] == "the cardholder wishes no more such calls"
        assert said[1].startswith("no call: consent was withdrawn on ")
        with database.read() as connection:
            voice, sms = permissions_of(connection, CUSTOMER)
        assert (voice.given, voice.source, voice.by) == (False, "phone key *", "cardholder")
        assert sms.given
        assert len(telephone.dialled) == 1
        decision = await bank.engine.decide(payment("e2", other, customer_id="c2"))
        assert decision.case_id is not None
        assert (await bank.closed(decision.case_id)).verdict is Verdict.FRAUD
        assert [request.to_number for request in telephone.dialled] == [PHONE, "+4930123457"]


async def test_a_call_that_an_answering_machine_takes_is_ended_and_tried_again(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("machine", "2")
    card_id = set_up(database, plan(detect_machine=True))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        assert (await bank.closed(case_id)).verdict is Verdict.FRAUD
        first, second = bank.attempts(case_id)
        assert (first.end, first.answered_by) == (CallEnd.COMPLETED, "machine_beep")
        assert (second.end, second.answered_by) == (CallEnd.COMPLETED, "human")
        assert "completed, by an answering machine" in bank.told(case_id, EntryKind.ENDED)
        assert all(request.detect_machine for request in telephone.dialled)
        # The machine has heard nothing of the payment.
        assert len(bank.told(case_id, EntryKind.ANSWERED)) == 2
        assert sum("4155" in words for words in telephone.heard) == 1


async def test_a_machine_hears_the_plans_message_once_and_nobody_counts_as_reached(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("machine", "machine")
    card_id = set_up(database)
    with database.write() as connection:
        import_flow(connection, "note", _MESSAGE)
        put_plan(
            connection,
            plan(
                attempts=2,
                detect_machine=True,
                on_machine=OnMachine.LEAVE_MESSAGE,
                message_flow="note",
            ),
        )
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case = await bank.closed(await bank.suspect())
        assert case.verdict is Verdict.UNREACHED
        assert telephone.heard == ["Please call the number on the back of your card."]
        assert len(telephone.dialled) == 2


async def test_1_on_a_number_that_was_changed_lately_goes_to_an_analyst(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("1")
    card_id = set_up(database)
    with database.write() as connection:
        moved = cards.CustomerChanges(phone_number="+493099999")
        cards.update_customer(connection, CUSTOMER, moved, by="test", at=now())
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        assert bank.card().state is cards.CardState.HELD
        [said] = bank.told(case_id, EntryKind.VERDICT)
        assert said.startswith("undecided: 1 does not count: the number was changed on ")
        assert len(telephone.dialled) == 1


async def _heard(
    database: Database, folder: Path, with_plan: ContactPlan, *, moved: bool
) -> tuple[str, Case]:
    """What somebody who presses 1 hears last, and the case; `moved`: on a number that was changed
    just now."""
    telephone = Telephone("1")
    card_id = set_up(database, with_plan)
    if moved:
        with database.write() as connection:
            changes = cards.CustomerChanges(phone_number="+493099999")
            cards.update_customer(connection, CUSTOMER, changes, by="test", at=now())
    async with open_bank(database, folder, card_id, {"browser": telephone}) as bank:
        case = await bank.closed(await bank.suspect())
    return telephone.heard[-1], case


async def test_who_settles_the_case_with_1_hears_that_there_is_nothing_more_to_do(
    database: Database, tmp_path: Path
) -> None:
    heard, case = await _heard(database, tmp_path, plan(), moved=False)
    assert case.verdict is Verdict.LEGIT
    assert "there is nothing more to do" in heard


async def test_who_is_not_trusted_with_1_hears_of_a_colleague_and_nothing_of_the_reason(
    database: Database, tmp_path: Path
) -> None:
    heard, case = await _heard(database, tmp_path, plan(), moved=True)
    assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
    assert "A colleague will look at this payment and may call you" in heard
    assert "your card stays as it is" in heard
    assert not re.search("nothing more|number|chang|verif|trust|new", heard)


@pytest.mark.parametrize(("moved", "verdict"), [(True, "undecided"), (False, "legit")])
async def test_a_flow_that_asks_for_no_verdict_goes_on_in_its_own_words(
    database: Database, tmp_path: Path, moved: bool, verdict: str
) -> None:
    with database.write() as connection:
        import_flow(connection, "own", _OWN_WORDS)
    heard, case = await _heard(database, tmp_path, plan(flow="own"), moved=moved)
    assert heard == "Thanks for that."
    assert case.verdict == verdict


@pytest.mark.parametrize("verdict", [None, *Verdict])
async def test_a_flow_finds_the_verdict_of_its_case(
    database: Database, verdict: Verdict | None
) -> None:
    card_id = set_up(database)
    with deciding(database) as (decide, _announced):
        case_id = (await asyncio.to_thread(decide, payment("e1", card_id))).case_id
    with database.write() as connection:
        connection.execute(update(tables.cases).values(verdict=verdict))
    find = CaseFunctions(database, case_id).built_ins()["find-verdict"]
    assert await find({}) == {"Verdict": verdict or ""}


@pytest.mark.parametrize(
    ("key", "verdict", "verified", "days"),
    [
        ("2", Verdict.FRAUD, False, 7.0),  # which can only make things safer
        ("1", Verdict.LEGIT, True, 7.0),
        ("1", Verdict.LEGIT, False, 0.0),
    ],
)
async def test_2_counts_on_any_number_and_1_on_one_that_is_verified_or_old_enough(
    database: Database, tmp_path: Path, key: str, verdict: Verdict, verified: bool, days: float
) -> None:
    card_id = set_up(database, plan(trusted_number_days=days))
    with database.write() as connection:
        moved = cards.CustomerChanges(phone_number="+493099999", phone_verified=verified or None)
        cards.update_customer(connection, CUSTOMER, moved, by="test", at=now())
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone(key)}) as bank:
        assert (await bank.closed(await bank.suspect())).verdict is verdict


class _FarSide:
    """A line whose far side runs the flow, and tells at the end what is in the contact."""

    name = "connect"
    numbers = None
    limits = Limits()

    def __init__(self, **attributes: str) -> None:
        self.attributes = attributes
        self.dialled: list[CallRequest] = []

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.dialled.append(request)
        at = now()
        return CallResult(
            CallEnd.COMPLETED, at, at, answered_by=AnsweredBy.HUMAN, attributes=self.attributes
        )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("2", Verdict.FRAUD),
        ("1", Verdict.LEGIT),
        ("7", Verdict.UNDECIDED),
        ("", Verdict.UNDECIDED),
        ("*", Verdict.UNDECIDED),
    ],
)
async def test_an_answer_that_the_far_side_kept_in_an_attribute_counts_like_a_key(
    database: Database, tmp_path: Path, answer: str, verdict: Verdict
) -> None:
    line = _FarSide(Answer=answer)
    with_plan = plan(
        line="connect", attempts=1, answer_attribute="Answer", caller_numbers={"+49": "+4930999999"}
    )
    card_id = set_up(database, with_plan)
    async with open_bank(database, tmp_path, card_id, {"connect": line}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert case.verdict is verdict
        assert bank.told(case_id, EntryKind.DIGIT) == (
            [answer] if answer in ("1", "2", "*") else []
        )
        assert [request.from_number for request in line.dialled] == ["+4930999999"]
        with database.read() as connection:
            assert permissions_of(connection, CUSTOMER)[0].given is (answer != "*")


_OWN_WORDS = flow_text(
    block(
        "ask",
        "GetParticipantInput",
        "end",
        {"1": "thank"},
        Text="Was it you?",
        InputTimeLimitSeconds="2",
        StoreInput="False",
    ),
    block("thank", "MessageParticipant", "end", Text="Thanks for that."),
)

_MESSAGE = """{
  "Version": "2019-10-30",
  "StartAction": "Say",
  "Metadata": {},
  "Actions": [
    {
      "Identifier": "Say",
      "Type": "MessageParticipant",
      "Parameters": {"Text": "Please call the number on the back of your card."},
      "Transitions": {
        "NextAction": "End", "Errors": [{"NextAction": "End", "ErrorType": "NoMatchingError"}]
      }
    },
    {"Identifier": "End", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
  ]
}"""
