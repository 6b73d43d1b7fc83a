"""YAML that people write by hand: read strictly, with the line of whatever is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from ringfence.errors import InvalidInput

_PLACE = re.compile(r"`\$([^`]*)`")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_PLAIN = {
    "tag:yaml.org,2002:bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "tag:yaml.org,2002:int": re.compile(r"-?(?:0|[1-9]\d{0,17})"),
    "tag:yaml.org,2002:float": re.compile(r"-?(?:0|[1-9]\d{0,17})\.\d{1,18}"),
}


class ScenarioInvalid(InvalidInput):
    """A scenario, or a file of tests, cannot be read. The message names the line where it can."""


class YamlText:
    """A YAML text, its values, and the lines that they stand on."""

    def __init__(self, text: str):
        import yaml

        loader = _loader()(text)
        try:
            self._node = loader.get_single_node()
            self.data: Any = None
            if self._node is not None:
                self.data = loader.construct_document(self._node)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise ScenarioInvalid(f"it is not YAML: {error}", field="tests") from None
        finally:
            loader.dispose()

    def mapping(self, value: object, what: str, place: str = "$") -> Mapping[str, Any]:
        """`value`, which must be an object with texts for names."""
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.wrong(f"{what} is not an object of names and values", place, "name: value")
        return value

    def convert(self, value: Mapping[str, Any], kind: type[Any], place: str = "") -> Any:
        """`value` as a struct. `place` is where it stands, such as `.tests[0]`."""
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            message = str(error)
            found = _PLACE.search(message)
            message = _PLACE.sub("", message).removesuffix(" - at ")
            path = place + (found[1] if found else "")
            unknown = re.search(r"unknown field `(.+)`", message)
            at = f"${path}.{unknown[1]}" if unknown else f"${path}"
            known = ", ".join(_names(kind, found[1] if found else "")) if unknown else ""
            raise self.wrong(message, at, f"one of {known}" if known else "") from None

    def wrong(self, message: str, place: str, expected: str) -> ScenarioInvalid:
        """The error of what stands at `place`."""
        line = self._line(place)
        where = place.removeprefix("$").removeprefix(".") or "tests"
        text = f"line {line}: {message}" if line else message
        return ScenarioInvalid(text, field=where, expected=expected or None)

    def _line(self, place: str) -> int:
        """The line of a path such as `$.tests[0].expect`, or of as much of it as there is."""
        node: Any = self._node
        line: int = 0
        for name, index in _STEP.findall(place):
            if node is None:
                break
            line = node.start_mark.line + 1
            if index and isinstance(node.value, list) and int(index) < len(node.value):
                node = node.value[int(index)]
            elif name and isinstance(node.value, list):
                pairs = [each for each in node.value if isinstance(each, tuple)]
                found = [(key, value) for key, value in pairs if key.value == name]
                if not found:
                    return line
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            else:
                return line
        return max(line, node.start_mark.line + 1 if node is not None and not place[1:] else 0)


def _names(kind: type[Any], path: str) -> tuple[str, ...]:
    """The names that may stand at a path within a struct; none where that depends."""
    for name, _ in _STEP.findall(path):
        found = next((f for f in msgspec.structs.fields(kind) if f.encode_name == name), None)
        if found is None:
            return ()
        kinds = (found.type, *get_args(found.type))
        structs = [each for each in kinds if isinstance(each, type(msgspec.Struct))]
        if len(structs) != 1:
            return ()
        kind = structs[0]
    return tuple(field.encode_name for field in msgspec.structs.fields(kind))


def _loader() -> Any:
    """A loader for which `yes`, `010` and `12:30` are texts, as whoever writes them means."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag not in _PLAIN]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    for tag, pattern in _PLAIN.items():
        whole = re.compile(f"(?:{pattern.pattern})$", re.ASCII)
        Loader.add_implicit_resolver(tag, whole, list("-0123456789tTfF"))
    return Loader
