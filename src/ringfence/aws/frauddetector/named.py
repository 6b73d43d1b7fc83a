"""Labels, entity types and outcomes: names with a description, which are served alike."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import note_tags
from ringfence.aws.wire.paging import page
from ringfence.aws.wire.times import instant
from ringfence.events.names import Register, Registered


def put_named(service: FraudDetector, call: Call, register: Register, kind: str) -> None:
    """Create what the request names, or describe it anew; one that is there keeps its tags, and
    its description if the request has none.

    `kind` is the kind of the resource in its ARN, such as `label`.
    """
    name = call.members["name"]
    with service.write() as connection:
        is_new = not register.known(connection, [name])
        register.put(connection, name, call.members.get("description"))
        if is_new:
            note_tags(connection, f"{kind}/{name}", call.members.get("tags"))


def get_named(
    service: FraudDetector,
    call: Call,
    register: Register,
    kind: str,
    *,
    member: str,
    default: int,
) -> dict[str, Any]:
    """The one that the request names, or a page of all, `default` unless it says how many."""
    with service.read() as connection:
        more: dict[str, str] = {}
        if "name" in call.members:
            found = [register.get(connection, call.members["name"])]
        else:
            found, more = page(
                register.all(connection), call, default=default, key=lambda one: one.name
            )
    return {member: [_document(call, kind, one) for one in found], **more}


def _document(call: Call, kind: str, one: Registered) -> dict[str, Any]:
    return {
        "name": one.name,
        "description": one.description or None,
        "createdTime": instant(one.created_at),
        "lastUpdatedTime": instant(one.updated_at),
        "arn": arn(call, f"{kind}/{one.name}"),
    }
