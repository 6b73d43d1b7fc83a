"""Whatever a file holds: it loads, converts and compares, or it is said what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.flows import Flow, FlowInvalid, load_flow, shipped_flows
from ringfence.flows.blocks import all_kinds
from ringfence.flows.converting import to_language, to_legacy
from ringfence.flows.differences import differences
from ringfence.flows.kinds import NEXT
from ringfence.flows.laboratory.exploring import explore

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["$.Attributes.a", "$.", "$.External.['b c']", "${Arn}", "True", "0", "-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
IDS = st.sampled_from(["a", "b", "c", "d", "end"])
TYPES = st.sampled_from(sorted({kind.type for kind in all_kinds()}))
OLDER = st.sampled_from(
    sorted(
        {(kind.legacy.type, kind.legacy.target or "") for kind in all_kinds() if kind.legacy},
    )
)
# What designers write, whichever block it belongs to.
_NAMES = """Text SSML PromptId Media Messages QueueId AgentId ContactFlowId FlowModuleId Attributes
    FlowAttributes ComparisonValue LoopCount TimeLimitSeconds InputTimeLimitSeconds StoreInput
    InputValidation DTMFConfiguration InputEncryption LambdaFunctionARN LambdaInvocationAttributes
    InvocationTimeLimitSeconds InvocationType ResponseValidation EventHooks MetricType
    HoursOfOperationId TextToSpeechVoice TextToSpeechEngine FlowLoggingBehavior LexV2Bot LexBot
    RecordingBehavior ThirdPartyPhoneNumber References Tags TagKeys Name"""
NAMES = st.sampled_from(_NAMES.split())
_OLD_NAMES = """Text TextToSpeechType AudioPrompt Queue Agent ContactFlowId Type Attribute Namespace
    Parameter FunctionArn TimeLimit Timeout MaxDigits CustomerInputType EncryptEntry GlobalVoice
    LoggingBehavior LoopCount TimeoutSeconds PhoneNumber BlindTransfer Status BotName"""
OLD_NAMES = st.sampled_from(_OLD_NAMES.split())
BRANCHES = st.sampled_from(
    [NEXT, "NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded", "QueueAtCapacity"]
)
CONDITIONS = st.sampled_from(
    ["Success", "Error", "NoMatch", "Timeout", "Evaluate", "Looping", "Complete", "True", "False"]
)
OPERATORS = st.sampled_from(["Equals", "NumberLessThan", "TextContains", "GreaterThan", "Contains"])
VALUES = st.sampled_from(["1", "5", "True", "x", "$.Attributes.a", ""]) | JSON


@st.composite
def actions(draw: st.DrawFn) -> dict[str, Any]:
    """A block of the Flow language that looks like one."""
    errors = draw(st.lists(st.tuples(BRANCHES, IDS), max_size=4))
    conditions = draw(st.lists(st.tuples(OPERATORS, VALUES, IDS), max_size=3))
    return {
        "Identifier": draw(IDS),
        "Type": draw(TYPES),
        "Parameters": draw(st.dictionaries(NAMES, VALUES, max_size=4)),
        "Transitions": {
            "NextAction": draw(IDS),
            "Errors": [{"ErrorType": error, "NextAction": way} for error, way in errors],
            "Conditions": [
                {"NextAction": way, "Condition": {"Operator": operator, "Operands": [operand]}}
                for operator, operand, way in conditions
            ],
        },
    }


@st.composite
def modules(draw: st.DrawFn) -> dict[str, Any]:
    """A block of the older format that looks like one."""
    type_, target = draw(OLDER)
    branches = draw(st.lists(st.tuples(CONDITIONS, OPERATORS, VALUES, IDS), max_size=5))
    entries = draw(
        st.lists(st.tuples(OLD_NAMES, VALUES, st.sampled_from([None, "External", "System"])))
    )
    return {
        "id": draw(IDS),
        "type": type_,
        **({"target": target} if target else {}),
        "branches": [
            {"condition": each, "conditionType": how, "conditionValue": value, "transition": way}
            for each, how, value, way in branches
        ],
        "parameters": [
            {"name": name, "value": value, "namespace": namespace, "key": name}
            for name, value, namespace in entries
        ],
    }


def language(*blocks: dict[str, Any]) -> str:
    end = {"Identifier": "end", "Type": "DisconnectParticipant"}
    flow = {"Version": "2019-10-30", "StartAction": blocks[0]["Identifier"]}
    return json.dumps({**flow, "Actions": [*blocks, end]})


def legacy(*blocks: dict[str, Any]) -> str:
    end = {"id": "end", "type": "Disconnect"}
    return json.dumps({"version": "1", "start": blocks[0]["id"], "modules": [*blocks, end]})


def loaded(content: str) -> Flow | None:
    try:
        return load_flow(content)
    except FlowInvalid as error:
        return None if error.problems else pytest.fail("it is refused without a reason")


def loads_or_says_why(content: str) -> None:
    """Also holds that what loads converts, or is refused, and is no different from itself."""
    flow = loaded(content)
    for convert in (to_language, to_legacy):
        try:
            converted = convert(content)
        except FlowInvalid:
            continue
        assert flow is not None
        same_behaviour(flow, load_flow(converted))
    try:
        assert differences(content, content) == ()
        differences(content, SHIPPED, moved=True)
    except FlowInvalid:
        assert flow is None


def same_behaviour(one: Flow, other: Flow) -> None:
    assert (one.start, one.type) == (other.start, other.type)
    assert {each: (block.action, block.transitions) for each, block in one.blocks.items()} == {
        each: (block.action, block.transitions) for each, block in other.blocks.items()
    }


SHIPPED = shipped_flows()["credit-card-fraud"]


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    loads_or_says_why(json.dumps(value))
    loads_or_says_why(json.dumps({"Content": value}))


@settings(max_examples=200, deadline=None)
@given(st.lists(actions(), min_size=1, max_size=4))
def test_any_flow_of_the_flow_language_is_read_or_refused(blocks: list[dict[str, Any]]) -> None:
    loads_or_says_why(language(*blocks))


@settings(max_examples=200, deadline=None)
@given(st.lists(modules(), min_size=1, max_size=4))
def test_any_flow_of_the_older_format_is_read_or_refused(blocks: list[dict[str, Any]]) -> None:
    loads_or_says_why(legacy(*blocks))


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.type}-{kind.log_type}")
def test_each_kind_takes_any_parameters_or_says_what_is_wrong(kind: Any) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.dictionaries(NAMES, VALUES, max_size=5), JSON)
    def check(parameters: dict[str, Any], odd: object) -> None:
        for given_ in (parameters, odd):
            block = {"Identifier": "a", "Type": kind.type, "Parameters": given_}
            loads_or_says_why(language(block | {"Transitions": {"NextAction": "end"}}))

    check()


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, each in inner:
        found += paths(each, (*path, key))
    return found


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(shipped_flows())), st.booleans(), st.data())
def test_a_real_flow_with_something_else_somewhere_is_read_or_refused(
    name: str, newer: bool, data: st.DataObject
) -> None:
    content = shipped_flows()[name]
    try:
        flow = json.loads(to_language(content) if newer else content)
    except FlowInvalid:
        flow = json.loads(content)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths(flow)))
        inner: Any = flow
        for step in path[:-1]:
            inner = inner[step]
        what = data.draw(st.sampled_from(["replace", "remove", "twice"]))
        if what == "replace":
            inner[path[-1]] = data.draw(JSON)
        elif what == "remove":
            del inner[path[-1]]
        elif isinstance(inner, list):
            inner.append(inner[path[-1]])
        if not paths(flow):
            break
    loads_or_says_why(json.dumps(flow))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(actions(), min_size=1, max_size=2).map(lambda blocks: language(*blocks)))
def test_what_loads_can_be_walked_whatever_it_is(content: str) -> None:
    flow = loaded(content)
    if flow is not None:
        assert explore(flow, most_calls=10).calls > 0
