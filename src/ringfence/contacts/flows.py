"""Contact flows and flow modules as they are kept: named, numbered, published, rolled back.

Every content that was ever published is a version and stays; callers hear the published one. A
draft can be saved beside it, unchecked, until it is published.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ringfence.contacts import tables
from ringfence.contacts.instances import default_instance, ensure_instance
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.flows import flow_for_language, load_flow
from ringfence.storage import now

CONTACT_FLOW = "CONTACT_FLOW"

_LARGEST_VERSION = 2**31 - 1  # that a column holds
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,127}")

# Asked for each case and call, so they are built once.
_FLOWS: Select[Any] = select(
    *(column for column in tables.flows.c if column.name != "saved_content"),
    tables.flows.c.saved_content.is_not(None).label("has_draft"),
)
_FLOW = _FLOWS.where(tables.flows.c.flow_id == bindparam("of_flow"))
_NAMED = _FLOWS.where(
    tables.flows.c.instance_id == bindparam("of_instance"),
    tables.flows.c.kind == bindparam("of_kind"),
    tables.flows.c.name == bindparam("of_name"),
)
_IN_LANGUAGES = _FLOWS.where(
    tables.flows.c.instance_id == bindparam("of_instance"),
    tables.flows.c.kind == bindparam("of_kind"),
    or_(
        tables.flows.c.name == bindparam("of_name"),
        and_(
            func.substr(tables.flows.c.name, 1, bindparam("length")) == bindparam("prefix"),
            tables.flows.c.published_version.is_not(None),
            tables.flows.c.archived.is_(False),
        ),
    ),
)
_VERSION = select(tables.flow_versions).where(
    tables.flow_versions.c.flow_id == bindparam("of_flow"),
    tables.flow_versions.c.version == bindparam("of_version"),
)


class FlowKind(StrEnum):
    """What a stored flow is."""

    FLOW = "contact flow"
    MODULE = "flow module"


class StoredFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow or module, without its contents. `type` is that of Amazon Connect."""

    flow_id: str
    instance_id: str
    kind: FlowKind
    name: str
    type: str
    description: str = ""
    archived: bool = False
    has_draft: bool = False
    published_version: int | None = None
    tags: Mapping[str, str] = {}
    created_at: datetime
    updated_at: datetime


class FlowVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a flow."""

    flow_id: str
    version: int
    content: str
    description: str = ""
    created_by: str = ""
    created_at: datetime


def create_flow(
    connection: Connection,
    instance_id: str,
    name: str,
    *,
    kind: FlowKind = FlowKind.FLOW,
    type: str = CONTACT_FLOW,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> StoredFlow:
    """Make a flow that has no content yet.

    Raises `InvalidInput` for the name, `Conflict` for one that is taken.
    """
    if not _NAME.fullmatch(name) or name != name.strip():
        raise InvalidInput(
            "not a flow name",
            field="name",
            expected="1 to 127 printable characters, not beginning or ending with a blank",
        )
    table = tables.flows
    if _row_named(connection, instance_id, kind, name) is not None:
        raise Conflict(f"there is a {kind} {name!r} already", field="name")
    at = now()
    flow_id = str(uuid.uuid4())
    connection.execute(
        insert(table).values(
            flow_id=flow_id,
            instance_id=instance_id,
            kind=kind,
            name=name,
            type=type,
            description=description,
            archived=False,
            tags=dict(tags or {}),
            created_at=at,
            updated_at=at,
        )
    )
    return get_flow(connection, flow_id)


def get_flow(connection: Connection, flow_id: str) -> StoredFlow:
    """The flow of that id. Raises `NotFound`."""
    row = connection.execute(_FLOW, {"of_flow": flow_id}).first()
    if row is None:
        raise NotFound(f"there is no flow {flow_id!r}", field="flow_id")
    return _flow(row)


def find_flow(
    connection: Connection,
    name: str,
    *,
    instance_id: str | None = None,
    kind: FlowKind = FlowKind.FLOW,
) -> StoredFlow:
    """The flow of that name, in the instance in which cases call unless told. Raises `NotFound`."""
    instance_id = instance_id or default_instance(connection).instance_id
    row = _row_named(connection, instance_id, kind, name)
    if row is None:
        raise NotFound(f"there is no {kind} {name!r}", field="flow")
    return _flow(row)


def list_stored_flows(
    connection: Connection, instance_id: str, *, kind: FlowKind | None = FlowKind.FLOW
) -> list[StoredFlow]:
    """The flows of an instance by name; of both kinds with `kind=None`."""
    query = _FLOWS.where(tables.flows.c.instance_id == instance_id)
    if kind is not None:
        query = query.where(tables.flows.c.kind == kind)
    return [_flow(row) for row in connection.execute(query.order_by(tables.flows.c.name))]


def publish(
    connection: Connection, flow_id: str, content: str, *, by: str = "", description: str = ""
) -> int:
    """Let callers hear `content` from the next call on; the version that it is.

    The same content as the newest version is that version. A draft is gone with it. Raises
    `FlowInvalid` listing every problem.
    """
    load_flow(content)
    newest = _newest(connection, flow_id)
    if newest is not None and newest.content == content:
        version = newest.version
    else:
        version = newest.version + 1 if newest is not None else 1
        connection.execute(
            insert(tables.flow_versions).values(
                flow_id=flow_id,
                version=version,
                content=content,
                description=description,
                created_by=by,
                created_at=now(),
            )
        )
    _change(connection, flow_id, published_version=version, saved_content=None)
    return version


def roll_back(connection: Connection, flow_id: str, version: int) -> None:
    """Let callers hear an older version again. Raises `NotFound`."""
    get_version(connection, flow_id, version)
    _change(connection, flow_id, published_version=version)


def save_draft(connection: Connection, flow_id: str, content: str) -> None:
    """Keep content that nobody hears yet; it is not checked."""
    _change(connection, flow_id, saved_content=content)


def draft_of(connection: Connection, flow_id: str) -> str | None:
    """The draft; without one the published content; None when there is neither."""
    table = tables.flows
    row = connection.execute(
        select(table.c.saved_content, table.c.published_version).where(table.c.flow_id == flow_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no flow {flow_id!r}", field="flow_id")
    if row.saved_content is not None or row.published_version is None:
        return None if row.saved_content is None else str(row.saved_content)
    return get_version(connection, flow_id, row.published_version).content


def describe(
    connection: Connection,
    flow_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    archived: bool | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Change what a flow is called and said to be.

    Raises `NotFound`, `InvalidInput` for the name, `Conflict` for one that is taken.
    """
    flow = get_flow(connection, flow_id)
    if name is not None and name != flow.name:
        if not _NAME.fullmatch(name) or name != name.strip():
            raise InvalidInput(
                "not a flow name", field="name", expected="1 to 127 printable characters"
            )
        if _row_named(connection, flow.instance_id, flow.kind, name) is not None:
            raise Conflict(f"there is a {flow.kind} {name!r} already", field="name")
    given = {"name": name, "description": description, "archived": archived, "tags": tags}
    _change(
        connection, flow_id, **{key: value for key, value in given.items() if value is not None}
    )


