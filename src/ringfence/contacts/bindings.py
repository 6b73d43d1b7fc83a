"""The resource map: what is meant here by the ARNs and names in flows of some other instance.

A flow is never edited to be used elsewhere. Where nothing is said in the map, a thing of the same
id, of the name that the export carries, or of the name within the ARN is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, delete, insert, or_, select

from ringfence.contacts import tables
from ringfence.contacts.arns import id_within, unqualified
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import Flow, ResourceKind, Wanted
from ringfence.flows.unbound import function_name
from ringfence.functions.registry import list_functions
from ringfence.storage import now

INSTANCE: Final = "instance"
# What the calls themselves bring along.
BUILT_IN_FUNCTIONS: Final = (
    "block-credit-card",
    "find-open-case",
    "find-verdict",
    "report-fraud",
)

_LONGEST_REFERENCE, _LONGEST_TARGET = 512, 256
_TABLES: dict[str, tuple[Table, str]] = {
    ResourceKind.FLOW: (tables.flows, "flow_id"),
    ResourceKind.MODULE: (tables.flows, "flow_id"),
    ResourceKind.QUEUE: (tables.queues, "queue_id"),
    ResourceKind.HOURS: (tables.hours_of_operation, "hours_id"),
    ResourceKind.PROMPT: (tables.prompts, "prompt_id"),
    ResourceKind.BOT: (tables.bots, "bot_id"),
}
BINDABLE: tuple[str, ...] = (ResourceKind.FUNCTION, *_TABLES, INSTANCE)


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """In flows of others, `reference` (an ARN, an id or a name) means `target` here.

    `kind` is the value of a `ResourceKind`, or `instance`; the target is an id or a name of that
    kind, of an instance its id or alias.
    """

    kind: str
    reference: str
    target: str
    updated_at: datetime


def put_binding(
    connection: Connection, instance_id: str, kind: str, reference: str, target: str
) -> Binding:
    """Say what a reference means; what it meant before is forgotten.

    Raises `InvalidInput` for a kind that cannot be bound, a reference that is empty or too long,
    and a target that is not here.
    """
    check_kind(kind)
    if not reference.strip() or len(reference) > _LONGEST_REFERENCE:
        raise InvalidInput(
            "this can name nothing",
            field="reference",
            expected=f"an ARN, an id or a name of at most {_LONGEST_REFERENCE} characters",
        )
    _require_target(connection, instance_id, kind, target)
    table = tables.bindings
    connection.execute(delete(table).where(_row(instance_id, kind, reference)))
    binding = Binding(kind=kind, reference=reference, target=target, updated_at=now())
    connection.execute(
        insert(table).values(instance_id=instance_id, **msgspec.structs.asdict(binding))
    )
    return binding


def get_binding(connection: Connection, instance_id: str, kind: str, reference: str) -> Binding:
    """What a reference means by the map. Raises `NotFound`."""
    found = connection.execute(_bindings().where(_row(instance_id, kind, reference))).first()
    if found is None:
        raise NotFound(f"the {kind} {reference!r} is bound to nothing", field="reference")
    return Binding(**found._mapping)


def list_bindings(
    connection: Connection, instance_id: str, *, kind: str | None = None
) -> list[Binding]:
    """The map of an instance, by kind and reference."""
    table = tables.bindings.c
    query = _bindings().where(table.instance_id == instance_id)
    if kind is not None:
        query = query.where(table.kind == check_kind(kind))
    rows = connection.execute(query.order_by(table.kind, table.reference))
    return [Binding(**row._mapping) for row in rows]


def delete_binding(connection: Connection, instance_id: str, kind: str, reference: str) -> None:
    """Forget what a reference means. Raises `NotFound`."""
    removed = connection.execute(
        delete(tables.bindings).where(_row(instance_id, kind, reference))
    ).rowcount
    if not removed:
        raise NotFound(f"the {kind} {reference!r} is bound to nothing", field="reference")


def check_kind(kind: str) -> str:
    """`kind`, if something of it can be bound. Raises `InvalidInput`."""
    if kind not in BINDABLE:
        raise InvalidInput(
            f"{kind!r} cannot be bound", field="kind", expected="one of " + ", ".join(BINDABLE)
        )
    return kind


def resolve(connection: Connection, instance_id: str, wanted: Wanted) -> str | None:
    """The id of the thing here that is meant; of a function its name. None where there is none.

    In this order: what the map says of the ARN, with and without its version, and of the id or
    name within it; what it says of the label; the thing of that id; that of the label; that of the
    name within the ARN. A function always has a name.
    """
    kind, inside = wanted.kind, _inside(wanted)
    mapped = _mapped(connection, instance_id, wanted)
    if kind is ResourceKind.FUNCTION:
        return mapped or inside
    if kind not in _TABLES:
        return None
    if mapped is not None:
        return find_thing(connection, instance_id, kind, mapped)
    by_id = _thing(connection, instance_id, kind, by="id", text=inside)
    for text in (wanted.label, inside):
        by_id = by_id or _thing(connection, instance_id, kind, by="name", text=text)
    return by_id


def unbound(
    connection: Connection,
    instance_id: str,
    flow: Flow,
    *,
    built_in: Collection[str] = BUILT_IN_FUNCTIONS,
) -> list[tuple[str, Wanted]]:
    """What a flow names that is not here, each with the id of the block that names it.

    `built_in` are functions that need no registration. What only turns out during a call, because
    an attribute names it, is not known before.
    """
    functions = {function.name for function in list_functions(connection)}.union(built_in)
    missing = []
    for block_id, wanted in flow.resources:
        found = resolve(connection, instance_id, wanted)
        if wanted.kind is ResourceKind.PROMPT and "://" in wanted.arn:
            continue
        if found is None or (wanted.kind is ResourceKind.FUNCTION and found not in functions):
            missing.append((block_id, wanted))
    return missing


def instance_bound_to(connection: Connection, reference: str) -> str | None:
    """The id or alias of the instance that stands in for another one; None without a binding."""
    table = tables.bindings.c
    return connection.execute(
        select(table.target).where(table.kind == INSTANCE, table.reference == reference)
    ).scalar()


def find_thing(connection: Connection, instance_id: str, kind: str, text: str) -> str | None:
    """The id of the thing of that id or name in an instance; None where there is none."""
    return _thing(connection, instance_id, kind, by="id", text=text) or _thing(
        connection, instance_id, kind, by="name", text=text
    )


def require_thing(connection: Connection, instance_id: str, kind: str, text: str) -> str:
    """The id of the thing of that id or name in an instance. Raises `NotFound` saying what there
    is."""
    found = find_thing(connection, instance_id, kind, text)
    if found is None:
        expected = _one_of(_names(connection, instance_id, kind))
        raise NotFound(f"there is no {kind} {text!r}", field="name", expected=expected)
    return found


def _names(connection: Connection, instance_id: str, kind: str) -> list[str]:
    columns = _TABLES[kind][0].c
    query = select(columns.name).where(columns.instance_id == instance_id).order_by(columns.name)
    if "kind" in columns:
        query = query.where(columns.kind == kind)
    return list(connection.execute(query).scalars())


def _mapped(connection: Connection, instance_id: str, wanted: Wanted) -> str | None:
    table = tables.bindings.c
    references = list(
        dict.fromkeys((wanted.arn, unqualified(wanted.arn), _inside(wanted), wanted.label))
    )
    found = {
        row.reference: str(row.target)
        for row in connection.execute(
            select(table.reference, table.target).where(
                table.instance_id == instance_id,
                table.kind == wanted.kind,
                table.reference.in_([text for text in references if text]),
            )
        )
    }
    return next((found[text] for text in references if text in found), None)


def _inside(wanted: Wanted) -> str:
    if wanted.kind is ResourceKind.FUNCTION:
        return function_name(wanted.arn)
    return id_within(wanted.arn)


def _thing(
    connection: Connection, instance_id: str, kind: str, *, by: str, text: str
) -> str | None:
    if not text:
        return None
    table, id_column = _TABLES[kind]
    column = table.c[id_column if by == "id" else "name"]
    query = select(table.c[id_column]).where(table.c.instance_id == instance_id, column == text)
    if table is tables.flows:
        query = query.where(table.c.kind == kind)
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def _require_target(connection: Connection, instance_id: str, kind: str, target: str) -> None:
    if kind == ResourceKind.FUNCTION:
        there = bool(target.strip()) and len(target) <= _LONGEST_TARGET
        expected = "the name of a function"
    elif kind == INSTANCE:
        table = tables.instances.c
        there = (
            connection.execute(
                select(table.instance_id).where(
                    or_(table.instance_id == target, table.alias == target)
                )
            ).first()
            is not None
        )
        expected = _one_of(connection.execute(select(table.alias).order_by(table.alias)).scalars())
    else:
        there = find_thing(connection, instance_id, kind, target) is not None
        expected = _one_of(_names(connection, instance_id, kind))
    if not there:
        raise InvalidInput(f"there is no {kind} {target!r} here", field="target", expected=expected)


def _one_of(names: Iterable[str], most: int = 10) -> str:
    listed = list(names)
    if not listed:
        return "something that was made before"
    more = f" or {len(listed) - most} others" if len(listed) > most else ""
    return "one of " + ", ".join(listed[:most]) + more


def _bindings() -> Any:
    table = tables.bindings.c
    return select(table.kind, table.reference, table.target, table.updated_at)


def _row(instance_id: str, kind: str, reference: str) -> ColumnElement[bool]:
    table = tables.bindings.c
    found = (table.kind == kind) & (table.reference == reference)
    # What another instance is called means one instance in the whole installation.
    return found if kind == INSTANCE else found & (table.instance_id == instance_id)
