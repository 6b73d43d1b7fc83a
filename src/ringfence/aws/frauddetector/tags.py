"""Tags of resources, by their ARNs.

A resource gets tags when it is made and by `TagResource`; putting it anew leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, or_, select

from ringfence.aws.frauddetector.arns import resource_of
from ringfence.aws.frauddetector.existence import require
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.tables import tags
from ringfence.aws.wire.paging import page
from ringfence.errors import InvalidInput

MAX_TAGS = 200
# What goes with a resource whose own part of an ARN is not the beginning of its parts'.
_PARTS = {"detector": ("detector-version", "rule"), "model": ("model-version",)}

operations = Operations()


@operations.add("TagResource")
def tag_resource(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Add tags to a resource, or change their values."""
    resource = resource_of(call.members["resourceARN"])
    with service.write() as connection:
        require(connection, resource)
        _set_tags(connection, resource, call.members["tags"])
    return {}


@operations.add("UntagResource")
def untag_resource(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Take tags away from a resource; those that it does not have are no matter."""
    resource = resource_of(call.members["resourceARN"])
    with service.write() as connection:
        require(connection, resource)
        connection.execute(
            delete(tags).where(tags.c.resource == resource, tags.c.key.in_(call.members["tagKeys"]))
        )
    return {}


@operations.add("ListTagsForResource")
def list_tags_for_resource(service: FraudDetector, call: Call) -> dict[str, Any]:
    """The tags of a resource in the order of their keys."""
    resource = resource_of(call.members["resourceARN"])
    with service.read() as connection:
        require(connection, resource)
        found = tags_of(connection, resource)
    chosen, more = page(list(found.items()), call, default=50, key=lambda tag: tag[0])
    return {"tags": [{"key": key, "value": value} for key, value in chosen], **more}


def note_tags(
    connection: Connection, resource: str, given: Sequence[Mapping[str, str]] | None
) -> None:
    """Give a new resource, such as `label/fraud`, the tags of the request that makes it.

    Raises `InvalidInput` when a key is given twice.
    """
    if given:
        _set_tags(connection, resource, given)


def tags_of(connection: Connection, resource: str) -> dict[str, str]:
    """The tags of a resource by their keys."""
    rows = connection.execute(select(tags.c.key, tags.c.value).where(tags.c.resource == resource))
    return {row.key: row.value for row in rows}


def forget_tags(connection: Connection, resource: str) -> None:
    """Forget the tags of a resource that is deleted, and those of its parts: a detector's versions
    and rules, a model's versions."""
    kind, _, name = resource.partition("/")
    column = tags.c.resource
    of_parts = [
        column.startswith(f"{part}/{name}/", autoescape=True) for part in _PARTS.get(kind, ())
    ]
    connection.execute(
        delete(tags).where(
            or_(column == resource, column.startswith(f"{resource}/", autoescape=True), *of_parts)
        )
    )


def check_tags(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request by their keys. Raises `InvalidInput` when a key is given twice."""
    values: dict[str, str] = {}
    for tag in given:
        if tag["key"] in values:
            raise InvalidInput(
                f"the key {tag['key']!r} is given twice", field="tags", expected="each key once"
            )
        values[tag["key"]] = tag["value"]
    return values


def _set_tags(connection: Connection, resource: str, given: Iterable[Mapping[str, str]]) -> None:
    values = check_tags(given)
    if not values:
        return
    connection.execute(
        delete(tags).where(tags.c.resource == resource, tags.c.key.in_(list(values)))
    )
    kept = connection.execute(
        select(func.count()).select_from(tags).where(tags.c.resource == resource)
    ).scalar_one()
    if kept + len(values) > MAX_TAGS:
        raise InvalidInput(
            "too many tags", field="tags", expected=f"at most {MAX_TAGS} on a resource"
        )
    connection.execute(
        insert(tags),
        [{"resource": resource, "key": key, "value": value} for key, value in values.items()],
    )
