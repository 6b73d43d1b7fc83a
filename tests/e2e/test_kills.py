"""The server is killed again and again, in the midst of deciding, ringing, talking and answering.

Nothing that it had acknowledged may be gone, no telephone may ring twice for one attempt or once
more after the answer, and every case must come to the verdict that its cardholder has heard
confirmed. `RINGFENCE_KILLS` says how often, `RINGFENCE_KILLS_SEED` makes the same choices again.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cardholders import KEYS, WAYS, Telephone, World
from sqlalchemy import select
from trunk_banks import card_number, phone_number, set_up

from ringfence import cards
from ringfence.cases import (
    Case,
    ContactPlan,
    EntryKind,
    FollowUp,
    Verdict,
    attempts_of,
    get_case,
    tables,
    timeline_of,
)
from ringfence.detectors import (
    stored_decision,
)
from ringfence.events import stored_event
from ringfence.storage import Database, now
from servers import HEADERS, Nursery

KILLS = int(os.environ.get("RINGFENCE_KILLS", "100"))
SEED = int(os.environ.get("RINGFENCE_KILLS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
AT_ONCE = 16  # customers with something going on
CUSTOMERS = 60 + 12 * KILLS
MOMENTS = ("sending", "decided", "ringing", "talking", "key", "confirmed", "ended", "whenever")
PLAN = ContactPlan(
    name="call-cardholder",
    outcomes=("call_cardholder",),
    flow="kills",
    attempts=10,
    spacing_seconds=0.2,
    after={"unreachable": FollowUp()},  # as telephones are until they have found the new server
    attempts_per_day=100,
    messages=100,
    ring_timeout_seconds=5,
    quiet_hours=None,
)


async def _send(world: World, client: httpx2.AsyncClient, customer: int, amount: float) -> str:
    """Send a payment, with retries under one id, until there is an answer; gives its case."""
    event_id = uuid.uuid4().hex
    body = {
        "customer": f"c{customer}",
        "card_number": card_number(customer),
        "event_id": event_id,
        "event_timestamp": now().isoformat(),
        "transaction": {"transaction_amt": amount, "currency": "eur"},
    }
    while True:
        world.happens("sending")
        try:
            reply = await client.post(
                f"{world.nursery.there.url}/v1/transactions", json=body, headers=HEADERS
            )
        except httpx2.HTTPError:
            await asyncio.sleep(0.05)
            continue
        if reply.status_code == 503:
            await asyncio.sleep(0.05)
            continue
        if reply.status_code == 409:  # the card has been blocked meanwhile
            return ""
        assert reply.status_code == 200, reply.text
        decided = reply.json()
        world.acknowledged[event_id] = decided
        world.happens("decided")
        return str(decided["case"]["case_id"]) if decided["case"] else ""


async def _customer(world: World, client: httpx2.AsyncClient, customer: int) -> None:
    """A customer's day: an ordinary payment, a suspicious one or two, the telephone."""
    way = world.choose.choice(WAYS)
    phone = asyncio.create_task(Telephone(world, phone_number(customer), way).attend())
    if way == "no phone":
        phone.cancel()
    try:
        await _send(world, client, customer, 10.0)
        cases = {await _send(world, client, customer, 4155.0)}
        if world.choose.random() < 0.3:
            cases.add(await _send(world, client, customer, 2000.0))
        cases.discard("")
        while not cases <= world.closed:  # noqa: ASYNC110 - it is the database that is watched
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.5)  # a telephone that rang once more would be heard
    finally:
        phone.cancel()
        await asyncio.gather(phone, return_exceptions=True)


async def _customers(world: World, come: Iterator[int]) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
        for customer in come:
            if world.over:
                return
            await _customer(world, client, customer)


async def _watch(world: World, database: Database) -> None:
    def closed() -> set[str]:
        with database.read() as connection:
            table = tables.cases
            return set(connection.execute(select(table.c.case_id).where(~table.c.open)).scalars())

    while True:
        world.closed |= await asyncio.to_thread(closed)
        await asyncio.sleep(0.2)


async def _kill_and_start(world: World) -> None:
    for _ in range(KILLS):
        moment = world.choose.choice(MOMENTS)
        if not await world.next(moment, 3.0 if moment != "whenever" else world.choose.random()):
            moment = "whenever"
        late = world.choose.choice((0.0, 0.01, 0.05, 0.3, 1.0))
        await asyncio.sleep(world.choose.random() * late)
        await asyncio.to_thread(world.nursery.kill)
        world.kills[moment] += 1
        world.life += 1
        await asyncio.to_thread(world.nursery.start)


