"""Lists in pages: `maxResults` items, and a token that says where the next page begins.

Amazon Connect writes both names with a capital. A token is what the last item is found by, so that
pages neither repeat nor leave out an item when others come and go meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from ringfence.aws.wire.operations import Call
from ringfence.errors import InvalidInput

Item = TypeVar("Item")
_MARK = b"rf1."


def page(
    items: Sequence[Item], call: Call, *, default: int, key: Callable[[Item], str]
) -> tuple[list[Item], dict[str, str]]:
    """The items that are asked for, in the order of their keys, and the token of the next page.

    Raises `InvalidInput` for a token that this server did not give.
    """
    limit: int = call.members.get("maxResults", call.members.get("MaxResults", default))
    ordered = sorted(items, key=key)
    last = after(call)
    if last is not None:
        ordered = [item for item in ordered if key(item) > last]
    chosen = ordered[:limit]
    if len(ordered) <= limit:
        return chosen, {}
    name = "NextToken" if call.capitals else "nextToken"
    return chosen, {name: token(key(chosen[-1]))["nextToken"]}


def after(call: Call) -> str | None:
    """What the last item of the page before is found by; None for the first page.

    Some clients send an empty token with their first request. Raises `InvalidInput`.
    """
    given: str = call.members.get("nextToken", call.members.get("NextToken", ""))
    if not given:
        return None
    try:
        mark, last = base64.urlsafe_b64decode(given.encode()).split(b".", 1)
        if mark + b"." != _MARK:
            raise ValueError
        return last.decode()
    except (ValueError, binascii.Error):
        raise InvalidInput(
            "not a token of this service", field="nextToken", expected="one that it returned"
        ) from None


def token(last: str) -> dict[str, str]:
    """The member of the output that leads to the page after the item that `last` finds."""
    return {"nextToken": base64.urlsafe_b64encode(_MARK + last.encode()).decode()}
