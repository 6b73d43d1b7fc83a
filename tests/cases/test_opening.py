"""A case opens with the decision or not at all, and there is one open case for a card."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, NoReturn

import msgspec
import pytest
from banks import CUSTOMER, Bank, add_customer, deciding, payment, plan, set_up
from sqlalchemy import Connection, func, select

from ringfence import cards
from ringfence.cases import EntryKind, Verdict, get_case, put_plan, record_answer, tables
from ringfence.cases.opening import CaseOpening
from ringfence.contacts.flows import describe, find_flow, import_flow
from ringfence.detectors import DecisionEngine, Resolved, Suspicion, stored_decision
from ringfence.events import Entity
from ringfence.flows import shipped_flows
from ringfence.storage import Database, now


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.cases)).scalar_one()


def test_a_suspicious_payment_holds_the_card_and_opens_a_case(database: Database) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)
    with deciding(database) as (decide, announced):
        decision = decide(payment("e1", card_id))
    assert announced == [decision.case_id]
    case = bank.case(decision.case_id)
    assert (case.open, case.verdict, case.customer_id) == (True, None, CUSTOMER)
    assert len(case.reference) == 5
    assert case.attributes["Reference"] == case.reference
    assert case.attributes["AmountSpoken"] == "EUR 4155.00"
    assert (case.flow_name, case.flow_version) == ("verify-card-payment", 1)
    card = bank.card()
    assert (card.state, card.hold_case_id) == (cards.CardState.HELD, case.case_id)
    assert card.hold_expires_at == case.opened_at + timedelta(days=1)
    assert [entry.kind for entry in bank.timeline(case.case_id)] == [
        EntryKind.OPENED,
        EntryKind.HELD,
    ]


def test_a_plan_may_leave_the_card_alone_while_it_asks(database: Database) -> None:
    card_id = set_up(database, plan(hold=False))
    bank = Bank(database, card_id)
    with deciding(database) as (decide, _):
        decision = decide(payment("e1", card_id))
    assert bank.card().state is cards.CardState.ACTIVE
    assert not bank.told(decision.case_id, EntryKind.HELD)


def test_an_ordinary_payment_opens_nothing(database: Database) -> None:
    card_id = set_up(database)
    with deciding(database) as (decide, announced):
        assert decide(payment("e1", card_id, amount=5.0)).case_id is None
    assert announced == []
    assert count(database) == 0


def test_a_second_suspicion_joins_the_open_case(database: Database) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)
    with deciding(database) as (decide, _):
        first, second = decide(payment("e1", card_id)), decide(payment("e2", card_id))
    assert second.case_id == first.case_id
    assert second.note == f"joined the open case {bank.case(first.case_id).reference}"
    assert bank.told(first.case_id, EntryKind.JOINED) == ["event e2 joins this case"]
    assert count(database) == 1


def test_suspicions_that_arrive_together_open_one_case_for_each_card(database: Database) -> None:
    card_id = set_up(database)
    other = add_customer(database, "c2", "+4930123457", "5399411802536781")
    engine = DecisionEngine(database, CaseOpening("Example Bank", lambda _case_id: None))

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(
            *(
                engine.decide(payment(f"e{n}", other if n % 2 else card_id, customer_id=customer))
                for n in range(20)
                for customer in ["c2" if n % 2 else CUSTOMER]
            )
        )

    decisions = asyncio.run(all_at_once())
    engine.close()
    assert len({decision.case_id for decision in decisions}) == 2
    assert count(database) == 2


def test_after_a_verdict_the_next_suspicion_opens_a_new_case(database: Database) -> None:
    card_id = set_up(database)
    with deciding(database) as (decide, _):
        first = decide(payment("e1", card_id))
        with database.write() as connection:
            record_answer(
                connection, first.case_id, Verdict.LEGIT, by="anna", source="analyst", at=now()
            )
        second = decide(payment("e2", card_id))
    assert second.case_id not in (None, first.case_id)


def test_a_blocked_card_opens_no_case_and_the_decision_says_why(database: Database) -> None:
    card_id = set_up(database)
    with database.write() as connection:
        cards.block(connection, card_id, by="test", reason="lost", at=now())
    with deciding(database) as (decide, announced):
        decision = decide(payment("e1", card_id))
    assert (decision.case_id, decision.note) == (None, "no case: the card is blocked already")
    assert announced == []


def test_an_event_that_names_the_customer_alone_is_about_their_only_card(
    database: Database,
) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)
    with deciding(database) as (decide, _):
        decision = decide(payment("e1", None))
    assert bank.case(decision.case_id).card_id == card_id
    assert bank.card().state is cards.CardState.HELD


@pytest.mark.parametrize(
    ("card_id", "customer_id", "why"),
    [
        (None, "c9", "no case: the event names no card, and the customer has 0"),
        (None, "two", "no case: the event names no card, and the customer has 2"),
        ("card_unknown", CUSTOMER, "no case: there is no card 'card_unknown'"),
    ],
)
def test_without_a_card_of_ours_there_is_no_case_and_the_decision_stands(
    database: Database, card_id: str | None, customer_id: str, why: str
) -> None:
    set_up(database)
    add_customer(database, "two", "+4930123457", "5399411802536781")
    with database.write() as connection:
        cards.add_card(
            connection, cards.Vault(bytes(32)), "two", "4024007155261118", by="test", at=now()
        )
    with deciding(database) as (decide, _):
        decision = decide(payment("e1", card_id, customer_id=customer_id))
    assert (decision.outcomes, decision.case_id, decision.note) == (("call_cardholder",), None, why)


def test_a_decision_that_is_rolled_back_leaves_no_case_and_no_hold(database: Database) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)

    class Breaks(CaseOpening):
        def open_case(self, connection: Connection, suspicion: Suspicion) -> NoReturn:
            super().open_case(connection, suspicion)
            raise RuntimeError("the disk is full")

    announced: list[str] = []
    engine = DecisionEngine(database, Breaks("Example Bank", announced.append))
    with pytest.raises(RuntimeError, match="the disk is full"):
        asyncio.run(engine.decide(payment("e1", card_id)))
    engine.close()
    assert announced == []
    assert count(database) == 0
    assert bank.card().state is cards.CardState.ACTIVE
    with deciding(database) as (decide, _):
        assert decide(payment("e1", card_id)).case_id is not None


def test_a_neighbour_that_fails_takes_no_case_with_it(database: Database) -> None:
    card_id = set_up(database)

    def nobody(_connection: Connection, _fresh: bool) -> Resolved:
        raise LookupError("nobody")

    def ours(_connection: Connection, _fresh: bool) -> Resolved:
        return Resolved((Entity("customer", CUSTOMER), Entity("card", card_id)))

    engine = DecisionEngine(database, CaseOpening("Example Bank", lambda _case_id: None))

    async def both() -> list[Any]:
        return await asyncio.gather(
            engine.decide(msgspec.structs.replace(payment("e1", None), resolve=nobody)),
            engine.decide(msgspec.structs.replace(payment("e2", None), resolve=ours)),
            return_exceptions=True,
        )

    bad, good = asyncio.run(both())
    engine.close()
    assert isinstance(bad, LookupError)
    with database.read() as connection:
        assert stored_decision(connection, "card_payment", "e2").case_id == good.case_id
        assert get_case(connection, good.case_id).card_id == card_id


def test_a_repeated_event_opens_nothing_new_and_announces_nothing(database: Database) -> None:
    card_id = set_up(database)
    with deciding(database) as (decide, announced):
        first, again = decide(payment("e1", card_id)), decide(payment("e1", card_id))
    assert again.repeated
    assert again.case_id == first.case_id
    assert announced == [first.case_id]


def test_an_open_case_keeps_the_plan_and_the_flow_that_it_was_opened_with(
    database: Database,
) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)
    with deciding(database) as (decide, _):
        case_id = decide(payment("e1", card_id)).case_id
        with database.write() as connection:
            import_flow(connection, "verify-card-payment", shipped_flows()["credit-card-fraud"])
            put_plan(connection, plan(attempts=9))
        before = bank.case(case_id)
        with database.write() as connection:
            record_answer(connection, case_id, Verdict.LEGIT, by="a", source="analyst", at=now())
        after = bank.case(decide(payment("e2", card_id)).case_id)
    assert (before.plan.attempts, before.flow_version) == (3, 1)
    assert (after.plan.attempts, after.flow_version) == (9, 2)


@pytest.mark.parametrize(
    ("language", "questions", "flow"),
    [
        ("de-AT", (), "verify-card-payment.de"),
        ("pt-BR", (), "verify-card-payment.pt"),
        ("en-GB", (), "verify-card-payment"),
        ("nl-NL", (), "verify-card-payment"),
        ("de-DE", ("Ask about the payment", "Ask again"), "verify-card-payment.de"),
        ("fr-CH", ("Ask about the payment",), "verify-card-payment.fr-CH"),
        ("it-CH", ("Ask about the payment",), "verify-card-payment"),
    ],
)
def test_a_cardholder_is_asked_in_their_language_where_the_plans_questions_are_in_it(
    database: Database, language: str, questions: tuple[str, ...], flow: str
) -> None:
    set_up(database, plan(questions=questions))
    with database.write() as connection:
        french = shipped_flows()["verify-card-payment.fr"]
        import_flow(connection, "verify-card-payment.fr-CH", french)
        other_questions = shipped_flows()["credit-card-fraud"]
        import_flow(connection, "verify-card-payment.it", other_questions)
    card_id = add_customer(database, "c2", "+41445550199", "5555555555554444", language)
    with deciding(database) as (decide, _):
        case_id = decide(payment("e1", card_id, customer_id="c2")).case_id
    case = Bank(database, card_id).case(case_id)
    assert (case.flow_name, case.flow_version) == (flow, 1)
    assert case.plan.flow == "verify-card-payment"


def test_a_language_whose_flow_is_archived_is_not_spoken(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        german = find_flow(connection, "verify-card-payment.de")
        describe(connection, german.flow_id, archived=True)
    card_id = add_customer(database, "c2", "+41445550199", "5555555555554444", "de-CH")
    with deciding(database) as (decide, _):
        case_id = decide(payment("e1", card_id, customer_id="c2")).case_id
    assert Bank(database, card_id).case(case_id).flow_name == "verify-card-payment"


def test_a_case_is_found_by_what_the_call_has_spoken(database: Database) -> None:
    card_id = set_up(database)
    bank = Bank(database, card_id)
    with deciding(database) as (decide, _):
        case_id = decide(payment("e1", card_id)).case_id
    assert bank.case(bank.case(case_id).reference.lower()).case_id == case_id
