"""The lines that an operator has configured: each kind read, checked and opened in one place.

A table of settings names its `kind`; a kind is a package here with a module `opening`, whose
`open_line` reads the rest. What is secret in it may be written as `env:NAME` or `file:/path`.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ringfence.errors import InvalidInput
from ringfence.lines.line import Line
from ringfence.lines.speech import Synthesizer
from ringfence.lines.switch import Switch

KINDS = ("sip", "amazon_connect", "twilio")
TAKEN = frozenset({"browser", "terminal"})

E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_Table = TypeVar("_Table", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every line may use: `public_url` is where this server is reached from outside, `switch`
    how callers are put through to the telephones of other lines."""

    synthesizer: Synthesizer
    data_dir: Path
    public_url: str | None = None
    switch: Switch = field(default_factory=Switch)


@asynccontextmanager
async def open_lines(
    tables: Mapping[str, Mapping[str, Any]], surroundings: Surroundings
) -> AsyncIterator[dict[str, Line]]:
    """All lines of the settings by name. Raises as `open_line` does; then none stays open."""
    async with AsyncExitStack() as opened:
        yield {
            name: await opened.enter_async_context(open_line(name, table, surroundings))
            for name, table in tables.items()
        }


def open_line(
    name: str, table: Mapping[str, Any], surroundings: Surroundings
) -> AbstractAsyncContextManager[Line]:
    """The line of a table of settings; it is open within the context.

    Raises `InvalidInput` naming the field, such as `lines.trunk.registrar`, and `Unavailable`
    where what the kind needs is not installed.
    """
    if not _NAME.fullmatch(name) or name in TAKEN:
        raise InvalidInput(
            f"{name!r} is no name for a line",
            field=f"lines.{name}",
            expected="1 to 32 of a-z 0-9 _ -, not browser or terminal",
        )
    kind = table.get("kind")
    if kind not in KINDS:
        raise InvalidInput(
            "unknown" if kind else "missing",
            field=f"lines.{name}.kind",
            expected="one of " + ", ".join(KINDS),
        )
    opening = import_module(f"ringfence.lines.{kind}.opening")
    opened: AbstractAsyncContextManager[Line] = opening.open_line(
        name, {key: value for key, value in table.items() if key != "kind"}, surroundings
    )
    return opened


def read_table(name: str, table: Mapping[str, Any], type_: type[_Table]) -> _Table:
    """A line's table of settings as its kind declares it. Raises `InvalidInput`."""
    try:
        return msgspec.convert(table, type_, strict=False)
    except msgspec.ValidationError as error:
        found = _PATH.match(str(error))
        assert found is not None
        path = re.sub(r"\[(\d+)\]", r".\1", found["path"] or "")
        field = f"lines.{name}.{path}" if path else f"lines.{name}"
        raise InvalidInput(found["problem"], field=field) from None


def within(place: str, error: InvalidInput) -> InvalidInput:
    """The same error, of a field that is within `place`, such as `lines.trunk`."""
    return InvalidInput(error.message, field=f"{place}.{error.field}", expected=error.expected)


def secret(value: str, field: str) -> str:
    """What a secret setting says: itself, or what the variable or the file that it names holds.

    Raises `InvalidInput` naming `field`, never with the secret.
    """
    where, _, what = value.partition(":")
    if where == "env" and what:
        if what not in os.environ:
            raise InvalidInput(f"the variable {what} is not set", field=field)
        return os.environ[what]
    if where == "file" and what:
        try:
            return Path(what).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InvalidInput(f"{what} cannot be read: {error.strerror}", field=field) from None
    return value
