"""What flows ask about queues and working hours, and whose turn comes when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from conversations import STARTED_AT, action, converse, flow_of, says
from hypothesis import given
from hypothesis import strategies as st
from instances import Surroundings, queue_named

from ringfence.flows import FlowInvalid, QueueMetrics, load_flow
from ringfence.flows.comparisons import Comparison
from ringfence.flows.converting import to_language, to_legacy

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")
FRAUD = queue_named("fraud", hours_id="h-1")
BUSY = QueueMetrics(
    waiting=4,
    oldest_seconds=299.9,
    agents_online=3,
    agents_available=0,
    agents_staffed=2,
    agents_after_contact_work=1,
    agents_busy=1,
)


def around(**facts: Any) -> Surroundings:
    given: dict[str, Any] = {
        "queues": {"fraud": FRAUD, "second": queue_named("second")},
        "queue_metrics": {"fraud": BUSY},
        "hours": {"h-1": True, "h-2": False},
    }
    return Surroundings(**(given | facts))


def hours(**parameters: str) -> str:
    return flow_of(
        action(
            "check",
            "CheckHoursOfOperation",
            parameters,
            "failed",
            errors=ERROR,
            conditions=[("Equals", "True", "open"), ("Equals", "False", "closed")],
        ),
        says("open", "open"),
        says("closed", "closed"),
        FAILED,
    )


@pytest.mark.parametrize(("named", "said"), [("h-1", "open"), ("h-2", "closed"), ("h", "failed")])
def test_hours_of_operation_are_those_that_are_named(named: str, said: str) -> None:
    instance = around()
    assert converse(hours(HoursOfOperationId=named), instance=instance).said == [said]
    if said != "failed":
        assert instance.asked_hours == [(named, STARTED_AT)]


def test_without_a_name_they_are_those_of_the_working_queue() -> None:
    assert converse(hours(), instance=around(), queue=FRAUD).said == ["open"]
    assert converse(hours(), instance=around(), queue=queue_named("agent")).said == ["failed"]
    assert converse(hours(), instance=around()).said == ["failed"]


def metric(type_: str, *conditions: tuple[str, str], **parameters: str) -> str:
    ways = [(operator, operand, f"way{i}") for i, (operator, operand) in enumerate(conditions)]
    return flow_of(
        action(
            "check",
            "CheckMetricData",
            {"MetricType": type_} | parameters,
            "none",
            errors=ERROR | {"NoMatchingCondition": "none"},
            conditions=ways,
        ),
        *(says(to, to) for _, _, to in ways),
        says("none", "none"),
        FAILED,
    )


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        ("NumberOfAgentsAvailable", "none"),
        ("NumberOfAgentsStaffed", "way0"),
        ("NumberOfAgentsOnline", "way0"),
    ],
)
def test_staffing_is_whether_there_is_anybody(type_: str, said: str) -> None:
    flow = metric(type_, ("NumberGreaterThan", "0"))
    talk = converse(flow, instance=around(), queue=FRAUD)
    assert talk.said == [said]
    assert talk.blocks[0].block_type == "CheckStaffing"
    assert converse(flow, instance=around()).said == ["failed"]


def test_the_first_condition_on_the_state_of_a_queue_that_holds_is_taken() -> None:
    bounds = [("NumberLessThan", "299"), ("NumberLessThan", "300"), ("NumberLessThan", "900")]
    flow = metric("OldestContactInQueueAgeSeconds", *bounds, QueueId="fraud")
    assert converse(flow, instance=around()).said == ["way1"]
    flow = metric("NumberOfContactsInQueue", ("Equals", "4"), QueueId="$.Attributes.q")
    assert converse(flow, instance=around(), attributes={"q": "fraud"}).said == ["way0"]
    assert converse(flow, instance=around(), attributes={"q": "second"}).said == ["none"]
    assert converse(flow, instance=around(), attributes={}).said == ["failed"]


def test_a_metric_that_there_is_not_is_named_at_import() -> None:
    with pytest.raises(FlowInvalid, match="OldestContactInQueueAgeSeconds"):
        load_flow(metric("Mood", ("Equals", "good")))


def legacy_status(
    branches: Sequence[Mapping[str, object]], type_: str = "CheckQueueStatus", **parameters: str
) -> str:
    ways = sorted({str(branch["transition"]) for branch in branches})
    prompts = [
        {
            "id": way,
            "type": "PlayPrompt",
            "parameters": [{"name": "Text", "value": way}],
            "branches": [{"condition": "Success", "transition": "end"}],
        }
        for way in ways
    ]
    check = {
        "id": "check",
        "type": type_,
        "parameters": [{"name": name, "value": value} for name, value in parameters.items()],
        "branches": list(branches),
    }
    end = {"id": "end", "type": "Disconnect", "parameters": [], "branches": []}
    return json.dumps({"modules": [check, *prompts, end], "start": "check", "version": "1"})


def compared(condition: str, kind: str, value: object, to: str) -> dict[str, object]:
    return {
        "condition": condition,
        "conditionType": kind,
        "conditionValue": value,
        "transition": to,
    }


OTHERWISE = [
    {"condition": "NoMatch", "transition": "none"},
    {"condition": "Error", "transition": "failed"},
]


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(300_000, "short"), ("299000", "none"), (299_500, "short")]
)
def test_older_exports_have_times_in_milliseconds(milliseconds: object, said: str) -> None:
    branches = [compared("CheckQueueTime", "LessThan", milliseconds, "short"), *OTHERWISE]
    flow = legacy_status(branches)
    talk = converse(flow, instance=around(), queue=FRAUD)
    assert talk.said == [said]
    assert talk.blocks[0].block_type == "CheckQueueStatus"
    there_and_back = to_legacy(to_language(flow))
    assert converse(there_and_back, instance=around(), queue=FRAUD).said == [said]


def test_one_older_block_may_ask_for_time_and_for_capacity_in_turn() -> None:
    branches = [
        compared("CheckQueueTime", "LessThan", 60_000, "soon"),
        compared("CheckQueueCapacity", "GreaterThan", 9, "crowded"),
        compared("CheckQueueTime", "LessThan", 600_000, "later"),
        *OTHERWISE,
    ]
    flow = legacy_status(branches, Queue="fraud")
    for waiting, oldest, said in (
        (4, 30.0, "soon"), (20, 100.0, "crowded"), (4, 100.0, "later"), (4, 700.0, "none"),
    ):  # fmt: skip
        metrics = {"fraud": QueueMetrics(waiting=waiting, oldest_seconds=oldest)}
        for each in (flow, to_language(flow)):
            assert converse(each, instance=around(queue_metrics=metrics)).said == [said]
    assert converse(flow, instance=around(queues={})).said == ["failed"]


def test_older_exports_ask_for_staffing_by_status() -> None:
    branches = [
        {"condition": "True", "transition": "somebody"},
        {"condition": "False", "transition": "nobody"},
        {"condition": "Error", "transition": "failed"},
    ]
    for status, said in (("Available", "nobody"), ("Staffed", "somebody"), ("Online", "somebody")):
        flow = legacy_status(branches, "CheckStaffing", Status=status)
        for each in (flow, to_language(flow), to_legacy(to_language(flow))):
            assert converse(each, instance=around(), queue=FRAUD).said == [said]


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_a_time_in_other_units_comes_back_as_it_was(number: int, units: int) -> None:
    comparison = Comparison("MetricType", "x", units)
    assert comparison.newer(comparison.older(str(number))) == str(number)


@pytest.mark.parametrize("text", ["", "a", "1e9", "-5", "$.Attributes.x", "9" * 40])
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert Comparison("MetricType", "x", 1000).newer(text) == text


def test_metrics_of_a_queue_can_be_referred_to() -> None:
    text = (
        "$.Metrics.Queue.Name $.Metrics.Queue.Size $.Metrics.Queue.OldestContactAge "
        "$.Metrics.Agents.Online.Count $.Metrics.Agents.Available.Count "
        "$.Metrics.Agents.Staffed.Count $.Metrics.Agents.AfterContactWork.Count"
    )
    flow = flow_of(
        action("get", "GetMetricData", {"QueueId": "fraud"}, "say", errors=ERROR),
        says(text),
        FAILED,
    )
    assert converse(flow, instance=around()).said == ["fraud 4 299 3 0 2 1"]
    assert converse(flow, instance=around(queues={})).said == ["failed"]


@pytest.mark.parametrize(
    ("parameters", "priority", "seconds"),
    [
        ({"QueuePriority": "1"}, 1, 0),
        ({"QueuePriority": 2}, 2, 0),
        ({"QueueTimeAdjustmentSeconds": "600"}, 5, 600),
        ({"QueueTimeAdjustmentSeconds": "-60"}, 5, -60),
        ({"QueuePriority": "0"}, 5, 0),
        ({"QueuePriority": "first"}, 5, 0),
        ({}, 5, 0),
    ],
)
def test_priority_and_age_are_kept_for_the_queue(
    parameters: Mapping[str, object], priority: int, seconds: int
) -> None:
    flow = flow_of(action("set", "UpdateContactRoutingBehavior", parameters, "say"), says("on"))
    talk = converse(flow)
    assert talk.said == ["on"]  # the block has no error branch
    assert (talk.state.priority, talk.state.queue_seconds) == (priority, seconds)
