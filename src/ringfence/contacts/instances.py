"""Instances: each holds its own flows, queues, numbers and contacts.

There is always one, in which cases call. More exist for whoever separates a test from production in
one installation, as on Amazon Connect.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, or_, select

from ringfence.contacts import tables
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import now

DEFAULT_ALIAS = "ringfence"

_ALIAS = re.compile(r"(?!d-)[0-9A-Za-z]+(-[0-9A-Za-z]+)*")
_LONGEST_ALIAS = 45  # of which Amazon Connect makes a host name
# Asked for each call, so they are built once.
_OLDEST_FIRST = select(tables.instances).order_by(
    tables.instances.c.created_at, tables.instances.c.instance_id
)
_OLDEST = _OLDEST_FIRST.limit(1)


class ConnectInstance(msgspec.Struct, frozen=True, kw_only=True):
    """One instance. `identity_management` is what its maker asked for; users are those of here."""

    instance_id: str
    alias: str
    identity_management: str = "CONNECT_MANAGED"
    inbound_calls: bool = True
    outbound_calls: bool = True
    tags: Mapping[str, str] = {}
    created_at: datetime

    def arn(self, region: str, account: str) -> str:
        """The ARN that clients are told."""
        return f"arn:aws:connect:{region}:{account}:instance/{self.instance_id}"


def default_instance(connection: Connection) -> ConnectInstance:
    """The instance in which cases call: the oldest. Raises `NotFound` before there is one."""
    found = connection.execute(_OLDEST).first()
    if found is None:
        raise NotFound("there is no instance yet", field="instance_id")
    return _instance(found)


def ensure_instance(connection: Connection) -> ConnectInstance:
    """The same, made when there is none."""
    found = connection.execute(_OLDEST).first()
    return _instance(found) if found else create_instance(connection, DEFAULT_ALIAS)


def create_instance(
    connection: Connection,
    alias: str,
    *,
    identity_management: str = "CONNECT_MANAGED",
    inbound_calls: bool = True,
    outbound_calls: bool = True,
    tags: Mapping[str, str] | None = None,
) -> ConnectInstance:
    """Make an instance. Raises `Conflict` for an alias that is taken, `InvalidInput` for a bad one.

    A name that begins with `d-` is Amazon Connect's for those that have a directory of their own.
    """
    if not _ALIAS.fullmatch(alias) or len(alias) > _LONGEST_ALIAS:
        raise InvalidInput(
            "not an alias of an instance",
            field="alias",
            expected=f"1 to {_LONGEST_ALIAS} letters, digits and single hyphens, not beginning d-",
        )
    table = tables.instances
    if connection.execute(select(table.c.alias).where(table.c.alias == alias)).first():
        raise Conflict(f"there is an instance {alias!r} already", field="alias")
    instance = ConnectInstance(
        instance_id=str(uuid.uuid4()),
        alias=alias,
        identity_management=identity_management,
        inbound_calls=inbound_calls,
        outbound_calls=outbound_calls,
        tags=dict(tags or {}),
        created_at=now(),
    )
    connection.execute(insert(table).values(**msgspec.structs.asdict(instance)))
    return instance


def get_instance(connection: Connection, instance_id: str) -> ConnectInstance:
    """The instance of that id. Raises `NotFound`."""
    table = tables.instances
    found = connection.execute(select(table).where(table.c.instance_id == instance_id)).first()
    if found is None:
        raise NotFound(f"there is no instance {instance_id!r}", field="instance_id")
    return _instance(found)


def find_instance(connection: Connection, named: str) -> ConnectInstance | None:
    """The instance of that id or alias; None when there is none."""
    table = tables.instances
    found = connection.execute(
        select(table).where(or_(table.c.instance_id == named, table.c.alias == named))
    ).first()
    return None if found is None else _instance(found)


def new_alias() -> str:
    """An alias for an instance that was given none."""
    return f"instance-{uuid.uuid4().hex[:12]}"


def list_instances(connection: Connection) -> list[ConnectInstance]:
    """Every instance, the oldest first."""
    return [_instance(row) for row in connection.execute(_OLDEST_FIRST)]


def delete_instance(connection: Connection, instance_id: str) -> None:
    """Remove an instance with all that it holds but the record of its contacts.

    Raises `NotFound`, and `Conflict` for the one in which cases call and for one with contacts.
    """
    get_instance(connection, instance_id)
    if default_instance(connection).instance_id == instance_id:
        raise Conflict("cases call in this instance; it stays", field="instance_id")
    contacts = tables.contacts
    if connection.execute(
        select(func.count()).select_from(contacts).where(contacts.c.instance_id == instance_id)
    ).scalar():
        raise Conflict("there are contacts of this instance on record", field="instance_id")
    flows = tables.flows
    connection.execute(
        delete(tables.flow_versions).where(
            tables.flow_versions.c.flow_id.in_(
                select(flows.c.flow_id).where(flows.c.instance_id == instance_id)
            )
        )
    )
    queues = tables.queues
    connection.execute(
        delete(tables.queue_places).where(
            tables.queue_places.c.queue_id.in_(
                select(queues.c.queue_id).where(queues.c.instance_id == instance_id)
            )
        )
    )
    for table in (
        flows,
        tables.bindings,
        queues,
        tables.agents,
        tables.hours_of_operation,
        tables.prompts,
        tables.bots,
        tables.phone_numbers,
        tables.instance_functions,
        tables.instances,
    ):
        connection.execute(delete(table).where(table.c.instance_id == instance_id))


def _instance(row: Row[tuple[Any, ...]]) -> ConnectInstance:
    return ConnectInstance(**row._mapping)
