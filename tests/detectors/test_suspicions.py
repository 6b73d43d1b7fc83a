from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import msgspec
from publishing import payment, stored
from sqlalchemy import Connection, text

from ringfence.detectors import (
    DecisionEngine,
    Suspicion,
    stored_decision,
)
from ringfence.storage import Database


class Cases:
    """Opens a case by writing a row, so that it is seen whether the row was kept."""

    def __init__(self, database: Database, *, watched: Sequence[str] = ("call",)):
        self.told: list[str] = []
        self.fails_at: str | None = None
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self._watched = frozenset(watched)
        with database.write() as connection:
            connection.execute(text("CREATE TABLE opened (case_id TEXT)"))

    def watched_outcomes(self, connection: Connection) -> frozenset[str]:
        return self._watched

    def open_case(self, connection: Connection, suspicion: Suspicion) -> tuple[str | None, str]:
        case_id = f"case-{suspicion.event.event_id}"
        connection.execute(text("INSERT INTO opened VALUES (:case_id)"), {"case_id": case_id})
        self.entered.set()
        assert self.go_on.wait(10)
        if suspicion.event.event_id == self.fails_at:
            raise RuntimeError("no case today")
        if suspicion.event.variables["merchant"] == "trusted":
            return None, "the merchant is trusted"
        return case_id, ""

    def opened(self, case_id: str) -> None:
        self.told.append(case_id)


async def test_a_watched_outcome_opens_a_case_in_the_same_transaction(
    published: Database,
) -> None:
    cases = Cases(published)
    engine = DecisionEngine(published, cases)
    suspicious = await engine.decide(payment("e-1", amount=250))
    harmless = await engine.decide(payment("e-2", amount=2))
    trusted = await engine.decide(payment("e-3", amount=250, merchant="trusted"))
    again = await engine.decide(payment("e-1", amount=250))
    await asyncio.to_thread(engine.close)
    assert (suspicious.case_id, suspicious.note) == ("case-e-1", None)
    assert (harmless.case_id, harmless.note) == (None, None)
    assert (trusted.case_id, trusted.note) == (None, "the merchant is trusted")
    assert (again.case_id, again.repeated) == ("case-e-1", True)
    assert cases.told == ["case-e-1"]
    with published.read() as connection:
        opened = connection.execute(text("SELECT case_id FROM opened")).scalars().all()
        assert stored_decision(connection, "card_payment", "e-1").case_id == "case-e-1"
    assert opened == ["case-e-1", "case-e-3"]


async def test_when_no_case_can_be_opened_nothing_of_that_event_is_stored(
    published: Database,
) -> None:
    cases = Cases(published)
    cases.fails_at = "e-13"
    engine = DecisionEngine(published, cases)
    answers = await asyncio.gather(
        *(engine.decide(payment(f"e-{n}", amount=250)) for n in range(40)), return_exceptions=True
    )
    kept = sorted(f"e-{n}" for n in range(40) if n != 13)
    assert stored(published) == (kept, kept)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Exception)] == [13]
    assert str(answers[13]) == "no case today"
    with published.read() as connection:
        opened = sorted(connection.execute(text("SELECT case_id FROM opened")).scalars())
    assert opened == [f"case-{event_id}" for event_id in kept]
    assert sorted(cases.told) == opened
    cases.fails_at = None
    assert not (await engine.decide(payment("e-13", amount=250))).repeated
    await asyncio.to_thread(engine.close)


async def test_a_server_waits_for_the_decision_that_another_is_about_to_commit(
    published: Database,
) -> None:
    cases = Cases(published)
    cases.go_on.clear()
    one, other = DecisionEngine(published, cases), DecisionEngine(Database(published.url))
    first = asyncio.ensure_future(one.decide(payment("e-1", amount=250)))
    await asyncio.to_thread(cases.entered.wait)
    second = asyncio.ensure_future(other.decide(payment("e-1", amount=250)))
    # Time for the second to have found no such event, and to be held up by the first's.
    await asyncio.wait([second], timeout=0.5)
    assert not second.done()
    cases.go_on.set()
    answer = await second
    assert answer == msgspec.structs.replace(await first, repeated=True)
    assert answer.case_id == "case-e-1"
    for server in (one, other):
        await asyncio.to_thread(server.close)
