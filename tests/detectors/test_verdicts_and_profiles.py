"""Verdicts of cases teach profiles, while decisions go on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from publishing import RISK, card_payment, publish, publish_model, rule, seen

from ringfence import cards
from ringfence.cases import ContactPlan, Verdict, furnish, put_plan, record_answer
from ringfence.cases.opening import CaseOpening
from ringfence.detectors import Decision, DecisionEngine, ModelRef, build_profiles
from ringfence.models import Trained
from ringfence.storage import Database, now

CARDS = 8


@pytest.fixture
def bank(published: Database, habits: Trained) -> tuple[Database, list[str]]:
    """A database that decides with profiles and opens cases, and the cards of its customers."""
    with published.write() as connection:
        furnish(connection)
        put_plan(
            connection,
            ContactPlan(name="ring", outcomes=("call",), attempts=1, spacing_seconds=0.0),
        )
        publish_model(connection, habits)
        version = publish(
            connection, rule("large"), rule("any"), models=[ModelRef("habits", "1.0")]
        )
        ids = []
        for number in range(CARDS):
            details = cards.CustomerDetails(
                customer_id=f"u{number}", phone_number="+4930123456", last_name="Winter"
            )
            cards.put_customer(connection, details, by="test", at=now())
            added = cards.add_card(
                connection,
                cards.Vault(bytes(32)),
                details.customer_id,
                f"41111111111{number:05}",
                by="test",
                at=now(),
            )
            ids.append(added.card.card_id)
    build_profiles(published, "guard", version.version)
    return published, ids


def answer(database: Database, case_id: str | None, verdict: Verdict) -> None:
    """What the cardholder says."""
    assert case_id is not None
    with database.write() as connection:
        record_answer(connection, case_id, verdict, by="cardholder", source="phone", at=now())


async def test_a_verdict_changes_the_risk_of_the_merchant(
    bank: tuple[Database, list[str]],
) -> None:
    database, [card, *_] = bank
    engine = DecisionEngine(database, CaseOpening("Bank", lambda _case_id: None))
    begin = now() - timedelta(hours=20)
    suspicious = await engine.decide(card_payment("e-1", card, begin, amount=900, merchant="x"))

    async def risk(event_id: str, hours: float) -> float:
        at = begin + timedelta(hours=hours)
        return seen(await engine.decide(card_payment(event_id, "c", at, merchant="x")))[RISK]

    assert await risk("e-2", 5) == 0.0
    answer(database, suspicious.case_id, Verdict.FRAUD)
    assert await risk("e-3", 5.1) == 1.0
    await asyncio.to_thread(engine.close)


async def test_verdicts_and_decisions_do_not_wait_in_a_circle(
    bank: tuple[Database, list[str]],
) -> None:
    database, ids = bank
    engines = [
        DecisionEngine(Database(database.url), CaseOpening("Bank", lambda _case_id: None))
        for _ in range(2)
    ]
    opened = [
        await engines[0].decide(card_payment(f"first-{card}", card, amount=900)) for card in ids
    ]
    verdicts = [
        asyncio.to_thread(answer, database, decision.case_id, verdict)
        for decision, verdict in zip(opened, [Verdict.FRAUD, Verdict.LEGIT] * 4, strict=True)
    ]
    payments = [
        engines[number % 2].decide(card_payment(f"e-{number}-{card}", card, amount=900))
        for number in range(20)
        for card in ids
    ]
    answers = await asyncio.gather(*payments, *verdicts)
    assert sum(isinstance(answer, Decision) for answer in answers) == 20 * CARDS
    for engine in engines:
        await asyncio.to_thread(engine.close)
