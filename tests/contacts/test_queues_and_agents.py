from __future__ import annotations

import pytest
from call_centres import INSTANCE_ARN, NOON, Centre, after

from ringfence.contacts.agents import (
    AgentStatus,
    choose_status,
    create_agent,
    delete_agent,
    find_agent,
    get_agent,
    list_agents,
    seen,
    update_agent,
)
from ringfence.contacts.places import enter_queue
from ringfence.contacts.queues import (
    create_queue,
    delete_queue,
    get_queue,
    list_queues,
    update_queue,
)
from ringfence.contacts.turns import queue_metrics, take_turns
from ringfence.errors import Conflict, InvalidInput, NotFound


def test_a_queue_is_kept_changed_and_seen_by_flows(centre: Centre) -> None:
    made = centre.write(
        create_queue, centre.instance_id, "Fraud", caller_number="+49 30 901820", most_contacts=3
    )
    assert centre.read(get_queue, made.queue_id) == made
    changed = centre.write(update_queue, made.queue_id, name="Cards", most_contacts=None)
    assert (changed.name, changed.most_contacts, changed.caller_number) == (
        "Cards",
        None,
        "+4930901820",
    )
    seen_by_flows = changed.as_flows_see_it(INSTANCE_ARN)
    assert seen_by_flows.arn == f"{INSTANCE_ARN}/queue/{made.queue_id}"
    assert seen_by_flows.caller_number == "+4930901820"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"caller_number": "12"}, "caller_number"),
        ({"most_contacts": -1}, "most_contacts"),
        ({"hours_id": "nobody"}, "hours_id"),
        ({"outbound_flow_id": "nobody"}, "outbound_flow_id"),
        ({"description": "x" * 251}, "description"),
    ],
)
def test_a_queue_that_nobody_can_use_is_refused(
    values: dict[str, object], field: str, centre: Centre
) -> None:
    with pytest.raises((InvalidInput, NotFound)) as refused:
        centre.write(create_queue, centre.instance_id, **({"name": "Fraud"} | values))
    assert refused.value.field == field
    queue_id = centre.queue("Another")
    with pytest.raises((InvalidInput, NotFound)):
        centre.write(update_queue, queue_id, **values)


def test_two_queues_have_two_names(centre: Centre) -> None:
    centre.queue("Fraud")
    other = centre.queue("Cards")
    with pytest.raises(Conflict):
        centre.queue("Fraud")
    with pytest.raises(Conflict):
        centre.write(update_queue, other, name="Fraud")


def test_a_queue_in_which_somebody_waits_stays_and_others_leave_their_agents(
    centre: Centre,
) -> None:
    fraud, cards = centre.queue("Fraud"), centre.queue("Cards")
    agent_id = centre.agent("ana", fraud, cards)
    centre.write(enter_queue, fraud, "contact", NOON)
    with pytest.raises(Conflict):
        centre.write(delete_queue, fraud)
    centre.write(delete_queue, cards)
    assert list(centre.read(get_agent, agent_id).queue_ids) == [fraud]
    assert [queue.name for queue in centre.read(list_queues, centre.instance_id)] == ["Fraud"]


def test_an_agent_is_kept_found_changed_and_removed(centre: Centre) -> None:
    queue_id = centre.queue()
    made = centre.write(
        create_agent,
        centre.instance_id,
        "ana",
        phone_number="0049 30 901820",
        queue_ids=[queue_id, queue_id],
        first_name="Ana",
    )
    assert (made.phone_number, list(made.queue_ids)) == ("+4930901820", [queue_id])
    assert made.status_now(made.seen_at) is AgentStatus.OFFLINE
    assert centre.read(find_agent, centre.instance_id, "ana") == made
    assert centre.read(find_agent, centre.instance_id, "bob") is None
    changed = centre.write(update_agent, made.agent_id, queue_ids=[], last_name="Lima")
    assert centre.read(list_agents, centre.instance_id) == [changed]
    with pytest.raises(Conflict):
        centre.write(create_agent, centre.instance_id, "ana", phone_number="+4930901820")
    with pytest.raises(NotFound):
        centre.write(update_agent, made.agent_id, queue_ids=["nobody"])
    centre.write(delete_agent, made.agent_id)
    with pytest.raises(NotFound):
        centre.write(seen, made.agent_id, NOON)


def test_an_agent_who_has_not_been_seen_for_a_minute_is_not_there(centre: Centre) -> None:
    agent_id = centre.agent("ana", centre.queue())
    assert centre.status(agent_id, after(60)) is AgentStatus.AVAILABLE
    assert centre.status(agent_id, after(61)) is AgentStatus.OFFLINE
    centre.write(seen, agent_id, after(60))
    assert centre.status(agent_id, after(61)) is AgentStatus.AVAILABLE


@pytest.mark.parametrize("status", [AgentStatus.BUSY, AgentStatus.MISSED_CALL])
def test_nobody_chooses_to_be_busy(status: AgentStatus, centre: Centre) -> None:
    agent_id = centre.agent("ana", centre.queue())
    with pytest.raises(InvalidInput) as refused:
        centre.write(choose_status, agent_id, status, NOON)
    assert refused.value.field == "status"


def test_metrics_tell_who_waits_and_who_works(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("busy", queue_id, at=after(-1))
    ids = {name: centre.agent(name, queue_id) for name in ("free", "break", "away")}
    centre.agent("elsewhere", centre.queue("Other"))
    place = centre.write(enter_queue, queue_id, "one", after(-40))
    centre.write(take_turns, [place.place_id], after(-30))  # its server has been heard of then
    centre.write(choose_status, ids["break"], AgentStatus.BREAK, NOON)
    centre.write(choose_status, ids["away"], AgentStatus.OFFLINE, NOON)
    centre.write(enter_queue, queue_id, "two", after(-10))
    metrics = centre.read(queue_metrics, queue_id, NOON)
    assert (metrics.waiting, metrics.oldest_seconds) == (2, 40.0)
    assert (metrics.agents_online, metrics.agents_staffed) == (3, 2)
    assert (metrics.agents_available, metrics.agents_busy) == (1, 1)
    assert metrics.agents_non_productive == 1
