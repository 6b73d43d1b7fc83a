"""The event that a function gets, key by key as Amazon Connect writes it."""

from __future__ import annotations

from typing import Any

import pytest
from conversations import BANK, CARDHOLDER, Bank, Conversation, action, converse, flow_of, says

from ringfence.flows import InitiationMethod, NotBound, Queue, Reference, ResourceKind, Wanted
from ringfence.flows.unbound import Unbound

INSTANCE = "arn:aws:connect:eu-central-1:000000000000:instance/example"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:block-credit-card:LIVE"


def invoking(parameters: dict[str, Any] | None = None, **more: Any) -> str:
    given = {"LambdaFunctionARN": ARN, "InvocationTimeLimitSeconds": "3"} | (parameters or {})
    block = action("call", "InvokeLambdaFunction", given, "end", errors={"NoMatchingError": "end"})
    return flow_of(*more.get("before", ()), block)


def event_of(talk: Conversation) -> dict[str, Any]:
    [(_, event, _)] = talk.bank.invoked
    return dict(event)


def test_a_contact_that_an_api_call_began_has_nulls_where_there_is_nothing() -> None:
    talk = converse(invoking(), attributes={"Customer": "customer-7"})
    assert event_of(talk) == {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": {"Customer": "customer-7"},
                "Channel": "VOICE",
                "ContactId": "case_1-1",
                "CustomerEndpoint": {"Address": CARDHOLDER, "Type": "TELEPHONE_NUMBER"},
                "CustomerId": None,
                "Description": None,
                "InitialContactId": "case_1-1",
                "InitiationMethod": "API",
                "InstanceARN": INSTANCE,
                "LanguageCode": "en-US",
                "MediaStreams": {"Customer": {"Audio": None}},
                "Name": None,
                "PreviousContactId": "case_1-1",
                "Queue": None,
                "References": {},
                "SystemEndpoint": {"Address": BANK, "Type": "TELEPHONE_NUMBER"},
            },
            "Parameters": {},
        },
    }


def test_what_a_contact_has_is_in_the_event() -> None:
    queue = Queue("q", f"{INSTANCE}/queue/q", "Fraud", caller_number="+4969123")
    talk = converse(
        invoking({"LambdaInvocationAttributes": {"amount": "$.Attributes.Amount"}}),
        attributes={"Amount": "18"},
        language="de-DE",
        queue=queue,
        name="Verify",
        description="a payment",
        customer_id="c-7",
        initial_contact_id="first",
        previous_contact_id="before",
        initiation_method=InitiationMethod.CALLBACK,
        references={"case": Reference("https://bank.example/1", "URL")},
    )
    details = event_of(talk)["Details"]
    data = details["ContactData"]
    assert details["Parameters"] == {"amount": "18"}
    assert data["Queue"] == {
        "ARN": queue.arn,
        "Name": "Fraud",
        "OutboundCallerId": {"Address": "+4969123", "Type": "TELEPHONE_NUMBER"},
    }
    assert data["References"] == {"case": {"Value": "https://bank.example/1", "Type": "URL"}}
    assert (data["Name"], data["Description"]) == ("Verify", "a payment")
    assert (data["CustomerId"], data["LanguageCode"]) == ("c-7", "de-DE")
    assert (data["InitialContactId"], data["PreviousContactId"]) == ("first", "before")
    assert data["InitiationMethod"] == "CALLBACK"


def test_attributes_are_those_of_this_moment() -> None:
    before = action(
        "set", "UpdateContactAttributes", {"Attributes": {"Amount": "19"}}, "call",
        errors={"NoMatchingError": "end"},
    )  # fmt: skip
    talk = converse(invoking(before=[before]), attributes={"Amount": "18", "Name": "Rojas"})
    attributes = event_of(talk)["Details"]["ContactData"]["Attributes"]
    assert attributes == {"Amount": "19", "Name": "Rojas"}


class Bound(Unbound):
    """An instance in which this ARN means another function."""

    async def function_name(self, wanted: Wanted) -> str:
        if wanted != Wanted(ResourceKind.FUNCTION, ARN):
            raise NotBound(wanted)
        return "ours"


def test_a_resource_map_says_which_function_is_meant_and_the_log_what_the_flow_names() -> None:
    talk = converse(invoking(), instance=Bound())
    [(called, _, _)] = talk.bank.invoked
    assert called == "ours"
    assert talk.blocks[0].parameters["FunctionArn"] == ARN


def test_without_a_resource_map_the_function_is_called_by_its_arn() -> None:
    [(called, _, _)] = converse(invoking()).bank.invoked
    assert called == ARN


@pytest.mark.parametrize(("seconds", "limit"), [("1", 1.0), ("60", 60.0)])
def test_the_time_limit_may_be_as_long_as_files_have_it(seconds: str, limit: float) -> None:
    flow = invoking({"InvocationTimeLimitSeconds": "$.Attributes.limit"})
    [(_, _, given)] = converse(flow, attributes={"limit": seconds}).bank.invoked
    assert given == limit


@pytest.mark.parametrize("seconds", ["0", "61", "3.5", "soon"])
def test_a_time_limit_that_is_none_takes_the_error_branch(seconds: str) -> None:
    flow = flow_of(
        action(
            "call",
            "InvokeLambdaFunction",
            {"LambdaFunctionARN": ARN, "InvocationTimeLimitSeconds": "$.Attributes.limit"},
            "end",
            errors={"NoMatchingError": "failed"},
        ),
        says("failed", "failed"),
    )
    talk = converse(flow, attributes={"limit": seconds}, bank=Bank())
    assert (talk.said, talk.bank.invoked) == (["failed"], [])
