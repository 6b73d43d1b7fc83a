"""Contact flow modules: as contact flows, under names of their own."""

from __future__ import annotations

from typing import Any

from ringfence.aws.connect.contact_flows import (
    content_of,
    invalid_content,
    publish_draft,
    sha256,
    state_of,
)
from ringfence.aws.connect.naming import SAVED, arn_of, flow_of, flow_rest, instance_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts import flows
from ringfence.contacts.flows import FlowKind
from ringfence.flows import FlowInvalid

INVALID = "InvalidContactFlowModuleException"

operations = Operations()


@operations.add("CreateContactFlowModule")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """A module, published at once."""
    members = call.members
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow = flows.create_flow(
            connection,
            instance.instance_id,
            members["Name"],
            kind=FlowKind.MODULE,
            description=members.get("Description", ""),
            tags=members.get("Tags"),
        )
        try:
            flows.publish(connection, flow.flow_id, members["Content"], by=call.by)
        except FlowInvalid as error:
            raise invalid_content(error, INVALID, "Problems") from None
    connect.redefined()
    return {"Id": flow.flow_id, "Arn": arn_of(call, instance, flow_rest(flow))}


@operations.add("DescribeContactFlowModule")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """The published content, the draft or that of a version."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        flow, qualifier = flow_of(
            connection, instance, call.members["ContactFlowModuleId"], FlowKind.MODULE
        )
        content, version, description = content_of(connection, flow, qualifier)
    return {
        "ContactFlowModule": {
            "Arn": arn_of(call, instance, flow_rest(flow)),
            "Id": flow.flow_id,
            "Name": flow.name,
            "Content": content,
            "Description": flow.description or None,
            "State": state_of(flow),
            "Status": "SAVED" if version is None else "PUBLISHED",
            "Tags": dict(flow.tags),
            "FlowModuleContentSha256": sha256(content),
            "Version": version,
            "VersionDescription": description or None,
        }
    }


@operations.add("UpdateContactFlowModuleContent")
def update_content(connect: Connect, call: Call) -> dict[str, Any]:
    """Publishes, or saves the draft where `:$SAVED` is named."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, qualifier = flow_of(
            connection, instance, call.members["ContactFlowModuleId"], FlowKind.MODULE
        )
        content: str | None = call.members.get("Content")
        if content is not None and qualifier == SAVED:
            flows.save_draft(connection, flow.flow_id, content)
        elif content is not None:
            try:
                flows.publish(connection, flow.flow_id, content, by=call.by)
            except FlowInvalid as error:
                raise invalid_content(error, INVALID, "Problems") from None
    connect.redefined()
    return {}


@operations.add("UpdateContactFlowModuleMetadata")
def update_metadata(connect: Connect, call: Call) -> dict[str, Any]:
    """Name, description, and whether it is archived."""
    members = call.members
    state = members.get("State")
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(connection, instance, members["ContactFlowModuleId"], FlowKind.MODULE)
        flows.describe(
            connection,
            flow.flow_id,
            name=members.get("Name"),
            description=members.get("Description"),
            archived=None if state is None else state == "ARCHIVED",
        )
    connect.redefined()
    return {}


@operations.add("DeleteContactFlowModule")
def delete(connect: Connect, call: Call) -> dict[str, Any]:
    """Remove a module."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(
            connection, instance, call.members["ContactFlowModuleId"], FlowKind.MODULE
        )
        flows.delete_flow(connection, flow.flow_id)
    connect.redefined()
    return {}


@operations.add("ListContactFlowModules")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """All modules, or those that are, or are not, archived."""
    state = call.members.get("ContactFlowModuleState")
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = flows.list_stored_flows(connection, instance.instance_id, kind=FlowKind.MODULE)
    found = [flow for flow in found if state is None or state_of(flow) == state]
    chosen, token = page(found, call, default=1000, key=lambda flow: flow.flow_id)
    return {
        "ContactFlowModulesSummaryList": [
            {
                "Id": flow.flow_id,
                "Arn": arn_of(call, instance, flow_rest(flow)),
                "Name": flow.name,
                "State": state_of(flow),
            }
            for flow in chosen
        ],
        **token,
    }


@operations.add("CreateContactFlowModuleVersion")
def create_version(connect: Connect, call: Call) -> dict[str, Any]:
    """Publish the draft as the next version."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        flow, _ = flow_of(
            connection, instance, call.members["ContactFlowModuleId"], FlowKind.MODULE
        )
        version = publish_draft(connection, flow, call)
    connect.redefined()
    return {"ContactFlowModuleArn": arn_of(call, instance, flow_rest(flow)), "Version": version}
