"""The life of a model version: asked for, trained or failed, deployed, gone.

A version's number is taken when its training is asked for; its row in `model_versions`, which never
changes, is written when the training is over. What belongs to the time before, and what may change
afterwards, is kept here. Who trains, and which detectors use a version, is for others to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.errors import Conflict, NotFound
from ringfence.events.revisions import raise_revision
from ringfence.models import tables
from ringfence.models.definitions import ModelVersion, get_model, held_model, store_version
from ringfence.models.messages import Message
from ringfence.models.numbering import next_major, next_minor, normal, number_of, parts_of
from ringfence.models.weights import UnlabelledTreatment
from ringfence.storage import now

if TYPE_CHECKING:
    from ringfence.models.training import Trained


class TrainingStatus(StrEnum):
    """Where a version stands. One that is deleted keeps its number, so that no other gets it."""

    TRAINING = "training"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class DataSource(StrEnum):
    """Where the events of a training are, in Amazon Fraud Detector's words."""

    EXTERNAL_EVENTS = "EXTERNAL_EVENTS"
    INGESTED_EVENTS = "INGESTED_EVENTS"


class TrainingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a version is to learn from.

    `variables` are exactly those that it looks at. `fraud_labels` and `legit_labels` are the event
    type's labels that mean either; both are empty where nothing is said of labels. `location` is
    where external events lie (`s3://...`) and `role` what a client gave for access to them; `since`
    and `until` are the first and last moment of ingested events.
    """

    source: DataSource
    variables: tuple[str, ...]
    fraud_labels: tuple[str, ...] = ()
    legit_labels: tuple[str, ...] = ()
    unlabelled: UnlabelledTreatment | None = None
    location: str | None = None
    role: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """A version's life so far.

    `request` is None for a version that was not asked for here, as by `ringfence train`.
    `messages` say why a training failed. `activated_at` is set while the version is deployed, with
    the id of the profile plan that it needs, if it needs one.
    """

    model_id: str
    version: str
    status: TrainingStatus
    request: TrainingRequest | None
    messages: tuple[Message, ...]
    created_at: datetime
    created_by: str
    updated_at: datetime
    activated_at: datetime | None = None
    plan_id: str | None = None


def ask_for_version(
    connection: Connection, model_id: str, request: TrainingRequest, *, by: str
) -> Training:
    """Take the number of a model's next major version, for a training that is yet to come.

    Raises `NotFound` for an unknown model, `Conflict` when there is no number left.
    """
    held_model(connection, model_id)
    return _asked(connection, model_id, next_major(connection, model_id), request, by)


def ask_for_retraining(
    connection: Connection, model_id: str, major: int, request: TrainingRequest, *, by: str
) -> Training:
    """Take the number of the next minor version of a major one, likewise.

    Raises `NotFound` also when the model has no version of that major number.
    """
    held_model(connection, model_id)
    latest_of(connection, model_id, major)
    return _asked(connection, model_id, next_minor(connection, model_id, major), request, by)


def get_training(connection: Connection, model_id: str, version: str) -> Training:
    """The life of one version, however its number is written. Raises `NotFound`, `InvalidInput`."""
    number = normal(version)
    row = _row(connection, model_id, number)
    if row is not None and row.status != TrainingStatus.DELETED:
        return _training(row)
    if row is None:
        for made in _made(connection, model_id):
            if made.version == number:
                return made
    raise NotFound(f"model {model_id!r} has no version {version!r}", field="version")


def list_trainings(connection: Connection, model_id: str) -> list[Training]:
    """The lives of all versions of a model, oldest number first, without those that are deleted.

    Raises `NotFound` for an unknown model.
    """
    get_model(connection, model_id)
    table = tables.model_trainings
    rows = connection.execute(select(table).where(table.c.model_id == model_id)).all()
    known = {made.version: made for made in _made(connection, model_id)}
    for row in rows:
        if row.status == TrainingStatus.DELETED:
            known.pop(row.version, None)
        else:
            known[row.version] = _training(row)
    return sorted(known.values(), key=lambda training: parts_of(training.version))


def latest_of(connection: Connection, model_id: str, major: int) -> Training:
    """The latest version of a major number. Raises `NotFound` when there is none."""
    of_major = [
        training
        for training in list_trainings(connection, model_id)
        if parts_of(training.version)[0] == major
    ]
    if not of_major:
        version = number_of(major, 0)
        raise NotFound(f"model {model_id!r} has no version {version!r}", field="version")
    return of_major[-1]


def finish_training(
    connection: Connection, model_id: str, version: str, trained: Trained
) -> ModelVersion:
    """Keep what came of a training. Raises `Conflict` when nobody waits for it any more."""
    _end(connection, model_id, version, TrainingStatus.COMPLETE)
    return store_version(connection, model_id, trained, number=version)


def fail_training(
    connection: Connection, model_id: str, version: str, messages: Sequence[Message]
) -> None:
    """Note why a training came to nothing. Raises `Conflict` when nobody waits for it any more."""
    _end(connection, model_id, version, TrainingStatus.ERROR, messages)


def cancel_training(connection: Connection, model_id: str, version: str) -> None:
    """Give up a training. Raises `Conflict` when it is over."""
    _end(connection, model_id, version, TrainingStatus.CANCELLED)


def set_deployed(
    connection: Connection, training: Training, at: datetime | None, plan_id: str | None = None
) -> None:
    """Note that a version is deployed from `at` on and needs these profiles, or is no more."""
    if _row(connection, training.model_id, training.version) is None:
        connection.execute(insert(tables.model_trainings).values(msgspec.structs.asdict(training)))
    connection.execute(
        update(tables.model_trainings)
        .where(*_of(training.model_id, training.version))
        .values(activated_at=at, plan_id=plan_id, updated_at=now())
    )


def deployed_versions(connection: Connection, event_type: str) -> list[tuple[str, str]]:
    """Model ids and numbers of the versions for an event type that are deployed."""
    models, lives = tables.models, tables.model_trainings
    rows = connection.execute(
        select(lives.c.model_id, lives.c.version)
        .join(models, models.c.model_id == lives.c.model_id)
        .where(models.c.event_type == event_type, lives.c.activated_at.is_not(None))
        .order_by(lives.c.model_id, lives.c.version)
    )
    return [(row.model_id, row.version) for row in rows]


def delete_version(connection: Connection, model_id: str, version: str) -> None:
    """Take a version away, and keep its number from being given again. Raises `NotFound`.

    Whether anybody uses it is for others to ask before.
    """
    training = get_training(connection, model_id, version)
    versions, lives = tables.model_versions, tables.model_trainings
    connection.execute(
        delete(versions).where(
            versions.c.model_id == model_id, versions.c.version == training.version
        )
    )
    connection.execute(delete(lives).where(*_of(model_id, training.version)))
    gone = msgspec.structs.replace(
        training, status=TrainingStatus.DELETED, request=None, activated_at=None, plan_id=None
    )
    connection.execute(insert(lives).values(msgspec.structs.asdict(gone)))
    raise_revision(connection)


def delete_model(connection: Connection, model_id: str) -> None:
    """Take a model away, and the name of its score from what rules may name.

    Raises `NotFound`, `Conflict` while it has a version.
    """
    held_model(connection, model_id)
    left = list_trainings(connection, model_id)
    if left:
        raise Conflict(
            f"model {model_id!r} has version {left[0].version}",
            field="model_id",
            expected="a model whose versions are deleted",
        )
    for table in (tables.model_trainings, tables.models):
        connection.execute(delete(table).where(table.c.model_id == model_id))
    raise_revision(connection)


def _asked(
    connection: Connection, model_id: str, version: str, request: TrainingRequest, by: str
) -> Training:
    at = now()
    training = Training(
        model_id=model_id,
        version=version,
        status=TrainingStatus.TRAINING,
        request=request,
        messages=(),
        created_at=at,
        created_by=by,
        updated_at=at,
    )
    connection.execute(insert(tables.model_trainings).values(msgspec.structs.asdict(training)))
    return training


def _end(
    connection: Connection,
    model_id: str,
    version: str,
    status: TrainingStatus,
    messages: Sequence[Message] = (),
) -> None:
    ended = connection.execute(
        update(tables.model_trainings)
        .where(
            *_of(model_id, version),
            tables.model_trainings.c.status == TrainingStatus.TRAINING,
        )
        .values(status=status, messages=tuple(messages), updated_at=now())
    )
    if ended.rowcount == 0:
        raise Conflict(
            f"version {version} of model {model_id!r} is not in training",
            field="version",
            expected="a version whose training is under way",
        )


def _made(connection: Connection, model_id: str) -> list[Training]:
    """The versions that are there, as if nothing more were known of them."""
    versions = tables.model_versions
    rows = connection.execute(
        select(versions.c.version, versions.c.created_at).where(versions.c.model_id == model_id)
    )
    return [
        Training(
            model_id=model_id,
            version=row.version,
            status=TrainingStatus.COMPLETE,
            request=None,
            messages=(),
            created_at=row.created_at,
            created_by="",
            updated_at=row.created_at,
        )
        for row in rows
    ]


def _of(model_id: str, version: str) -> tuple[Any, Any]:
    lives = tables.model_trainings
    return lives.c.model_id == model_id, lives.c.version == version


def _row(connection: Connection, model_id: str, version: str) -> Row[Any] | None:
    return connection.execute(select(tables.model_trainings).where(*_of(model_id, version))).first()


def _training(row: Row[Any]) -> Training:
    return msgspec.convert({str(k): v for k, v in row._mapping.items()}, Training)
