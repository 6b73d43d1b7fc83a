"""The OpenAPI document, made from the declared operations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ringfence import __version__
from ringfence.web.api import JSON, Operation
from ringfence.web.problems import ProblemReply

_PATH_PARAMETER = re.compile(r"\{(\w+)\}")
_PROBLEMS = {
    "400": "The body is not JSON.",
    "401": "No valid API key or session.",
    "403": "The caller lacks the scope.",
    "404": "What was named does not exist.",
    "409": "What was asked contradicts what is stored.",
    "413": "The body or a value is too large.",
    "422": "A field does not fit; the reply names it.",
    "503": "Overloaded or shutting down; try again.",
}


def openapi_document(operations: Sequence[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 for the given operations."""
    types = [ProblemReply]
    for operation in operations:
        types += [t for t in (operation.body, operation.query, operation.reply) if t is not None]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(
            operation, schema_of, components
        )
    bodies = [schema_of[repr(o.body)] for o in operations if o.body is not None]
    for name in _named_by(bodies, components):
        if "properties" in components[name]:
            components[name]["additionalProperties"] = False
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringfence",
            "version": __version__,
            "description": "Score a card payment, ring the cardholder, act on the answer.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _describe(
    operation: Operation, schema_of: dict[str, Any], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": operation.summary,
        "tags": [operation.tag],
        "description": f"Needs the scope `{operation.scope}`."
        if operation.scope
        else "For every caller with a key or a session.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PATH_PARAMETER.findall(operation.path)
        ],
        "responses": {
            str(operation.status): {
                "description": "Done.",
                **_content(operation.reply, schema_of, operation.media_type),
            },
            **{
                code: {"description": text, **_content(ProblemReply, schema_of)}
                for code, text in _PROBLEMS.items()
            },
        },
    }
    if operation.query is not None:
        schema = schema_of[repr(operation.query)]
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
        for name, of_field in schema["properties"].items():
            described["parameters"].append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in schema.get("required", []),
                    "schema": of_field,
                }
            )
    if operation.body is not None:
        described["requestBody"] = {"required": True, **_content(operation.body, schema_of)}
    return described


def _named_by(part: object, components: Mapping[str, Any]) -> set[str]:
    """The components that a part of the document refers to, and those that these refer to."""
    named: set[str] = set()
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rsplit("/", 1)[-1]
            if name and name not in named:
                named.add(name)
                waiting.append(components[name])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return named


def _content(of_type: Any, schema_of: dict[str, Any], media_type: str = JSON) -> dict[str, Any]:
    if of_type is None:
        return {}
    if media_type != JSON:
        return {"content": {media_type: {}}}
    return {"content": {JSON: {"schema": schema_of[repr(of_type)]}}}
