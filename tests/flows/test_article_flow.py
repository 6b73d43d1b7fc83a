"""The flow of the article, branch by branch."""

from __future__ import annotations

import pytest
from conversations import ATTRIBUTES, BANK, CARDHOLDER, Bank, Cardholder, converse
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.flows import FlowEventKind, FlowFormat, FunctionFailed, load_flow, shipped_flows

FLOW = load_flow(shipped_flows()["credit-card-fraud"])
ARN = "arn:aws:lambda:eu-central-1:013349204568:function:block-credit-card"


def test_it_is_in_the_older_format_and_has_nine_blocks() -> None:
    assert (FLOW.name, FLOW.format, len(FLOW.blocks)) == (
        "credit-card-fraud",
        FlowFormat.LEGACY,
        9,
    )


def test_the_payment_is_told_in_the_voice_of_the_flow_with_every_value_in_its_place() -> None:
    talk = converse(FLOW, Cardholder(["1"]))
    assert talk.cardholder.heard[0].ssml
    assert {prompt.voice for prompt in talk.cardholder.heard} == {"Kendra"}
    assert "Hello Ms Rojas. This is Kimberly" in talk.said[0]
    assert "suspicious transaction over 4155 dollars" in talk.said[0]
    assert "last four digits being 4071" in talk.said[0]
    assert "$" not in "".join(talk.said)


def test_key_1_blocks_nothing() -> None:
    talk = converse(FLOW, Cardholder(["1"]))
    assert talk.inputs == [("1", True)]
    assert "I won't block your credit card" in talk.said[1]
    assert talk.bank.invoked == []
    assert talk.cardholder.hung_up_on
    assert (talk.ended, talk.left) == ("CONTACT_FLOW_DISCONNECT", False)


def test_key_2_blocks_the_card_through_the_function() -> None:
    talk = converse(FLOW, Cardholder(["2"]))
    [(arn, event, seconds)] = talk.bank.invoked
    assert (arn, seconds) == (ARN, 3.0)
    assert event["Details"]["ContactData"]["Attributes"]["Customer"] == "customer-7"
    assert "Your credit card is now blocked" in talk.said[1]


def test_the_functions_own_status_is_no_error() -> None:
    talk = converse(FLOW, Cardholder(["2"]), bank=Bank({"statusCode": 400, "body": "no customer"}))
    assert "Your credit card is now blocked" in talk.said[1]
    [function] = [event for event in talk.events if event.kind is FlowEventKind.FUNCTION]
    assert function.external_results == {"statusCode": "400", "body": "no customer"}


@pytest.mark.parametrize(
    "bank",
    [
        Bank(FunctionFailed("gone")),
        Bank(ZeroDivisionError()),
        Bank(["no object"]),
        Bank({"nested": {"a": 1}}),
        Bank({"long": "x" * 40_000}),
        Bank(seconds=3.5),
    ],
)
def test_a_function_that_fails_is_said_to_have_failed(bank: Bank) -> None:
    talk = converse(FLOW, Cardholder(["2"]), bank=bank)
    assert "something went wrong on our side" in talk.said[1]
    [function] = [event for event in talk.events if event.kind is FlowEventKind.FUNCTION]
    assert function.result == "The Lambda Function Returned An Error."
    assert function.external_results == {}
    assert function.parameters == {
        "FunctionArn": ARN,
        "TimeLimit": "3000",
        "ResponseValidation": "ResponseType=STRING_MAP",
    }


@pytest.mark.parametrize(
    ("cardholder", "inputs"),
    [
        (Cardholder(), []),
        (Cardholder(["7"]), [("7", False)]),
        (Cardholder(["#"]), [("#", False)]),
    ],
)
def test_no_answer_and_a_wrong_key_block_to_be_on_the_safe_side(
    cardholder: Cardholder, inputs: list[tuple[str, bool]]
) -> None:
    talk = converse(FLOW, cardholder)
    assert talk.inputs == inputs
    assert "To be on the safe side" in talk.said[1]
    assert len(talk.bank.invoked) == 1


def test_the_time_for_a_key_runs_from_the_end_of_the_prompt() -> None:
    silent = converse(FLOW, Cardholder())
    [menu] = [event for event in silent.blocks if event.block_type == "GetUserInput"]
    prompt_seconds = len(silent.said[0].split()) * 60 / 155
    assert (menu.at - silent.events[0].at).total_seconds() == pytest.approx(prompt_seconds + 5)
    assert menu.result == "Timeout"


