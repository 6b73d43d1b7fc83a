"""The functions that are registered: stored, read, replaced, taken away.

Whether a flow names one is not known here, nor whether it works.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.access import Sealer
from ringfence.errors import InvalidInput, NotFound
from ringfence.functions import tables
from ringfence.functions.definitions import Definition, Function, HttpFunction, check_name


class _Secrets(msgspec.Struct, frozen=True):
    """What is kept sealed of an endpoint."""

    secret: str | None = None
    headers: dict[str, str] = {}


def put_function(
    connection: Connection,
    sealer: Sealer,
    name: str,
    definition: Definition,
    *,
    by: str,
    at: datetime,
) -> Function:
    """Register a function, or replace the one of that name; as it may be shown.

    A replaced Python function is loaded anew, also when nothing but its file has changed. Raises
    `InvalidInput` naming what does not fit, `Unavailable` when stored secrets cannot be read.
    """
    check_name(name)
    definition.check()
    table = tables.functions
    stored = connection.execute(select(table).where(table.c.name == name)).first()
    shown: Definition = definition
    sealed: bytes | None = None
    if isinstance(definition, HttpFunction):
        secrets = _merged(definition, stored, sealer, name)
        shown = _shown(definition, secrets)
        if secrets != _Secrets():
            sealed = sealer.seal_text(_purpose(name), msgspec.json.encode(secrets).decode())
    values = {"definition": shown, "secrets": sealed, "updated_at": at, "updated_by": by[:128]}
    if stored is None:
        connection.execute(insert(table).values(name=name, **values))
    else:
        connection.execute(update(table).where(table.c.name == name).values(**values))
    return Function(name=name, definition=shown, updated_at=at, updated_by=by[:128])


def list_functions(connection: Connection) -> list[Function]:
    """All functions by name, without secrets."""
    table = tables.functions
    return [_function(row) for row in connection.execute(select(table).order_by(table.c.name))]


def get_function(connection: Connection, name: str) -> Function:
    """A function, without secrets. Raises `NotFound`."""
    return _function(_row(connection, name))


def load_function(connection: Connection, sealer: Sealer, name: str) -> Function:
    """A function with its secrets, for whoever invokes it; not to be shown.

    Raises `NotFound`, `Unavailable` when its secrets cannot be read.
    """
    row = _row(connection, name)
    function = _function(row)
    if not isinstance(function.definition, HttpFunction) or row.secrets is None:
        return function
    secrets = _opened(row, sealer, name)
    whole = msgspec.structs.replace(
        function.definition, secret=secrets.secret, headers=dict(secrets.headers)
    )
    return msgspec.structs.replace(function, definition=whole)


def delete_function(connection: Connection, name: str) -> None:
    """Take a function away. Raises `NotFound`."""
    table = tables.functions
    if connection.execute(delete(table).where(table.c.name == name)).rowcount == 0:
        raise _unknown(name)


def _merged(
    definition: HttpFunction, stored: Row[Any] | None, sealer: Sealer, name: str
) -> _Secrets:
    """The secrets that are given, and for those that are null the stored ones."""
    kept = _Secrets()
    if stored is not None and stored.secrets is not None:
        before = _function(stored).definition
        # Otherwise who may not see a secret could have it sent to a server of theirs.
        if isinstance(before, HttpFunction) and _origin(before.url) == _origin(definition.url):
            kept = _opened(stored, sealer, name)
    headers = {}
    for header, value in definition.headers.items():
        found = kept.headers.get(header) if value is None else value
        if found is None:
            raise _without_value(f"headers.{header}")
        headers[header] = found
    secret = definition.secret
    if secret is None and definition.signed:
        secret = kept.secret
        if secret is None:
            raise _without_value("secret")
    return _Secrets(secret, headers)


def _shown(definition: HttpFunction, secrets: _Secrets) -> HttpFunction:
    return msgspec.structs.replace(
        definition,
        headers=dict.fromkeys(definition.headers),
        secret=None,
        signed=secrets.secret is not None,
    )


def _opened(row: Row[Any], sealer: Sealer, name: str) -> _Secrets:
    text = sealer.open_text(_purpose(name), row.secrets)
    return msgspec.json.decode(text, type=_Secrets)


def _without_value(field: str) -> InvalidInput:
    return InvalidInput("has no value, or has it for another server", field=field, expected="one")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _row(connection: Connection, name: str) -> Row[Any]:
    table = tables.functions
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None:
        raise _unknown(name)
    return row


def _function(row: Row[Any]) -> Function:
    return Function(
        name=row.name,
        definition=msgspec.convert(row.definition, Definition),
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )


def _purpose(name: str) -> str:
    return f"function {name}"


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no function {name!r}", field="function")
