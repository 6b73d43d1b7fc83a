"""Contact flows: made, published or saved, described, versioned, renamed, archived, removed.

A flow may be published, with a draft beside it; `ID:$SAVED` names the draft. Publishing checks the
content, saving does not.
"""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.connect.naming import SAVED, arn_of, flow_of, flow_rest, instance_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.errors import AwsError
from ringfence.aws.wire.paging import page
from ringfence.cases.flow_uses import require_unused
from ringfence.contacts import flows
from ringfence.contacts.flows import StoredFlow
from ringfence.contacts.instances import ConnectInstance
from ringfence.errors import Conflict
from ringfence.flows import FlowInvalid

operations = Operations()


@operations.add("CreateContactFlow")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """A flow with its first content."""
    members = call.members
    content: str = members["Content"]
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow = flows.create_flow(
            connection,
            instance.instance_id,
            members["Name"],
            type=members["Type"],
            description=members.get("Description", ""),
            tags=members.get("Tags"),
        )
        if members.get("Status") == "SAVED":
            flows.save_draft(connection, flow.flow_id, content)
        else:
            publish_checked(connection, flow.flow_id, content, call)
    connect.redefined()
    return {
        "ContactFlowId": flow.flow_id,
        "ContactFlowArn": arn_of(call, instance, flow_rest(flow)),
        "FlowContentSha256": sha256(content),
    }


@operations.add("DescribeContactFlow")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """The published content, the draft (`:$SAVED`) or that of a version (`:3`)."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        flow, qualifier = flow_of(connection, instance, call.members["ContactFlowId"])
        content, version, description = content_of(connection, flow, qualifier)
    return {
        "ContactFlow": {
            "Arn": arn_of(call, instance, flow_rest(flow)),
            "Id": flow.flow_id,
            "Name": flow.name,
            "Type": flow.type,
            "State": state_of(flow),
            "Status": "SAVED" if version is None else "PUBLISHED",
            "Description": flow.description,
            "Content": content,
            "Tags": dict(flow.tags),
            "FlowContentSha256": sha256(content),
            "Version": version,
            "VersionDescription": description or None,
            "LastModifiedTime": flow.updated_at,
            "LastModifiedRegion": call.region,
        }
    }


@operations.add("UpdateContactFlowContent")
def update_content(connect: Connect, call: Call) -> dict[str, Any]:
    """Publishes, or saves the draft where `:$SAVED` is named."""
    content: str = call.members["Content"]
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, qualifier = flow_of(connection, instance, call.members["ContactFlowId"])
        if qualifier == SAVED:
            flows.save_draft(connection, flow.flow_id, content)
        else:
            publish_checked(connection, flow.flow_id, content, call)
    connect.redefined()
    return {}


@operations.add("UpdateContactFlowMetadata")
def update_metadata(connect: Connect, call: Call) -> dict[str, Any]:
    """Name, description, and whether it is archived."""
    _describe_anew(connect, call, archived=call.members.get("ContactFlowState"))
    return {}


@operations.add("UpdateContactFlowName")
def update_name(connect: Connect, call: Call) -> dict[str, Any]:
    """Name and description."""
    _describe_anew(connect, call, archived=None)
    return {}


@operations.add("DeleteContactFlow")
def delete(connect: Connect, call: Call) -> dict[str, Any]:
    """Not while a contact plan, an open case or a claimed number needs it."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        try:
            require_unused(connection, flow)
        except Conflict as used:
            raise AwsError("ResourceInUseException", used.message) from None
        flows.delete_flow(connection, flow.flow_id)
    connect.redefined()
    return {}


@operations.add("ListContactFlows")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """All flows, or those of some types."""
    types = call.members.get("ContactFlowTypes")
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = flows.list_stored_flows(connection, instance.instance_id)
    found = [flow for flow in found if not types or flow.type in types]
    chosen, token = page(found, call, default=1000, key=lambda flow: flow.flow_id)
    return {"ContactFlowSummaryList": [summary(call, instance, flow) for flow in chosen], **token}


