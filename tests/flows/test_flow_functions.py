"""Functions that a flow invokes."""

from __future__ import annotations

from typing import Any

import pytest
from conversations import CARDHOLDER, Bank, action, converse, flow_of, says

from ringfence.flows import FlowEventKind, FunctionFailed

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")


def invoke(**parameters: Any) -> dict[str, Any]:
    given = {"LambdaFunctionARN": "f", "InvocationTimeLimitSeconds": "2"} | parameters
    return action("call", "InvokeLambdaFunction", given, "say", errors=ERROR)


JSON = {"ResponseValidation": {"ResponseType": "JSON"}}


@pytest.mark.parametrize(
    ("parameters", "answer", "said"),
    [
        ({}, {"n": 200, "ok": True, "x": None, "f": 1.5}, "[200|true|1.5]"),
        ({}, {}, "[||]"),
        ({}, {"n": {"deep": 1}}, "failed"),
        (JSON, {"n": {"deep": [1, 2]}, "ok": "yes"}, "[|yes|]"),
        (JSON, "text", "failed"),
        ({}, {1: "x"}, "failed"),
        ({"LambdaFunctionARN": "$.Attributes.missing"}, {}, "failed"),
        ({"InvocationTimeLimitSeconds": "$.Attributes.missing"}, {}, "failed"),
    ],
)
def test_an_answer_becomes_external_attributes(
    parameters: dict[str, Any], answer: object, said: str
) -> None:
    flow = flow_of(invoke(**parameters), says("[$.External.n|$.External.ok|$.External.f]"), FAILED)
    assert converse(flow, bank=Bank(answer)).said == [said]


def test_arguments_are_filled_in_and_passed() -> None:
    arguments = {"to": "$.CustomerEndpoint.Address", "$.Attributes.k": "v", "gone": "$.External.x"}
    arn = "arn:aws:lambda:$.AwsRegion:1:function:f"
    flow = flow_of(
        invoke(LambdaFunctionARN=arn, LambdaInvocationAttributes=arguments), says("x"), FAILED
    )
    [(called, event, seconds)] = converse(flow, attributes={"k": "key"}).bank.invoked
    assert (called, seconds) == ("arn:aws:lambda:eu-central-1:1:function:f", 2.0)
    assert event["Details"]["Parameters"] == {"to": CARDHOLDER, "key": "v", "gone": ""}


def test_an_answer_replaces_the_one_before_and_a_failure_leaves_none() -> None:
    flow = flow_of(
        invoke(),
        says("$.External.a$.External.b.", "say", "again"),
        action("again", "InvokeLambdaFunction", {"LambdaFunctionARN": "g"}, "end", errors=ERROR),
        says("[$.External.a]", "failed"),
    )

    class Twice(Bank):
        async def invoke(self, arn: str, event: Any, timeout_seconds: float) -> Any:
            if arn == "g":
                raise FunctionFailed("down")
            return {"a": "1"}

    assert converse(flow, bank=Twice()).said == ["1.", "[]"]


def test_a_function_that_is_not_waited_for_does_not_hold_up_the_call_but_is_not_lost() -> None:
    flow = flow_of(
        invoke(InvocationType="ASYNCHRONOUS", InvocationTimeLimitSeconds="60"), says("on"), FAILED
    )
    talk = converse(flow, bank=Bank({"a": "1"}, seconds=30))
    assert talk.said == ["on"]
    function = talk.events[-2]
    assert (function.kind, function.result) == (FlowEventKind.FUNCTION, "Success")
    assert talk.events[-1].kind is FlowEventKind.ENDED
    assert (function.at - talk.blocks[1].at).total_seconds() > 25
