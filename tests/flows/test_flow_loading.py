"""What loads, and what is said about what does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from conversations import action, flow_of, says
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import InvalidInput
from ringfence.flows import Flow, FlowFormat, FlowInvalid, Problem, load_flow, shipped_flows
from ringfence.flows.blocks import all_kinds

ARTICLE = shipped_flows()["credit-card-fraud"]
OURS = shipped_flows()["verify-card-payment"]
LAMBDA = "c899490d-428f-4fbb-aac0-9eeadaad4941"
MENU = "d6161584-7f49-45d7-a14f-179ebaf43cb8"


def problems(content: str) -> tuple[Problem, ...]:
    with pytest.raises(FlowInvalid) as caught:
        load_flow(content)
    assert isinstance(caught.value, InvalidInput)
    assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def changed(content: str, change: Callable[[dict[str, Any]], object]) -> str:
    flow = json.loads(content)
    change(flow)
    return json.dumps(flow)


def module(flow: dict[str, Any], block_id: str) -> dict[str, Any]:
    return next(each for each in flow["modules"] if each["id"] == block_id)


@pytest.mark.parametrize(
    "content", ["", "nonsense", "[]", "7", "null", "{}", '{"modules": 5}', '{"Actions": [1]}']
)
def test_what_is_no_flow_is_said_to_be_none(content: str) -> None:
    [problem] = problems(content)
    assert (problem.block_id, problem.block_type) == ("", "")


def test_deep_nesting_and_huge_numbers_are_no_flow_either() -> None:
    assert problems("[" * 100_000)
    assert problems('{"Actions": ' + "9" * 10_000 + "}")


def test_an_unknown_version_is_not_guessed_at() -> None:
    assert "2031" in problems('{"Version": "2031-01-01", "Actions": []}')[0].message


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: "\ufeff" + text,
        lambda text: json.dumps({"Content": text}),
        lambda text: json.dumps({"ContactFlow": {"Name": "x", "Content": text}}),
        lambda text: text.replace("\\n", "\n").replace("\\t", "\t"),
    ],
)
def test_exports_and_answers_of_the_api_load_as_they_are(wrap: Callable[[str], str]) -> None:
    flow = load_flow(wrap(ARTICLE))
    assert (flow.name, flow.format) == ("credit-card-fraud", FlowFormat.LEGACY)


def test_an_unknown_block_is_named_by_id_and_type_even_where_nothing_leads_to_it() -> None:
    found = problems(
        flow_of(
            says("Hello"),
            action("elsewhere", "CallTheMoon", next_="end"),
            action("odd", "NoSuchThing"),
        )
    )
    assert [(each.block_id, each.block_type) for each in found] == [
        ("elsewhere", "CallTheMoon"),
        ("odd", "NoSuchThing"),
    ]


def test_an_unknown_module_is_named_with_its_target() -> None:
    content = changed(ARTICLE, lambda flow: module(flow, MENU).update(target="Moon"))
    [problem] = problems(content)
    assert (problem.block_id, problem.block_type) == (MENU, "GetUserInput")
    assert "target Moon" in problem.message


def test_every_problem_is_listed_at_once() -> None:
    found = problems(
        json.dumps(
            {
                "Version": "2019-10-30",
                "StartAction": "nowhere",
                "Actions": [
                    action("a", "MessageParticipant", {}, "gone"),
                    action("a", "Teleport", {}),
                    action("b", "Loop", {"LoopCount": "many"}, "a"),
                ],
            }
        )
    )
    listed = "\n".join(str(each) for each in found)
    for part in (
        "starts at 'nowhere'",
        "the id is that of 2 blocks",
        "leads to 'gone'",
        "there is nothing to say",
        "Teleport is not known",
        "LoopCount is 'many'",
        "Equals ContinueLooping is missing",
        "Equals DoneLooping is missing",
    ):
        assert part in listed


@pytest.mark.parametrize("start", [None, "", 5])
def test_a_missing_start_is_a_problem(start: object) -> None:
    content = changed(ARTICLE, lambda flow: flow.update(start=start))
    assert [each.message for each in problems(content)] == ["there is no start"]


@pytest.mark.parametrize("condition", ["Success", "Error"])
def test_a_function_without_one_of_its_branches_is_refused(condition: str) -> None:
    def remove(flow: dict[str, Any]) -> None:
        block = module(flow, LAMBDA)
        block["branches"] = [b for b in block["branches"] if b["condition"] != condition]

    [problem] = problems(changed(ARTICLE, remove))
    assert (problem.block_id, problem.message) == (LAMBDA, f"the branch {condition} is missing")


@pytest.mark.parametrize("condition", ["Timeout", "NoMatch", "Error"])
def test_a_menu_without_one_of_its_branches_is_refused(condition: str) -> None:
    def disconnect(flow: dict[str, Any]) -> None:
        for branch in module(flow, MENU)["branches"]:
            if branch["condition"] == condition:
                branch["transition"] = ""

    [problem] = problems(changed(ARTICLE, disconnect))
    assert (problem.block_id, problem.message) == (MENU, f"the branch {condition} is missing")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Text": "x", "SSML": "y"}, "Text and SSML are given"),
        ({"Text": ["x"]}, "Text is not a text"),
        ({"PromptId": ""}, "PromptId is empty"),
        ({"Media": "x"}, "Media is not an object"),
        ({}, "nothing to say"),
    ],
)
def test_a_prompt_has_just_one_source(parameters: dict[str, object], message: str) -> None:
    found = problems(flow_of(action("say", "MessageParticipant", parameters, "end")))
    assert message in found[0].message


@pytest.mark.parametrize(
    ("type_", "parameters", "message"),
    [
        ("InvokeLambdaFunction", {}, "LambdaFunctionARN is missing"),
        ("InvokeLambdaFunction", {"LambdaFunctionARN": " "}, "LambdaFunctionARN is empty"),
        (
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "f", "InvocationTimeLimitSeconds": "0"},
            "InvocationTimeLimitSeconds is '0', not a whole number from 1 to 60",
        ),
        (
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "f", "ResponseValidation": {"ResponseType": "XML"}},
            "ResponseValidation.ResponseType is not one of STRING_MAP, JSON",
        ),
        (
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": "f", "LambdaInvocationAttributes": {"a": {}}},
            "LambdaInvocationAttributes.a is not a text",
        ),
        ("Compare", {}, "ComparisonValue is missing"),
        ("UpdateContactAttributes", {}, "Attributes is missing"),
        ("UpdateContactAttributes", {"Attributes": []}, "Attributes is not an object"),
        ("UpdateFlowAttributes", {}, "FlowAttributes is missing"),
        ("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Loud"}, "is not one of"),
        ("UpdateContactTextToSpeechVoice", {}, "TextToSpeechVoice is missing"),
        ("Wait", {"TimeLimitSeconds": "a while"}, "TimeLimitSeconds is 'a while'"),
        ("GetParticipantInput", {"Text": "x"}, "InputTimeLimitSeconds is missing"),
    ],
)
def test_a_parameter_that_is_missing_or_of_the_wrong_type_is_named(
    type_: str, parameters: dict[str, object], message: str
) -> None:
    ways = {"errors": {"NoMatchingError": "end"}}
    found = problems(flow_of(action("block", type_, parameters, "end", **ways)))
    assert [(each.block_id, each.block_type) for each in found] == [("block", type_)]
    assert message in found[0].message


@pytest.mark.parametrize(("operator", "operand"), [("Equals", "12"), ("NumberLessThan", "3")])
def test_a_menu_compares_one_key(operator: str, operand: str) -> None:
    menu = action(
        "menu",
        "GetParticipantInput",
        {"Text": "x", "InputTimeLimitSeconds": 5, "StoreInput": False},
        "end",
        errors={"NoMatchingError": "end"},
        conditions=[(operator, operand, "end")],
    )
    assert "is not about one key" in problems(flow_of(menu))[0].message


def test_an_operator_nobody_knows_is_refused() -> None:
    block = action("check", "Compare", {"ComparisonValue": "x"}, "end")
    block["Transitions"]["Conditions"] = [
        {"NextAction": "end", "Condition": {"Operator": "Sounds", "Operands": ["a"]}},
        {"NextAction": "end", "Condition": {"Operator": "Equals", "Operands": ["a", "b"]}},
        {"NextAction": "end", "Condition": "a"},
    ]
    assert [each.message for each in problems(flow_of(block))] == [
        "the condition Equals has not just one operand",
        "a condition has no Operator and Operands",
        "the operator 'Sounds' of a condition is not known",
    ]


def test_each_kind_of_block_is_there_once() -> None:
    kinds = all_kinds()
    named = [(k.type, k.log_type, k.legacy.type if k.legacy else "") for k in kinds]
    assert len(set(named)) == len(named)
    older = [(k.legacy.type, k.legacy.target) for k in kinds if k.legacy is not None]
    assert len(set(older)) == len(older)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_json_loads_or_says_what_is_wrong(value: object) -> None:
    loads_or_says_why(json.dumps(value))


@given(st.text())
def test_any_text_loads_or_says_what_is_wrong(text: str) -> None:
    loads_or_says_why(text)


def paths(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths(inner, (*path, index))
    return found


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([ARTICLE, OURS]), st.data(), JSON, st.booleans())
def test_a_flow_with_anything_anywhere_loads_or_says_what_is_wrong(
    content: str, data: st.DataObject, value: object, remove: bool
) -> None:
    flow = json.loads(content)
    path = data.draw(st.sampled_from(paths(flow)))
    inner: Any = flow
    for step in path[:-1]:
        inner = inner[step]
    if remove:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    loads_or_says_why(json.dumps(flow))


def loads_or_says_why(content: str) -> None:
    try:
        flow = load_flow(content)
    except FlowInvalid:
        assert problems(content)
    else:
        assert isinstance(flow, Flow)
        assert flow.start in flow.blocks
