"""What an access key may do: operations of AWS's services, by name or by pattern.

Written as IAM writes actions: `frauddetector:GetEventPrediction`, `frauddetector:Get*`,
`connect:*`, `*`. As there, `*` stands for any characters, `?` for one, and case does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from ringfence.access.principals import Scope
from ringfence.errors import InvalidInput

DEFAULT_PERMISSIONS = ("frauddetector:*",)
# Who makes an access key hands on what its operations can do.
NEEDED_SCOPES = frozenset(
    {
        Scope.ACCESS,
        Scope.DECISIONS,
        Scope.RULES_READ,
        Scope.RULES_WRITE,
        Scope.MODELS_READ,
        Scope.MODELS_WRITE,
    }
)

# Where IAM's name of an action is not that of the operation.
_ACTION_NAMES = {("lambda", "Invoke"): "InvokeFunction"}
_LAMBDA_ACTIONS = ("GetFunction", "GetFunctionConfiguration", "InvokeFunction", "ListFunctions")
_SERVICES = ("frauddetector", "connect", "lambda")
_FORM = re.compile(r"\*|([a-z0-9-]{1,64}):([A-Za-z0-9*?]{1,64})")
_MOST_PATTERNS = 100
_EXPECTED = "such as frauddetector:GetEventPrediction, frauddetector:Get* or frauddetector:*"


def read_permissions(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns, without doubles, in their order.

    Raises `InvalidInput` naming `permissions` for none or too many, or one that is not of the form
    or that no operation matches. Asks botocore's models, which takes a moment.
    """
    kept = tuple(dict.fromkeys(patterns))
    if not 1 <= len(kept) <= _MOST_PATTERNS:
        raise InvalidInput(
            "empty" if not kept else "too many",
            field="permissions",
            expected=f"1 to {_MOST_PATTERNS} patterns {_EXPECTED}",
        )
    for pattern in kept:
        _require_matching(pattern)
    return kept


@lru_cache(maxsize=4096)
def permits(permissions: tuple[str, ...], service: str, operation: str) -> bool:
    """Whether one of the patterns matches this operation."""
    action = action_of(service, operation).lower()
    return any(fnmatchcase(action, pattern.lower()) for pattern in permissions)


def action_of(service: str, operation: str) -> str:
    """The action that an operation is: `lambda:InvokeFunction` of Invoke."""
    return f"{service}:{_ACTION_NAMES.get((service, operation), operation)}"


def _require_matching(pattern: str) -> None:
    form = _FORM.fullmatch(pattern)
    if form is None:
        raise InvalidInput(
            f"{pattern[:100]!r} is not a permission", field="permissions", expected=_EXPECTED
        )
    if pattern == "*":
        return
    service, operation = form.groups()
    if service not in _SERVICES:
        raise InvalidInput(
            f"{service!r} in {pattern!r} is not a service that is served here",
            field="permissions",
            expected="one of " + ", ".join(_SERVICES),
        )
    actions = _actions(service)
    if not any(fnmatchcase(action.lower(), operation.lower()) for action in actions):
        near = get_close_matches(operation, actions, n=1)
        hint = f"; did you mean {service}:{near[0]}?" if near else ""
        raise InvalidInput(
            f"no operation of {service} matches {pattern!r}{hint}",
            field="permissions",
            expected=_EXPECTED,
        )


@cache
def _actions(service: str) -> tuple[str, ...]:
    if service == "lambda":
        return _LAMBDA_ACTIONS
    from botocore.loaders import Loader

    return tuple(Loader().load_service_model(service, "service-2")["operations"])