async def _play(world: World, database: Database) -> None:
    await asyncio.to_thread(world.nursery.start)
    come = iter(range(CUSTOMERS))
    busy = [asyncio.create_task(_customers(world, come)) for _ in range(AT_ONCE)]
    watching = asyncio.create_task(_watch(world, database))
    await _kill_and_start(world)
    world.over = True
    async with asyncio.timeout(90):
        await asyncio.gather(*busy)
    watching.cancel()


@pytest.mark.slow
def test_nothing_is_lost_and_nobody_is_called_twice_however_often_the_server_dies(
    tmp_path: Path,
) -> None:
    began = time.monotonic()
    database = set_up(tmp_path, PLAN, CUSTOMERS)
    world = World(Nursery(tmp_path), random.Random(SEED))
    try:
        asyncio.run(_play(world, database))
    finally:
        world.nursery.close()
    with database.read() as connection:
        ids = list(connection.execute(select(tables.cases.c.case_id)).scalars())
        cases = [get_case(connection, case_id) for case_id in ids]
        for event_id, decided in world.acknowledged.items():
            _check_decision(connection, event_id, decided)
        attempts = Counter(
            attempt.end for case in cases for attempt in _checked(connection, world, case)
        )
    database.dispose()
    _check_rings(world)
    assert sum(world.kills.values()) == KILLS
    print(
        f"\nseed {SEED}: {KILLS} kills ({dict(world.kills)}), {len(world.acknowledged)} payments "
        f"acknowledged, {len(cases)} cases, {len(world.rings)} rings, {sum(attempts.values())} "
        f"attempts ({dict(attempts)}), verdicts {dict(Counter(c.verdict for c in cases))}, "
        f"{len(world.confirmed)} answers confirmed, {time.monotonic() - began:.0f} s"
    )


def _check_decision(connection: Any, event_id: str, decided: dict[str, Any]) -> None:
    stored = stored_decision(connection, "card_payment", event_id)
    assert stored_event(connection, "card_payment", event_id).event_id == event_id
    assert list(stored.outcomes) == decided["outcomes"]
    assert stored.case_id == (decided["case"]["case_id"] if decided["case"] else None)


def _checked(connection: Any, world: World, case: Case) -> list[Any]:
    """The attempts of a case, about which everything holds that must."""
    attempts = attempts_of(connection, case.case_id)
    told = timeline_of(connection, case.case_id)
    assert not case.open, case
    assert case.verdict is not None
    assert sum(entry.kind is EntryKind.VERDICT for entry in told) == 1, told
    assert sum(entry.kind is EntryKind.OPENED for entry in told) == 1, told
    assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))
    assert len(attempts) <= PLAN.attempts
    assert all(attempt.end and attempt.ended_at for attempt in attempts), attempts
    assert case.verdict_at is not None
    assert all(attempt.started_at <= case.verdict_at for attempt in attempts), (case, attempts)
    made = {attempt.attempt_id for attempt in attempts}
    rung = {ring.call_id for ring in world.rings if ring.call_id.startswith(f"{case.case_id}-")}
    assert rung <= made
    heard = [world.confirmed[call_id] for call_id in made if call_id in world.confirmed]
    assert len(heard) <= 1, (case, heard)
    for key, at in heard:
        assert case.verdict is KEYS[key], (case, told)
        assert not [ring for ring in world.rings if ring.call_id in made and ring.at > at], (
            "it rang again after the answer"
        )
    card = cards.get_card(connection, case.card_id)
    event = stored_event(connection, case.event_type, case.event_id)
    if case.verdict in (Verdict.FRAUD, Verdict.LEGIT):
        assert (event.label, event.label_source) == (case.verdict.value, "phone")
    else:
        assert event.label is None
    if case.verdict is Verdict.FRAUD:
        assert card.state is cards.CardState.BLOCKED
    elif case.verdict is Verdict.LEGIT:
        assert card.hold_case_id != case.case_id
    else:
        assert card.state is cards.CardState.HELD
        assert case.for_analyst
    return list(attempts)


def _check_rings(world: World) -> None:
    lives = defaultdict(set)
    for ring in world.rings:
        lives[ring.call_id].add(ring.life)
    assert not {call_id: seen for call_id, seen in lives.items() if len(seen) > 1}
