"""Instances: made, described, listed, removed; and the functions that they are associated with."""

from __future__ import annotations

from typing import Any

from ringfence.aws.connect.naming import arn_of, instance_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts.instance_functions import (
    associate_function,
    dissociate_function,
    list_associated,
)
from ringfence.contacts.instances import (
    ConnectInstance,
    create_instance,
    delete_instance,
    list_instances,
    new_alias,
)
from ringfence.errors import Conflict, InvalidInput

operations = Operations()


@operations.add("CreateInstance")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """The instance is there at once."""
    members = call.members
    with connect.write() as connection:
        try:
            instance = create_instance(
                connection,
                members.get("InstanceAlias") or new_alias(),
                identity_management=members["IdentityManagementType"],
                inbound_calls=members["InboundCallsEnabled"],
                outbound_calls=members["OutboundCallsEnabled"],
                tags=members.get("Tags"),
            )
        except Conflict as error:
            raise InvalidInput(error.message, field="alias") from None
    return {"Id": instance.instance_id, "Arn": arn_of(call, instance)}


@operations.add("DescribeInstance")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """Everything of an instance."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
    return {"Instance": {**_summary(connect, call, instance), "Tags": dict(instance.tags)}}


@operations.add("ListInstances")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """Every instance."""
    with connect.read() as connection:
        instances = list_instances(connection)
    chosen, token = page(instances, call, default=10, key=lambda one: one.instance_id)
    return {"InstanceSummaryList": [_summary(connect, call, one) for one in chosen], **token}


@operations.add("DeleteInstance")
def delete_one(connect: Connect, call: Call) -> dict[str, Any]:
    """Not the one in which cases call, nor one with contacts on record."""
    with connect.write() as connection:
        delete_instance(connection, instance_of(connection, call).instance_id)
    connect.redefined()
    return {}


@operations.add("AssociateLambdaFunction")
def associate(connect: Connect, call: Call) -> dict[str, Any]:
    """Flows find functions by name whether associated or not; the association is kept for those
    who list it."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        associate_function(connection, instance.instance_id, call.members["FunctionArn"])
    return {}


@operations.add("DisassociateLambdaFunction")
def disassociate(connect: Connect, call: Call) -> dict[str, Any]:
    """Forget an association."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        dissociate_function(connection, instance.instance_id, call.members["FunctionArn"])
    return {}


@operations.add("ListLambdaFunctions")
def list_functions(connect: Connect, call: Call) -> dict[str, Any]:
    """The ARNs that were associated."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        arns = list_associated(connection, instance.instance_id)
    chosen, token = page(arns, call, default=25, key=str)
    return {"LambdaFunctions": chosen, **token}


def _summary(connect: Connect, call: Call, instance: ConnectInstance) -> dict[str, Any]:
    return {
        "Id": instance.instance_id,
        "Arn": arn_of(call, instance),
        "IdentityManagementType": instance.identity_management,
        "InstanceAlias": instance.alias,
        "CreatedTime": instance.created_at,
        "ServiceRole": f"arn:aws:iam::{call.account}:role/ringfence",
        "InstanceStatus": "ACTIVE",
        "InboundCallsEnabled": instance.inbound_calls,
        "OutboundCallsEnabled": instance.outbound_calls,
    }
