"""Queues: which one, waiting in it, talking to an agent, and what follows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from conversations import Bank, Cardholder, action, converse, flow_of, says
from hypothesis import given
from hypothesis import strategies as st
from instances import ANALYST, Surroundings, agent_at, queue_named

from ringfence.flows import (
    Contact,
    ContactState,
    Flow,
    FlowEventKind,
    FlowInvalid,
    HungUp,
    NotConnected,
    load_flow,
    run,
)
from ringfence.flows.laboratory.virtual_time import VirtualLoop

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")
FULL = says("full", "full")
FRAUD, SECOND = queue_named("fraud"), queue_named("second")
OTHER = "+15550100098"
MUSIC = says("music", "music", "again")
ROUND = action("again", "Wait", {"TimeLimitSeconds": "10"}, "music")


def set_queue(**parameters: str) -> dict[str, Any]:
    given = parameters or {"QueueId": "fraud"}
    return action("set", "UpdateContactTargetQueue", given, "wait", errors=ERROR)


def waits(block_id: str = "wait") -> dict[str, Any]:
    return action(
        block_id,
        "TransferContactToQueue",
        None,
        errors={"QueueAtCapacity": "full", "NoMatchingError": "failed"},
    )


def hook(event: str, flow: str, next_: str, **more: object) -> dict[str, Any]:
    parameters = {"EventHooks": {event: flow}} | more
    return action(event, "UpdateContactEventHooks", parameters, next_, errors=ERROR)


def around(**facts: Any) -> Surroundings:
    given: dict[str, Any] = {
        "queues": {"fraud": FRAUD, "second": SECOND},
        "agents": {"fraud": [(25.0, agent_at())]},
    }
    return Surroundings(**(given | facts))


def answering(*numbers: str, **more: Any) -> Cardholder:
    return Cardholder(telephones=dict.fromkeys(numbers or (ANALYST,), 60.0), **more)


SIMPLE = flow_of(set_queue(), waits(), FULL, FAILED)


def test_an_agent_takes_the_call_and_it_is_over_when_the_agent_hangs_up() -> None:
    instance, caller = around(), answering()
    talk = converse(SIMPLE, caller, instance=instance)
    assert talk.ended == "AGENT_DISCONNECT"
    assert caller.put_through[0].number == ANALYST
    assert instance.story == ["waits in fraud", "turn of analyst", "connected", "left"]
    assert talk.seconds == pytest.approx(85, abs=1)
    assert caller.hung_up_on
    assert talk.blocks[-1].parameters == {"Queue": FRAUD.arn}


def test_without_a_flow_of_the_queue_one_sentence_is_said_in_the_contacts_language() -> None:
    [said] = converse(SIMPLE, answering(), instance=around()).said
    assert said.startswith("We are putting you through")
    [said] = converse(SIMPLE, answering(), instance=around(), language="de-AT").said
    assert said.startswith("Wir verbinden Sie")
    assert converse(SIMPLE, answering(), instance=around(), language="xx").said == []


def test_a_queue_may_be_an_agents_own() -> None:
    own = queue_named("agent-1")
    instance = around(queues={"agent-1": own}, agents={"agent-1": [(1.0, agent_at())]})
    flow = flow_of(set_queue(AgentId="$.Attributes.agent"), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance, attributes={"agent": "agent-1"})
    assert talk.ended == "AGENT_DISCONNECT"
    assert talk.state.agent_id == "agent-1"


@pytest.mark.parametrize("name", ["gone", "$.Attributes.missing"])
def test_a_queue_that_is_not_here_takes_the_error_branch(name: str) -> None:
    flow = flow_of(set_queue(QueueId=name), waits(), FULL, FAILED)
    assert converse(flow, instance=around()).said == ["failed"]


def test_without_a_working_queue_there_is_no_waiting() -> None:
    talk = converse(flow_of(waits(), FULL, FAILED), instance=around())
    assert talk.said == ["failed"]
    assert talk.blocks[0].detail == "no working queue is set"


def test_the_queue_that_the_contact_began_with_counts() -> None:
    talk = converse(flow_of(waits(), FULL, FAILED), answering(), instance=around(), queue=FRAUD)
    assert talk.ended == "AGENT_DISCONNECT"


def test_a_full_queue_has_a_branch_of_its_own() -> None:
    talk = converse(SIMPLE, instance=around(full=frozenset({"fraud"})))
    assert talk.said == ["full"]


def test_the_flow_of_the_queue_runs_until_it_is_the_contacts_turn() -> None:
    instance = around(flows={"music": flow_of(MUSIC, ROUND)})
    flow = flow_of(hook("CustomerQueue", "music", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert talk.said == ["music"] * 3
    assert talk.ended == "AGENT_DISCONNECT"
    assert [event.block_type for event in talk.blocks][-1] == "Transfer"


def test_the_contact_goes_on_waiting_in_silence_after_the_flow_of_the_queue() -> None:
    ends = flow_of(says("one moment", "say", "done"), action("done", "EndFlowExecution"))
    instance = around(flows={"once": ends}, agents={"fraud": [(500.0, agent_at())]})
    flow = flow_of(hook("CustomerQueue", "once", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert (talk.said, talk.ended) == (["one moment"], "AGENT_DISCONNECT")


def test_the_flow_of_the_queue_may_hang_up() -> None:
    instance = around(flows={"bye": flow_of(says("bye"))})
    flow = flow_of(hook("CustomerQueue", "bye", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert (talk.said, talk.ended) == (["bye"], "CONTACT_FLOW_DISCONNECT")
    assert instance.story == ["waits in fraud", "left"]


def test_an_agent_who_does_not_answer_loses_the_turn_to_the_next() -> None:
    instance = around(agents={"fraud": [(5.0, agent_at()), (40.0, agent_at(OTHER, "second"))]})
    caller = Cardholder(telephones={ANALYST: NotConnected("no answer", timed_out=True), OTHER: 9.0})
    assert converse(SIMPLE, caller, instance=instance).ended == "AGENT_DISCONNECT"
    assert instance.story == [
        "waits in fraud",
        "turn of analyst",
        "missed",
        "turn of second",
        "connected",
        "left",
    ]


def test_the_flow_for_afterwards_runs_when_the_agent_has_hung_up() -> None:
    instance = around(flows={"survey": flow_of(says("How was it?"))})
    flow = flow_of(hook("CustomerRemaining", "survey", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert talk.said[-1] == "How was it?"
    assert talk.ended == "CONTACT_FLOW_DISCONNECT"
    assert instance.story[-1] == "left"


def test_it_does_not_run_when_the_far_end_hangs_up() -> None:
    instance = around(flows={"survey": flow_of(says("How was it?"))})
    flow = flow_of(hook("CustomerRemaining", "survey", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(hangs_up_at=40.0), instance=instance)
    assert talk.left
    assert "How was it?" not in talk.said
    assert instance.story == ["waits in fraud", "turn of analyst", "connected", "left"]


def moves(to: str = "second") -> str:
    go = action(
        "go",
        "DequeueContactAndTransferToQueue",
        {"QueueId": to},
        errors={"QueueAtCapacity": "full", "NoMatchingError": "failed"},
    )
    stays = [action(name, "EndFlowExecution") for name in ("stay",)]
    return flow_of(
        action("first", "Compare", {"ComparisonValue": "$.Queue.Name"}, "stay",
               errors={"NoMatchingCondition": "stay"}, conditions=[("Equals", "fraud", "go")]),
        go, says("full", "full", "stay"), says("failed", "failed", "stay"), *stays,
    )  # fmt: skip


def test_the_flow_of_a_queue_may_move_the_contact_to_another_queue() -> None:
    instance = around(flows={"move": moves()}, agents={"second": [(3.0, agent_at())]})
    flow = flow_of(hook("CustomerQueue", "move", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert talk.ended == "AGENT_DISCONNECT"
    assert talk.state.queue == SECOND
    assert instance.story == [
        "waits in fraud", "waits in second", "left", "turn of analyst", "connected", "left",
    ]  # fmt: skip


def test_it_stays_where_it_is_when_the_other_queue_takes_nobody() -> None:
    instance = around(flows={"move": moves()}, full=frozenset({"second"}))
    flow = flow_of(hook("CustomerQueue", "move", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert (talk.said, talk.ended) == (["full"], "AGENT_DISCONNECT")
    assert talk.state.queue == FRAUD


def test_nobody_is_moved_who_does_not_wait() -> None:
    talk = converse(moves(), instance=around(), queue=FRAUD)
    assert talk.said == ["failed"]
    assert talk.blocks[1].detail == "the contact does not wait in a queue"


def test_the_flow_of_a_queue_may_go_on_in_a_flow_outside_the_queue() -> None:
    away = flow_of(action("go", "TransferToFlow", {"ContactFlowId": "menu"}, errors=ERROR), FAILED)
    instance = around(flows={"away": away, "menu": flow_of(says("menu"))})
    flow = flow_of(hook("CustomerQueue", "away", "set"), set_queue(), waits(), FULL, FAILED)
    talk = converse(flow, answering(), instance=instance)
    assert (talk.said, talk.ended) == (["menu"], "CONTACT_FLOW_DISCONNECT")
    assert instance.story == ["waits in fraud", "left"]


def test_a_hook_that_would_run_here_must_be_bound_and_one_that_would_not_need_not() -> None:
    flow = flow_of(hook("CustomerQueue", "gone", "say"), says("set"), FAILED)
    assert converse(flow, instance=around()).said == ["failed"]
    flow = flow_of(hook("AgentWhisper", "gone", "say"), says("set"), FAILED)
    talk = converse(flow, instance=around())
    assert talk.said == ["set"]
    assert talk.blocks[0].block_type == "SetContactFlow"
    assert "not run here" in talk.blocks[0].detail


def test_a_hook_can_be_switched_off_again() -> None:
    off = {"EventHooksConfiguration": {"CustomerQueue": {"DisableExecution": "True"}}}
    again = action("off", "UpdateContactEventHooks", off, "set", errors=ERROR)
    instance = around(flows={"bye": flow_of(says("bye"))})
    flow = flow_of(hook("CustomerQueue", "bye", "off"), again, set_queue(), waits(), FULL, FAILED)
    assert converse(flow, answering(), instance=instance).ended == "AGENT_DISCONNECT"


def test_one_block_sets_one_hook() -> None:
    two = {"EventHooks": {"CustomerQueue": "a", "CustomerHold": "b"}}
    with pytest.raises(FlowInvalid, match="CustomerQueue and CustomerHold"):
        load_flow(flow_of(action("two", "UpdateContactEventHooks", two, "end")))


def legacy(type_: str, *parameters: Mapping[str, object], **branches: str) -> dict[str, Any]:
    return {
        "id": type_,
        "type": type_.partition("/")[0],
        "parameters": list(parameters),
        "branches": [{"condition": name, "transition": to} for name, to in branches.items()],
    } | ({"target": type_.partition("/")[2]} if "/" in type_ else {})


@pytest.mark.parametrize("transfer", ["Transfer/Queue", "CustomerInQueue"])
@pytest.mark.parametrize("setting", ["SetEventHook", "SetContactFlow"])
def test_older_exports_mean_the_same(transfer: str, setting: str) -> None:
    modules = [
        legacy(
            setting,
            {"name": "Type", "value": "CustomerRemaining"},
            {"name": "ContactFlowId", "value": "arn:f", "resourceName": "survey"},
            Success="SetQueue",
        ),
        legacy(
            "SetQueue",
            {"name": "Queue", "value": "arn:q", "resourceName": "fraud"},
            Success=transfer,
            Error="Disconnect",
        ),
        legacy(transfer, AtCapacity="Disconnect", Error="Disconnect"),
        legacy("Disconnect"),
    ]
    flow = json.dumps({"modules": modules, "start": setting, "version": "1"})
    instance = around(flows={"survey": flow_of(says("How was it?")), "arn:f": flow_of(says("no"))})
    talk = converse(flow, answering(), instance=instance)
    assert talk.said[-1] == "How was it?"
    assert talk.blocks[1].block_type == "SetQueue"


class Slow(Surroundings):
    """Everything takes a while here, and what was begun is finished, as it is in threads."""

    async def wait_in(self, queue: Any, contact: Any) -> Any:
        return await asyncio.shield(asyncio.ensure_future(self._wait_in(queue, contact)))

    async def _wait_in(self, queue: Any, contact: Any) -> Any:
        await asyncio.sleep(0.5)
        return await super().wait_in(queue, contact)

    async def flow(self, wanted: Any) -> Flow:
        await asyncio.sleep(0.1)
        return await super().flow(wanted)


QUEUE_FLOWS = {
    "music": flow_of(MUSIC, ROUND),
    "move": moves(),
    "bye": flow_of(says("bye")),
    "away": flow_of(
        action("wait", "Wait", {"TimeLimitSeconds": "7"}, "go"),
        action("go", "TransferToFlow", {"ContactFlowId": "bye"}, errors=ERROR),
        FAILED,
    ),
    "later": flow_of(
        action("wait", "Wait", {"TimeLimitSeconds": "12"}, "tell"),
        action("tell", "InvokeLambdaFunction",
               {"LambdaFunctionARN": "f", "InvocationType": "ASYNCHRONOUS"}, "go", errors=ERROR),
        action("go", "DequeueContactAndTransferToQueue", {"QueueId": "second"}, errors=ERROR),
        FAILED,
    ),
}  # fmt: skip


def test_an_agent_who_comes_while_the_contact_moves_on_is_not_called() -> None:
    instance = Slow(
        flows=QUEUE_FLOWS,
        queues={"fraud": FRAUD, "second": SECOND},
        agents={"fraud": [(12.7, agent_at())], "second": [(5.0, agent_at(OTHER))]},
    )
    flow = flow_of(hook("CustomerQueue", "later", "set"), set_queue(), waits(), FULL, FAILED)
    caller = answering(ANALYST, OTHER)
    talk = converse(flow, caller, instance=instance)
    assert [destination.number for destination in caller.put_through] == [OTHER]
    assert talk.ended == "AGENT_DISCONNECT"
    told = [event for event in talk.events if event.kind is FlowEventKind.FUNCTION]
    assert len(told) == 1  # what the flow of the queue began is not lost


moments = st.floats(0.0, 30.0).map(lambda at: round(at * 2) / 2)


@given(
    queue_flow=st.sampled_from(sorted(QUEUE_FLOWS)),
    fraud=st.lists(moments, max_size=3),
    second=st.lists(moments, max_size=2),
    answers=st.booleans(),
    hangs_up_at=st.none() | moments,
    stopped_at=moments,
)
def test_whatever_happens_every_place_is_left_and_nothing_goes_on_running(
    queue_flow: str,
    fraud: list[float],
    second: list[float],
    answers: bool,
    hangs_up_at: float | None,
    stopped_at: float,
) -> None:
    instance = Slow(
        flows=QUEUE_FLOWS,
        queues={"fraud": FRAUD, "second": SECOND},
        agents={
            "fraud": [(at, agent_at()) for at in sorted(fraud)],
            "second": [(at, agent_at(OTHER)) for at in sorted(second)],
        },
    )
    telephone = 4.0 if answers else NotConnected("busy")
    caller = Cardholder(telephones={ANALYST: telephone, OTHER: 4.0}, hangs_up_at=hangs_up_at)
    flow = load_flow(
        flow_of(hook("CustomerQueue", queue_flow, "set"), set_queue(), waits(), FULL, FAILED)
    )
    contact = Contact("c-1", {}, "+4930901820", "+15550100000", "arn:aws:connect:x:1:instance/i")

    async def observe(event: object) -> None:
        await asyncio.sleep(0)

    async def talk() -> None:
        caller.pick_up()
        running = asyncio.ensure_future(
            run(flow, ContactState.of(contact), caller, Bank(), observe, instance=instance)
        )
        await asyncio.wait({running}, timeout=stopped_at + 0.25)
        running.cancel()
        with suppress(HungUp, asyncio.CancelledError):
            await running
        await asyncio.sleep(1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(talk())
    entered = [line for line in instance.story if line.startswith("waits in")]
    assert instance.story.count("left") == len(entered)
