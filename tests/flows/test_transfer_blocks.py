"""Going on in other flows and modules, and being put through to a telephone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conversations import Cardholder, action, converse, flow_of, says
from instances import Surroundings

from ringfence.flows import FlowInvalid, NotConnected, load_flow

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")
OUTSIDE = "+4930901821"


def transfer(to: str, **more: Any) -> dict[str, Any]:
    return action("go", "TransferToFlow", {"ContactFlowId": to}, errors=ERROR, **more)


def test_another_flow_starts_with_what_the_contact_has_and_nothing_else() -> None:
    first = flow_of(
        action("own", "UpdateFlowAttributes", {"FlowAttributes": {"n": {"Value": "7"}}}, "call"),
        action("call", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "set", errors=ERROR),
        action("set", "UpdateContactAttributes", {"Attributes": {"a": "1"}}, "go", errors=ERROR),
        transfer("arn:aws:connect:eu-central-1:1:instance/i/contact-flow/other"),
        FAILED,
    )
    other = flow_of(says("$.Attributes.a [$.External.body] [$.FlowAttributes.n]"))
    talk = converse(first, instance=Surroundings(flows={"other": other}))
    assert talk.said == ["1 [] []"]
    assert talk.ended == "CONTACT_FLOW_DISCONNECT"


def test_a_flow_may_be_named_by_an_attribute() -> None:
    flow = flow_of(transfer("$.Attributes.next"), FAILED)
    around = Surroundings(flows={"f2": flow_of(says("second"))})
    assert converse(flow, instance=around, attributes={"next": "f2"}).said == ["second"]
    assert converse(flow, instance=around, attributes={}).said == ["failed"]


def test_a_flow_that_is_bound_to_nothing_takes_the_error_branch_and_says_so() -> None:
    talk = converse(flow_of(transfer("gone"), FAILED))
    assert talk.said == ["failed"]
    assert "gone is bound to nothing here" in talk.blocks[0].detail


@pytest.mark.parametrize(("type_", "target"), [("Transfer", "Flow"), ("TransferToFlow", None)])
def test_older_exports_transfer_by_the_name_they_carry(type_: str, target: str | None) -> None:
    module = {
        "id": "go",
        "type": type_,
        "branches": [{"condition": "Error", "transition": "end"}],
        "parameters": [{"name": "ContactFlowId", "value": "arn:x", "resourceName": "Second"}],
    } | ({"target": target} if target else {})
    end = {"id": "end", "type": "Disconnect", "branches": [], "parameters": []}
    flow = json.dumps({"modules": [module, end], "start": "go", "version": "1"})
    around = Surroundings(flows={"Second": flow_of(says("second"))})
    assert converse(flow, instance=around).said == ["second"]


def invoke(module: str = "m", more: dict[str, object] | None = None, **ways: Any) -> dict[str, Any]:
    parameters = {"FlowModuleId": module} | (more or {})
    return action("invoke", "InvokeFlowModule", parameters, "say", errors=ERROR, **ways)


def returns(**parameters: object) -> dict[str, Any]:
    return action("return", "EndFlowModuleExecution", parameters)


def test_a_module_comes_back_with_what_it_has_found_out() -> None:
    module = flow_of(
        action("own", "UpdateFlowAttributes", {"FlowAttributes": {"n": {"Value": "2"}}}, "call"),
        action("call", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "return", errors=ERROR),
        returns(),
        FAILED,
    )
    flow = flow_of(
        action("own", "UpdateFlowAttributes", {"FlowAttributes": {"n": {"Value": "1"}}}, "invoke"),
        invoke(),
        says("$.External.body $.FlowAttributes.n"),
        FAILED,
    )
    assert converse(flow, instance=Surroundings(flows={"m": module})).said == ["blocked 1"]


def test_a_module_has_an_input_and_ends_with_a_branch_and_data() -> None:
    module = flow_of(
        says("$.Modules.Input.name $.Modules.Input.deep.count", "ask", "return"),
        returns(Result="$.Attributes.branch", ResultData={"x": "$.Modules.Input.name!"}),
    )
    flow = flow_of(
        invoke(
            more={"Input": {"name": "$.Attributes.Name", "deep": {"count": 3}}},
            conditions=[("Equals", "left", "went")],
        ),
        says("$.Modules.Result $.Modules.ResultData.x", "went"),
        says("straight on"),
        FAILED,
    )
    around = Surroundings(flows={"m": module})
    talk = converse(flow, instance=around, attributes={"Name": "Rojas", "branch": "left"})
    assert talk.said == ["Rojas 3", "left Rojas!"]
    talk = converse(flow, instance=around, attributes={"Name": "Rojas", "branch": "right"})
    assert talk.said == ["Rojas 3", "straight on"]


def test_modules_are_nested_five_deep_and_no_deeper() -> None:
    flows = {
        f"m{depth}": flow_of(
            action("invoke", "InvokeFlowModule", {"FlowModuleId": f"m{depth + 1}"}, "return",
                   errors={"NoMatchingError": "deep"}),
            says("$.Attributes.deep", "deep", "return"),
            returns(),
        )
        for depth in range(1, 9)
    }  # fmt: skip
    flow = flow_of(invoke("m1"), says("back"), FAILED)
    talk = converse(flow, instance=Surroundings(flows=flows), attributes={"deep": "too deep"})
    assert talk.said == ["too deep", "back"]
    invoked = [event for event in talk.blocks if event.block_type == "InvokeFlowModule"]
    assert len(invoked) == 6
    assert "deeper than 5" in invoked[-1].detail


def test_a_module_that_is_bound_to_nothing_takes_the_error_branch() -> None:
    assert converse(flow_of(invoke("gone"), says("on"), FAILED)).said == ["failed"]
    flow = flow_of(invoke("$.Attributes.module"), says("on"), FAILED)
    assert converse(flow, attributes={}).said == ["failed"]


def test_the_input_of_a_module_is_an_object_of_some_depth() -> None:
    deep: object = "x"
    for _ in range(40):
        deep = {"x": deep}
    for wrong in ("text", {"a": deep}):
        with pytest.raises(FlowInvalid, match="Input"):
            load_flow(flow_of(invoke(more={"Input": wrong}), says("on"), FAILED))


def dial(**parameters: object) -> dict[str, Any]:
    given = {"ThirdPartyPhoneNumber": OUTSIDE, "ThirdPartyConnectionTimeLimitSeconds": "20"}
    return action(
        "dial",
        "TransferParticipantToThirdParty",
        given | parameters,
        "say",
        errors={
            "CallFailed": "busy",
            "ConnectionTimeLimitExceeded": "late",
            "NoMatchingError": "failed",
        },
    )


WAYS = (says("on"), says("busy", "busy"), says("late", "late"), FAILED)


def test_the_flow_goes_on_when_the_other_telephone_has_hung_up() -> None:
    caller = Cardholder(telephones={OUTSIDE: 30.0})
    parameters = {
        "ThirdPartyPhoneNumber": "$.Attributes.to",
        "ThirdPartyDTMFDigits": "1,23#",
        "CallerId": {"Number": "+15550100077", "Name": "Example Bank"},
    }
    talk = converse(flow_of(dial(**parameters), *WAYS), caller, attributes={"to": "+49 30 901821"})
    assert talk.said == ["on"]
    assert talk.seconds > 30
    [destination] = caller.put_through
    assert destination.number == OUTSIDE
    assert destination.ring_seconds == 20
    assert destination.digits == "1,23#"
    assert (destination.caller_number, destination.caller_name) == ("+15550100077", "Example Bank")


def test_without_going_on_the_call_is_over_then() -> None:
    caller = Cardholder(telephones={OUTSIDE: 30.0})
    talk = converse(flow_of(dial(ContinueFlowExecution="False"), *WAYS), caller)
    assert (talk.said, talk.ended) == ([], "THIRD_PARTY_DISCONNECT")
    assert caller.hung_up_on


@pytest.mark.parametrize(
    ("telephone", "said"),
    [(NotConnected("busy"), "busy"), (NotConnected("no answer", timed_out=True), "late")],
)
def test_a_telephone_that_nobody_answers_has_branches(telephone: NotConnected, said: str) -> None:
    caller = Cardholder(telephones={OUTSIDE: telephone})
    for goes_on in ("True", "False"):
        talk = converse(flow_of(dial(ContinueFlowExecution=goes_on), *WAYS),
                        Cardholder(telephones={OUTSIDE: telephone}))  # fmt: skip
        assert talk.said == [said]
    assert not caller.gone


@pytest.mark.parametrize("number", ["030 901821", "", "$.Attributes.missing", "+0301234567"])
def test_a_number_that_is_not_e164_is_a_call_that_fails(number: str) -> None:
    caller = Cardholder(telephones={number: 5.0})
    talk = converse(flow_of(dial(ThirdPartyPhoneNumber=number), *WAYS), caller)
    assert talk.said == ["busy"]
    assert caller.put_through == []


def test_a_time_limit_that_is_no_number_takes_the_error_branch() -> None:
    flow = flow_of(dial(ThirdPartyConnectionTimeLimitSeconds="$.Attributes.limit"), *WAYS)
    assert converse(flow, attributes={}).said == ["failed"]
    with pytest.raises(FlowInvalid, match="from 0 to 600"):
        load_flow(flow_of(dial(ThirdPartyConnectionTimeLimitSeconds="601"), *WAYS))
    with pytest.raises(FlowInvalid, match="ThirdPartyDTMFDigits"):
        load_flow(flow_of(dial(ThirdPartyDTMFDigits="call me"), *WAYS))


def test_a_far_end_that_hangs_up_meanwhile_ends_everything() -> None:
    caller = Cardholder(telephones={OUTSIDE: 30.0}, hangs_up_at=10.0)
    talk = converse(flow_of(dial(), *WAYS), caller)
    assert talk.left
    assert (talk.said, talk.ended) == ([], "CUSTOMER_DISCONNECT")


@pytest.mark.parametrize(("blind", "ended"), [(True, "THIRD_PARTY_DISCONNECT"), (False, "hung up")])
def test_older_exports_say_it_the_other_way_round(blind: bool, ended: str) -> None:
    module = {
        "id": "dial",
        "type": "Transfer",
        "target": "PhoneNumber",
        "branches": [
            {"condition": "Success", "transition": "end"},
            {"condition": "CallFailure", "transition": "end"},
            {"condition": "Timeout", "transition": "end"},
            {"condition": "Error", "transition": "end"},
        ],
        "parameters": [
            {"name": "PhoneNumber", "value": "to", "namespace": "User Defined"},
            {"name": "TimeLimit", "value": "30"},
            {"name": "BlindTransfer", "value": blind},
        ],
    }
    end = {"id": "end", "type": "Disconnect", "branches": [], "parameters": []}
    flow = json.dumps({"modules": [module, end], "start": "dial", "version": "1"})
    caller = Cardholder(telephones={OUTSIDE: 5.0})
    talk = converse(flow, caller, attributes={"to": OUTSIDE})
    assert caller.put_through[0].number == OUTSIDE
    assert talk.ended == (ended if blind else "CONTACT_FLOW_DISCONNECT")
