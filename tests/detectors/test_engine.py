from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from publishing import PAYMENT, payment, publish, rule, stored, trained_on_amounts
from sqlalchemy import Connection, func, select

from ringfence.detectors import (
    DecisionEngine,
    Detector,
    MatchedRule,
    ModelRef,
    Request,
    Resolved,
    latest_decisions,
    put_detector,
    stored_decision,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events import Entity, SentEvent, put_event_type, stored_event
from ringfence.events import tables as event_tables
from ringfence.models import create_model, store_version
from ringfence.rules import ExecutionMode
from ringfence.storage import Database


async def test_the_first_rule_that_matches_decides(engine: DecisionEngine) -> None:
    decision = await engine.decide(payment("e-1", amount="250", merchant="odd"))
    assert decision.outcomes == ("call", "review")
    assert decision.rules == (MatchedRule("large", "1", ("call", "review")),)
    assert (decision.detector_id, decision.detector_version) == ("guard", "1")
    assert (decision.event_type, decision.event_id) == ("card_payment", "e-1")
    assert (decision.repeated, decision.case_id, decision.scores) == (False, None, {})
    assert (await engine.decide(payment("e-2", merchant="odd"))).outcomes == ("review",)
    assert (await engine.decide(payment("e-3"))).outcomes == ("approve",)


async def test_all_rules_that_match_decide_in_the_other_mode_and_no_outcome_comes_twice(
    published: Database, engine: DecisionEngine
) -> None:
    with published.write() as connection:
        publish(connection, rule("large"), rule("odd"), mode=ExecutionMode.ALL_MATCHED)
    decision = await engine.decide(payment("e-1", amount=250, merchant="odd"))
    assert [matched.rule_id for matched in decision.rules] == ["large", "odd"]
    assert decision.outcomes == ("call", "review")
    assert (await engine.decide(payment("e-2"))).outcomes == ()


async def test_a_decision_and_its_event_are_stored_when_it_is_returned(
    published: Database, engine: DecisionEngine
) -> None:
    decision = await engine.decide(payment("e-1", amount="250"))
    other = Database(published.url)
    with other.read() as connection:
        assert stored_decision(connection, "card_payment", "e-1") == decision
        assert latest_decisions(connection) == [decision]
        assert stored_event(connection, "card_payment", "e-1").variables == {
            "amount": 250.0,
            "merchant": "unknown",
        }
        with pytest.raises(NotFound):
            stored_decision(connection, "card_payment", "e-2")
    other.dispose()


async def test_the_same_content_again_gets_the_stored_decision(
    published: Database, engine: DecisionEngine
) -> None:
    first = await engine.decide(payment("e-1", amount="250"))
    with published.write() as connection:
        publish(connection, rule("any"))
    engine.catalog.look_again()
    again = await engine.decide(payment("e-1", amount=250.0))
    assert again == msgspec.structs.replace(first, repeated=True)
    assert stored(published) == (["e-1"], ["e-1"])


async def test_other_content_under_a_known_id_is_a_conflict_and_changes_nothing(
    published: Database, engine: DecisionEngine
) -> None:
    first = await engine.decide(payment("e-1", amount=250))
    with pytest.raises(Conflict) as refused:
        await engine.decide(payment("e-1", amount=251))
    assert refused.value.field == "event_id"
    with published.read() as connection:
        assert stored_decision(connection, "card_payment", "e-1") == first


async def test_an_event_id_is_known_within_its_event_type_only(
    published: Database, engine: DecisionEngine
) -> None:
    with published.write() as connection:
        put_event_type(connection, msgspec.structs.replace(PAYMENT, name="transfer"))
        put_detector(connection, Detector(detector_id="transfers", event_type="transfer"))
        publish(connection, rule("any"), detector_id="transfers")
    await engine.decide(payment("e-1"))
    decision = await engine.decide(payment("e-1", event_type="transfer", amount=7))
    assert not decision.repeated
    assert decision.detector_id == "transfers"


async def test_hundreds_at_once_each_get_one_event_and_one_decision(
    published: Database, engine: DecisionEngine
) -> None:
    requests = [payment(f"e-{n % 150}", amount=n % 150) for n in range(600)]
    decisions = await asyncio.gather(*(engine.decide(request) for request in requests))
    assert [d.event_id for d in decisions] == [r.sent.event_id for r in requests]
    expected = sorted(f"e-{n}" for n in range(150))
    assert stored(published) == (expected, expected)
    assert sum(not decision.repeated for decision in decisions) == 150
    by_id = {d.event_id: d for d in decisions if not d.repeated}
    for decision in decisions:
        assert msgspec.structs.replace(decision, repeated=False) == by_id[decision.event_id]


async def test_at_once_with_other_content_one_wins_and_the_others_conflict(
    published: Database, engine: DecisionEngine
) -> None:
    answers = await asyncio.gather(
        *(engine.decide(payment("e-1", amount=n)) for n in range(200)), return_exceptions=True
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 199
    assert stored(published) == (["e-1"], ["e-1"])


async def test_two_servers_that_get_the_same_events_at_once_decide_once(
    published: Database, engine: DecisionEngine
) -> None:
    other = DecisionEngine(Database(published.url))
    answers = await asyncio.gather(
        *(server.decide(payment(f"e-{n}")) for n in range(100) for server in (engine, other))
    )
    await asyncio.to_thread(other.close)
    assert sum(not answer.repeated for answer in answers) == 100
    assert len(stored(published)[1]) == 100


async def test_a_request_that_is_refused_does_not_fail_its_neighbours(
    published: Database, engine: DecisionEngine
) -> None:
    def nobody(connection: Connection, fresh: bool) -> Resolved:
        raise NotFound("there is no such customer", field="customer")

    def request(n: int) -> Request:
        if n % 10 == 3:
            return msgspec.structs.replace(payment(f"e-{n}"), resolve=nobody)
        return payment(f"e-{n}", amount="much" if n % 10 == 7 else n)

    answers = await asyncio.gather(
        *(engine.decide(request(n)) for n in range(100)), return_exceptions=True
    )
    kinds = {3: NotFound, 7: InvalidInput}
    for n, answer in enumerate(answers):
        if n % 10 in kinds:
            assert isinstance(answer, kinds[n % 10])
        else:
            assert getattr(answer, "event_id", None) == f"e-{n}"
    assert len(stored(published)[0]) == len(stored(published)[1]) == 80


async def test_who_an_event_is_about_is_found_in_the_deciding_transaction(
    published: Database, engine: DecisionEngine
) -> None:
    asked: list[bool] = []

    def find(connection: Connection, fresh: bool) -> Resolved:
        asked.append(fresh)
        events = connection.execute(select(func.count()).select_from(event_tables.events))
        return Resolved((Entity("card", "k-1"),), f"{events.scalar_one()} events before")

    request = msgspec.structs.replace(payment("e-1"), resolve=find)
    first = await engine.decide(request)
    again = await engine.decide(request)
    assert asked == [True, False]
    assert first.note == again.note == "0 events before"
    assert again.repeated
    with published.read() as connection:
        assert stored_event(connection, "card_payment", "e-1").entities == (Entity("card", "k-1"),)


async def test_the_same_event_about_somebody_else_is_a_conflict(engine: DecisionEngine) -> None:
    def about(card_id: str) -> Request:
        entities = (Entity("card", card_id),)
        return msgspec.structs.replace(payment("e-1"), resolve=lambda _c, _f: Resolved(entities))

    await engine.decide(about("k-1"))
    with pytest.raises(Conflict):
        await engine.decide(about("k-2"))


async def test_a_model_scores_and_its_score_can_be_explained_from_what_was_stored(
    published: Database, engine: DecisionEngine, tmp_path: Path
) -> None:
    trained = trained_on_amounts(tmp_path)
    with published.write() as connection:
        create_model(connection, "trees", PAYMENT.name)
        store_version(connection, "trees", trained)
        publish(
            connection,
            rule("scored", "$trees_insightscore > 900"),
            rule("any"),
            models=[ModelRef("trees", "1.0")],
        )
    fraud, legit = await asyncio.gather(
        engine.decide(payment("e-1", amount=880)), engine.decide(payment("e-2", amount=12))
    )
    assert [matched.rule_id for matched in fraud.rules] == ["scored"]
    assert [matched.rule_id for matched in legit.rules] == ["any"]
    score = fraud.scores["trees_insightscore"]
    assert 900 < score <= 1000
    assert score == int(score)
    assert legit.scores["trees_insightscore"] < score
    with published.read() as connection:
        kept = stored_decision(connection, "card_payment", "e-1")
    assert kept == fraud
    reasons = (await engine.explain(kept))["trees_insightscore"]
    assert reasons[0].variable == "amount"


async def test_closing_finishes_what_was_accepted(published: Database) -> None:
    engine = DecisionEngine(published)
    await engine.decide(payment("e-first"))
    waiting = [asyncio.ensure_future(engine.decide(payment(f"e-{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(engine.close)
    await asyncio.gather(*waiting)
    assert len(stored(published)[1]) == 51


@pytest.mark.parametrize(
    ("request_", "error", "field"),
    [
        (payment("e-1", event_type="nothing"), NotFound, "event_type"),
        (payment("e-1", "nobody"), NotFound, "detector"),
        (payment("e-1", amuont=1), InvalidInput, "variables.amuont"),
        (payment("e 1"), InvalidInput, "event_id"),
    ],
)
async def test_what_cannot_be_decided_about_is_refused_with_its_field(
    engine: DecisionEngine, request_: Request, error: type[Exception], field: str
) -> None:
    with pytest.raises(error) as refused:
        await engine.decide(request_)
    assert refused.value.field == field  # type: ignore[attr-defined]


async def test_the_path_of_the_clients_document_stands_in_the_error(
    engine: DecisionEngine,
) -> None:
    request = msgspec.structs.replace(payment("e-1", amount="x"), variables_field="transaction")
    with pytest.raises(InvalidInput) as refused:
        await engine.decide(request)
    assert refused.value.field == "transaction.amount"


async def test_a_time_that_is_sent_is_the_time_of_the_event(
    published: Database, engine: DecisionEngine
) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    sent = SentEvent(event_id="e-1", at=at, variables={"amount": 1})
    await engine.decide(Request(event_type="card_payment", sent=sent))
    with published.read() as connection:
        event = stored_event(connection, "card_payment", "e-1")
    assert event.at == at
    assert event.received_at > at


_KILLED = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from publishing import payment
from ringfence.detectors import DecisionEngine
from ringfence.storage import Database

async def work():
    engine = DecisionEngine(Database(sys.argv[1]))
    async def one(n):
        decision = await engine.decide(payment(f"e-{n}", amount=n))
        os.write(1, f"{decision.event_id} {decision.decided_at}\\n".encode())
    for start in range(0, 100_000, 50):
        await asyncio.gather(*(one(n) for n in range(start, start + 50)))

asyncio.run(work())
"""


def test_a_decision_that_was_answered_is_there_after_a_kill(published: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, published.url, str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    heard = b"".join(process.stdout.readline() for _ in range(130))
    process.kill()
    heard += process.stdout.read()
    process.wait()
    answered = [line.split(" ", 1) for line in heard.decode().split("\n")[:-1]]
    assert len(answered) >= 130
    with published.read() as connection:
        for event_id, decided_at in answered:
            decision = stored_decision(connection, "card_payment", event_id)
            assert str(decision.decided_at) == decided_at
    events, decisions = stored(published)
    assert events == decisions
