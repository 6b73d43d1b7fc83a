"""Lists: values that rules compare with, such as blocked mail domains."""

from __future__ import annotations

from typing import Any

from ringfence.aws.frauddetector.arns import arn
from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.frauddetector.tags import forget_tags, note_tags
from ringfence.aws.wire.paging import after, page, token
from ringfence.aws.wire.times import instant
from ringfence.detectors import usage
from ringfence.errors import InvalidInput
from ringfence.events.lists import (
    ListChange,
    ListFacts,
    change_list,
    create_list,
    get_elements,
    get_list_facts,
    list_facts,
)

operations = Operations()


@operations.add("CreateList")
def create_one_list(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Create a list, which may be empty."""
    given = call.members
    with service.redefine() as connection:
        create_list(
            connection,
            given["name"],
            given.get("elements", ()),
            variable_type=given.get("variableType"),
            description=given.get("description", ""),
        )
        note_tags(connection, f"list/{given['name']}", given.get("tags"))
    return {}


@operations.add("UpdateList")
def update_list(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Replace, add or take away elements, describe a list anew, or say what its values mean."""
    given = call.members
    if ("elements" in given) is not ("updateMode" in given):
        missing = "updateMode" if "elements" in given else "elements"
        raise InvalidInput(
            "missing",
            field=missing,
            expected="elements and, with them, updateMode: REPLACE, APPEND or REMOVE",
        )
    with service.redefine() as connection:
        change_list(
            connection,
            given["name"],
            elements=given.get("elements"),
            change=ListChange(given.get("updateMode", ListChange.REPLACE)),
            variable_type=given.get("variableType"),
            description=given.get("description"),
        )
    return {}


@operations.add("GetListsMetadata")
def get_lists_metadata(service: FraudDetector, call: Call) -> dict[str, Any]:
    """What there is to know of one list, or of a page of all, but for their elements."""
    with service.read() as connection:
        more: dict[str, str] = {}
        if "name" in call.members:
            found = [get_list_facts(connection, call.members["name"])]
        else:
            found, more = page(
                list_facts(connection), call, default=50, key=lambda facts: facts.name
            )
    return {"lists": [_document(call, facts) for facts in found], **more}


@operations.add("GetListElements")
def get_list_elements(service: FraudDetector, call: Call) -> dict[str, Any]:
    """A page of the elements of a list, in the order of their characters."""
    limit = call.members.get("maxResults", 5_000)
    with service.read() as connection:
        found = get_elements(connection, call.members["name"], after=after(call), limit=limit + 1)
    chosen = found[:limit]
    return {"elements": chosen, **(token(chosen[-1]) if len(found) > limit else {})}


@operations.add("DeleteList")
def delete_one_list(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Delete a list that no rule names; one that is not there is no error."""
    name = call.members["name"]
    with service.redefine() as connection:
        usage.delete_list(connection, name)
        forget_tags(connection, f"list/{name}")
    return {}


def _document(call: Call, facts: ListFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "description": facts.description or None,
        "variableType": facts.variable_type,
        "createdTime": instant(facts.created_at),
        "updatedTime": instant(facts.updated_at),
        "arn": arn(call, f"list/{facts.name}"),
    }
