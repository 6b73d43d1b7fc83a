"""Which operation of a REST-JSON service an address is, and what stands in it.

The routes are those of the service's model. A part of an address may hold slashes when they are
escaped, as in an ARN.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl, unquote

from ringfence.aws.wire.shapes import service_model

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, and the members that its address holds."""

    operation: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Pattern:
    operation: str
    steps: Sequence[str]  # texts, or labels in braces
    query: Mapping[str, str]  # what tells operations of one address apart

    @property
    def fixed(self) -> int:
        return sum(not step.startswith("{") for step in self.steps)

    def match(self, steps: Sequence[str], query: Mapping[str, str]) -> Mapping[str, str] | None:
        if any(query.get(name) != value for name, value in self.query.items()):
            return None
        labels: dict[str, str] = {}
        for position, wanted in enumerate(self.steps):
            label = _LABEL.fullmatch(wanted)
            if label is None:
                if position >= len(steps) or unquote(steps[position]) != wanted:
                    return None
            elif label[2]:
                labels[label[1]] = unquote("/".join(steps[position:]))
                return labels if labels[label[1]] else None
            elif position >= len(steps) or not steps[position]:
                return None
            else:
                labels[label[1]] = unquote(steps[position])
        return labels if len(steps) == len(self.steps) else None


def find_route(service: str, method: str, path: str, query: bytes) -> Route | None:
    """The operation of a request; None when the service has none there.

    `path` is as it came, with its escapes.
    """
    steps = path.strip("/").split("/")
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    for pattern in _patterns(service).get(method, ()):
        labels = pattern.match(steps, given)
        if labels is not None:
            return Route(pattern.operation, labels)
    return None


@cache
def _patterns(service: str) -> Mapping[str, Sequence[_Pattern]]:
    by_method = defaultdict(list)
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        fixed = dict(parse_qsl(query, keep_blank_values=True))
        by_method[http["method"]].append(_Pattern(name, path.strip("/").split("/"), fixed))
    return {
        # What says more about an address comes before what fits as well.
        method: sorted(found, key=lambda each: (-each.fixed, -len(each.query), each.operation))
        for method, found in by_method.items()
    }