def test_a_key_cuts_the_prompt_short_and_is_the_answer() -> None:
    talk = converse(FLOW, Cardholder(presses=[(2.0, "1")]))
    assert talk.cardholder.cut_short == talk.cardholder.heard[:1]
    assert talk.inputs == [("1", True)]
    assert talk.blocks[2].at == talk.events[2].at
    assert (talk.events[2].at - talk.events[0].at).total_seconds() == pytest.approx(2.0)


def test_the_log_has_the_types_and_the_results_of_a_flow_log() -> None:
    talk = converse(FLOW, Cardholder(["2"]))
    assert [(event.block_type, event.result) for event in talk.blocks] == [
        ("SetLoggingBehavior", "Success"),
        ("SetVoice", "Success"),
        ("GetUserInput", "2"),
        ("InvokeExternalResource", "Success"),
        ("PlayPrompt", "Success"),
        ("Disconnect", "Success"),
    ]
    assert {event.logged for event in talk.events} == {True}
    assert {event.contact_id for event in talk.events} == {"case_1-1"}
    assert talk.blocks[1].parameters == {"GlobalVoice": "Kendra"}
    assert [event.at for event in talk.events] == sorted(event.at for event in talk.events)


def test_the_event_of_the_function_has_every_key_that_connect_sends() -> None:
    talk = converse(FLOW, Cardholder(["2"]))
    number = {"Type": "TELEPHONE_NUMBER"}
    assert talk.bank.invoked[0][1] == {
        "Name": "ContactFlowEvent",
        "Details": {
            "Parameters": {},
            "ContactData": {
                "Attributes": ATTRIBUTES,
                "Channel": "VOICE",
                "ContactId": "case_1-1",
                "CustomerEndpoint": {"Address": CARDHOLDER, **number},
                "CustomerId": None,
                "Description": None,
                "InitialContactId": "case_1-1",
                "InitiationMethod": "API",
                "InstanceARN": "arn:aws:connect:eu-central-1:000000000000:instance/example",
                "LanguageCode": "en-US",
                "MediaStreams": {"Customer": {"Audio": None}},
                "Name": None,
                "PreviousContactId": "case_1-1",
                "Queue": None,
                "References": {},
                "SystemEndpoint": {"Address": BANK, **number},
            },
        },
    }


def test_the_answer_is_observed_before_anything_follows_from_it() -> None:
    kinds = [event.kind for event in converse(FLOW, Cardholder(["2"])).events]
    assert kinds.index(FlowEventKind.INPUT) < kinds.index(FlowEventKind.FUNCTION)


@settings(max_examples=60, deadline=None)
@given(
    at=st.floats(0, 60),
    answer=st.sampled_from([None, "1", "2", "9"]),
    name=st.sampled_from(["credit-card-fraud", "verify-card-payment"]),
)
def test_a_hang_up_at_any_moment_stops_the_flow(at: float, answer: str | None, name: str) -> None:
    talk = converse(load_flow(shipped_flows()[name]), Cardholder([answer, answer], hangs_up_at=at))
    assert talk.ended == ("CUSTOMER_DISCONNECT" if talk.left else "CONTACT_FLOW_DISCONNECT")
    assert len(talk.bank.invoked) <= 1
    if talk.bank.invoked and name == "verify-card-payment":
        blocked = talk.bank.invoked[0][0].endswith("block-credit-card")
        assert ("2" if blocked else "1", True) in talk.inputs
    elif talk.bank.invoked:
        menus = [event for event in talk.blocks if event.block_type == "GetUserInput"]
        assert menus[0].result in ("2", "9", "Timeout")
    if talk.left:
        # What the function does is not undone, and takes a moment; nothing else goes on.
        assert talk.seconds <= at + talk.bank.seconds + 0.01


def test_a_hang_up_in_the_prompt_asks_nothing_and_blocks_nothing() -> None:
    talk = converse(FLOW, Cardholder(["2"], hangs_up_at=3.0))
    assert (talk.left, talk.ended, talk.inputs) == (True, "CUSTOMER_DISCONNECT", [])
    assert talk.bank.invoked == []
