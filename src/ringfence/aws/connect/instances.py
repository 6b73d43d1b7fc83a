"""Instances: made, described, listed, removed; and the functions that they are associated with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select

from ringfence.aws.connect.naming import arn_of, instance_of
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts import tables
from ringfence.contacts.instances import (
    ConnectInstance,
    create_instance,
    delete_instance,
    list_instances,
    new_alias,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import now

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
    table = tables.instance_functions
    with connect.write() as connection:
        instance = instance_of(connection, call)
        arn = call.members["FunctionArn"]
        known = select(table).where(
            table.c.instance_id == instance.instance_id, table.c.function_arn == arn
        )
        if connection.execute(known).first() is not None:
            raise Conflict("the function is associated already", field="FunctionArn")
        connection.execute(
            insert(table).values(
                instance_id=instance.instance_id, function_arn=arn, associated_at=now()
            )
        )
    return {}


@operations.add("DisassociateLambdaFunction")
def disassociate(connect: Connect, call: Call) -> dict[str, Any]:
    """Forget an association."""
    table = tables.instance_functions
    with connect.write() as connection:
        instance = instance_of(connection, call)
        gone = connection.execute(
            delete(table).where(
                table.c.instance_id == instance.instance_id,
                table.c.function_arn == call.members["FunctionArn"],
            )
        )
    if gone.rowcount == 0:
        raise NotFound("the function is not associated", field="FunctionArn")
    return {}


@operations.add("ListLambdaFunctions")
def list_functions(connect: Connect, call: Call) -> dict[str, Any]:
    """The ARNs that were associated."""
    table = tables.instance_functions
    with connect.read() as connection:
        instance = instance_of(connection, call)
        arns: list[str] = [
            *connection.execute(
                select(table.c.function_arn).where(table.c.instance_id == instance.instance_id)
            ).scalars()
        ]
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
