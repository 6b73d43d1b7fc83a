"""Blocks about flows, queues and telephones, written in the other format and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conversations import action, flow_of, says

from ringfence.flows import FlowInvalid, load_flow
from ringfence.flows.converting import to_language, to_legacy

ERROR = {"NoMatchingError": "failed"}
CAPACITY = ERROR | {"QueueAtCapacity": "say"}
NOBODY = ERROR | {"NoMatchingCondition": "say"}

BLOCKS = [
    action("b", "TransferToFlow", {"ContactFlowId": "arn:f"}, errors=ERROR),
    action("b", "UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": "arn:f"}}, "say"),
    action("b", "UpdateContactEventHooks", {"EventHooks": {"AgentWhisper": "$.External.f"}}, "say"),
    action(
        "b",
        "UpdateContactEventHooks",
        {"EventHooksConfiguration": {"CustomerRemaining": {"DisableExecution": "True"}}},
        "say",
    ),
    action("b", "UpdateContactTargetQueue", {"QueueId": "$.Attributes.q"}, "say", errors=ERROR),
    action("b", "UpdateContactTargetQueue", {"AgentId": "arn:a"}, "say", errors=ERROR),
    action("b", "TransferContactToQueue", None, errors=CAPACITY),
    action("b", "TransferContactToQueue", {"QueueId": "arn:q"}, errors=CAPACITY),
    action(
        "b",
        "TransferParticipantToThirdParty",
        {
            "ThirdPartyPhoneNumber": "$.Attributes.to",
            "ThirdPartyConnectionTimeLimitSeconds": "45",
            "ContinueFlowExecution": "False",
            "ThirdPartyDTMFDigits": "1,2",
            "CallerId": {"Number": "+15550100077", "Name": "$.Attributes.Bank"},
        },
        "say",
        errors=ERROR | {"CallFailed": "say", "ConnectionTimeLimitExceeded": "say"},
    ),
    action(
        "b",
        "CheckHoursOfOperation",
        {"HoursOfOperationId": "arn:h"},
        errors=ERROR,
        conditions=[("Equals", "True", "say"), ("Equals", "False", "failed")],
    ),
    action(
        "b",
        "CheckMetricData",
        {"MetricType": "NumberOfAgentsStaffed", "QueueId": "arn:q"},
        errors=NOBODY,
        conditions=[("NumberGreaterThan", "0", "failed")],
    ),
    action(
        "b",
        "CheckMetricData",
        {"MetricType": "OldestContactInQueueAgeSeconds"},
        errors=NOBODY,
        conditions=[("NumberLessThan", "300", "failed"), ("NumberGreaterThan", "0.5", "say")],
    ),
    action(
        "b",
        "CheckMetricData",
        {"MetricType": "NumberOfContactsInQueue"},
        errors=NOBODY,
        conditions=[("Equals", "0", "failed")],
    ),
    action("b", "GetMetricData", {"QueueId": "arn:q", "QueueChannel": "Voice"}, "say"),
    action("b", "UpdateContactRoutingBehavior", {"QueuePriority": "1"}, "say"),
    action("b", "UpdateContactRoutingBehavior", {"QueueTimeAdjustmentSeconds": "-5"}, "say"),
    action(
        "b",
        "CreateCallbackContact",
        {
            "QueueId": "arn:q",
            "InitialCallDelaySeconds": "5",
            "RetryDelaySeconds": "600",
            "MaximumConnectionAttempts": "3",
        },
        "say",
        errors=ERROR,
    ),
    action(
        "b",
        "UpdateContactCallbackNumber",
        {"CallbackNumber": "$.StoredCustomerInput"},
        "say",
        errors={"InvalidCallbackNumber": "failed", "CallbackNumberNotDialable": "say"},
    ),
    action("b", "UpdateContactAttributes", {"Attributes": {"a b": "$.Channel!"}}, "say"),
    action(
        "b",
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]}},
        "say",
    ),
    action(
        "b",
        "UpdateContactRecordingBehavior",
        {"RecordingBehavior": {"RecordedParticipants": ["Customer"]}},
        "say",
    ),
    action("b", "UpdateContactRecordingBehavior", {"RecordingBehavior": {}}, "say"),
    action(
        "b",
        "UpdateContactRecordingBehavior",
        {
            "RecordingBehavior": {"RecordedParticipants": ["Agent", "Customer"]},
            "AnalyticsBehavior": {
                "Enabled": "True",
                "AnalyticsMode": "PostCall",
                "AnalyticsLanguage": "de-DE",
                "AnalyticsRedactionBehavior": "Disabled",
                "AnalyticsRedactionResults": "None",
            },
        },
        "say",
    ),
    action(
        "b",
        "UpdateContactMediaStreamingBehavior",
        {
            "MediaStreamingState": "Enabled",
            "MediaStreamType": "Audio",
            "Participants": [{"ParticipantType": "Customer", "MediaDirections": ["To"]}],
        },
        "say",
    ),
    action("b", "UpdateContactMediaStreamingBehavior", {"MediaStreamingState": "Disabled"}, "say"),
    action(
        "b",
        "Compare",
        {"ComparisonValue": "$.Metrics.Agents.Available.Count"},
        errors={"NoMatchingCondition": "failed"},
        conditions=[
            ("NumberGreaterOrEqualTo", "$.Attributes.least", "say"),
            ("TextEndsWith", "0", "failed"),
        ],
    ),
    action(
        "b",
        "DistributeByPercentage",
        {},
        errors={"NoMatchingCondition": "failed"},
        conditions=[("NumberLessThan", "31", "say"), ("NumberLessThan", "61", "failed")],
    ),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block["Type"]))
def test_a_block_means_the_same_in_the_other_format_and_back(block: dict[str, Any]) -> None:
    flow = flow_of(block, says("on"), says("failed", "failed"))
    older = to_legacy(flow)
    before, after = load_flow(flow), load_flow(to_language(older))
    for each in (load_flow(older), after):
        assert each.blocks["b"].action == before.blocks["b"].action
        assert each.blocks["b"].transitions == before.blocks["b"].transitions
        assert each.resources == before.resources


def test_the_name_that_an_export_carries_of_a_flow_is_not_lost() -> None:
    module = {
        "id": "hook",
        "type": "SetEventHook",
        "branches": [{"condition": "Success", "transition": "hook"}],
        "parameters": [
            {"name": "Type", "value": "CustomerQueue"},
            {"name": "ContactFlowId", "value": "arn:f", "resourceName": "Music"},
        ],
    }
    flow = json.dumps({"modules": [module], "start": "hook", "version": "1"})
    [(_, wanted)] = load_flow(to_legacy(to_language(flow))).resources
    assert (wanted.arn, wanted.label) == ("arn:f", "Music")


@pytest.mark.parametrize(
    "type_",
    [
        "InvokeFlowModule",
        "CreateTask",
        "StartOutboundChatContact",
        "StartOutboundEmailContact",
        "DequeueContactAndTransferToQueue",
        "UpdateContactData",
        "UpdateContactRecordingAndAnalyticsBehavior",
    ],
)
def test_what_the_older_format_does_not_have_is_named(type_: str) -> None:
    flow = flow_of(action("b", type_, {"Name": "x"}, "say"), says("on"))
    with pytest.raises(FlowInvalid, match=f"{type_}.*older format has no such block"):
        to_legacy(flow)


@pytest.mark.parametrize(
    "wanted",
    [
        {"IVRRecordingBehavior": "Enabled"},
        {"ScreenRecordedParticipants": ["Agent"], "RecordedParticipants": ["Agent"]},
    ],
)
def test_recordings_that_the_older_format_does_not_know_are_not_lost(wanted: object) -> None:
    block = action("b", "UpdateContactRecordingBehavior", {"RecordingBehavior": wanted}, "say")
    with pytest.raises(FlowInvalid, match="cannot be said in the other format"):
        to_legacy(flow_of(block, says("on")))


def test_a_flow_that_an_export_names_without_an_arn_is_known_by_its_name() -> None:
    module = {
        "id": "go",
        "type": "Transfer",
        "target": "Flow",
        "branches": [],
        "parameters": [{"name": "ContactFlowId", "value": "", "resourceName": "Main"}],
    }
    flow = load_flow(json.dumps({"modules": [module], "start": "go", "version": "1"}))
    [(block_id, wanted)] = flow.resources
    assert (block_id, wanted.arn, wanted.label) == ("go", "", "Main")
