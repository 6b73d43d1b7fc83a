from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from call_centres import ANNOUNCER, INSTANCE_ARN, Centre, during, state_of

from ringfence.contacts.agents import AgentStatus, choose_status, get_agent
from ringfence.contacts.places import PlaceState, get_place
from ringfence.contacts.queues import get_queue
from ringfence.contacts.records import get_contact
from ringfence.contacts.tables import contact_messages
from ringfence.contacts.waiting_room import HeldPlace, WaitingRoom
from ringfence.flows import Queue
from ringfence.storage import now


@asynccontextmanager
async def room_of(centre: Centre, after_contact_seconds: float = 0.0) -> AsyncIterator[WaitingRoom]:
    room = WaitingRoom(centre.database, ANNOUNCER, after_contact_seconds=after_contact_seconds)
    try:
        yield room
    finally:
        await room.close()


def queue_of(centre: Centre, queue_id: str) -> Queue:
    return centre.read(get_queue, queue_id).as_flows_see_it(INSTANCE_ARN)


def told(centre: Centre, contact_id: str) -> list[str]:
    """The events that were put down for a contact."""
    with centre.database.read() as connection:
        rows = connection.execute(contact_messages.select().order_by(contact_messages.c.message_id))
        return [
            row.content["detail"]["eventType"]
            for row in rows
            if row.content["contact_id"] == contact_id and row.content["kind"] == "event"
        ]


def test_a_contact_gets_the_agent_who_is_there_and_its_record_says_so(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=now())
    centre.contact("one")

    async def wait() -> str:
        async with room_of(centre, after_contact_seconds=60) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("one"))
            agent = await place.agent()
            await place.connected()
            await place.leave()
            await place.leave()
            return agent.user_name

    assert during(wait()) == "ana"
    contact = centre.read(get_contact, "one")
    assert (contact.queue_id, contact.agent_id) == (queue_id, agent_id)
    assert contact.enqueued_at is not None
    assert contact.agent_connected_at is not None
    assert contact.dequeued_at is not None
    assert told(centre, "one") == ["QUEUED", "CONNECTED_TO_AGENT"]
    assert centre.status(agent_id, now()) is AgentStatus.AFTER_CONTACT_WORK


def test_a_contact_waits_for_an_agent_who_comes_in_another_process(centre: Centre) -> None:
    queue_id = centre.queue()

    async def wait() -> str:
        async with room_of(centre) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("one"))
            waiting = asyncio.ensure_future(place.agent())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await asyncio.to_thread(centre.agent, "ana", queue_id, at=now())
            agent = await waiting
            await place.leave()
            return agent.user_name

    assert during(wait()) == "ana"


def test_every_contact_is_served_in_turn_by_agents_who_take_one_at_a_time(centre: Centre) -> None:
    queue_id = centre.queue()
    for name in ("ana", "bob"):
        centre.agent(name, queue_id, at=now())
    story: list[tuple[str, str]] = []
    talking: set[str] = set()

    async def one(room: WaitingRoom, contact_id: str, place: HeldPlace) -> None:
        agent = await place.agent()
        assert agent.user_name not in talking
        talking.add(agent.user_name)
        story.append((contact_id, agent.user_name))
        await place.connected()
        await asyncio.sleep(0.01)
        talking.remove(agent.user_name)
        await place.leave()

    async def all_of_them() -> None:
        async with room_of(centre) as room:
            ids = [f"contact-{number}" for number in range(8)]
            places = [await room.enter(queue_of(centre, queue_id), state_of(each)) for each in ids]
            await asyncio.gather(
                *(one(room, each, place) for each, place in zip(ids, places, strict=True))
            )

    during(all_of_them())
    assert {contact_id for contact_id, _ in story[:2]} == {"contact-0", "contact-1"}
    assert len(story) == 8


def test_an_agent_who_does_not_answer_makes_way_for_the_next(centre: Centre) -> None:
    queue_id = centre.queue()
    first = centre.agent("first", queue_id, at=now())
    centre.agent("second", queue_id, at=now())

    async def wait() -> list[str]:
        async with room_of(centre) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("one"))
            asked = [(await place.agent()).user_name]
            await place.missed("no answer")
            asked.append((await place.agent()).user_name)
            await place.leave()
            return asked

    assert during(wait()) == ["first", "second"]
    assert centre.status(first, now()) is AgentStatus.MISSED_CALL


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06])
def test_a_caller_who_hangs_up_leaves_no_agent_set_aside(delay: float, centre: Centre) -> None:
    queue_id = centre.queue()

    async def wait() -> None:
        async with room_of(centre) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("one"))
            waiting = asyncio.ensure_future(place.agent())
            await asyncio.sleep(0)
            agent_id = await asyncio.to_thread(centre.agent, "ana", queue_id, at=now())
            room.changed()
            await asyncio.sleep(delay)
            waiting.cancel()
            await place.leave()
            await asyncio.sleep(0.05)
            agent = await asyncio.to_thread(centre.read, get_agent, agent_id)
            assert agent.place_id is None
            assert agent.status is AgentStatus.AVAILABLE
            kept = await asyncio.to_thread(centre.read, get_place, place.place_id)
            assert kept.state is PlaceState.LEFT

    during(wait())


def test_a_turn_that_came_while_nobody_listened_is_told_to_who_asks_next(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=now())

    async def wait() -> str:
        async with room_of(centre) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("one"))
            place.offer(centre.read(get_agent, agent_id))
            return (await place.agent()).user_name

    assert during(wait()) == "ana"


def test_a_call_that_is_tried_out_may_wait_too(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=now())

    async def wait() -> None:
        async with room_of(centre) as room:
            place = await room.enter(queue_of(centre, queue_id), state_of("not on record"))
            await place.agent()
            await place.connected()
            await place.leave()

    during(wait())
    centre.write(choose_status, agent_id, AgentStatus.OFFLINE, now())
    assert told(centre, "not on record") == []
