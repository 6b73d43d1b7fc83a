"""Contact flows as they are imported here: named, numbered, checked before they are kept."""

from __future__ import annotations

import re

from sqlalchemy import Connection, func, insert, select

from ringfence.cases import tables
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import Flow, load_flow
from ringfence.storage import now

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z _.-]{0,126}")


def import_flow(connection: Connection, name: str, content: str) -> int:
    """Keep a flow as the next version of `name`; the same content again is the same version.

    Raises `FlowInvalid` listing every problem, `InvalidInput` for the name.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "not a flow name", field="name", expected="1 to 127 letters, digits, blanks and _ . -"
        )
    load_flow(content)
    table = tables.contact_flows
    latest = connection.execute(
        select(table.c.version, table.c.content)
        .where(table.c.name == name)
        .order_by(table.c.version.desc())
        .limit(1)
    ).first()
    if latest is not None and latest.content == content:
        return int(latest.version)
    version = int(latest.version) + 1 if latest is not None else 1
    connection.execute(
        insert(table).values(name=name, version=version, content=content, created_at=now())
    )
    return version


def list_flows(connection: Connection) -> dict[str, int]:
    """Latest version by flow name."""
    table = tables.contact_flows
    rows = connection.execute(
        select(table.c.name, func.max(table.c.version).label("version"))
        .group_by(table.c.name)
        .order_by(table.c.name)
    )
    return {row.name: row.version for row in rows}


def latest_flow_version(connection: Connection, name: str) -> int:
    """The version a new case uses. Raises `NotFound`."""
    table = tables.contact_flows
    version = connection.execute(
        select(func.max(table.c.version)).where(table.c.name == name)
    ).scalar()
    if version is None:
        raise NotFound(f"there is no contact flow {name!r}", field="flow")
    return int(version)


def flow_content(connection: Connection, name: str, version: int) -> str:
    """The text of a flow version. Raises `NotFound`."""
    table = tables.contact_flows
    content = connection.execute(
        select(table.c.content).where(table.c.name == name, table.c.version == version)
    ).scalar()
    if content is None:
        raise NotFound(f"contact flow {name!r} has no version {version}", field="flow")
    return str(content)


def stored_flow(connection: Connection, name: str, version: int) -> Flow:
    """A flow ready to run. Raises `NotFound`."""
    return load_flow(flow_content(connection, name, version))
