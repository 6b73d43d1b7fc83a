"""Reading a request: JSON into the members of an operation, checked against AWS's own model.

Each shape becomes a function once. Errors come in the words in which AWS's services say them, all
of a request at once. Values keep their wire form: texts, numbers, lists, maps; blobs become bytes.
Members that the model does not know are left out, as AWS does, and so is a member that is null.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ringfence.aws.wire.errors import SerializationError, ValidationError
from ringfence.aws.wire.shapes import operation_model

if TYPE_CHECKING:
    from botocore.model import Shape

# What was found wrong with a request, in the words of AWS.
Problems: TypeAlias = list[str]
# The value of a shape, at a path in the request, with what is wrong there.
Read: TypeAlias = Callable[[Any, str, Problems], Any]
Check: TypeAlias = Callable[[Any], str | None]

# Java's classes of characters, as the published patterns have them, in Python's words. Of the class
# C only controls are meant here: letters of some scripts are joined by others of it.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{Z}": r"\s",
    r"\p{N}": r"\d",
    r"\p{C}": r"\x00-\x1f\x7f-\x9f",
    r"[\P{C}": "[ -~\xa0-\U0010ffff",
    r"\P{C}": "[ -~\xa0-\U0010ffff]",
}
_SHOWN_CHARACTERS = 128
_MOST_PROBLEMS = 20
# Maps where a null says that the value is missing, which is not the same as no key: the model does
# not tell them from those that just have no nulls.
_WITH_NULLS = frozenset({"EventVariableMap"})


def read_input(service: str, operation: str, body: bytes) -> dict[str, Any]:
    """The members of a request.

    Raises `SerializationError` for what is not JSON or of another type than the model says, and
    `ValidationError` with everything that breaks a constraint.
    """
    return read_members(service, operation, read_document(body))


def read_document(body: bytes) -> Any:
    """The JSON in a body, an empty object in an empty one. Raises `SerializationError`."""
    try:
        return msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SerializationError("the body is not JSON") from None


def read_members(service: str, operation: str, document: Any) -> dict[str, Any]:
    """The members of a request whose members are put together in `document`; as `read_input`."""
    problems: Problems = []
    try:
        members: dict[str, Any] = _input_reader(service, operation)(document, "", problems)
    except RecursionError:
        raise SerializationError("the body is nested too deeply") from None
    if problems:
        noun = "error" if len(problems) == 1 else "errors"
        shown = "; ".join(problems[:_MOST_PROBLEMS])
        raise ValidationError(f"{len(problems)} validation {noun} detected: {shown}")
    return members


@cache
def _input_reader(service: str, operation: str) -> Read:
    model = operation_model(service, operation)
    if model is None or model.input_shape is None:
        return lambda _value, _path, _problems: {}
    return _reader(model.input_shape, sensitive=False)


def _reader(shape: Shape, *, sensitive: bool) -> Read:
    sensitive = sensitive or bool(shape.metadata.get("sensitive"))
    return _MAKERS[shape.type_name](shape, sensitive)


def _structure(shape: Any, sensitive: bool) -> Read:
    required = frozenset(shape.required_members)
    shapes = shape.members
    readers: dict[str, Read] = {}

    def reader_of(name: str) -> Read:
        # Made when it is needed: some structures hold themselves.
        found = readers.get(name)
        if found is None:
            found = readers[name] = _reader(shapes[name], sensitive=sensitive)
        return found

    def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _unlike("a structure", path)
        members: dict[str, Any] = {}
        for name in shapes:
            given = value.get(name)
            where = f"{path}.{name}" if path else name
            if given is not None:
                members[name] = reader_of(name)(given, where, problems)
            elif name in required:
                problems.append(_broken(None, where, "Member must not be null"))
        return members

    return read


def _list(shape: Any, sensitive: bool) -> Read:
    item = _reader(shape.member, sensitive=sensitive)
    size = _size_check(shape)

    def read(value: Any, path: str, problems: Problems) -> list[Any]:
        if not isinstance(value, list):
            raise _unlike("a list", path)
        wanted = size(value)
        if wanted:
            problems.append(_broken(value, path, wanted, shown=not sensitive))
        return [
            item(one, f"{path}.{number}.member", problems)
            for number, one in enumerate(value, start=1)
            if one is not None
        ]

    return read


def _map(shape: Any, sensitive: bool) -> Read:
    key = _reader(shape.key, sensitive=sensitive)
    item = _reader(shape.value, sensitive=sensitive)
    size = _size_check(shape)
    nulls = shape.name in _WITH_NULLS

    def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _unlike("a map", path)
        wanted = size(value)
        if wanted:
            problems.append(_broken(value, path, wanted, shown=not sensitive))
        found: dict[str, Any] = {}
        for name, one in value.items():
            where = f"{path}.{name[:_SHOWN_CHARACTERS]}"
            key(name, f"{where}.key", problems)
            if one is not None:
                found[name] = item(one, f"{where}.value", problems)
            elif nulls:
                found[name] = None
        return found

    return read


def _string(shape: Any, sensitive: bool) -> Read:
    checks: list[Check] = [_unicode_check, _size_check(shape)]
    if shape.enum:
        checks.append(_enum_check(frozenset(shape.enum), ", ".join(shape.enum)))
    if "pattern" in shape.metadata:
        checks.append(_pattern_check(shape.metadata["pattern"]))

    def read(value: Any, path: str, problems: Problems) -> str:
        if not isinstance(value, str):
            raise _unlike("a string", path)
        for check in checks:
            wanted = check(value)
            if wanted:
                problems.append(_broken(value, path, wanted, shown=not sensitive))
        return value

    return read


def _integer(shape: Any, _sensitive: bool) -> Read:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def read(value: Any, path: str, problems: Problems) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _unlike("an integer", path)
        if low is not None and value < low:
            wanted = f"Member must have value greater than or equal to {low}"
            problems.append(_broken(value, path, wanted))
        if high is not None and value > high:
            wanted = f"Member must have value less than or equal to {high}"
            problems.append(_broken(value, path, wanted))
        return value

    return read


def _boolean(_shape: Any, _sensitive: bool) -> Read:
    def read(value: Any, path: str, _problems: Problems) -> bool:
        if not isinstance(value, bool):
            raise _unlike("a boolean", path)
        return value

    return read


def _float(_shape: Any, _sensitive: bool) -> Read:
    def read(value: Any, path: str, _problems: Problems) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _unlike("a number", path)
        return float(value)

    return read


def _timestamp(_shape: Any, _sensitive: bool) -> Read:
    def read(value: Any, path: str, _problems: Problems) -> datetime:
        try:
            if isinstance(value, str):
                at = datetime.fromisoformat(value)
                return at if at.tzinfo else at.replace(tzinfo=UTC)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise _unlike("a timestamp", path)

    return read


def _blob(_shape: Any, _sensitive: bool) -> Read:
    def read(value: Any, path: str, _problems: Problems) -> bytes:
        if isinstance(value, bytes):
            return value  # the body itself
        if not isinstance(value, str):
            raise _unlike("a blob", path)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise _unlike("base64", path) from None

    return read


_MAKERS: dict[str, Callable[[Any, bool], Read]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}


def _size_check(shape: Shape) -> Check:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any) -> str | None:
        size = len(value)
        if low is not None and size < low:
            return f"Member must have length greater than or equal to {low}"
        if high is not None and size > high:
            return f"Member must have length less than or equal to {high}"
        return None

    return check


def _enum_check(values: frozenset[str], shown: str) -> Check:
    def check(value: Any) -> str | None:
        return None if value in values else f"Member must satisfy enum value set: [{shown}]"

    return check


def _pattern_check(pattern: str) -> Check:
    # Amazon Connect publishes some with their backslashes doubled, which no telephone number would
    # match; none means a backslash.
    in_python = pattern = pattern.replace("\\\\", "\\")
    for java, python in _JAVA_CLASSES.items():
        in_python = in_python.replace(java, python)
    # Without alternatives of its own, `^a|b$` would be taken apart by the match of the whole.
    compiled = re.compile(f"(?:{in_python})", re.DOTALL)

    def check(value: Any) -> str | None:
        if compiled.fullmatch(value):
            return None
        return f"Member must satisfy regular expression pattern: {pattern}"

    return check


def _unicode_check(value: Any) -> str | None:
    if value.isascii():
        return "Member must not hold a NUL character" if "\0" in value else None
    try:
        value.encode()
    except UnicodeEncodeError:
        return "Member must be Unicode text"
    return "Member must not hold a NUL character" if "\0" in value else None


def _broken(value: Any, path: str, wanted: str, *, shown: bool = True) -> str:
    what = f"Value '{str(value)[:_SHOWN_CHARACTERS]}' at" if shown else "Value at"
    if value is None:
        what = "Value null at"
    return f"{what} '{path}' failed to satisfy constraint: {wanted}"


def _unlike(kind: str, path: str) -> SerializationError:
    return SerializationError(f"'{path}' is not {kind}" if path else f"the body is not {kind}")
