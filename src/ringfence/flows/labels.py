"""The names that an export carries beside its ARNs, so that they can be found elsewhere too.

The designer writes them into metadata that mean nothing otherwise. Where a name stands has changed
over the years.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

_OLD_PLACES = {"queue": "Queue", "ContactFlow": "ContactFlowId", "contactFlow": "ContactFlowId"}
_DEEPEST = 6


def labels_of_module(entries: Iterable[Mapping[str, object]], metadata: object) -> dict[str, str]:
    """Of a module of the older format: the name by what the parameter says."""
    labels: dict[str, str] = {}
    values: dict[str, str] = {}
    for entry in entries:
        value, name = entry.get("value"), entry.get("resourceName")
        if isinstance(value, str):
            values.setdefault(str(entry.get("name")), value)
            if isinstance(name, str) and name:
                labels[value] = name
    if isinstance(metadata, Mapping):
        for place, parameter in _OLD_PLACES.items():
            old = metadata.get(place)
            text = old.get("text") if isinstance(old, Mapping) else None
            if isinstance(text, str) and text and parameter in values:
                labels.setdefault(values[parameter], text)
    return labels


def labels_of_actions(metadata: object) -> Mapping[str, object]:
    """Of a flow of the Flow language: what its metadata say of the parameters, by block."""
    actions = metadata.get("ActionMetadata") if isinstance(metadata, Mapping) else None
    if not isinstance(actions, Mapping):
        return {}
    return {str(block_id): each for block_id, each in actions.items()}


def labels_of_action(parameters: Mapping[str, object], metadata: object) -> dict[str, str]:
    """Of one block: the name by what the parameter says."""
    labels: dict[str, str] = {}
    if not isinstance(metadata, Mapping):
        return labels
    for path, name in _displayed(metadata.get("parameters"), ()):
        value = _at(parameters, path)
        if isinstance(value, str):
            labels[value] = name
    for place, parameter in (("queue", "QueueId"), ("contactFlow", "ContactFlowId"),
                             ("ContactFlow", "ContactFlowId")):  # fmt: skip
        old = metadata.get(place)
        text = old.get("text") if isinstance(old, Mapping) else None
        value = parameters.get(parameter)
        if isinstance(text, str) and text and isinstance(value, str):
            labels.setdefault(value, text)
    return labels


def type_name(named: str) -> str:
    """`CUSTOMER_QUEUE` of `customerQueue`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", named).upper()


def _displayed(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, (list, tuple)):
        value = dict(zip(map(str, range(len(value))), value, strict=True))
    if not isinstance(value, Mapping) or len(path) > _DEEPEST:
        return
    name = value.get("displayName")
    if isinstance(name, str) and name and path:
        yield path, name
    for key, inner in value.items():
        yield from _displayed(inner, (*path, str(key)))


def _at(values: object, path: tuple[str, ...]) -> object:
    for name in path:
        if isinstance(values, (list, tuple)):
            values = dict(zip(map(str, range(len(values))), values, strict=True))
        if not isinstance(values, Mapping):
            return None
        values = values.get(name)
    return values
