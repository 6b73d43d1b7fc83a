"""What a flow's file may weigh, checked before anything else looks at it.

Amazon Connect takes 250 blocks and 256,000 characters; there is room for much more, and an end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ringfence.flows.problems import FlowInvalid, Problem

MOST_BLOCKS = 5_000
LARGEST_BYTES = 2_000_000
DEEPEST = 64  # objects and lists within each other


def decoded(content: str) -> Mapping[str, object]:
    """The JSON object in `content`.

    Raises `FlowInvalid` for what is no JSON object, for more than `LARGEST_BYTES`, for more than
    `DEEPEST` levels, and for characters that cannot be stored (NUL, one half of a surrogate pair).
    """
    size = len(content.encode("utf-8", "surrogatepass"))
    if size > LARGEST_BYTES:
        raise _invalid(f"it has {size} bytes, more than {LARGEST_BYTES}")
    try:
        # Exports carry raw line feeds and tabs inside strings, and sometimes a byte order mark.
        flow = json.loads(content.lstrip("\ufeff"), strict=False)
    except RecursionError as error:
        raise _invalid(f"it is nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise _invalid(f"it is not JSON: {error}") from error
    if not isinstance(flow, Mapping):
        raise _invalid("it is not a JSON object")
    _check(flow)
    return flow


def _check(flow: object) -> None:
    level: list[object] = [flow]
    for _ in range(DEEPEST + 1):
        inner: list[object] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, Mapping):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        if not inner:
            return
        level = inner
    raise _invalid(f"it is nested deeper than {DEEPEST} levels")


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise _invalid("there is a NUL character in it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _invalid("there is half a surrogate pair in it, which is no character") from None


def _invalid(message: str) -> FlowInvalid:
    return FlowInvalid((Problem("", "", message),))
