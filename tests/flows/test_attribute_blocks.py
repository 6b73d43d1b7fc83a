"""Branching on attributes and setting them, over everything that a flow can look at."""

from __future__ import annotations

from typing import Any

import pytest
from conversations import Bank, Conversation, action, converse, flow_of, says
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows import FlowInvalid, load_flow
from ringfence.flows.converting import to_language, to_legacy
from ringfence.flows.references import reference_to


def compared(value: str, operand: str, operator: str = "Equals") -> dict[str, Any]:
    return action(
        "it",
        "Compare",
        {"ComparisonValue": value},
        errors={"NoMatchingCondition": "other"},
        conditions=[(operator, operand, "say")],
    )


def branch(
    value: str, operand: str, operator: str = "Equals", *before: dict[str, Any]
) -> Conversation:
    blocks = (*before, compared(value, operand, operator))
    return converse(flow_of(*blocks, says("yes"), says("no", "other")))


@pytest.mark.parametrize(
    ("value", "operand"),
    [
        ("$.Attributes.CardNo", "4071"),
        ("$['Attributes']['CardNo']", "4071"),
        (" $.Channel ", "VOICE"),
        ("$.CustomerEndpoint.Address", "+4930901820"),
        ("$.CustomerEndpoint.Type", "TELEPHONE_NUMBER"),
        ("$.CustomerCallbackNumber", "+4930901820"),
        ("$.InitiationMethod", "API"),
        ("$.LanguageCode", "en-US"),
        ("$.TextToSpeechVoiceId", "Joanna"),
        ("$.SegmentAttributes['connect:Subtype']", "connect:Telephony"),
        ("$.SegmentAttributes['connect:Direction']", "OUTBOUND"),
    ],
)
def test_what_amazon_connect_knows_can_be_branched_on(value: str, operand: str) -> None:
    assert branch(value, operand).said == ["yes"]


@pytest.mark.parametrize(
    "value",
    [
        "$.External.nothing",
        "$.Attributes.nothing",
        "$.Customer.FirstName",
        "$.Queue.Name",
        "$.Agent.UserName",
        "$.Lex.IntentName",
        "$.StoredCustomerInput",
    ],
)
@pytest.mark.parametrize(
    ("operator", "operand"),
    [("Equals", ""), ("TextContains", ""), ("TextStartsWith", "4071"), ("NumberLessThan", "1")],
)
def test_what_is_not_there_matches_nothing(value: str, operator: str, operand: str) -> None:
    assert branch(value, operand, operator).said == ["no"]


def test_what_a_flow_has_set_can_be_branched_on_and_compared_with() -> None:
    limit = {"FlowAttributes": {"limit": {"Value": "100"}}}
    before = (
        action("1", "UpdateFlowAttributes", limit, "2"),
        action(
            "2", "UpdateContactAttributes", {"Attributes": {"a": "$.FlowAttributes.limit"}}, "3"
        ),
        action("3", "TagContact", {"Tags": {"Desk": "fraud"}}, "it"),
    )
    assert branch("$.Attributes.a", "$.FlowAttributes.limit", "Equals", *before).said == ["yes"]
    assert branch("$.Tags.Desk", "fraud", "Equals", *before).said == ["yes"]
    assert branch("$.FlowAttributes.limit", "99", "NumberGreaterThan", *before).said == ["yes"]


@pytest.mark.parametrize(
    "value", ["$.External.blocked", "$.LambdaInvocation.ResultData.blocked", "$.External.card.on"]
)
def test_what_a_function_answers_can_be_branched_on(value: str) -> None:
    invoked = action(
        "call",
        "InvokeLambdaFunction",
        {"LambdaFunctionARN": "f", "ResponseValidation": {"ResponseType": "JSON"}},
        "it",
        errors={"NoMatchingError": "other"},
    )
    flow = flow_of(invoked, compared(value, "true"), says("yes"), says("no", "other"))
    answer = {"blocked": True, "card": {"on": "true"}}
    assert converse(flow, bank=Bank(answer)).said == ["yes"]


def test_numbers_that_are_written_differently_are_compared_as_numbers() -> None:
    assert branch("$.Attributes.CardNo", "4070.5", "NumberGreaterThan").said == ["yes"]
    assert branch("$.Attributes.CardNo", "4071.0", "NumberLessOrEqualTo").said == ["yes"]
    assert branch("$.Attributes.CardNo", "many", "NumberLessThan").said == ["no"]


NAMES = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1)


@given(root=st.sampled_from(["Attributes", "External", "Lex", "FlowAttributes"]), name=NAMES)
def test_an_attribute_means_the_same_in_both_formats_or_is_refused(root: str, name: str) -> None:
    flow = flow_of(compared(reference_to(root, name), "x"), says("yes"), says("no", "other"))
    if "." in name and root != "Attributes":
        with pytest.raises(FlowInvalid, match="cannot be said in the other format"):
            to_legacy(flow)
        return
    older = to_legacy(flow)
    again = to_language(older)
    assert load_flow(again).blocks["it"].action == load_flow(flow).blocks["it"].action


def test_flow_attributes_that_are_too_large_together_are_not_set() -> None:
    flow = flow_of(
        action("1", "UpdateFlowAttributes", {"FlowAttributes": {"a": {"Value": "kept"}}}, "2"),
        action(
            "2",
            "UpdateFlowAttributes",
            {"FlowAttributes": {"a": {"Value": "lost"}, "b": {"Value": "x" * 33_000}}},
            "say",
            errors={"NoMatchingError": "other"},
        ),
        says("set"),
        says("$.FlowAttributes.a", "other"),
    )
    assert converse(flow).said == ["kept"]
