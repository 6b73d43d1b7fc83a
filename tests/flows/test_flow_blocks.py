"""Blocks, one by one, in the smallest flow that shows what they do."""

from __future__ import annotations

from typing import Any

import pytest
from conversations import (
    BANK,
    CARDHOLDER,
    Cardholder,
    action,
    converse,
    flow_of,
    says,
)

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")


def set_attributes(values: dict[str, str], **more: Any) -> dict[str, Any]:
    parameters = {"Attributes": values, "TargetContact": "Current"} | more
    return action("set", "UpdateContactAttributes", parameters, "say", errors=ERROR)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"b": "$.Attributes.a!"}, "1 1!"),
        ({"a": "2", "b": "$.Attributes.a"}, "2 1"),
        ({"$.Attributes.key": "3"}, "1 3"),
        ({"$.Attributes.missing": "3", "b": "4"}, "1 4"),
        ({"b": "4", "x.y": "5"}, "failed"),
        ({"b": "4", "c": "x" * 33_000}, "failed"),
    ],
)
def test_attributes_are_set_all_or_none(values: dict[str, str], said: str) -> None:
    flow = flow_of(set_attributes(values), says("$.Attributes.a $.Attributes.b"), FAILED)
    assert converse(flow, attributes={"a": "1", "key": "b"}).said == [said]


def test_there_is_no_related_contact_to_set_attributes_of() -> None:
    flow = flow_of(set_attributes({"b": "1"}, TargetContact="Related"), says("set"), FAILED)
    assert converse(flow).said == ["failed"]


def test_the_attributes_of_the_caller_stay_as_they_were() -> None:
    attributes = {"a": "1"}
    converse(flow_of(set_attributes({"a": "2"}), says("x"), FAILED), attributes=attributes)
    assert attributes == {"a": "1"}


def test_flow_attributes_are_the_flows_alone() -> None:
    flow = flow_of(
        action("set", "UpdateFlowAttributes", {"FlowAttributes": {"n": {"Value": "7"}}}, "call"),
        action("call", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "say", errors=ERROR),
        says("$.FlowAttributes.n."),
        FAILED,
    )
    talk = converse(flow, attributes={})
    assert talk.said == ["7."]
    assert talk.bank.invoked[0][1]["Details"]["ContactData"]["Attributes"] == {}


def compare(value: str, *conditions: tuple[str, str]) -> str:
    ways = [(operator, operand, f"way{i}") for i, (operator, operand) in enumerate(conditions)]
    flow = flow_of(
        action(
            "check",
            "Compare",
            {"ComparisonValue": value},
            "none",
            errors={"NoMatchingCondition": "none"},
            conditions=ways,
        ),
        *(says(to, to) for _, _, to in ways),
        says("none", "none"),
    )
    attributes = {"a": "5", "same": "5", "empty": ""}
    return converse(flow, attributes=attributes).said[-1]


def test_the_first_condition_that_holds_is_taken() -> None:
    assert compare("$.Attributes.a", ("NumberLessThan", "9"), ("Equals", "5")) == "way0"
    assert compare("$.Attributes.a", ("Equals", "4"), ("Equals", "$.Attributes.same")) == "way1"
    assert compare("$.Attributes.a", ("Equals", "4")) == "none"
    assert compare("$.CustomerEndpoint.Address", ("Equals", CARDHOLDER)) == "way0"
    assert compare("$.SystemEndpoint.Address", ("Equals", BANK)) == "way0"
    assert compare("$.AwsRegion", ("Equals", "eu-central-1")) == "way0"


def test_a_value_that_is_not_there_matches_nothing() -> None:
    assert compare("$.Attributes.empty", ("Equals", "")) == "way0"
    assert compare("$.Attributes.missing", ("Equals", "")) == "none"
    assert compare("$.Attributes.a", ("TextContains", "$.Attributes.missing")) == "none"


@pytest.mark.parametrize(("count", "rounds"), [("0", 0), ("3", 3), ("$.Attributes.n", 2)])
def test_a_loop_goes_round_and_then_starts_anew(count: str, rounds: int) -> None:
    def loop(block_id: str, count: str, on: str, done: str) -> dict[str, Any]:
        conditions = [("Equals", "ContinueLooping", on), ("Equals", "DoneLooping", done)]
        return action(block_id, "Loop", {"LoopCount": count}, done, conditions=conditions)

    flow = flow_of(
        loop("outer", "2", "inner", "end"),
        loop("inner", count, "round", "between"),
        says("round", "round", "inner"),
        says("between", "between", "outer"),
    )
    talk = converse(flow, attributes={"n": "2"})
    assert talk.said == (["round"] * rounds + ["between"]) * 2


