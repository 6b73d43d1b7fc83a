"""What contacts hear: the published versions of flows, ready to run."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection

from ringfence.contacts.flows import StoredFlow, find_flow, get_version, list_stored_flows
from ringfence.contacts.instances import default_instance
from ringfence.errors import NotFound
from ringfence.flows import Flow, load_flow

_MOST_LOADED = 256


def list_flows(connection: Connection) -> dict[str, int]:
    """Published version by flow name, in the instance in which cases call."""
    try:
        instance_id = default_instance(connection).instance_id
    except NotFound:
        return {}
    return {
        flow.name: flow.published_version
        for flow in list_stored_flows(connection, instance_id)
        if flow.published_version is not None
    }


def published_version(connection: Connection, name: str) -> int:
    """The version that a new contact hears of the flow of that name. Raises `NotFound`."""
    return version_to_run(find_flow(connection, name))


def version_to_run(flow: StoredFlow) -> int:
    """The version that a new contact hears. Raises `NotFound`."""
    if flow.published_version is None:
        raise NotFound(f"contact flow {flow.name!r} has not been published", field="flow")
    return flow.published_version


def flow_to_run(connection: Connection, flow: StoredFlow) -> Flow:
    """What a new contact hears, ready to run. Raises `NotFound`, `FlowInvalid`."""
    return loaded_flow(get_version(connection, flow.flow_id, version_to_run(flow)).content)


def stored_flow(connection: Connection, name: str, version: int) -> Flow:
    """A flow ready to run. Raises `NotFound`, `FlowInvalid`."""
    return loaded_flow(flow_content(connection, name, version))


def flow_content(connection: Connection, name: str, version: int) -> str:
    """The text of a flow version. Raises `NotFound`."""
    try:
        return get_version(connection, find_flow(connection, name).flow_id, version).content
    except NotFound as error:
        if error.field != "version":
            raise
        raise NotFound(f"contact flow {name!r} has no version {version}", field="flow") from None


@lru_cache(maxsize=_MOST_LOADED)
def loaded_flow(content: str) -> Flow:
    """The flow in `content`, kept, for loading takes longer than reading. Raises `FlowInvalid`."""
    return load_flow(content)
