"""How clients name things of Amazon Connect: by id, by ARN, or by those of some other instance.

A program that was written for an instance at AWS goes on to name that instance and its flows; the
resource map says what they are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from ringfence.aws.wire.operations import Call
from ringfence.carddata import names_a_secret
from ringfence.contacts import bindings
from ringfence.contacts.flows import FlowKind, StoredFlow, get_flow
from ringfence.contacts.instances import (
    ConnectInstance,
    default_instance,
    find_instance,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import ResourceKind, Wanted

SAVED = "$SAVED"


class _Thing(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def updated_at(self) -> datetime: ...


def instance_of(connection: Connection, call: Call, named: str | None = None) -> ConnectInstance:
    """The instance that a request is about. Raises `NotFound`, saying how to bind a foreign one."""
    reference: str = named if named is not None else call.members["InstanceId"]
    given = last_part(reference)
    found = find_instance(connection, given)
    if found is None:
        bound = bindings.instance_bound_to(connection, reference) or bindings.instance_bound_to(
            connection, given
        )
        found = find_instance(connection, bound) if bound is not None else None
    if found is None:
        raise NotFound(
            f"there is no instance {given!r} here, and none is bound to it",
            field="instance_id",
            expected=f"such as {default_instance(connection).instance_id}, or a binding: "
            f"ringfence flow bind instance {given} {default_instance(connection).alias}",
        )
    return found


def arn_of(call: Call, instance: ConnectInstance, rest: str = "") -> str:
    """The ARN of an instance, or of what it holds: `arn_of(call, instance, "queue/ID")`."""
    arn = instance.arn(call.region, call.account)
    return f"{arn}/{rest}" if rest else arn


def flow_of(
    connection: Connection,
    instance: ConnectInstance,
    named: str,
    kind: FlowKind = FlowKind.FLOW,
) -> tuple[StoredFlow, str]:
    """The flow or module that a client names, and the qualifier behind its id: `$SAVED`, a version
    or nothing. Raises `NotFound`."""
    reference, _, qualifier = named.rpartition(":") if _qualified(named) else (named, "", "")
    wanted = Wanted(ResourceKind.FLOW if kind is FlowKind.FLOW else ResourceKind.MODULE, reference)
    flow_id = bindings.resolve(connection, instance.instance_id, wanted)
    if flow_id is None:
        raise NotFound(
            f"there is no {kind} {last_part(reference)!r} here, and none is bound to it",
            field="flow_id",
        )
    flow = get_flow(connection, flow_id)
    if flow.kind is not kind or flow.instance_id != instance.instance_id:
        raise NotFound(f"{last_part(reference)!r} is no {kind} of this instance", field="flow_id")
    return flow, qualifier


def thing_of(
    connection: Connection, instance: ConnectInstance, kind: ResourceKind, named: str, field: str
) -> str:
    """The id of what a client names by id or ARN, here or bound. Raises `NotFound`, of `field`."""
    found = bindings.resolve(connection, instance.instance_id, Wanted(kind, named))
    if found is None:
        raise NotFound(f"there is no {kind} {last_part(named)!r} here", field=field)
    return found


def attributes_in(call: Call) -> Mapping[str, str]:
    """The contact attributes of a request.

    Raises `InvalidInput` for one whose name says that it is what is never kept: a security code, a
    PIN or track data.
    """
    attributes: Mapping[str, str] = call.members.get("Attributes", {})
    for name in attributes:
        if names_a_secret(name):
            raise InvalidInput(
                "an attribute of that name is not kept",
                field=f"Attributes.{name[:64]}",
                expected="attributes without security codes, PINs and track data",
            )
    return attributes


def summary(call: Call, thing_id: str, arn: str, thing: _Thing) -> dict[str, Any]:
    """What lists say of a queue, hours of operation or a prompt."""
    return {
        "Id": thing_id,
        "Arn": arn,
        "Name": thing.name,
        "LastModifiedTime": thing.updated_at,
        "LastModifiedRegion": call.region,
    }


def flow_rest(flow: StoredFlow) -> str:
    """The last part of the ARN of a flow or module."""
    word = "contact-flow" if flow.kind is FlowKind.FLOW else "flow-module"
    return f"{word}/{flow.flow_id}"


def last_part(reference: str) -> str:
    """The id in an ARN, or the id itself."""
    return reference.rsplit("/", 1)[-1]


def _qualified(named: str) -> bool:
    qualifier = named.rsplit("/", 1)[-1].rpartition(":")[2] if ":" in last_part(named) else ""
    return qualifier == SAVED or qualifier.isdecimal()
