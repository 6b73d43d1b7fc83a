"""The server is killed again and again while programs place calls over Amazon Connect's API.

A contact that was acknowledged is on record and comes to an end, its telephone rings once at most,
and a request that is repeated with its token until there is an answer makes one contact.
`RINGFENCE_OUTBOUND_KILLS` says how often, `RINGFENCE_KILLS_SEED` makes the same choices again.
"""

from __future__ import annotations

import asyncio
import os
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from cardholders import Telephone, World
from connect_programs import bank_with_flow, connect_client
from sqlalchemy import Row, select

from ringfence.contacts import tables
from ringfence.storage import Database
from servers import Nursery

KILLS = int(os.environ.get("RINGFENCE_OUTBOUND_KILLS", "6"))
SEED = int(os.environ.get("RINGFENCE_KILLS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
AT_ONCE = 6
MOMENTS = ("sending", "decided", "ringing", "talking", "key", "confirmed", "whenever")


async def _placed(world: World, client: Any, call: dict[str, str]) -> str:
    """The contact of a call, which is asked for under one token until there is an answer."""
    while True:
        world.happens("sending")
        try:
            told = await asyncio.to_thread(lambda: client.start_outbound_voice_contact(**call))
        except BotoCoreError:
            await asyncio.sleep(0.05)
            continue
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 503:  # not yet ready
                raise
            await asyncio.sleep(0.05)
            continue
        if "ContactId" not in told:
            # Killed between the head and the body of its answer; boto3 takes that for an empty one.
            assert int(told["ResponseMetadata"]["HTTPHeaders"]["content-length"]) > len("{}")
            continue
        world.happens("decided")
        return str(told["ContactId"])


async def _program(world: World, client: Any, instance_id: str, come: Iterator[int]) -> None:
    for number in come:
        if world.over:
            return
        call = {
            "InstanceId": instance_id,
            "ContactFlowId": "kills",
            "SourcePhoneNumber": "+15550100000",
            "DestinationPhoneNumber": f"+49301{number:06d}",
            "ClientToken": uuid.uuid4().hex,
        }
        telephone = Telephone(world, call["DestinationPhoneNumber"], "1")
        phone = asyncio.create_task(telephone.attend())
        contact_id = await _placed(world, client, call)
        world.acknowledged[call["ClientToken"]] = {"contact_id": contact_id}
        while contact_id not in world.closed:  # noqa: ASYNC110 - it is the database that is watched
            await asyncio.sleep(0.1)
        assert await _placed(world, client, call) == contact_id
        await asyncio.sleep(0.5)  # a telephone that rang once more would be heard
        phone.cancel()
        await asyncio.gather(phone, return_exceptions=True)


def _contacts(database: Database) -> list[Row[Any]]:
    with database.read() as connection:
        return list(connection.execute(select(tables.contacts)))


async def _watch(world: World, database: Database) -> None:
    while True:
        contacts = await asyncio.to_thread(_contacts, database)
        world.closed |= {one.contact_id for one in contacts if one.disconnected_at is not None}
        await asyncio.sleep(0.1)


async def _play(world: World, database: Database, instance_id: str) -> None:
    await asyncio.to_thread(world.nursery.start)
    client = connect_client(world.nursery.there.url)
    come = iter(range(10**6))
    watching = asyncio.create_task(_watch(world, database))
    busy = [asyncio.create_task(_program(world, client, instance_id, come)) for _ in range(AT_ONCE)]
    for _ in range(KILLS):
        moment = world.choose.choice(MOMENTS)
        if not await world.next(moment, 3.0):
            moment = "whenever"
        await asyncio.sleep(world.choose.random() * world.choose.choice((0.0, 0.01, 0.05, 0.3)))
        await asyncio.to_thread(world.nursery.kill)
        world.kills[moment] += 1
        world.life += 1
        await asyncio.to_thread(world.nursery.start)
    world.over = True
    async with asyncio.timeout(60):
        await asyncio.gather(*busy)
    watching.cancel()


@pytest.mark.slow
def test_an_accepted_contact_outlives_the_server_and_is_never_dialled_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_AWS_ACCEPT_ANY_KEY", "1")
    database, instance_id = bank_with_flow(tmp_path)
    world = World(Nursery(tmp_path), random.Random(SEED))
    try:
        asyncio.run(_play(world, database, instance_id))
    finally:
        world.nursery.close()
    contacts = {one.contact_id: one for one in _contacts(database)}
    database.dispose()
    acknowledged = {told["contact_id"] for told in world.acknowledged.values()}
    assert acknowledged == set(contacts)
    assert len(acknowledged) == len(world.acknowledged)
    assert all(one.dialled_at and one.disconnected_at for one in contacts.values())
    rings = Counter(ring.call_id for ring in world.rings)
    assert set(rings) <= set(contacts)
    assert set(rings.values()) == {1}
    reasons = Counter(one.disconnect_reason for one in contacts.values())
    cut_off = sum(count for reason, count in reasons.items() if reason == "TELECOM_PROBLEM")
    assert cut_off <= KILLS * AT_ONCE
    assert set(world.confirmed) <= set(rings)
    print(
        f"\nseed {SEED}: {KILLS} kills ({dict(world.kills)}), {len(contacts)} contacts, "
        f"{sum(rings.values())} rings, {len(world.confirmed)} heard to the end, {dict(reasons)}"
    )
