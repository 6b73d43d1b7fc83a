from __future__ import annotations

from collections.abc import Callable

from call_centres import ANNOUNCER, INSTANCE_ARN, Centre, during, eventually, state_of
from scripted_lines import ScriptedLine

from ringfence.contacts.agents import AgentStatus
from ringfence.contacts.callbacks import Callbacks, open_callback
from ringfence.contacts.dispatching import Dispatcher
from ringfence.contacts.places import PlaceState, open_places
from ringfence.contacts.queues import get_queue
from ringfence.contacts.records import (
    StoredContact,
    attributes_of,
    get_contact,
    unfinished_contacts,
)
from ringfence.contacts.waiting_room import WaitingRoom
from ringfence.flows import CallBack, InitiationMethod
from ringfence.storage import now

ANALYST, CUSTOMER = "+4930901821", "+4930901820"


def wanted(
    centre: Centre, queue_id: str, *, attempts: int = 1, retry_seconds: float = 0.0
) -> StoredContact:
    """A call-back that a contact on record has asked for."""
    centre.contact("first", attributes={"Amount": "7"})
    queue = centre.read(get_queue, queue_id).as_flows_see_it(INSTANCE_ARN)
    call_back = CallBack(CUSTOMER, queue, retry_seconds=retry_seconds, most_attempts=attempts)
    return centre.write(
        open_callback, ANNOUNCER, centre.instance_id, call_back, state_of("first"), now()
    )


def run_until(centre: Centre, line: ScriptedLine, done: Callable[[], bool]) -> None:
    async def work() -> None:
        room = WaitingRoom(centre.database, ANNOUNCER, after_contact_seconds=60)
        callbacks = Callbacks({"line": line}, room, Dispatcher({"line": line}, calls_at_once=9))
        callbacks.start()
        await eventually(done)
        await callbacks.stop()
        await room.close()

    during(work())


def test_first_the_agent_is_called_and_then_through_them_the_customer(centre: Centre) -> None:
    queue_id = centre.queue(caller_number="+4930901899")
    agent_id = centre.agent("ana", queue_id, at=now(), number=ANALYST)
    contact = wanted(centre, queue_id)
    line = ScriptedLine({ANALYST, CUSTOMER})

    def ended() -> bool:
        return centre.read(get_contact, contact.contact_id).disconnected_at is not None

    run_until(centre, line, ended)
    assert line.story == [f"calls {ANALYST}", f"rings {CUSTOMER}", f"talks to {CUSTOMER}"]
    kept = centre.read(get_contact, contact.contact_id)
    assert kept.initiation_method is InitiationMethod.CALLBACK
    assert (kept.previous_contact_id, kept.initial_contact_id) == ("first", "first")
    assert (kept.agent_id, kept.system_number) == (agent_id, "+4930901899")
    assert kept.disconnect_reason == "AGENT_DISCONNECT"
    assert kept.connected_at is not None
    assert centre.read(attributes_of, contact.contact_id) == {"Amount": "7"}
    assert centre.status(agent_id, now()) is AgentStatus.AFTER_CONTACT_WORK


def test_a_call_back_waits_until_its_line_takes_another_call(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("ana", queue_id, at=now(), number=ANALYST)
    contact = wanted(centre, queue_id)
    line = ScriptedLine({ANALYST, CUSTOMER})

    async def work() -> None:
        dispatcher = Dispatcher({"line": line}, calls_at_once=1)
        other = dispatcher.enter("line")
        assert other is not None
        room = WaitingRoom(centre.database, ANNOUNCER)
        callbacks = Callbacks({"line": line}, room, dispatcher)
        callbacks.start()
        await eventually(lambda: centre.read(open_places)[0].state is PlaceState.OFFERED)
        assert line.story == []
        dispatcher.leave(other)
        await eventually(
            lambda: centre.read(get_contact, contact.contact_id).disconnected_at is not None
        )
        assert dispatcher.taken == 0
        await callbacks.stop()
        await room.close()

    during(work())
    assert line.story == [f"calls {ANALYST}", f"rings {CUSTOMER}", f"talks to {CUSTOMER}"]


def test_a_customer_who_is_not_reached_is_called_as_often_as_was_asked_for(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=now(), number=ANALYST)
    contact = wanted(centre, queue_id, attempts=2)
    line = ScriptedLine({ANALYST})

    def ended() -> bool:
        return centre.read(get_contact, contact.contact_id).disconnected_at is not None

    run_until(centre, line, ended)
    assert line.story == [f"calls {ANALYST}", f"rings {CUSTOMER}"] * 2
    kept = centre.read(get_contact, contact.contact_id)
    assert kept.disconnect_reason == "OUTBOUND_ATTEMPT_FAILED"
    assert centre.status(agent_id, now()) is AgentStatus.AVAILABLE


def test_an_agent_who_does_not_answer_costs_the_call_back_nothing(centre: Centre) -> None:
    queue_id = centre.queue()
    centre.agent("away", queue_id, at=now(), number="+4930901822")
    contact = wanted(centre, queue_id)
    line = ScriptedLine({ANALYST, CUSTOMER})

    def rang() -> bool:
        if line.story and len(line.story) == 1:
            centre.agent("there", queue_id, at=now(), number=ANALYST)
            line.story.append("somebody comes")
        return centre.read(get_contact, contact.contact_id).disconnected_at is not None

    run_until(centre, line, rang)
    assert line.story == [
        "calls +4930901822",
        "somebody comes",
        f"calls {ANALYST}",
        f"rings {CUSTOMER}",
        f"talks to {CUSTOMER}",
    ]


def test_a_call_back_that_no_line_can_make_is_closed_saying_so(centre: Centre) -> None:
    queue_id = centre.queue()
    agent_id = centre.agent("ana", queue_id, at=now(), number=ANALYST)
    contact = wanted(centre, queue_id)

    async def work() -> None:
        room = WaitingRoom(centre.database, ANNOUNCER)
        callbacks = Callbacks({}, room, Dispatcher({}, calls_at_once=9))
        callbacks.start()
        await eventually(
            lambda: centre.read(get_contact, contact.contact_id).disconnected_at is not None
        )
        await callbacks.stop()
        await room.close()

    during(work())
    assert "no line" in centre.read(get_contact, contact.contact_id).detail
    assert centre.status(agent_id, now()) is AgentStatus.AVAILABLE


def test_a_restart_does_not_dial_call_backs_as_if_they_were_calls(centre: Centre) -> None:
    contact = wanted(centre, centre.queue())
    ids = {each.contact_id for each in centre.read(unfinished_contacts)}
    assert contact.contact_id not in ids
