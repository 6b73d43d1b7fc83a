from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from banks import CUSTOMER, PHONE, Telephone, add_customer, open_bank, payment, plan, set_up
from hypothesis import given
from hypothesis import strategies as st

from ringfence import cards
from ringfence.cards import CardState
from ringfence.cases import EntryKind, Verdict
from ringfence.cases.calling_back import (
    CallingBack,
    Found,
    find_open_case,
    keys_of,
    may_say_legit,
)
from ringfence.cases.plans import CallBackCheck
from ringfence.contacts.flows import find_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.phone_numbers import claim_number, update_number
from ringfence.flows import AnsweredBy, Destination, Prompt, Recording, Reply
from ringfence.lines import (
    CallEnd,
    CallResult,
    Declined,
    IncomingCall,
    Receive,
)
from ringfence.storage import Database, now

OURS = "+15550100000"
STRANGER = "+4930999999"


@dataclass
class Caller:
    """Somebody who calls and presses these keys, one after another, when asked."""

    keys: str
    said: list[str] = field(default_factory=list)

    answered_by = AnsweredBy.HUMAN

    async def say(self, prompt: Prompt, *, interruptible: bool) -> None:
        self.said.append(prompt.text)

    async def play(self, recording: Recording, *, interruptible: bool) -> None:
        self.said.append(recording.name)

    async def digit(self, timeout_seconds: float) -> str | None:
        key, self.keys = self.keys[:1], self.keys[1:]
        return key if key not in ("", " ") else None

    async def reply(self, timeout_seconds: float) -> Reply | None:
        return None

    def clear_digits(self) -> None:
        """Nothing is pressed ahead."""

    async def pause(self, seconds: float) -> None:
        """Nobody waits."""

    async def connect(self, destination: Destination) -> None:
        """Nobody is put through."""

    async def record(self, on: bool) -> bool:
        return False

    async def hang_up(self) -> None:
        """The flow ends after it."""

    @property
    def heard(self) -> str:
        return " ".join(self.said)


class BothWays(Telephone):
    """A line on which calls can come in too."""

    ask: Receive

    def receive(self, receive: Receive) -> None:
        self.ask = receive

    async def comes_in(self, keys: str, caller: str = PHONE, *, verified: bool = False) -> Caller:
        far_end = Caller(keys)
        call = IncomingCall("browser", "1", caller, OURS, verified)
        reception = await self.ask(call)
        assert not isinstance(reception, Declined)
        await reception.conversation(far_end)  # type: ignore[arg-type]
        await reception.over(CallResult(CallEnd.COMPLETED, now(), now()))
        return far_end


def lead_to_the_flow(database: Database) -> None:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        number = claim_number(connection, instance_id, OURS, {"browser": None})
        flow_id = find_flow(connection, "answer-call-back").flow_id
        update_number(connection, number.number_id, flow_id=flow_id)


def calls_back(
    database: Database,
    folder: Path,
    keys: str,
    *,
    check: CallBackCheck = CallBackCheck.BOTH,
    caller: str = PHONE,
    verified: bool = False,
) -> tuple[Caller, BothWays, str, str]:
    """A case whose first call nobody answered, and then the cardholder's call: `R` in `keys`
    stands for the reference. What they heard, the line, and the case's verdict and card."""
    card_id = set_up(database, plan(call_back=check, spacing_seconds=600.0, attempts=2))
    line = BothWays(CallEnd.NO_ANSWER)

    async def work() -> tuple[Caller, str, str]:
        async with open_bank(database, folder, card_id, {line.name: line}) as bank:
            lead_to_the_flow(database)
            case_id = await bank.suspect()
            await bank.until(lambda: bank.ends(case_id) == [CallEnd.NO_ANSWER])
            reference = keys_of(bank.case(case_id).reference)
            heard = await line.comes_in(keys.replace("R", reference), caller, verified=verified)
            told = bank.told(case_id, EntryKind.CALLED_BACK)
            assert bool(told) == (caller == PHONE or "R" in keys)
            return heard, bank.case(case_id).verdict or "open", bank.card().state

    heard, verdict, state = asyncio.run(work())
    return heard, line, verdict, state


def test_who_calls_from_their_number_with_the_reference_settles_the_case(
    database: Database, tmp_path: Path
) -> None:
    heard, line, verdict, state = calls_back(database, tmp_path, "R1")
    assert (verdict, state) == (Verdict.LEGIT, CardState.ACTIVE)
    assert "4155" in heard.heard
    assert "noted that it was you" in heard.heard
    assert len(line.dialled) == 1  # nobody is called any more


def test_who_confirms_from_a_number_that_was_changed_lately_hears_of_a_colleague(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, plan(spacing_seconds=600.0, attempts=2))
    line = BothWays(CallEnd.NO_ANSWER)

    async def work() -> Caller:
        async with open_bank(database, tmp_path, card_id, {line.name: line}) as bank:
            lead_to_the_flow(database)
            case_id = await bank.suspect()
            await bank.until(lambda: bank.ends(case_id) == [CallEnd.NO_ANSWER])
            with database.write() as connection:
                moved = cards.CustomerChanges(phone_number=STRANGER)
                cards.update_customer(connection, CUSTOMER, moved, by="test", at=now())
            heard = await line.comes_in(keys_of(bank.case(case_id).reference) + "1", STRANGER)
            assert bank.case(case_id).verdict is Verdict.UNDECIDED
            return heard

    heard = asyncio.run(work())
    assert "A colleague will look at this payment" in heard.heard
    assert "nothing more to do" not in heard.heard


