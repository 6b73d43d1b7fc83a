"""What a child reads in a SIP message that PJSIP hands over as text."""

from __future__ import annotations

import re

_COMPACT = {"f": "from", "t": "to", "m": "contact", "i": "call-id", "c": "content-type"}
_PASSED = re.compile(r"verstat\s*=\s*\"?TN-Validation-Passed", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAME_ADDR = re.compile(r"^[^,<>]*<([^<>]*)>")
_ADDR_SPEC = re.compile(r"^\s*([^\s;,<>]+)")


def header(message: str, name: str) -> str:
    """The value of the first header called `name` (RFC 3261, 7.3), unfolded; empty without one."""
    wanted = name.lower()
    value: str | None = None
    for line in message.splitlines()[1:]:
        if value is not None:
            if line[:1] not in (" ", "\t"):
                break
            value += " " + line.strip()
        elif not line.strip():
            break
        else:
            found, colon, rest = line.partition(":")
            key = found.strip().lower()
            if colon and _COMPACT.get(key, key) == wanted:
                value = rest.strip()
    return value or ""


def status_line(message: str) -> tuple[int, str]:
    """The status of an answer and its words; 0 and none of what is no answer."""
    words = message.partition("\n")[0].strip().split(" ", 2)
    if len(words) < 2 or not words[0].startswith("SIP/") or not words[1].isdecimal():
        return 0, ""
    return int(words[1]), words[2] if len(words) == 3 else ""


def uri(value: str) -> str:
    """The URI of a name-addr or addr-spec (the first of a list); empty when there is none."""
    bare = _QUOTED.sub("", value)
    found = _NAME_ADDR.search(bare) or _ADDR_SPEC.search(bare)
    return found.group(1).strip() if found else ""


def identity_verified(message: str) -> bool:
    """Whether the network says that it checked the caller's number (3GPP TS 24.229, `verstat`)."""
    return any(_PASSED.search(header(message, name)) for name in ("P-Asserted-Identity", "From"))
