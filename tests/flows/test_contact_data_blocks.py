"""What a flow keeps about its contact: data, tags, call-back numbers, what is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from conversations import Bank, Cardholder, Conversation, action, converse, flow_of, says

from ringfence.flows import AnsweredBy, FlowInvalid, load_flow
from ringfence.flows.blocks.update_callback_number import dialable
from ringfence.flows.contact import Recordings
from ringfence.flows.converting import to_language, to_legacy

ERROR = {"NoMatchingError": "failed"}
FAILED = says("failed", "failed")


def does(type_: str, parameters: Mapping[str, object], then: str = "done", **errors: str) -> str:
    taken = {"NoMatchingError": "failed"} | errors
    return flow_of(action("it", type_, parameters, "say", errors=taken), says(then), FAILED)


def after(type_: str, parameters: Mapping[str, object], then: str = "done") -> Conversation:
    return converse(does(type_, parameters, then))


def test_a_contact_learns_whom_it_is_with_and_what_it_is_about() -> None:
    talk = after(
        "UpdateContactData",
        {
            "Name": "Card ending $.Attributes.CardNo",
            "Description": "a suspicion",
            "CustomerId": "customer-7",
            "References": {
                "case": {"Type": "URL", "Value": "https://bank.example/7"},
                "$.Channel": "5",
            },
            "SegmentAttributes": {"desk": {"ValueString": "fraud"}},
        },
        "$.Name, $.Description, $.CustomerId, $.References.case.Value, $.References.VOICE.Type, "
        "$.SegmentAttributes['desk']",
    )
    assert talk.said == [
        "Card ending 4071, a suspicion, customer-7, https://bank.example/7, STRING, fraud"
    ]


def test_what_refers_to_nothing_changes_nothing() -> None:
    parameters = {"Name": "$.External.missing", "LanguageCode": "$.External.missing"}
    talk = after("UpdateContactData", parameters, "[$.Name] $.LanguageCode")
    assert talk.said == ["[] en-US"]


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"LanguageCode": "Klingon, please"}, "no language such as en-US"),
        ({"LanguageCode": "en" + "-us" * 5}, "LanguageCode has 17 characters, at most 16"),
        ({"Name": "n" * 513}, "Name has 513 characters, at most 512"),
        ({"Name": "kept?", "CustomerId": "c" * 129}, "CustomerId has 129 characters"),
    ],
)
def test_data_that_cannot_be_change_nothing_at_all(
    parameters: dict[str, object], detail: str
) -> None:
    talk = after("UpdateContactData", parameters)
    assert talk.said == ["failed"]
    assert detail in talk.blocks[0].detail
    assert talk.state.name == ""


def test_what_cannot_be_kept_is_not_set() -> None:
    flow = flow_of(
        action("call", "InvokeLambdaFunction", {"LambdaFunctionARN": "f"}, "it", errors=ERROR),
        action(
            "it",
            "UpdateContactData",
            {"Name": "$.External.name"},
            "say",
            errors=ERROR,
        ),
        says("done"),
        FAILED,
    )
    talk = converse(flow, bank=Bank({"name": "a\0b"}))
    assert talk.said == ["failed"]


def test_a_service_that_is_not_here_is_named_and_the_rest_is_set() -> None:
    talk = after("UpdateContactData", {"Name": "kept", "WisdomSessionArn": "arn:w"}, "$.Name")
    assert talk.said == ["kept"]
    assert talk.blocks[0].detail == "WisdomSessionArn: there is no such service here"


def test_from_a_new_language_on_prompts_are_said_in_it() -> None:
    talk = after("UpdateContactData", {"LanguageCode": "de-DE"}, "Guten Tag")
    assert talk.cardholder.heard[0].language == "de-DE"


def test_a_number_to_call_back_is_kept_in_its_one_form() -> None:
    for keyed in ("+49 (30) 901820", "030901820", "4930901820"):
        talk = after(
            "UpdateContactCallbackNumber", {"CallbackNumber": keyed}, "$.CustomerCallbackNumber"
        )
        assert talk.said == ["+4930901820"], keyed


@pytest.mark.parametrize(
    ("keyed", "said"),
    [
        ("$.External.missing", "invalid"),
        ("12", "invalid"),
        ("hello", "invalid"),
        ("+99912345678", "not"),
    ],
)
def test_no_number_and_no_dialable_number_have_branches_of_their_own(keyed: str, said: str) -> None:
    flow = flow_of(
        action(
            "it",
            "UpdateContactCallbackNumber",
            {"CallbackNumber": keyed},
            "say",
            errors={"InvalidCallbackNumber": "bad", "CallbackNumberNotDialable": "far"},
        ),
        says("done"),
        says("invalid", "bad"),
        says("not", "far"),
    )
    assert converse(flow).said == [said]


def test_a_number_without_a_country_is_in_the_customers() -> None:
    assert dialable("4155550100", "+14155550199") == "+14155550100"
    assert dialable("0301234567", "nobody") is None


def test_tags_come_and_go() -> None:
    flow = flow_of(
        action(
            "it",
            "TagContact",
            {"Tags": {"Desk": "fraud", "x": "1", "$.Channel": "2", "none": ""}},
            "off",
        ),
        action("off", "UnTagContact", {"TagKeys": ["x", "$.Channel", "never there"]}, "say"),
        says("$.Tags.Desk"),
    )
    talk = converse(flow)
    assert talk.said == ["fraud"]
    assert talk.state.tags == {"Desk": "fraud"}


@pytest.mark.parametrize(
    "tags",
    [
        {"good": "yes", "aws:bad": "no"},
        {"good": "yes", "bad": "v" * 257},
        {f"tag{n}": "v" for n in range(7)},
    ],
)
def test_all_tags_are_set_or_none(tags: dict[str, str]) -> None:
    talk = after("TagContact", {"Tags": tags})
    assert talk.said == ["failed"]
    assert talk.state.tags == {}


RESULTS = {
    AnsweredBy.HUMAN: "CallAnswered",
    AnsweredBy.MACHINE_BEEP: "VoicemailBeep",
    AnsweredBy.MACHINE_SILENT: "VoicemailNoBeep",
    AnsweredBy.UNKNOWN: "NotDetected",
}


@pytest.mark.parametrize("answered_by", AnsweredBy)
def test_who_picked_up_decides_what_is_said(answered_by: AnsweredBy) -> None:
    flow = flow_of(
        action(
            "it",
            "CheckOutboundCallStatus",
            {},
            errors={"NoMatchingError": "failed"},
            conditions=[("Equals", result, result) for result in RESULTS.values()],
        ),
        *(says(result, result) for result in RESULTS.values()),
        FAILED,
    )
    cardholder = Cardholder(answered_by=answered_by)
    assert converse(flow, cardholder).said == [RESULTS[answered_by]]


def test_what_has_no_branch_of_its_own_takes_the_error_branch() -> None:
    flow = flow_of(
        action(
            "it",
            "CheckOutboundCallStatus",
            {},
            errors={"NoMatchingError": "failed"},
            conditions=[("Equals", "VoicemailBeep", "say")],
        ),
        says("leave a message"),
        FAILED,
    )
    assert converse(flow).said == ["failed"]


def test_what_is_to_be_recorded_is_kept_and_nothing_is_recorded() -> None:
    wanted = {"RecordedParticipants": ["Agent", "Customer"], "IVRRecordingBehavior": "Enabled"}
    for talk in (
        after("UpdateContactRecordingBehavior", {"RecordingBehavior": wanted}),
        after(
            "UpdateContactRecordingAndAnalyticsBehavior",
            {"VoiceBehavior": {"VoiceRecordingBehavior": wanted}},
        ),
    ):
        assert talk.said == ["done"]
        assert talk.state.recordings == Recordings(True, frozenset({"Agent", "Customer"}))
        assert "nothing is recorded" in talk.blocks[0].detail


def test_media_streaming_goes_on_and_says_that_nothing_is_streamed() -> None:
    for state in ("Enabled", "Disabled"):
        talk = after("UpdateContactMediaStreamingBehavior", {"MediaStreamingState": state})
        assert talk.said == ["done"]
        assert "nothing is streamed" in talk.blocks[0].detail
    assert talk.blocks[0].block_type == "StopMediaStreaming"


def test_a_whisper_that_dials_finds_the_call_answered() -> None:
    assert after("CompleteOutboundCall", {"CallerId": {"Number": "+15550100"}}).said == ["done"]


def module(type_: str, parameters: list[dict[str, Any]], **branches: str) -> str:
    ways = {"Success": "say", "Error": "failed"} | branches
    end = {"id": "end", "type": "Disconnect", "parameters": [], "branches": []}

    def prompt(block_id: str, text: str) -> dict[str, Any]:
        return {
            "id": block_id,
            "type": "PlayPrompt",
            "parameters": [
                {"name": "Text", "value": text},
                {"name": "TextToSpeechType", "value": "text"},
            ],
            "branches": [{"condition": "Success", "transition": "end"}],
        }

    it = {
        "id": "it",
        "type": type_,
        "parameters": parameters,
        "branches": [{"condition": way, "transition": to} for way, to in ways.items()],
    }
    modules = [it, prompt("say", "[$.Attributes.pop] $.CustomerCallbackNumber")]
    modules += [prompt("failed", "failed"), end]
    return json.dumps({"modules": modules, "start": "it", "version": "1"})


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (
            module(
                "SetCallBackNumber",
                [{"name": "CallBackNumber", "value": "+4930901899"}],
                InvalidPhoneNumber="failed",
                NonDialableNumber="failed",
            ),
            "[] +4930901899",
        ),
        (
            module(
                "StartMediaStreaming",
                [
                    {"name": "Track", "value": "FromCustomer"},
                    {"name": "Track", "value": "ToCustomer"},
                    {"name": "MediaStreamTypes", "value": "Audio"},
                ],
            ),
            "[] +4930901820",
        ),
        (module("StopMediaStreaming", []), "[] +4930901820"),
        (
            module(
                "SetScreenPop",
                [
                    {"name": "key", "value": "pop"},
                    {"name": "value", "value": "Channel", "namespace": "System"},
                ],
            ),
            "[VOICE] +4930901820",
        ),
    ],
)
def test_older_exports_mean_the_same_in_both_formats(flow: str, said: str) -> None:
    for each in (flow, to_language(flow), to_legacy(to_language(flow))):
        assert converse(each).said == [said]


@pytest.mark.parametrize(
    ("type_", "parameters", "problem"),
    [
        ("UpdateContactCallbackNumber", {}, "CallbackNumber is missing"),
        ("TagContact", {}, "Tags is missing"),
        ("UnTagContact", {}, "TagKeys is missing"),
        ("UnTagContact", {"TagKeys": "x"}, "TagKeys is not a list of texts"),
        ("UpdateContactMediaStreamingBehavior", {}, "MediaStreamingState is missing"),
        ("UpdateContactData", {"References": "x"}, "References is not an object"),
    ],
)
def test_parameters_that_cannot_be_are_named(
    type_: str, parameters: dict[str, object], problem: str
) -> None:
    with pytest.raises(FlowInvalid, match=problem):
        load_flow(does(type_, parameters))
