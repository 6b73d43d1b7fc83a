"""Requests and answers of AWS's REST-JSON protocol: members in the address, in headers, in bodies.

The facts are those of the protocol's specification ("AWS restJson1 protocol", Smithy) and of
botocore's parsers. Times are seconds since 1970 in bodies.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ringfence.aws.wire.errors import SerializationError
from ringfence.aws.wire.operations import Answer, without_none
from ringfence.aws.wire.reading import read_document, read_members
from ringfence.aws.wire.rest_routes import Route
from ringfence.aws.wire.shapes import operation_model

Headers = Sequence[tuple[bytes, bytes]]

_TRUTH = {"true": True, "false": False}
_JSON = (b"content-type", b"application/json")


def read_request(
    service: str, route: Route, query: bytes, headers: Headers, body: bytes
) -> dict[str, Any]:
    """The members of a request. Raises as `read_input`."""
    model = operation_model(service, route.operation)
    shape = model.input_shape if model is not None else None
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    document: dict[str, Any] = {}
    if payload is None:
        given = read_document(body)
        if not isinstance(given, dict):
            raise SerializationError("the body is not a structure")
        document = given
    elif shape.members[payload].type_name == "blob":
        document[payload] = body or None
    else:
        document[payload] = read_document(body)
    located = _Located(route, query, headers)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location is not None:
            wire_name = member.serialization.get("name", name)
            document[name] = located.value(location, wire_name, name, member)
    return read_members(service, route.operation, document)


def write_answer(service: str, operation: str, output: Mapping[str, Any]) -> Answer:
    """The answer that these members of the output are."""
    model = operation_model(service, operation)
    shape = model.output_shape if model is not None else None
    status = int(model.http.get("responseCode", 200)) if model is not None else 200
    members = shape.members if shape is not None else {}
    payload = shape.serialization.get("payload") if shape is not None else None
    headers: list[tuple[bytes, bytes]] = []
    document: dict[str, Any] = {}
    for name, value in output.items():
        member = members.get(name)
        location = member.serialization.get("location") if member is not None else None
        if value is None:
            continue
        if location == "statusCode":
            status = int(value)
        elif location == "header" and member is not None:
            header = member.serialization.get("name", name).lower()
            headers.append((header.encode(), str(value).encode("latin-1", "replace")))
        elif name != payload:
            document[name] = value
    if payload is None:
        body = msgspec.json.encode(wire_value(document))
        return Answer(status, body, headers=(_JSON, *headers))
    content = output.get(payload)
    if isinstance(content, bytes):
        return Answer(status, content, headers=(_JSON, *headers))
    body = b"" if content is None else msgspec.json.encode(wire_value(content))
    return Answer(status, body, headers=(_JSON, *headers))


def wire_value(value: Any) -> Any:
    """A value as a body has it, without what is None."""
    return _wire(without_none(value))


def _wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _wire(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_wire(one) for one in value]
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


class _Located:
    """What stands outside of the body."""

    def __init__(self, route: Route, query: bytes, headers: Headers):
        self._labels = route.labels
        self._query = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}

    def value(self, location: str, wire_name: str, name: str, shape: Any) -> Any:
        """The value of a member, of the type that the model says; None without one."""
        if location == "uri":
            return _typed(self._labels.get(wire_name), shape, name)
        if location == "header":
            return _typed(self._headers.get(wire_name.lower()), shape, name)
        if location == "headers":
            prefix = wire_name.lower()
            return {
                header[len(prefix) :]: value
                for header, value in self._headers.items()
                if header.startswith(prefix)
            }
        if shape.type_name == "map":
            return dict(self._query)
        values = [value for key, value in self._query if key == wire_name]
        if shape.type_name == "list":
            return [_typed(value, shape.member, name) for value in values] or None
        return _typed(values[-1], shape, name) if values else None


def _typed(text: str | None, shape: Any, name: str) -> Any:
    if text is None:
        return None
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return _TRUTH[text.lower()]
    except (ValueError, KeyError):
        raise SerializationError(f"'{name}' is not of type {kind}") from None
    return text