def test_waiting_takes_its_time() -> None:
    wait = action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "90"},
        "failed",
        errors=ERROR,
        conditions=[("Equals", "WaitCompleted", "say"), ("Equals", "CustomerReturned", "failed")],
    )
    talk = converse(flow_of(wait, says("back"), FAILED))
    assert talk.said == ["back"]
    assert talk.seconds == pytest.approx(90, abs=2)


def test_a_hang_up_ends_a_wait_at_once() -> None:
    wait = action("wait", "Wait", {"TimeoutSeconds": 600}, "end")
    talk = converse(flow_of(wait), Cardholder(hangs_up_at=5))
    assert (talk.left, talk.seconds) == (True, 5)


def test_the_voice_holds_until_it_is_changed() -> None:
    def voice(block_id: str, name: str, next_: str) -> dict[str, Any]:
        return action(
            block_id, "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": name}, next_
        )

    flow = flow_of(
        says("one", "one", "amy"),
        voice("amy", "Amy", "two"),
        says("two", "two", "none"),
        voice("none", "$.Attributes.missing", "three"),
        says("$.TextToSpeechVoiceId.", "three"),
    )
    talk = converse(flow, language="de-DE")
    assert [(p.voice, p.language) for p in talk.cardholder.heard] == [
        ("Vicki", "de-DE"),
        ("Amy", "de-DE"),
        ("Amy", "de-DE"),
    ]
    assert talk.said[-1] == "Amy."


def test_logging_is_off_until_it_is_enabled() -> None:
    def logging(block_id: str, word: str, next_: str) -> dict[str, Any]:
        return action(block_id, "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": word}, next_)

    flow = flow_of(
        says("a", "a", "on"),
        logging("on", "Enabled", "b"),
        says("b", "b", "off"),
        logging("off", "Disabled", "c"),
        says("c", "c"),
    )
    logged = {event.block_id: event.logged for event in converse(flow).blocks}
    assert (logged["a"], logged["b"], logged["c"]) == (False, True, False)


def test_recording_is_accepted_and_said_not_to_happen() -> None:
    parameters = {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]}}
    talk = converse(flow_of(action("r", "UpdateContactRecordingBehavior", parameters, "end")))
    assert talk.blocks[0].parameters == {"RecordedParticipants": "Agent,Customer"}
    assert "nothing is recorded" in talk.blocks[0].detail


@pytest.mark.parametrize(("roll", "said"), [(1, "a"), (20, "a"), (21, "b"), (60, "b"), (61, "c")])
def test_calls_are_distributed_by_percentage(roll: int, said: str) -> None:
    split = action(
        "split",
        "DistributeByPercentage",
        {},
        "c",
        errors={"NoMatchingCondition": "c"},
        conditions=[("NumberLessThan", "21", "a"), ("NumericLessThan", "61", "b")],
    )
    flow = flow_of(split, *(says(text, text) for text in "abc"))
    assert converse(flow, roll=roll).said == [said]


def test_the_end_of_a_flow_leaves_the_call_to_its_caller() -> None:
    talk = converse(flow_of(says("x", next_="over"), action("over", "EndFlowExecution")))
    assert (talk.ended, talk.cardholder.hung_up_on) == ("FLOW_ENDED", False)


def test_an_error_without_any_branch_hangs_up() -> None:
    talk = converse(flow_of(set_attributes({"x.y": "1"}) | {"Transitions": {"NextAction": "end"}}))
    assert talk.ended == "CONTACT_FLOW_DISCONNECT"
    assert talk.cardholder.hung_up_on
    assert "no branch for NoMatchingError" in talk.events[-1].detail


def test_a_flow_that_goes_round_for_ever_is_stopped() -> None:
    talk = converse(
        flow_of(
            action("a", "UpdateContactAttributes", {"Attributes": {"x": "1"}}, "b"),
            action("b", "UpdateContactAttributes", {"Attributes": {"x": "2"}}, "a"),
        )
    )
    assert len(talk.blocks) == 1000
    assert talk.cardholder.hung_up_on
    assert "goes round without an end" in talk.events[-1].detail
