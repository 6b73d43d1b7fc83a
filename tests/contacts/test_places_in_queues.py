from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from call_centres import NOON, Centre, after
from sqlalchemy import Connection, update

from ringfence.contacts import tables
from ringfence.contacts.agents import AgentStatus, choose_status, get_agent, seen
from ringfence.contacts.lost_places import sweep_places
from ringfence.contacts.places import (
    SERVER,
    PlaceKind,
    PlaceState,
    connect_place,
    enter_queue,
    get_place,
    hold_places,
    leave_place,
    miss_place,
    retry_callback,
)
from ringfence.contacts.queues import update_queue
from ringfence.contacts.turns import due_callbacks, queue_metrics, take_turns, turns
from ringfence.errors import NotFound
from ringfence.flows import AtCapacity


def pairs(centre: Centre, seconds: float = 0) -> list[tuple[str, str]]:
    """Whose turn it is, by the names of contacts and agents."""
    at = after(seconds)
    return [(place.contact_id, agent.user_name) for place, agent in centre.read(turns, at)]


def taken(centre: Centre, place_id: str, seconds: float = 0) -> str | None:
    """The name of the agent whom a place gets."""
    found = centre.write(take_turns, [place_id], after(seconds))
    return found[0][1].user_name if found else None


def test_who_came_first_is_served_first_by_who_has_been_idle_the_longest(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("late", queue_id, at=after(-1))
    centre.agent("early", queue_id, at=after(-2))
    for number, contact in enumerate(("one", "two", "three")):
        centre.write(enter_queue, queue_id, contact, after(number / 10))
    assert pairs(centre, 1) == [("one", "early"), ("two", "late")]


def test_priority_comes_before_time_and_time_can_be_given(centre: Centre) -> None:
    queue_id = centre.queue()
    for name in ("ana", "bob", "eve"):
        centre.agent(name, queue_id)
    centre.write(enter_queue, queue_id, "ordinary", NOON)
    centre.write(enter_queue, queue_id, "favoured", after(5), waited_seconds=60)
    centre.write(enter_queue, queue_id, "urgent", after(6), priority=1)
    assert [contact for contact, _ in pairs(centre, 7)] == ["urgent", "favoured", "ordinary"]


def test_an_agent_serves_only_their_queues_and_one_contact_in_all_of_them(centre: Centre) -> None:
    fraud, cards = centre.queue("Fraud"), centre.queue("Cards")
    centre.agent("ana", fraud, cards)
    centre.agent("bob", cards, at=after(-9))
    centre.write(enter_queue, cards, "card", NOON)
    centre.write(enter_queue, fraud, "fraud", after(1))
    assert pairs(centre, 2) == [("card", "bob"), ("fraud", "ana")]
    centre.write(enter_queue, fraud, "before", after(2), priority=1)
    assert pairs(centre, 3) == [("before", "ana"), ("card", "bob")]


def test_a_contact_waits_until_its_agent_is_there_talks_and_leaves_time_for_the_work_after(
    any_centre: Centre,
) -> None:
    centre = any_centre
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id)
    place_id = centre.write(enter_queue, queue_id, "one", NOON).place_id
    assert taken(centre, place_id, 1) == "ana"
    assert taken(centre, place_id, 1) is None
    assert centre.status(agent_id, after(1)) is AgentStatus.BUSY
    assert centre.read(get_place, place_id).state is PlaceState.OFFERED
    assert centre.write(connect_place, place_id, after(5)) is not None
    assert centre.write(connect_place, place_id, after(6)) is None
    left = centre.write(leave_place, place_id, after(300), 30.0)
    assert left is not None
    assert (left.agent_id, left.left_at) == (agent_id, after(300))
    assert centre.write(leave_place, place_id, after(301), 30.0) is None
    assert centre.status(agent_id, after(301)) is AgentStatus.AFTER_CONTACT_WORK
    assert centre.status(agent_id, after(330)) is AgentStatus.AVAILABLE


def test_what_an_agent_chose_during_the_contact_holds_after_it(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id)
    place_id = centre.write(enter_queue, queue_id, "one", NOON).place_id
    taken(centre, place_id)
    centre.write(connect_place, place_id, after(5))
    centre.write(choose_status, agent_id, AgentStatus.BREAK, after(10))
    centre.write(leave_place, place_id, after(20), 30.0)
    assert centre.status(agent_id, after(21)) is AgentStatus.BREAK


def test_an_agent_whose_caller_hung_up_before_they_answered_is_free_at_once(
    centre: Centre,
) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id)
    place_id = centre.write(enter_queue, queue_id, "one", NOON).place_id
    taken(centre, place_id)
    centre.write(leave_place, place_id, after(3), 30.0)
    assert centre.status(agent_id, after(3)) is AgentStatus.AVAILABLE


def test_an_agent_who_missed_a_call_is_at_the_end_and_left_alone_for_a_while(
    any_centre: Centre,
) -> None:
    centre = any_centre
    queue_id = centre.queue()
    missing = centre.agent("missing", queue_id, at=after(-9))
    place_id = centre.write(enter_queue, queue_id, "one", NOON).place_id
    assert taken(centre, place_id) == "missing"
    centre.write(miss_place, place_id, after(15))
    assert centre.status(missing, after(16)) is AgentStatus.MISSED_CALL
    assert centre.read(get_place, place_id).state is PlaceState.WAITING
    assert pairs(centre, 16) == []
    centre.write(seen, missing, after(44))
    centre.write(hold_places, [place_id], after(44))
    other = centre.agent("other", queue_id, at=after(44))
    assert pairs(centre, 45) == [("one", "other")]
    centre.write(choose_status, other, AgentStatus.BREAK, after(45))
    assert pairs(centre, 46) == [("one", "missing")]