@operations.add("CreateContactFlowVersion")
def create_version(connect: Connect, call: Call) -> dict[str, Any]:
    """Publish the draft as the next version; without a draft, the published version it is."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        version = publish_draft(connection, flow, call)
    connect.redefined()
    return {"ContactFlowArn": arn_of(call, instance, flow_rest(flow)), "Version": version}


@operations.add("ListContactFlowVersions")
def list_versions(connect: Connect, call: Call) -> dict[str, Any]:
    """Every version."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        found = flows.versions_of(connection, flow.flow_id)
    chosen, token = page(found, call, default=1000, key=lambda one: f"{one.version:09}")
    arn = arn_of(call, instance, flow_rest(flow))
    return {
        "ContactFlowVersionSummaryList": [
            {
                "Arn": f"{arn}:{one.version}",
                "Version": one.version,
                "VersionDescription": one.description or None,
            }
            for one in chosen
        ],
        **token,
    }


@operations.add("DeleteContactFlowVersion")
def delete_version(connect: Connect, call: Call) -> dict[str, Any]:
    """Not the published one."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        flows.delete_version(connection, flow.flow_id, call.members["ContactFlowVersion"])
    return {}


def publish_checked(connection: Connection, flow_id: str, content: str, call: Call) -> int:
    """Publish content. Raises InvalidContactFlowException with every problem."""
    try:
        return flows.publish(connection, flow_id, content, by=call.by)
    except FlowInvalid as error:
        raise invalid_content(error, "InvalidContactFlowException", "problems") from None


def publish_draft(connection: Connection, flow: StoredFlow, call: Call) -> int:
    """Publish what was saved; the version that it is, or that was published before."""
    content = flows.draft_of(connection, flow.flow_id)
    if content is None:
        raise AwsError("InvalidRequestException", "the flow has no content")
    if call.members.get("FlowContentSha256") not in (None, sha256(content)):
        raise AwsError("InvalidRequestException", "the content is another one by now")
    try:
        return flows.publish(
            connection,
            flow.flow_id,
            content,
            by=call.by,
            description=call.members.get("Description", ""),
        )
    except FlowInvalid as error:
        raise AwsError("InvalidRequestException", str(error)) from None


def invalid_content(error: FlowInvalid, code: str, member: str) -> AwsError:
    """The error for content that cannot run; each problem is told."""
    problems = [{"message": str(problem)} for problem in error.problems]
    return AwsError(code, str(error), members={member: problems})


def content_of(
    connection: Connection, flow: StoredFlow, qualifier: str
) -> tuple[str, int | None, str]:
    """The content that a qualifier names, with its version and what is said of that.

    Raises ContactFlowNotPublishedException where there is a draft only, and `NotFound`.
    """
    if qualifier == SAVED:
        content = flows.draft_of(connection, flow.flow_id)
        version = None if flow.has_draft else flow.published_version
        return content or "", version, ""
    if qualifier:
        found = flows.get_version(connection, flow.flow_id, int(qualifier))
        return found.content, found.version, found.description
    if flow.published_version is None:
        raise AwsError(
            "ContactFlowNotPublishedException",
            f"The flow has not been published. Name its draft with {flow.flow_id}:{SAVED}.",
            404,
        )
    found = flows.get_version(connection, flow.flow_id, flow.published_version)
    return found.content, found.version, found.description


def state_of(flow: StoredFlow) -> str:
    """Whether it is put away."""
    return "ARCHIVED" if flow.archived else "ACTIVE"


def sha256(content: str) -> str:
    """What tells contents apart."""
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()


def summary(call: Call, instance: ConnectInstance, flow: StoredFlow) -> dict[str, Any]:
    """A flow in a list."""
    return {
        "Id": flow.flow_id,
        "Arn": arn_of(call, instance, flow_rest(flow)),
        "Name": flow.name,
        "ContactFlowType": flow.type,
        "ContactFlowState": state_of(flow),
        "ContactFlowStatus": "SAVED" if flow.published_version is None else "PUBLISHED",
    }


def _describe_anew(connect: Connect, call: Call, archived: str | None) -> None:
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        flows.describe(
            connection,
            flow.flow_id,
            name=call.members.get("Name"),
            description=call.members.get("Description"),
            archived=None if archived is None else archived == "ARCHIVED",
        )
    connect.redefined()
