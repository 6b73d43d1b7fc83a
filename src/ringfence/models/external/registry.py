"""The external models that are known: stored, read, replaced, taken away.

Whether a detector uses one is not known here; `detectors.external` asks before it lets one change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.errors import InvalidInput, NotFound, TooLarge
from ringfence.events.definitions import get_event_type
from ringfence.events.revisions import raise_revision
from ringfence.events.variables import DataType
from ringfence.models import tables
from ringfence.models.external.definitions import (
    Association,
    ExternalKind,
    ExternalModel,
)
from ringfence.models.external.networks import Network
from ringfence.storage import now

MAX_FILE_BYTES = 100 * 1024 * 1024


def put_external_model(
    connection: Connection, model: ExternalModel, content: bytes | None = None
) -> ExternalModel:
    """Create or replace an external model; as it is stored, without the values of its headers.

    `content` is the file of an ONNX model; None keeps the file that is stored. The file is loaded
    and run once. A header whose value is None keeps the value that is stored.

    Raises `InvalidInput` naming what does not fit, `NotFound` for an unknown event type,
    `TooLarge`, `Unavailable` when ONNX Runtime is needed and not installed.
    """
    event_type = get_event_type(connection, model.event_type) if model.event_type else None
    model = model.completed()
    model.check(event_type)
    _check_names(connection, model)
    stored = _row(connection, model.name)
    if model.kind is ExternalKind.ONNX:
        if content is None:
            content = None if stored is None else stored.content
        if content is None:
            raise InvalidInput("missing", field="content", expected="the file of the ONNX model")
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge(
                "the file is too large",
                field="content",
                expected=f"at most {MAX_FILE_BYTES // 1024**2} MiB",
            )
        known = () if event_type is None else event_type.variables
        types = {variable.name: variable.data_type for variable in known}
        Network(model, content, types).try_out()
    elif content is not None:
        raise InvalidInput("an endpoint has no file", field="content", expected="null")
    secrets = _secrets(model, None if stored is None else stored)
    at = now()
    model = msgspec.structs.replace(
        without_secrets(model),
        sha256=None if content is None else hashlib.sha256(content).hexdigest(),
        size_bytes=None if content is None else len(content),
        created_at=at if stored is None else stored.created_at,
        updated_at=at,
    )
    values = {
        "event_type": model.event_type,
        "definition": model,
        "secrets": secrets or None,
        "content": content,
        "created_at": model.created_at,
        "updated_at": at,
    }
    table = tables.external_models
    if stored is None:
        connection.execute(insert(table).values(name=model.name, **values))
    else:
        connection.execute(update(table).where(table.c.name == model.name).values(**values))
    raise_revision(connection)
    return model


def associate(connection: Connection, name: str, association: Association) -> ExternalModel:
    """Note what a client of Fraud Detector says of a model that is defined already, and leave the
    rest as it is. Raises `NotFound`."""
    model = msgspec.structs.replace(
        get_external_model(connection, name), association=association, updated_at=now()
    )
    table = tables.external_models
    connection.execute(
        update(table)
        .where(table.c.name == name)
        .values(definition=model, updated_at=model.updated_at)
    )
    raise_revision(connection)
    return model


def list_external_models(connection: Connection) -> list[ExternalModel]:
    """All external models by name, without the values of their headers."""
    table = tables.external_models
    rows = connection.execute(select(table.c.definition).order_by(table.c.name))
    return [msgspec.convert(row.definition, ExternalModel) for row in rows]


def get_external_model(connection: Connection, name: str) -> ExternalModel:
    """An external model, without the values of its headers. Raises `NotFound`."""
    table = tables.external_models
    definition = connection.execute(select(table.c.definition).where(table.c.name == name)).scalar()
    if definition is None:
        raise _unknown(name)
    return msgspec.convert(definition, ExternalModel)


def delete_external_model(connection: Connection, name: str) -> None:
    """Take an external model away. Raises `NotFound`."""
    table = tables.external_models
    if connection.execute(delete(table).where(table.c.name == name)).rowcount == 0:
        raise _unknown(name)
    raise_revision(connection)


def load_external_model(connection: Connection, name: str) -> ExternalModel:
    """An external model with the values of its headers, for whoever asks it; not to be shown.

    Raises `NotFound`.
    """
    table = tables.external_models
    row = connection.execute(
        select(table.c.definition, table.c.secrets).where(table.c.name == name)
    ).first()
    if row is None:
        raise _unknown(name)
    model = msgspec.convert(row.definition, ExternalModel)
    if model.endpoint is None or not row.secrets:
        return model
    return msgspec.structs.replace(
        model, endpoint=msgspec.structs.replace(model.endpoint, headers=row.secrets)
    )


def load_network(connection: Connection, name: str) -> Network:
    """An ONNX model, ready to be asked. Raises `NotFound`, `Unavailable`."""
    row = _row(connection, name)
    if row is None:
        raise _unknown(name)
    event_type = get_event_type(connection, row.event_type)
    return Network(
        msgspec.convert(row.definition, ExternalModel),
        row.content,
        {variable.name: variable.data_type for variable in event_type.variables},
    )


def without_secrets(model: ExternalModel) -> ExternalModel:
    """The model as it may be shown: its headers have names alone."""
    if model.endpoint is None:
        return model
    shown: dict[str, str | None] = dict.fromkeys(model.endpoint.headers)
    return msgspec.structs.replace(
        model, endpoint=msgspec.structs.replace(model.endpoint, headers=shown)
    )


def _check_names(connection: Connection, model: ExternalModel) -> None:
    """One variable, one meaning: no other external model of this event type may give it."""
    for other in list_external_models(connection):
        apart = not other.is_for(model.event_type) and not model.is_for(other.event_type)
        if other.name == model.name or apart:
            continue
        taken = set(other.variables).intersection(model.variables)
        if taken:
            raise InvalidInput(
                f"external model {other.name!r} gives {', '.join(sorted(taken))} already",
                field="outputs",
                expected="other names",
            )


def _secrets(model: ExternalModel, stored: Row[tuple[object, ...]] | None) -> dict[str, str]:
    if model.endpoint is None:
        return {}
    kept: dict[str, str] = {}
    if stored is not None:
        before = msgspec.convert(stored.definition, ExternalModel).endpoint
        # Otherwise who may not see a secret could have it sent to a server of theirs.
        if before is not None and _origin(before.url) == _origin(model.endpoint.url):
            kept = stored.secrets or {}
    secrets: dict[str, str] = {}
    for name, value in model.endpoint.headers.items():
        secret = kept.get(name) if value is None else value
        if secret is None:
            raise InvalidInput(
                "has no value, or has it for another server",
                field=f"endpoint.headers.{name}",
                expected="a value",
            )
        secrets[name] = secret
    return secrets


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _row(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
    table = tables.external_models
    return connection.execute(select(table).where(table.c.name == name)).first()


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no external model {name!r}", field="external_model")


def variables_of(models: Iterable[ExternalModel]) -> dict[str, DataType]:
    """What rules may name of these models."""
    return {variable: DataType.FLOAT for model in models for variable in model.variables}
