"""What is said, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from conversations import (
    action,
    converse,
    flow_of,
    says,
)

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")


def asked(prompt: dict[str, Any]) -> dict[str, Any]:
    parameters = {"StoreInput": "False", "InputTimeLimitSeconds": "5"} | prompt
    return action("menu", "GetParticipantInput", parameters, "end", errors=ERROR)


@pytest.mark.parametrize(
    "prompt",
    [
        {"SSML": "<speak><p>broken</speak>"},
        {"Text": "x" * 6001},
        {"PromptId": "arn:aws:connect:eu-central-1:0:instance/i/prompt/beep"},
        {"Media": {"Uri": "s3://bucket/a.wav", "SourceType": "S3", "MediaType": "Audio"}},
    ],
)
def test_a_prompt_that_cannot_be_spoken_is_an_error_of_its_block(prompt: dict[str, Any]) -> None:
    assert converse(flow_of(asked(prompt), FAILED)).said == ["failed"]
    message = action("say", "MessageParticipant", prompt, "end", errors=ERROR)
    assert converse(flow_of(message, FAILED)).said == ["failed"]


def test_a_prompt_without_a_branch_for_errors_goes_on() -> None:
    flow = flow_of(
        action("say", "MessageParticipant", {"SSML": "<speak><p></speak>"}, "next"),
        says("on", "next"),
    )
    talk = converse(flow)
    assert talk.said == ["on"]
    assert talk.blocks[0].result == "Error"


@pytest.mark.parametrize(
    ("ssml", "value", "spoken"),
    [
        ("<speak>at $.Attributes.M</speak>", "A & <B>", "<speak>at A &amp; &lt;B&gt;</speak>"),
        ("at $.Attributes.M", "A & B", "<speak>at A &amp; B</speak>"),
        ("$.Attributes.M", "A & B", "<speak>A &amp; B</speak>"),
        ("$.Attributes.M", "<speak><p>x</p></speak>", "<speak><p>x</p></speak>"),
        ("$.Attributes.M", "$.Attributes.N", "<speak>$.Attributes.N</speak>"),
    ],
)
def test_values_inside_ssml_are_text(ssml: str, value: str, spoken: str) -> None:
    flow = flow_of(action("say", "MessageParticipant", {"SSML": ssml}, "end"))
    talk = converse(flow, attributes={"M": value, "N": "secret"})
    assert [prompt.text for prompt in talk.cardholder.heard] == [spoken]


def test_plain_text_is_not_markup() -> None:
    talk = converse(flow_of(says("a < b & $.Attributes.M")), attributes={"M": "<p>"})
    assert [(p.text, p.ssml) for p in talk.cardholder.heard] == [("a < b & <p>", False)]


def test_a_card_number_in_a_prompt_is_masked_in_its_event() -> None:
    talk = converse(flow_of(says("card $.Attributes.Pan")), attributes={"Pan": "4111111111111111"})
    assert talk.blocks[0].parameters["Text"].endswith("1111")
    assert "4111111111111111" not in repr(talk.events)