def test_a_full_or_disabled_queue_takes_nobody(centre: Centre) -> None:
    queue_id = centre.queue(most_contacts=1)
    place_id = centre.write(enter_queue, queue_id, "one", NOON).place_id
    with pytest.raises(AtCapacity):
        centre.write(enter_queue, queue_id, "two", NOON)
    centre.write(leave_place, place_id, NOON, 0.0)
    centre.write(enter_queue, queue_id, "two", NOON)
    other = centre.queue("Other")
    centre.write(update_queue, other, enabled=False)
    with pytest.raises(AtCapacity):
        centre.write(enter_queue, other, "three", NOON)
    with pytest.raises(NotFound):
        centre.write(enter_queue, "nobody", "four", NOON)


def test_no_more_contacts_than_it_holds_enter_a_queue_at_once(any_centre: Centre) -> None:
    centre = any_centre
    queue_id = centre.queue(most_contacts=3)
    together = threading.Barrier(8)

    def enter(number: int) -> bool:
        together.wait()
        try:
            centre.write(enter_queue, queue_id, f"contact-{number}", NOON)
        except AtCapacity:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enter, range(8))) == 3
    assert centre.read(queue_metrics, queue_id, NOON).waiting == 3


def test_no_two_contacts_ever_get_the_same_agent(any_centre: Centre) -> None:
    centre = any_centre
    queue_id = centre.queue()
    agents = [centre.agent(f"agent-{number}", queue_id) for number in range(3)]
    places = [
        centre.write(enter_queue, queue_id, f"contact-{n}", after(n / 100)).place_id
        for n in range(8)
    ]
    together = threading.Barrier(8)

    def claim(place_id: str) -> str | None:
        together.wait()
        return taken(centre, place_id, 1)

    with ThreadPoolExecutor(8) as pool:
        given = [name for name in pool.map(claim, places) if name is not None]
    assert len(given) == len(set(given))
    for place_id in places:  # who came too late for the others' claims gets one now
        if (name := taken(centre, place_id, 1)) is not None:
            given.append(name)
    assert sorted(given) == ["agent-0", "agent-1", "agent-2"]
    held = [centre.read(get_agent, agent_id).place_id for agent_id in agents]
    assert sorted(map(str, held)) == sorted(places[:3])


def disowned(centre: Centre, place_id: str, server: str) -> None:
    """As if another process had entered it."""

    def write(connection: Connection) -> None:
        table = tables.queue_places
        connection.execute(update(table).where(table.c.place_id == place_id).values(server=server))

    centre.write(write)


def test_places_of_a_server_that_is_gone_are_left_and_their_agents_free(
    any_centre: Centre,
) -> None:
    centre = any_centre
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=after(60))
    mine, other = (
        centre.write(enter_queue, queue_id, contact, NOON).place_id for contact in ("a", "b")
    )
    centre.write(hold_places, [other], after(60))
    assert taken(centre, other, 61) == "ana"
    disowned(centre, other, "elsewhere/1/x")
    assert centre.write(sweep_places, after(100)) == []
    swept = centre.write(sweep_places, after(122))
    assert [place.contact_id for place in swept] == ["b"]
    assert centre.read(get_agent, agent_id).place_id is None
    assert centre.read(get_place, mine).state is PlaceState.WAITING


def test_a_server_of_this_machine_that_is_dead_is_known_to_be_at_once(centre: Centre) -> None:
    queue_id = centre.queue()
    place_id = centre.write(enter_queue, queue_id, "a", NOON).place_id
    host = SERVER.partition("/")[0]
    disowned(centre, place_id, f"{host}/999999999/x")
    assert len(centre.write(sweep_places, after(1))) == 1


def test_nobody_is_asked_for_a_place_whose_server_was_not_heard_of(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("ana", queue_id, at=after(30))
    centre.write(enter_queue, queue_id, "lost", NOON)
    centre.write(enter_queue, queue_id, "there", after(29))
    assert pairs(centre, 30) == [("there", "ana")]


def test_a_call_back_waits_for_its_time_and_is_tried_as_often_as_it_may(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("ana", queue_id, at=after(60))
    place = centre.write(
        enter_queue,
        queue_id,
        "later",
        NOON,
        kind=PlaceKind.CALLBACK,
        phone_number="+4930901820",
        delay_seconds=60,
        attempts=2,
        retry_seconds=600,
    )
    assert centre.read(due_callbacks, after(59)) == []
    assert pairs(centre, 59) == []
    assert [each.contact_id for each in centre.read(due_callbacks, after(60))] == ["later"]
    assert taken(centre, place.place_id, 60) == "ana"
    offered = centre.read(get_place, place.place_id)
    assert centre.write(retry_callback, offered, after(90)) is True
    again = centre.read(get_place, place.place_id)
    assert (again.state, again.attempts_left, again.due_at) == (
        PlaceState.WAITING,
        1,
        after(690),
    )
    assert centre.write(retry_callback, again, after(700)) is False


def test_a_call_back_that_a_crash_cut_off_is_made_again(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id)
    place = centre.write(enter_queue, queue_id, "later", NOON, kind=PlaceKind.CALLBACK, attempts=2)
    assert centre.write(sweep_places, after(4000)) == []  # while it waits it needs no server
    taken(centre, place.place_id, 1)
    disowned(centre, place.place_id, "elsewhere/1/x")
    assert centre.write(sweep_places, after(100)) == []
    assert centre.read(get_agent, agent_id).place_id is None
    again = centre.read(get_place, place.place_id)
    assert (again.state, again.due_at, again.attempts_left) == (
        PlaceState.WAITING,
        after(100),
        1,
    )
