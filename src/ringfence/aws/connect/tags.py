"""Tags of what an instance holds, by ARN."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.contacts import flows, hours, phone_numbers, prompts, queues
from ringfence.errors import InvalidInput

MOST_TAGS = 50

_ARN = re.compile(
    r"arn:[^:]+:connect:[^:]*:[^:]*:"
    r"(?:instance/[^/]+/)?(?P<word>[a-z-]+)/(?P<id>[^/:]+)(?::.*)?"
)

operations = Operations()


@dataclass(frozen=True, slots=True)
class _Tagged:
    """How the tags of one kind of resource are read and written."""

    read: Callable[[Connection, str], Mapping[str, str]]
    write: Callable[[Connection, str, Mapping[str, str]], object]


def _write_flow(connection: Connection, flow_id: str, tags: Mapping[str, str]) -> None:
    flows.describe(connection, flow_id, tags=tags)


_FLOW = _Tagged(lambda c, i: flows.get_flow(c, i).tags, _write_flow)
_KINDS = {
    "contact-flow": _FLOW,
    "flow-module": _FLOW,
    "queue": _Tagged(
        lambda c, i: queues.get_queue(c, i).tags,
        lambda c, i, tags: queues.update_queue(c, i, tags=tags),
    ),
    "operating-hours": _Tagged(
        lambda c, i: hours.get_hours(c, i).tags,
        lambda c, i, tags: hours.update_hours(c, i, tags=tags),
    ),
    "prompt": _Tagged(
        lambda c, i: prompts.get_prompt(c, i).tags,
        lambda c, i, tags: prompts.update_prompt(c, i, tags=tags),
    ),
    "phone-number": _Tagged(
        lambda c, i: phone_numbers.get_number(c, i).tags,
        lambda c, i, tags: phone_numbers.update_number(c, i, tags=tags),
    ),
}


@operations.add("TagResource")
def tag(connect: Connect, call: Call) -> dict[str, Any]:
    """Add tags, in place of those with the same keys."""
    tagged, resource_id = _find(call)
    given: Mapping[str, str] = call.members["tags"]
    with connect.write() as connection:
        tags = {**tagged.read(connection, resource_id), **given}
        if len(tags) > MOST_TAGS:
            raise InvalidInput(
                f"there would be {len(tags)}", field="tags", expected=f"at most {MOST_TAGS}"
            )
        tagged.write(connection, resource_id, tags)
    return {}


@operations.add("UntagResource")
def untag(connect: Connect, call: Call) -> dict[str, Any]:
    """Take tags off; those that there are not are no error."""
    tagged, resource_id = _find(call)
    keys = set(call.members["tagKeys"])
    with connect.write() as connection:
        tags = tagged.read(connection, resource_id)
        kept = {key: value for key, value in tags.items() if key not in keys}
        tagged.write(connection, resource_id, kept)
    return {}


@operations.add("ListTagsForResource")
def list_tags(connect: Connect, call: Call) -> dict[str, Any]:
    """The tags of a resource."""
    tagged, resource_id = _find(call)
    with connect.read() as connection:
        return {"tags": dict(tagged.read(connection, resource_id))}


def _find(call: Call) -> tuple[_Tagged, str]:
    arn: str = call.members["resourceArn"]
    found = _ARN.fullmatch(arn)
    if found is None or found["word"] not in _KINDS:
        raise InvalidInput(
            "not the ARN of something that has tags here",
            field="resourceArn",
            expected=f"one of a {', '.join(_KINDS)}",
        )
    return _KINDS[found["word"]], found["id"]
