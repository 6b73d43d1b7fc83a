"""Objects with texts in them, at any depth, which may refer to what a flow knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template, template

_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Structure:
    """An object whose texts are templates; numbers, truth values and nulls are as they are."""

    values: Mapping[str, object]

    def fill(self, data: Mapping[str, object]) -> dict[str, object]:
        """The object with every text filled in."""
        return {name: _filled(value, data) for name, value in self.values.items()}


def read_structure(parameters: Parameters, name: str) -> Structure:
    """The object of that name; an empty one without it. Notes one that is nested too deeply."""
    values = parameters.raw(name)
    if values is None:
        return Structure({})
    if not isinstance(values, Mapping):
        parameters.wrong(f"the parameter {name} is not an object")
        return Structure({})
    try:
        return Structure({str(key): _parsed(value, 1) for key, value in values.items()})
    except ValueError:
        parameters.wrong(f"the parameter {name} is nested deeper than {_DEEPEST}")
        return Structure({})


def _parsed(value: object, depth: int) -> object:
    if depth > _DEEPEST:
        raise ValueError
    if isinstance(value, str):
        return template(value)
    if isinstance(value, Mapping):
        return {str(key): _parsed(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_parsed(each, depth + 1) for each in value]
    return value


def _filled(value: object, data: Mapping[str, object]) -> object:
    if isinstance(value, Template):
        return value.fill(data)
    if isinstance(value, Mapping):
        return {key: _filled(each, data) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, data) for each in value]
    return value