def delete_flow(connection: Connection, flow_id: str) -> None:
    """Remove a flow with its versions. Raises `NotFound`; who uses it is for the caller to ask."""
    get_flow(connection, flow_id)
    versions = tables.flow_versions
    connection.execute(delete(versions).where(versions.c.flow_id == flow_id))
    connection.execute(delete(tables.flows).where(tables.flows.c.flow_id == flow_id))


def versions_of(connection: Connection, flow_id: str) -> list[FlowVersion]:
    """Every version, the newest first."""
    table = tables.flow_versions
    rows = connection.execute(
        select(table).where(table.c.flow_id == flow_id).order_by(table.c.version.desc())
    )
    return [_version(row) for row in rows]


def get_version(connection: Connection, flow_id: str, version: int) -> FlowVersion:
    """One version. Raises `NotFound`."""
    row = None
    if version <= _LARGEST_VERSION:
        of_version = {"of_flow": flow_id, "of_version": version}
        row = connection.execute(_VERSION, of_version).first()
    if row is None:
        raise NotFound(f"this flow has no version {version}", field="version")
    return _version(row)


def delete_version(connection: Connection, flow_id: str, version: int) -> None:
    """Remove a version. Raises `NotFound`, and `InvalidInput` for the one that callers hear."""
    get_version(connection, flow_id, version)
    if get_flow(connection, flow_id).published_version == version:
        raise InvalidInput("this version is the published one", field="version")
    table = tables.flow_versions
    connection.execute(delete(table).where(table.c.flow_id == flow_id, table.c.version == version))


def import_flow(
    connection: Connection, name: str, content: str, *, by: str = "", description: str = ""
) -> int:
    """Publish content under a name, in the instance in which cases call; the version that it is.

    Raises `FlowInvalid` listing every problem, `InvalidInput` for the name.
    """
    instance_id = ensure_instance(connection).instance_id
    loaded = load_flow(content)
    row = _row_named(connection, instance_id, FlowKind.FLOW, name)
    if row is not None:
        flow = _flow(row)
    else:
        type_ = getattr(loaded, "type", "") or CONTACT_FLOW
        flow = create_flow(connection, instance_id, name, type=type_, description=description)
    return publish(connection, flow.flow_id, content, by=by, description=description)


def flow_in_language(
    connection: Connection, name: str, language: str, *, instance_id: str | None = None
) -> StoredFlow:
    """The flow that says what `name` says in `language`, of those that are published and not
    archived: `NAME.de` for `de-CH`, or `name` itself. In the instance in which cases call, unless
    told. Raises `NotFound`."""
    prefix = f"{name}."
    asked = {
        "of_instance": instance_id or default_instance(connection).instance_id,
        "of_kind": FlowKind.FLOW,
        "of_name": name,
        "prefix": prefix,
        "length": len(prefix),
    }
    found = {row.name: row for row in connection.execute(_IN_LANGUAGES, asked)}
    row = found.get(flow_for_language(found, name, language))
    if row is None:
        raise NotFound(f"there is no contact flow {name!r}", field="flow")
    return _flow(row)


def _newest(connection: Connection, flow_id: str) -> FlowVersion | None:
    table = tables.flow_versions
    newest = select(func.max(table.c.version)).where(table.c.flow_id == flow_id).scalar_subquery()
    row = connection.execute(
        select(table).where(table.c.flow_id == flow_id, table.c.version == newest)
    ).first()
    return None if row is None else _version(row)


def _change(connection: Connection, flow_id: str, **values: object) -> None:
    changed = connection.execute(
        update(tables.flows)
        .where(tables.flows.c.flow_id == flow_id)
        .values(**values, updated_at=now())
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no flow {flow_id!r}", field="flow_id")


def _row_named(
    connection: Connection, instance_id: str, kind: FlowKind, name: str
) -> Row[Any] | None:
    asked = {"of_instance": instance_id, "of_kind": kind, "of_name": name}
    return connection.execute(_NAMED, asked).first()


def _flow(row: Row[Any]) -> StoredFlow:
    return StoredFlow(**{**row._mapping, "kind": FlowKind(row.kind)})


def _version(row: Row[tuple[Any, ...]]) -> FlowVersion:
    return FlowVersion(**row._mapping)
