"""Resource maps as files: what a team keeps beside its flows, one for each installation.

    [queue]
    "BasicQueue" = "Fraud analysts"

    [function]
    "arn:aws:lambda:eu-west-2:123456789012:function:block-card" = "block-credit-card"

The sections are the kinds of things that can be bound. JSON of the same shape is read too.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from ringfence.contacts.bindings import BINDABLE, Binding, put_binding
from ringfence.errors import InvalidInput

LARGEST_BYTES = 1_048_576
_MOST_PROBLEMS = 10


def read_resource_map(text: str) -> dict[str, dict[str, str]]:
    """The map in a TOML or JSON text: by kind, what each reference means.

    Raises `InvalidInput` saying what is wrong where.
    """
    if len(text.encode(errors="replace")) > LARGEST_BYTES:
        raise InvalidInput(
            "the resource map is too large", field="map", expected=f"at most {LARGEST_BYTES} bytes"
        )
    content = _parsed(text.removeprefix("\ufeff"))
    sections = {}
    for kind, section in content.items():
        if kind not in BINDABLE:
            raise InvalidInput(
                f"{kind!r} cannot be bound",
                field="map",
                expected="sections " + ", ".join(f"[{_key(each)}]" for each in BINDABLE),
            )
        if not isinstance(section, Mapping):
            raise InvalidInput("is no section", field=kind, expected=f"[{_key(kind)}] and lines")
        for reference, target in section.items():
            if not isinstance(target, str):
                raise InvalidInput(
                    "does not say what it means here",
                    field=f"{kind}.{reference}",
                    expected="an id or a name, in quotes",
                )
        sections[kind] = dict(section)
    return sections


def load_resource_map(connection: Connection, instance_id: str, text: str) -> list[Binding]:
    """Bind everything that a map says; what else is bound stays. All of it or, where anything is
    wrong, nothing: then `InvalidInput` lists what that is, and the caller's transaction ends."""
    problems, done = [], []
    for kind, section in read_resource_map(text).items():
        for reference, target in section.items():
            try:
                done.append(put_binding(connection, instance_id, kind, reference, target))
            except InvalidInput as problem:
                problems.append((f"{kind} {reference!r}", problem))
    if len(problems) == 1:
        where, only = problems[0]
        raise InvalidInput(only.message, field=where, expected=only.expected)
    if problems:
        listed = "; ".join(f"{where}: {one.message}" for where, one in problems[:_MOST_PROBLEMS])
        more = len(problems) - _MOST_PROBLEMS
        raise InvalidInput(
            f"{listed}; and {more} more" if more > 0 else listed,
            field="map",
            expected="things that are here",
        )
    return done


def write_resource_map(bindings: Iterable[Binding]) -> str:
    """The map as TOML, which `load_resource_map` reads."""
    sections: dict[str, list[Binding]] = {}
    for binding in bindings:
        sections.setdefault(binding.kind, []).append(binding)
    return "\n".join(
        f"[{_key(kind)}]\n"
        + "".join(f"{_quoted(each.reference)} = {_quoted(each.target)}\n" for each in section)
        for kind, section in sorted(sections.items())
    )


def _parsed(text: str) -> Mapping[str, object]:
    try:
        if text.lstrip().startswith("{"):
            content = json.loads(text)
            assert isinstance(content, dict)
            return content
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the resource map cannot be read: {error}", field="map", expected="TOML or JSON"
        ) from None


def _key(kind: str) -> str:
    return kind if kind.isalnum() else f'"{kind}"'


def _quoted(text: str) -> str:
    # A basic string of TOML takes every escape of JSON's, but no surrogates.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
