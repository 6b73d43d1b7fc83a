"""Blocks of the older format: they run like those of the newer one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conversations import CARDHOLDER, converse, keys

from ringfence.flows import FlowInvalid, load_flow


def legacy(*modules: dict[str, Any]) -> str:
    ended = {"id": "end", "type": "Disconnect", "branches": [], "parameters": []}
    return json.dumps(
        {
            "version": "1",
            "start": modules[0]["id"],
            "metadata": {"name": "old"},
            "modules": [
                *(
                    {
                        "id": each["id"],
                        "type": each["type"],
                        **({"target": each["target"]} if "target" in each else {}),
                        "parameters": each.get("parameters", []),
                        "branches": [
                            dict(
                                zip(
                                    ("condition", "transition", "conditionType", "conditionValue"),
                                    branch,
                                    strict=False,
                                )
                            )
                            for branch in each["branches"]
                        ],
                    }
                    for each in modules
                ),
                ended,
            ],
        }
    )


def old_prompt(block_id: str, text: str, to: str = "end", **more: Any) -> dict[str, Any]:
    parameters = [
        {"name": "Text", "value": text, **more},
        {"name": "TextToSpeechType", "value": "text"},
    ]
    return {
        "id": block_id,
        "type": "PlayPrompt",
        "parameters": parameters,
        "branches": [("Success", to)],
    }


def test_older_blocks_know_attributes_by_namespace_and_name() -> None:
    def parameter(value: str, key: str, namespace: str | None) -> dict[str, Any]:
        return {"name": "Attribute", "value": value, "key": key, "namespace": namespace}

    flow = legacy(
        {
            "id": "set",
            "type": "SetAttributes",
            "parameters": [
                parameter("Customer Number", "n", "System"),
                parameter("my name", "m", "User Defined"),
                parameter("text $.Attributes.Name", "t", None),
            ],
            "branches": [("Success", "say"), ("Error", "end")],
        },
        old_prompt("say", "$.Attributes.n, $.Attributes.m, $.Attributes.t.", "own"),
        old_prompt("own", "my name", namespace="User Defined"),
    )
    talk = converse(flow, attributes={"my name": "Rojas", "Name": "X"})
    assert talk.said == [f"{CARDHOLDER}, Rojas, text X.", "Rojas"]


def test_older_loops_waits_and_percentages_run_like_newer_ones() -> None:
    flow = legacy(
        {
            "id": "loop",
            "type": "Loop",
            "parameters": [{"name": "LoopCount", "value": 2}],
            "branches": [("Looping", "wait"), ("Complete", "split")],
        },
        {
            "id": "wait",
            "type": "Wait",
            "parameters": [{"name": "TimeoutSeconds", "value": "10"}],
            "branches": [("Timeout", "loop"), ("Error", "end")],
        },
        {
            "id": "split",
            "type": "PercentileBranching",
            "branches": [
                ("Evaluate", "few", "Equals", "3"),
                ("Evaluate", "some", "Equals", "51"),
                ("NoMatch", "rest"),
            ],
        },
        *(old_prompt(text, text, "over") for text in ("few", "some", "rest")),
        {"id": "over", "type": "Resume", "branches": []},
    )
    assert [converse(flow, roll=roll).said for roll in (2, 3, 50, 51)] == [
        ["few"],
        ["some"],
        ["some"],
        ["rest"],
    ]
    assert converse(flow).seconds > 20
    assert converse(flow).ended == "FLOW_ENDED"


@pytest.mark.parametrize(
    ("typed", "extra", "said"),
    [
        ("123", {"MaxDigits": 2}, "stored 12"),
        ("030901820#", {"CustomerInputType": "PhoneNumber", "PhoneNumberFormat": "Local",
                        "CountryCode": "DE"}, "stored +4930901820"),
        ("1#", {"CustomerInputType": "PhoneNumber"}, "invalid"),
        ("12", {"EncryptEntry": True}, "failed"),
        ("12*", {"DisableCancel": "true", "EncryptEntry": "False", "MaxDigits": "3"}, "stored 12*"),
    ],
)  # fmt: skip
def test_older_blocks_store_input_too(typed: str, extra: dict[str, Any], said: str) -> None:
    given = {"Text": "?", "TextToSpeechType": "text", "Timeout": "5", **extra}
    flow = legacy(
        {
            "id": "ask",
            "type": "StoreUserInput",
            "parameters": [{"name": name, "value": value} for name, value in given.items()],
            "branches": [("Success", "say"), ("InvalidNumber", "bad"), ("Error", "failed")],
        },
        old_prompt("say", "stored $.StoredCustomerInput"),
        old_prompt("bad", "invalid"),
        old_prompt("failed", "failed"),
    )
    assert converse(flow, keys(typed)).said[-1] == said


def test_an_older_check_compares_what_was_stored() -> None:
    flow = legacy(
        {
            "id": "check",
            "type": "CheckAttribute",
            "parameters": [
                {"name": "Attribute", "value": "Amount"},
                {"name": "Namespace", "value": "User Defined"},
            ],
            "branches": [("Evaluate", "more", "GreaterThan", "100"), ("NoMatch", "less")],
        },
        old_prompt("more", "more"),
        old_prompt("less", "less"),
    )
    assert converse(flow, attributes={"Amount": "4155"}).said == ["more"]
    assert converse(flow, attributes={"Amount": "58"}).said == ["less"]


def test_an_older_recording_block_is_accepted() -> None:
    flow = legacy(
        {
            "id": "record",
            "type": "SetRecordingBehavior",
            "parameters": [
                {"name": "RecordingBehaviorOption", "value": "Enable"},
                {"name": "RecordingParticipantOption", "value": "Both"},
            ],
            "branches": [("Success", "end")],
        }
    )
    event = converse(flow).blocks[0]
    assert event.parameters == {"RecordedParticipants": "Agent,Customer"}


def test_a_prompt_of_a_recording_alone_loads_and_is_an_error_at_the_call() -> None:
    block = {
        "id": "beep",
        "type": "PlayPrompt",
        "parameters": [{"name": "AudioPrompt", "value": "arn:beep", "resourceName": "Beep.wav"}],
        "branches": [("Success", "say")],
    }
    talk = converse(legacy(block, old_prompt("say", "after the beep")))
    assert talk.said == ["after the beep"]
    assert talk.blocks[0].result == "Error"


def test_a_flow_names_an_unknown_operator_of_the_older_format() -> None:
    with pytest.raises(FlowInvalid, match="SoundsLike"):
        load_flow(
            legacy(
                {
                    "id": "check",
                    "type": "CheckAttribute",
                    "parameters": [{"name": "Attribute", "value": "a"}],
                    "branches": [("Evaluate", "end", "SoundsLike", "b"), ("NoMatch", "end")],
                }
            )
        )
