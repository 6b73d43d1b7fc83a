"""Contact flows over Amazon Connect's API: made, saved, published, versioned, listed, removed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from connect_calls import talk

from ringfence.contacts.bindings import put_binding
from ringfence.flows import ResourceKind
from ringfence.storage import Database

THERE = "11111111-2222-4333-8444-555555555555"  # an instance at AWS
FAR = f"arn:aws:connect:eu-central-1:123456789012:instance/{THERE}"
FAR_FLOW = f"{FAR}/contact-flow/66666666-7777-4888-9999-000000000000"
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("flows") / "data"
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as made:
        yield made


@pytest.fixture(scope="module")
def connect(server: Server) -> ClientOf:
    return client_of(server.url, "connect")


@pytest.fixture
def instance(connect: ClientOf) -> str:
    """An instance of the test's own."""
    made = connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=True,
        OutboundCallsEnabled=True,
    )
    return str(made["Id"])


def made(connect: ClientOf, instance: str, name: str, **more: Any) -> str:
    """The id of a new flow."""
    told = connect.create_contact_flow(
        **{"InstanceId": instance, "Name": name, "Type": "CONTACT_FLOW", "Content": talk("One.")}
        | more
    )
    return str(told["ContactFlowId"])


def described(connect: ClientOf, instance: str, flow: str) -> dict[str, Any]:
    told = connect.describe_contact_flow(InstanceId=instance, ContactFlowId=flow)
    return dict(told["ContactFlow"])


