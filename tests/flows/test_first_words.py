"""What a flow will say first: as a call hears it, and without a trace."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from conversations import ATTRIBUTES, Bank, Cardholder, action, converse, flow_of, says
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.flows import (
    AnsweredBy,
    Contact,
    ContactState,
    Flow,
    FlowEventKind,
    Prompt,
    Unbound,
    load_flow,
    shipped_flows,
)
from ringfence.flows.first_words import MOST_PROMPTS, first_prompts
from ringfence.flows.fixed_words import fixed_prompts

FLOWS = {name: load_flow(text) for name, text in shipped_flows().items()}


def contact(attributes: dict[str, str], language: str = "en-US") -> ContactState:
    return ContactState.of(
        Contact(
            "case_1-1",
            attributes,
            "+4930901820",
            "+15550100000",
            "arn:aws:connect:eu-central-1:000000000000:instance/example",
            language=language,
        )
    )


def foretold(
    flow: Flow | str, attributes: dict[str, str] | None = None, **more: Any
) -> tuple[Prompt, ...]:
    flow = load_flow(flow) if isinstance(flow, str) else flow
    state = contact(ATTRIBUTES if attributes is None else attributes)
    return asyncio.run(first_prompts(flow, state, **more))


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(FLOWS)),
    attributes=st.dictionaries(
        st.sampled_from(sorted(ATTRIBUTES)), st.text(max_size=12), max_size=len(ATTRIBUTES)
    ),
    answer=st.sampled_from(["1", "2"]),
    language=st.sampled_from(["en-US", "de-DE", "fr-FR"]),
)
def test_a_call_begins_with_what_was_foretold(
    name: str, attributes: dict[str, str], answer: str, language: str
) -> None:
    flow = FLOWS[name]
    prompts = asyncio.run(first_prompts(flow, contact(attributes, language)))
    call = converse(
        flow, Cardholder([answer]), bank=Bank(), attributes=attributes, language=language
    )
    assert prompts[0] == call.cardholder.heard[0]
    asked_or_told = [event for event in call.events if event.kind is not FlowEventKind.BLOCK]
    if all(event.kind is not FlowEventKind.FUNCTION for event in asked_or_told[1:2]):
        assert set(call.cardholder.heard) <= set(prompts)


def test_both_answers_to_the_first_question_are_followed_up_to_a_function() -> None:
    # In our own flow both begin with one, and what follows is among its fixed words.
    assert len(foretold(FLOWS["verify-card-payment"])) == 1
    fixed = " ".join(each.text for each in fixed_prompts(FLOWS["verify-card-payment"], "en-US"))
    for words in ("nothing more to do", "A colleague will look", "We have noted your answer"):
        assert words in fixed
    menu = flow_of(
        action(
            "ask",
            "GetParticipantInput",
            {"Text": "Was it you?", "InputTimeLimitSeconds": "5", "StoreInput": "False"},
            "end",
            errors={"NoMatchingCondition": "end", "NoMatchingError": "end"},
            conditions=[("Equals", "1", "yes"), ("Equals", "2", "no")],
        ),
        says("Thank you.", "yes"),
        says("We block it.", "no"),
    )
    assert [prompt.text for prompt in foretold(menu)] == [
        "Was it you?",
        "Thank you.",
        "We block it.",
    ]


def test_the_state_of_the_contact_is_as_before() -> None:
    flow = load_flow(
        flow_of(
            action(
                "set",
                "UpdateContactAttributes",
                {"TargetContact": "Current", "Attributes": {"Name": "Nobody"}},
                "speak",
                errors={"NoMatchingError": "end"},
            ),
            action("speak", "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "Hans"}, "say"),
            says("Hello $.Attributes.Name"),
        )
    )
    state = contact(dict(ATTRIBUTES))
    prompts = asyncio.run(first_prompts(flow, state))
    assert prompts == (Prompt("Hello Nobody", ssml=False, voice="Hans", language="en-US"),)
    assert state.attributes == ATTRIBUTES
    assert state.voice == ""


class Witness(Unbound):
    """An instance that fails the test when anything is to be left in it."""

    async def open_task(self, *_: object) -> str:
        raise AssertionError("a task was opened")

    async def send(self, *_: object) -> str:
        raise AssertionError("a message was sent")

    async def changed(self, *_: object) -> None:
        raise AssertionError("the contact was changed")


@pytest.mark.parametrize(
    "traces",
    [
        action(
            "act",
            "InvokeLambdaFunction",
            {
                "LambdaFunctionARN": "arn:aws:lambda:us-east-1:000000000000:function:f",
                "InvocationTimeLimitSeconds": "3",
            },
            "after",
            errors={"NoMatchingError": "after"},
        ),
        action(
            "act",
            "TransferParticipantToThirdParty",
            {
                "ThirdPartyPhoneNumber": "+4930111111",
                "ThirdPartyConnectionTimeLimitSeconds": "30",
                "ContinueFlowExecution": "True",
            },
            "after",
            errors={"NoMatchingError": "after", "CallFailed": "after"},
        ),
        action(
            "act",
            "DistributeByPercentage",
            {},
            None,
            errors={"NoMatchingCondition": "after"},
            conditions=[("NumberLessThan", "51", "after")],
        ),
    ],
    ids=["a function", "a transfer", "a random choice"],
)
def test_a_rehearsal_ends_where_only_the_call_can_tell(traces: dict[str, Any]) -> None:
    flow = flow_of(
        action(
            "set",
            "UpdateContactAttributes",
            {"TargetContact": "Current", "Attributes": {"Name": "Nobody"}},
            "before",
            errors={"NoMatchingError": "end"},
        ),
        says("Before.", "before", "act"),
        traces,
        says("After.", "after"),
    )
    assert [prompt.text for prompt in foretold(flow, instance=Witness())] == ["Before."]


def test_a_flow_that_speaks_for_ever_is_heard_for_twelve_prompts() -> None:
    flow = flow_of(
        action(
            "count",
            "UpdateContactAttributes",
            {"TargetContact": "Current", "Attributes": {"Name": "$.Attributes.Name!"}},
            "say",
            errors={"NoMatchingError": "say"},
        ),
        says("Hello $.Attributes.Name", next_="count"),
    )
    assert len(foretold(flow)) == MOST_PROMPTS


def test_a_flow_that_never_speaks_foretells_nothing() -> None:
    turning = json.loads(flow_of(says("never")))
    turning["Actions"] = [
        action("a", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "b"),
        action("b", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Disabled"}, "a"),
    ]
    turning["StartAction"] = "a"
    assert foretold(json.dumps(turning)) == ()


def test_who_picks_up_decides_what_is_said() -> None:
    flow = flow_of(
        action(
            "who",
            "CheckOutboundCallStatus",
            {},
            None,
            errors={"NoMatchingError": "person"},
            conditions=[
                ("Equals", "CallAnswered", "person"),
                ("Equals", "VoicemailBeep", "machine"),
                ("Equals", "VoicemailNoBeep", "machine"),
                ("Equals", "NotDetected", "person"),
            ],
        ),
        says("Good day.", "person"),
        says("Please call us.", "machine"),
    )
    assert [prompt.text for prompt in foretold(flow)] == ["Good day."]
    left = foretold(flow, answered_by=AnsweredBy.MACHINE_BEEP)
    assert [prompt.text for prompt in left] == ["Please call us."]