def test_what_they_report_blocks_the_card_as_in_a_call_of_ours(
    database: Database, tmp_path: Path
) -> None:
    heard, _, verdict, state = calls_back(database, tmp_path, "R2")
    assert (verdict, state) == (Verdict.FRAUD, CardState.BLOCKED)
    assert "now blocked" in heard.heard


@pytest.mark.parametrize(("keys", "caller"), [("#", PHONE), ("R", STRANGER), ("R", "")])
def test_half_of_the_proof_hears_nothing_of_the_payment_and_confirms_nothing(
    keys: str, caller: str, database: Database, tmp_path: Path
) -> None:
    heard, _, verdict, state = calls_back(database, tmp_path, f"{keys}1", caller=caller)
    assert (verdict, state) == ("open", CardState.HELD)
    assert "4155" not in heard.heard
    assert "Winter" not in heard.heard


@pytest.mark.parametrize(("keys", "caller"), [("#", PHONE), ("R", STRANGER), ("R", "")])
def test_half_of_the_proof_is_enough_to_report_fraud(
    keys: str, caller: str, database: Database, tmp_path: Path
) -> None:
    _, _, verdict, state = calls_back(database, tmp_path, f"{keys}2", caller=caller)
    assert (verdict, state) == (Verdict.FRAUD, CardState.BLOCKED)


def test_a_stranger_without_the_reference_finds_nothing_and_is_not_asked_for_ever(
    database: Database, tmp_path: Path
) -> None:
    heard, _, verdict, state = calls_back(
        database, tmp_path, "222223333344444555552222", caller=STRANGER
    )
    assert (verdict, state) == ("open", CardState.HELD)
    assert "no open question for you" in heard.heard
    assert len([text for text in heard.said if "five characters" in text]) == 3


def test_a_plan_may_take_the_number_alone_when_the_network_has_signed_for_it(
    database: Database, tmp_path: Path
) -> None:
    heard, _, verdict, _ = calls_back(
        database, tmp_path, "1", check=CallBackCheck.VERIFIED_CALLER, verified=True
    )
    assert verdict == Verdict.LEGIT
    assert "five characters" not in heard.heard


def test_a_case_that_is_settled_is_not_asked_about_again(
    database: Database, tmp_path: Path
) -> None:
    line = BothWays("1")
    card_id = set_up(database)

    async def work() -> Caller:
        async with open_bank(database, tmp_path, card_id, {line.name: line}) as bank:
            lead_to_the_flow(database)
            case_id = await bank.suspect()
            await bank.closed(case_id)
            reference = keys_of(bank.case(case_id).reference)
            heard = await line.comes_in(f"{reference} {reference} {reference} 2")
            assert bank.case(case_id).verdict == Verdict.LEGIT
            return heard

    assert "no open question" in asyncio.run(work()).heard


def test_two_cardholders_with_one_number_are_told_apart_by_the_reference(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, plan(attempts=1))
    other_card = add_customer(database, "c2", PHONE, "4000056655665556")
    line = BothWays()

    async def work() -> None:
        async with open_bank(database, tmp_path, card_id, {line.name: line}) as bank:
            first = await bank.suspect()
            decision = await bank.engine.decide(payment("e2", other_card, customer_id="c2"))
            second = decision.case_id
            assert second is not None
            await bank.closed(first)
            await bank.closed(second)
            with database.read() as connection:
                assert find_open_case(connection, PHONE, "", now()) == (Found.NOTHING, None)
                for case_id in (first, second):
                    keys = keys_of(bank.case(case_id).reference)
                    found, case = find_open_case(connection, PHONE, keys, now())
                    assert found is Found.BOTH
                    assert case is not None
                    assert case.case_id == case_id

    asyncio.run(work())


@given(st.text("ACDEFHJKLMNPRTUVWXY34679", min_size=5, max_size=5))
def test_a_reference_is_dialled_by_the_letters_on_the_keys(reference: str) -> None:
    pad = {"2": "ABC", "3": "DEF3", "4": "GHI4", "5": "JKL", "6": "MNO6", "7": "PQRS7"}
    pad |= {"8": "TUV", "9": "WXYZ9"}
    dialled = keys_of(reference.lower())
    assert all(sign in pad[key] for sign, key in zip(reference, dialled, strict=True))


@given(st.sampled_from(CallBackCheck), st.sampled_from(Found), st.booleans())
def test_more_proof_never_allows_less(check: CallBackCheck, found: Found, verified: bool) -> None:
    allowed = may_say_legit(check, found, verified=verified)
    assert may_say_legit(check, Found.BOTH, verified=verified)
    assert not may_say_legit(check, Found.NOTHING, verified=verified)
    if allowed and not verified:
        assert may_say_legit(check, found, verified=True)
    if check is CallBackCheck.BOTH:
        assert allowed == (found is Found.BOTH)


def test_a_cardholder_is_answered_in_their_language(database: Database) -> None:
    set_up(database)
    add_customer(database, "c2", "+33140000000", "4000056655665556", language="fr-FR")
    watching = CallingBack(database, None)  # type: ignore[arg-type]
    with database.read() as connection:
        assert watching.language_of(connection, "+33140000000") == "fr-FR"
        assert watching.language_of(connection, "") is None
        assert watching.language_of(connection, STRANGER) is None
