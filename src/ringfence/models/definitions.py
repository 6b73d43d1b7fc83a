"""Models and their versions: what has been trained and can be used to decide.

A model belongs to an event type. A version is one training of it: immutable, with what it scores
with (the artifact) and what there is to know about it (facts, metrics, messages).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.events.definitions import get_event_type
from ringfence.events.names import NAME_PATTERN
from ringfence.events.revisions import raise_revision
from ringfence.events.variables import VariableType
from ringfence.models import tables
from ringfence.models.artifact import Artifact, pack, unpack
from ringfence.models.baseline import Baseline
from ringfence.models.messages import Message
from ringfence.models.metrics import Metrics
from ringfence.models.numbering import next_major, parts_of
from ringfence.models.trials import Recipe, Tuning
from ringfence.storage import now

if TYPE_CHECKING:
    from ringfence.models.training import Trained


class ModelType(StrEnum):
    """Kinds of models, in Amazon Fraud Detector's words."""

    ONLINE_FRAUD_INSIGHTS = "ONLINE_FRAUD_INSIGHTS"
    TRANSACTION_FRAUD_INSIGHTS = "TRANSACTION_FRAUD_INSIGHTS"
    ACCOUNT_TAKEOVER_INSIGHTS = "ACCOUNT_TAKEOVER_INSIGHTS"


_TRAINABLE = tuple(ModelType)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model scores events of one type. Its versions are trained on data of that type."""

    model_id: str
    event_type: str
    model_type: ModelType = ModelType.ONLINE_FRAUD_INSIGHTS
    description: str = ""
    created_at: datetime
    updated_at: datetime | None = None


class UsedVariable(msgspec.Struct, frozen=True):
    """A variable that a version was trained on."""

    name: str
    variable_type: VariableType


class Importance(msgspec.Struct, frozen=True):
    """How much a variable matters: its share of all the loss that the trees took away, 0 to 1."""

    variable: str
    variable_type: str
    share: float


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a version was made of: enough to make it again.

    `sha256` is of the file as it stands, or of the rows in their order for a source that is not a
    local file (`sha256_of` is `file` or `rows`). `parameters` are LightGBM's, `best_iteration` is
    how many trees were grown with them.

    `training_rows` are those that the measured model learned from, `held_out_rows` those that it
    was measured on, and `final_rows` all that the version itself learned from (0: the same as the
    measured one). `crossed`: there were so few frauds that every row was held out in turn. With
    `recipe` and `seed` the same data make the same version; `tuning` is how the recipe was found.
    """

    source: str
    sha256: str
    sha256_of: str
    rows: int
    frauds: int
    first_at: datetime
    last_at: datetime
    training_rows: int
    held_out_rows: int
    variables: tuple[UsedVariable, ...]
    seed: int
    parameters: dict[str, str | float | int | bool]
    best_iteration: int
    library_versions: dict[str, str]
    duration_seconds: float
    final_rows: int = 0
    crossed: bool = False
    recipe: Recipe | None = None
    tuning: Tuning | None = None


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One trained version: `1.0`, `2.0`, or `1.01` for one trained again. It never changes."""

    model_id: str
    version: str
    facts: Facts
    metrics: Metrics
    importance: tuple[Importance, ...]
    messages: tuple[Message, ...]
    created_at: datetime


def output_variable(model_id: str) -> str:
    """The name by which rules refer to a model's score."""
    return f"{model_id}_insightscore"


def create_model(
    connection: Connection,
    model_id: str,
    event_type: str,
    *,
    model_type: ModelType | str = ModelType.ONLINE_FRAUD_INSIGHTS,
    description: str = "",
) -> Model:
    """A new model without a version.

    Raises `InvalidInput` for a malformed id or a type that cannot be trained, `NotFound` for an
    unknown event type, `Conflict` when the id is taken.
    """
    if not NAME_PATTERN.fullmatch(model_id):
        raise InvalidInput("not a model id", field="model_id", expected="1 to 64 of 0-9 a-z _ -")
    if model_type not in _TRAINABLE:
        raise InvalidInput(
            f"a model of type {model_type} cannot be trained",
            field="model_type",
            expected=" or ".join(_TRAINABLE),
        )
    _check_description(description)
    get_event_type(connection, event_type)
    models = tables.models
    if connection.execute(select(models.c.model_id).where(models.c.model_id == model_id)).first():
        raise Conflict(f"there is a model {model_id!r} already", field="model_id")
    model = Model(
        model_id=model_id,
        event_type=event_type,
        model_type=ModelType(model_type),
        description=description,
        created_at=now(),
    )
    connection.execute(insert(models).values(**msgspec.structs.asdict(model)))
    # Rules may name the model's score from now on.
    raise_revision(connection)
    return model


def list_models(connection: Connection) -> list[Model]:
    """All models by id."""
    rows = connection.execute(select(tables.models).order_by(tables.models.c.model_id))
    return [_model(row) for row in rows]