def refused(connect: ClientOf, operation: str, **members: Any) -> tuple[str, int, dict[str, Any]]:
    """Code, status and what else is told of a refusal."""
    with pytest.raises(ClientError) as error:
        getattr(connect, operation)(**members)
    told: dict[str, Any] = error.value.response
    code: str = told["Error"]["Code"]
    assert told["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    return code, told["ResponseMetadata"]["HTTPStatusCode"], told


def test_a_draft_stands_beside_what_is_published_until_it_is_published_itself(
    connect: ClientOf, instance: str
) -> None:
    flow = made(connect, instance, "card", Description="asks", Tags={"team": "fraud"})
    first = described(connect, instance, flow)
    assert (first["Status"], first["State"], first["Content"]) == (
        "PUBLISHED",
        "ACTIVE",
        talk("One."),
    )
    assert (first["Description"], first["Tags"]) == ("asks", {"team": "fraud"})
    assert first["Arn"].endswith(f"instance/{instance}/contact-flow/{flow}")

    where = {"InstanceId": instance, "ContactFlowId": flow}
    draft = {"InstanceId": instance, "ContactFlowId": f"{flow}:$SAVED"}
    connect.update_contact_flow_content(**draft, Content=talk("Two."))
    assert described(connect, instance, flow)["Content"] == talk("One.")
    saved = described(connect, instance, f"{first['Arn']}:$SAVED")
    assert (saved["Status"], saved["Content"]) == ("SAVED", talk("Two."))
    assert connect.create_contact_flow_version(**where)["Version"] == 2
    assert described(connect, instance, flow)["Content"] == talk("Two.")
    connect.update_contact_flow_content(**where, Content=talk("Three."))
    latest = described(connect, instance, flow)
    assert (latest["Content"], latest["Version"]) == (talk("Three."), 3)
    assert described(connect, instance, f"{flow}:1")["Content"] == talk("One.")

    connect.delete_contact_flow_version(**where, ContactFlowVersion=1)
    listed = connect.list_contact_flow_versions(**where)["ContactFlowVersionSummaryList"]
    assert sorted(one["Version"] for one in listed) == [2, 3]
    told = refused(connect, "delete_contact_flow_version", **where, ContactFlowVersion=3)
    assert told[:2] == ("InvalidParameterException", 400)
    gone = {"InstanceId": instance, "ContactFlowId": f"{flow}:1"}
    told = refused(connect, "describe_contact_flow", **gone)
    assert told[:2] == ("ResourceNotFoundException", 404)


def test_content_that_cannot_run_is_refused_with_every_problem_unless_it_is_only_saved(
    connect: ClientOf, instance: str
) -> None:
    content = json.loads(talk())
    content["Actions"][0]["Transitions"]["NextAction"] = "nowhere"
    content["Actions"][1]["Transitions"]["NextAction"] = "neither"
    broken = json.dumps(content)
    flow = made(connect, instance, "card")
    where = {"InstanceId": instance, "ContactFlowId": flow}
    code, status, told = refused(connect, "update_contact_flow_content", **where, Content=broken)
    assert (code, status) == ("InvalidContactFlowException", 400)
    problems = " ".join(one["message"] for one in told["problems"])
    assert "nowhere" in problems
    assert "neither" in problems
    assert described(connect, instance, flow)["Content"] == talk("One.")
    create = {"InstanceId": instance, "Name": "new", "Type": "CONTACT_FLOW", "Content": broken}
    told_too = refused(connect, "create_contact_flow", **create)
    assert told_too[:2] == ("InvalidContactFlowException", 400)
    saved = made(connect, instance, "new", Content=broken, Status="SAVED")
    told_too = refused(connect, "describe_contact_flow", InstanceId=instance, ContactFlowId=saved)
    assert told_too[:2] == ("ContactFlowNotPublishedException", 404)
    assert described(connect, instance, f"{saved}:$SAVED")["Content"] == broken
    version = {"InstanceId": instance, "ContactFlowId": saved}
    assert refused(connect, "create_contact_flow_version", **version)[:2] == (
        "InvalidRequestException",
        400,
    )


def test_flows_are_listed_in_pages_by_type_renamed_and_archived(
    connect: ClientOf, instance: str
) -> None:
    flows = {made(connect, instance, f"flow {number}") for number in range(5)}
    whisper = made(connect, instance, "whisper", Type="AGENT_WHISPER")
    pages = connect.get_paginator("list_contact_flows").paginate(
        InstanceId=instance, PaginationConfig={"PageSize": 2}
    )
    found = [[one["Id"] for one in page["ContactFlowSummaryList"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 2]
    assert {flow for page in found for flow in page} == {*flows, whisper}
    only = connect.list_contact_flows(InstanceId=instance, ContactFlowTypes=["AGENT_WHISPER"])
    assert [one["Id"] for one in only["ContactFlowSummaryList"]] == [whisper]
    where = {"InstanceId": instance, "ContactFlowId": whisper}
    connect.update_contact_flow_name(**where, Name="quiet")
    connect.update_contact_flow_metadata(**where, ContactFlowState="ARCHIVED")
    told = described(connect, instance, whisper)
    assert (told["Name"], told["State"]) == ("quiet", "ARCHIVED")
    twice = refused(connect, "update_contact_flow_name", **where, Name="flow 1")
    assert twice[:2] == ("DuplicateResourceException", 409)
    connect.delete_contact_flow(**where)
    gone = refused(connect, "delete_contact_flow", **where)
    assert gone[:2] == ("ResourceNotFoundException", 404)
    odd = refused(connect, "list_contact_flows", InstanceId=instance, NextToken="odd")
    assert odd[:2] == ("InvalidParameterException", 400)


def test_a_module_is_published_saved_listed_and_removed(connect: ClientOf, instance: str) -> None:
    module = connect.create_contact_flow_module(
        InstanceId=instance, Name="greets", Content=talk("One.")
    )["Id"]
    where = {"InstanceId": instance, "ContactFlowModuleId": module}
    draft = {"InstanceId": instance, "ContactFlowModuleId": f"{module}:$SAVED"}
    connect.update_contact_flow_module_content(**draft, Content=talk("Two."))
    told = connect.describe_contact_flow_module(**where)["ContactFlowModule"]
    assert (told["Name"], told["Status"], told["Content"]) == ("greets", "PUBLISHED", talk("One."))
    saved = connect.describe_contact_flow_module(**draft)["ContactFlowModule"]
    assert (saved["Status"], saved["Content"]) == ("SAVED", talk("Two."))
    code, status, told = refused(
        connect, "update_contact_flow_module_content", **where, Content="{}"
    )
    assert (code, status) == ("InvalidContactFlowModuleException", 400)
    assert told["Problems"]
    connect.update_contact_flow_module_metadata(**where, State="ARCHIVED")
    (one,) = connect.list_contact_flow_modules(InstanceId=instance)["ContactFlowModulesSummaryList"]
    assert (one["Id"], one["State"]) == (module, "ARCHIVED")
    as_flow = refused(connect, "describe_contact_flow", InstanceId=instance, ContactFlowId=module)
    assert as_flow[:2] == ("ResourceNotFoundException", 404)
    connect.delete_contact_flow_module(**where)
    assert not connect.list_contact_flow_modules(InstanceId=instance)[
        "ContactFlowModulesSummaryList"
    ]


def test_what_a_program_calls_things_at_aws_is_found_once_it_is_bound(
    server: Server, connect: ClientOf, instance: str
) -> None:
    flow = made(connect, instance, "bound")
    code, status, told = refused(connect, "list_contact_flows", InstanceId=THERE)
    assert (code, status) == ("ResourceNotFoundException", 404)
    assert f"ringfence flow bind instance {THERE}" in told["Error"]["Message"]
    database = Database(f"sqlite:///{server.data_dir / 'ringfence.db'}")
    with database.write() as connection:
        put_binding(connection, instance, "instance", THERE, instance)
        put_binding(connection, instance, ResourceKind.FLOW, FAR_FLOW, flow)
    database.dispose()
    for name in (THERE, FAR):
        told = connect.describe_contact_flow(InstanceId=name, ContactFlowId=FAR_FLOW)
        assert told["ContactFlow"]["Id"] == flow
    with_id = connect.describe_contact_flow(InstanceId=THERE, ContactFlowId=FAR_FLOW + ":$SAVED")
    assert with_id["ContactFlow"]["Content"] == talk("One.")


def test_the_flows_of_another_instance_are_none_of_this_one(
    connect: ClientOf, instance: str
) -> None:
    other = connect.create_instance(
        IdentityManagementType="CONNECT_MANAGED",
        InboundCallsEnabled=False,
        OutboundCallsEnabled=False,
    )["Id"]
    flow = made(connect, other, "theirs")
    told = refused(connect, "describe_contact_flow", InstanceId=instance, ContactFlowId=flow)
    assert told[:2] == ("ResourceNotFoundException", 404)
    connect.delete_instance(InstanceId=other)


def test_more_requests_than_may_be_are_throttled_each_operation_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data_dir = tmp_path_factory.mktemp("throttled") / "data"
    settings = {
        "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
        "RINGFENCE_CONNECT_REQUESTS_PER_SECOND": "0.01",
        "RINGFENCE_CONNECT_REQUESTS_AT_ONCE": "2",
    }
    with running(data_dir, **settings) as slow:
        client = client_of(slow.url, "connect")
        first = client.list_instances()["InstanceSummaryList"][0]["Id"]
        client.list_instances()
        assert refused(client, "list_instances")[:2] == ("TooManyRequestsException", 429)
        client.list_contact_flows(InstanceId=first)
        another = client_of(slow.url, "connect", key_id="AKIAOTHEROTHEROTHER1")
        assert another.list_instances()["InstanceSummaryList"]
