"""Contact flows as they are kept: their versions, what they name that is not here, a way back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.cases.flow_uses import require_unused
from ringfence.contacts.bindings import unbound
from ringfence.contacts.flows import (
    FlowVersion,
    StoredFlow,
    delete_flow,
    find_flow,
    get_version,
    list_stored_flows,
    roll_back,
    versions_of,
)
from ringfence.contacts.instances import default_instance
from ringfence.errors import NotFound
from ringfence.flows import load_flow
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("flows")

VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class RollBackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that callers are to hear again."""

    version: VersionNumber


class Unbound(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a flow names and that is not here; the block takes its error branch."""

    flow: str
    block_id: str
    kind: str
    reference: str
    label: str


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """What one should know of a block: it was accepted, and does not do everything here."""

    block_id: str
    block_type: str
    message: str
    position: str


class FlowCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of the version that callers hear."""

    flow: str
    version: int
    unbound: tuple[Unbound, ...]
    notices: tuple[Remark, ...]


@operations.add("GET", "/v1/stored-flows", scope=Scope.RULES_READ, reply=list[StoredFlow])
def get_stored_flows(services: Services, call: Call) -> list[StoredFlow]:
    """All contact flows and flow modules, with their ids, states and versions."""
    with services.database.read() as connection:
        instance_id = default_instance(connection).instance_id
        return list_stored_flows(connection, instance_id, kind=None)


@operations.add("GET", "/v1/flows/{name}/check", scope=Scope.RULES_READ, reply=FlowCheck)
def get_flow_check(services: Services, call: Call) -> FlowCheck:
    """What a contact flow names that is not here, and what one should know of its blocks."""
    with services.database.read() as connection:
        return _check(connection, find_flow(connection, call.path["name"]))


@operations.add("GET", "/v1/unbound", scope=Scope.RULES_READ, reply=list[Unbound])
def get_unbound(services: Services, call: Call) -> list[Unbound]:
    """Everything that published contact flows name and that is not here."""
    with services.database.read() as connection:
        instance_id = default_instance(connection).instance_id
        return [
            each
            for flow in list_stored_flows(connection, instance_id)
            if flow.published_version is not None
            for each in _check(connection, flow).unbound
        ]


@operations.add("GET", "/v1/flows/{name}/versions", scope=Scope.RULES_READ, reply=list[FlowVersion])
def get_flow_versions(services: Services, call: Call) -> list[FlowVersion]:
    """Every version of a contact flow that was ever published, the newest first."""
    with services.database.read() as connection:
        return versions_of(connection, find_flow(connection, call.path["name"]).flow_id)


@operations.add(
    "POST",
    "/v1/flows/{name}/roll-back",
    scope=Scope.RULES_WRITE,
    body=RollBackBody,
    reply=StoredFlow,
)
def post_roll_back(services: Services, call: Call) -> StoredFlow:
    """Let callers hear an older version again, from the next call on."""
    with services.redefine() as connection:
        flow = find_flow(connection, call.path["name"])
        roll_back(connection, flow.flow_id, call.body.version)
        return find_flow(connection, flow.name)


@operations.add("DELETE", "/v1/flows/{name}", scope=Scope.RULES_WRITE, status=204)
def delete_one_flow(services: Services, call: Call) -> None:
    """Remove a contact flow with its versions, unless a plan, an open case or a number uses it."""
    with services.redefine() as connection:
        flow = find_flow(connection, call.path["name"])
        require_unused(connection, flow, "name")
        delete_flow(connection, flow.flow_id)


def _check(connection: Connection, flow: StoredFlow) -> FlowCheck:
    if flow.published_version is None:
        raise NotFound(f"contact flow {flow.name!r} has not been published", field="name")
    content = get_version(connection, flow.flow_id, flow.published_version).content
    loaded = load_flow(content)
    missing = unbound(connection, flow.instance_id, loaded)
    return FlowCheck(
        flow=flow.name,
        version=flow.published_version,
        unbound=tuple(
            Unbound(
                flow=flow.name,
                block_id=block_id,
                kind=wanted.kind,
                reference=wanted.arn,
                label=wanted.label,
            )
            for block_id, wanted in missing
        ),
        notices=tuple(
            Remark(
                block_id=each.block_id,
                block_type=each.block_type,
                message=each.message,
                position=each.position,
            )
            for each in loaded.notices
        ),
    )