def get_model(connection: Connection, model_id: str) -> Model:
    """The model of that id. Raises `NotFound`."""
    row = connection.execute(
        select(tables.models).where(tables.models.c.model_id == model_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no model {model_id!r}", field="model_id")
    return _model(row)


def describe_model(connection: Connection, model_id: str, description: str) -> Model:
    """Change what a model is said to be. Raises `NotFound`, `InvalidInput` when it is too long."""
    _check_description(description)
    model = get_model(connection, model_id)
    changed = msgspec.structs.replace(model, description=description, updated_at=now())
    connection.execute(
        update(tables.models)
        .where(tables.models.c.model_id == model_id)
        .values(description=description, updated_at=changed.updated_at)
    )
    return changed


def held_model(connection: Connection, model_id: str) -> Model:
    """The model of that id, held until the transaction ends, so that two processes do not take the
    same number for a version. Raises `NotFound`."""
    models = tables.models  # SQLite has one writer anyway
    connection.execute(
        select(models.c.model_id).where(models.c.model_id == model_id).with_for_update()
    )
    return get_model(connection, model_id)


def store_version(
    connection: Connection, model_id: str, trained: Trained, number: str | None = None
) -> ModelVersion:
    """Keep a training as a version of a model: that of a number which it has been given, by default
    the model's next one.

    Raises `NotFound` for an unknown model, `Conflict` when it was trained for another event type or
    as another type of model.
    """
    model = held_model(connection, model_id)
    if trained.artifact.event_type != model.event_type:
        raise Conflict(
            f"this was trained for event type {trained.artifact.event_type!r}",
            field="model_id",
            expected=f"a model of event type {model.event_type!r}",
        )
    if trained.metrics.takeover is not None:
        trained_as = ModelType.ACCOUNT_TAKEOVER_INSIGHTS
    elif trained.artifact.plan is not None:
        trained_as = ModelType.TRANSACTION_FRAUD_INSIGHTS
    else:
        trained_as = ModelType.ONLINE_FRAUD_INSIGHTS
    if trained_as is not model.model_type:
        raise Conflict(
            f"model {model_id!r} is of type {model.model_type}",
            field="model_type",
            expected=f"a model of type {trained_as}",
        )
    version = ModelVersion(
        model_id=model_id,
        version=number or next_major(connection, model_id),
        facts=trained.facts,
        metrics=trained.metrics,
        importance=trained.importance,
        messages=trained.messages,
        created_at=now(),
    )
    connection.execute(
        insert(tables.model_versions).values(
            model_id=model_id,
            version=version.version,
            facts=version.facts,
            metrics=version.metrics,
            importance=version.importance,
            messages=version.messages,
            artifact=pack(trained.artifact),
            created_at=version.created_at,
            baseline=trained.baseline,
        )
    )
    raise_revision(connection)
    return version


def list_versions(connection: Connection, model_id: str) -> list[ModelVersion]:
    """All versions of a model, oldest first. Raises `NotFound` for an unknown model."""
    get_model(connection, model_id)
    versions = [_version(row) for row in _versions(connection, model_id)]
    return sorted(versions, key=lambda v: parts_of(v.version))


def get_version(connection: Connection, model_id: str, version: str) -> ModelVersion:
    """One version of a model. Raises `NotFound`."""
    for row in _versions(connection, model_id, version):
        return _version(row)
    raise _no_version(model_id, version)


def load_artifact(connection: Connection, model_id: str, version: str) -> Artifact:
    """What a version scores with. Raises `NotFound`, `Unavailable` when it cannot be read."""
    versions = tables.model_versions
    packed = connection.execute(
        select(versions.c.artifact).where(
            versions.c.model_id == model_id, versions.c.version == version
        )
    ).scalar()
    if packed is None:
        raise _no_version(model_id, version)
    return unpack(packed)


def made_at(connection: Connection, model_id: str, version: str) -> datetime:
    """When a version was stored, by which it is told from one of the same name that was there
    before its model was deleted. Raises `NotFound`."""
    versions = tables.model_versions
    found: datetime | None = connection.execute(
        select(versions.c.created_at).where(
            versions.c.model_id == model_id, versions.c.version == version
        )
    ).scalar()
    if found is None:
        raise _no_version(model_id, version)
    return found


def load_baseline(connection: Connection, model_id: str, version: str) -> Baseline | None:
    """What a version's data looked like; None for one that was trained before this was kept.

    Raises `NotFound`.
    """
    versions = tables.model_versions
    row = connection.execute(
        select(versions.c.baseline).where(
            versions.c.model_id == model_id, versions.c.version == version
        )
    ).first()
    if row is None:
        raise _no_version(model_id, version)
    return None if row.baseline is None else msgspec.convert(row.baseline, Baseline)


def _versions(
    connection: Connection, model_id: str, version: str | None = None
) -> list[Row[tuple[object, ...]]]:
    versions = tables.model_versions
    query = select(*(c for c in versions.c if c.name not in ("artifact", "baseline"))).where(
        versions.c.model_id == model_id
    )
    if version is not None:
        query = query.where(versions.c.version == version)
    return list(connection.execute(query))


def _check_description(description: str) -> None:
    if len(description) > 256:
        raise InvalidInput("too long", field="description", expected="at most 256 characters")


def _no_version(model_id: str, version: str) -> NotFound:
    return NotFound(f"model {model_id!r} has no version {version!r}", field="version")


def _model(row: Row[tuple[object, ...]]) -> Model:
    return Model(
        model_id=row.model_id,
        event_type=row.event_type,
        model_type=ModelType(row.model_type),
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _version(row: Row[tuple[object, ...]]) -> ModelVersion:
    return ModelVersion(
        model_id=row.model_id,
        version=row.version,
        facts=msgspec.convert(row.facts, Facts),
        metrics=msgspec.convert(row.metrics, Metrics),
        importance=msgspec.convert(row.importance, tuple[Importance, ...]),
        messages=msgspec.convert(row.messages, tuple[Message, ...]),
        created_at=row.created_at,
    )
