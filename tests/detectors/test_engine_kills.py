"""A server is killed while it decides, predicts, stores and deletes: what it answered is there."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from publishing import PLAN, prepare, publish_model, stored
from sqlalchemy import select

from ringfence.detectors import tables
from ringfence.detectors.plans import build_plan
from ringfence.models import Trained
from ringfence.profiles.tables import profile_plans, profile_states
from ringfence.storage import Database

_KILLED = """
import asyncio, os, sys
sys.path.insert(0, sys.argv[2])
from publishing import PAYMENT, card_payment
from ringfence.detectors import Arriving, DecisionEngine
from ringfence.detectors.forgetting import forget_event
from ringfence.events import EventReader
from ringfence.events.log import EventLabel
from ringfence.storage import Database, now

READER = EventReader(PAYMENT)

async def work():
    database = Database(sys.argv[1])
    engine = DecisionEngine(database)

    def say(*words):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())

    def forget(event_id):
        with database.write() as connection:
            forget_event(connection, PAYMENT.name, event_id, with_predictions=False)

    async def one(n):
        request = card_payment(f"{sys.argv[3]}-{n}", f"c{n % 5}", merchant=f"m{n % 3}", amount=n)
        way = n % 4
        if way == 0:
            decision = await engine.decide(request)
            say("decided", decision.event_id, decision.decided_at)
        elif way == 1:
            prediction = await engine.predict(request)
            say("predicted", prediction.event_id, prediction.predicted_at)
        else:
            label = EventLabel("fraud", now(), "import") if way == 2 else None
            await engine.store(Arriving(READER.read(request.sent, now()), label))
            say("stored", request.sent.event_id)
            if n % 8 == 3:
                say("asked", request.sent.event_id)
                await asyncio.to_thread(forget, request.sent.event_id)
                say("forgotten", request.sent.event_id)

    for start in range(0, 100_000, 40):
        await asyncio.gather(*(one(n) for n in range(start, start + 40)))

asyncio.run(work())
"""


def killed(database: Database, run: int, chance: random.Random) -> list[list[str]]:
    """What a process had answered when it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, database.url, str(Path(__file__).parent), f"r{run}"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    heard = b"".join(process.stdout.readline() for _ in range(chance.randrange(60, 160)))
    time.sleep(chance.random() * 0.02)
    process.kill()
    heard += process.stdout.read()
    process.wait()
    return [line.split(" ", 2) for line in heard.decode().split("\n")[:-1]]


def states(database: Database) -> dict[bytes, bytes]:
    with database.read() as connection:
        in_use = select(profile_plans.c.states_id).where(profile_plans.c.plan_id == PLAN.plan_id)
        rows = connection.execute(
            select(profile_states).where(profile_states.c.states_id.in_(in_use))
        )
        return {bytes(row.key_hash): bytes(row.state) for row in rows}


def outdated(database: Database) -> bool:
    with database.read() as connection:
        query = select(profile_plans.c.outdated_at).where(profile_plans.c.plan_id == PLAN.plan_id)
        return connection.execute(query).scalar() is not None


def test_what_was_answered_is_there_after_a_kill(database: Database, habits: Trained) -> None:
    with database.write() as connection:
        prepare(connection)
        publish_model(connection, habits)
    build_plan(database, PLAN)
    chance = random.Random(1)
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for run in range(2):
        for way, event_id, *at in killed(database, run, chance):
            said[way][event_id] = at[0] if at else ""
    events, decisions = stored(database)
    with database.read() as connection:
        decided = dict(
            connection.execute(
                select(tables.decisions.c.event_id, tables.decisions.c.decided_at)
            ).all()
        )
        predicted = dict(
            connection.execute(
                select(tables.predictions.c.event_id, tables.predictions.c.predicted_at)
            ).all()
        )
    assert {k: str(decided[k]) for k in said["decided"]} == said["decided"]
    assert {k: str(predicted[k]) for k in said["predicted"]} == said["predicted"]
    # One that was asked to go may be gone, or not yet.
    assert set(said["stored"]) - set(said["asked"]) <= set(events)
    assert not set(said["forgotten"]) & set(events)
    assert set(decisions) <= set(events)
    assert not set(predicted) & set(events)
    # Profiles are what the log gives, or it is known that they are not.
    live, were_outdated = states(database), outdated(database)
    assert build_plan(database, PLAN) == len(events)
    assert were_outdated or states(database) == live
