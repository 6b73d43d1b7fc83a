"""Challengers: versions of a model that were trained to take its champion's place.

The champion is the version that an active detector version decides with. A challenger is stored
together with how it compared, and waits as a candidate until somebody, or a stated policy, decides
about it (`promotion`). It knows nothing of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ringfence.detectors import tables
from ringfence.detectors.retraining.comparison import Evaluation
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.shadows.running import running_shadows, stop_shadow
from ringfence.detectors.versions import DetectorStatus, DetectorVersion, get_detector_version
from ringfence.errors import Conflict, NotFound
from ringfence.models import get_model, list_versions
from ringfence.models.weights import Unlabelled


class ChallengerStatus(StrEnum):
    """What has become of a challenger."""

    CANDIDATE = "candidate"  # waits for a decision
    PROMOTED = "promoted"
    REJECTED = "rejected"  # by somebody, or because one went back to the version before
    SUPERSEDED = "superseded"  # a later challenger, or a later promotion, took its place


class DecisionAction(StrEnum):
    """What can be decided."""

    PROMOTE = "promote"
    REJECT = "reject"
    ROLL_BACK = "roll back"


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """Which labels a challenger learned from: `sources` counts them by who gave them, `unlabelled`
    says what was made of events without one, `source` where the events came from."""

    source: str
    sources: dict[str, int]
    unlabelled: Unlabelled


class Draft(msgspec.Struct, frozen=True):
    """A detector version with the challenger in the champion's place."""

    detector_id: str
    version: str


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A detector that decides with another of its versions from now on."""

    detector_id: str
    from_version: str
    to_version: str


class Challenger(msgspec.Struct, frozen=True, kw_only=True):
    """One challenger. `learned_until` is when the first event happened that it did not learn from;
    `drafts` are detector versions that were made to try it. `policy` is the one in force when it
    was last evaluated, None for none; `policy_reasons` say what it came to, with numbers."""

    model_id: str
    version: str
    champion_version: str
    status: ChallengerStatus
    created_at: datetime
    created_by: str
    learned_until: datetime
    labels: Labels
    evaluation: Evaluation
    policy: PromotionPolicy | None
    policy_met: bool | None
    policy_reasons: tuple[str, ...]
    drafts: tuple[Draft, ...]
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class ChallengerDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about a challenger, as it was recorded; records never change.

    `policy` is set when a policy decided; `evaluation` is what was known at that moment.
    """

    decision_id: int
    model_id: str
    version: str
    action: DecisionAction
    decided_by: str
    decided_at: datetime
    reason: str
    switches: tuple[Switch, ...]
    policy: PromotionPolicy | None
    evaluation: Evaluation | None


class Champion(msgspec.Struct, frozen=True):
    """The version of a model to beat, and the active detector versions that use the model."""

    version: str
    users: tuple[DetectorVersion, ...]


def champion_of(connection: Connection, model_id: str) -> Champion:
    """The version that the detector version which was activated last decides with.

    Where no active detector version uses the model, it is the latest version that is no
    challenger. Raises `NotFound` for an unknown model, `Conflict` when it has no version.
    """
    get_model(connection, model_id)
    users = active_users(connection, model_id)
    if users:
        return Champion(version_in(users[0], model_id), tuple(users))
    challenging = {
        challenger.version
        for challenger in list_challengers(connection, model_id)
        if challenger.status is not ChallengerStatus.PROMOTED
    }
    versions = [v.version for v in list_versions(connection, model_id)]
    free = [version for version in versions if version not in challenging]
    if not free:
        raise Conflict(
            f"model {model_id!r} has no version to challenge",
            field="model_id",
            expected=f"a first version: ringfence train FILE --model {model_id}",
        )
    return Champion(free[-1], ())


def active_users(connection: Connection, model_id: str) -> list[DetectorVersion]:
    """The active detector versions that use a model, the one activated last first."""
    versions = tables.detector_versions
    rows = connection.execute(
        select(versions.c.detector_id, versions.c.version)
        .where(versions.c.status == DetectorStatus.ACTIVE)
        .order_by(versions.c.activated_at.desc())
    ).all()
    found = [get_detector_version(connection, row.detector_id, row.version) for row in rows]
    return [of for of in found if any(ref.model_id == model_id for ref in of.models)]


def version_in(detector_version: DetectorVersion, model_id: str) -> str:
    """The version of a model that a detector version uses."""
    return next(ref.version for ref in detector_version.models if ref.model_id == model_id)


def add_challenger(connection: Connection, challenger: Challenger) -> None:
    """Store a new candidate; those that wait for the same place are superseded by it, and are
    shadows no longer."""
    hold_challengers(connection, challenger.model_id)
    for waiting in list_challengers(connection, challenger.model_id):
        if waiting.status is ChallengerStatus.CANDIDATE:
            settle(
                connection,
                waiting,
                ChallengerStatus.SUPERSEDED,
                by=challenger.created_by,
                at=challenger.created_at,
                reason=f"version {challenger.version} came after it",
            )
    connection.execute(insert(tables.challengers).values(**_values(challenger)))


def settle(
    connection: Connection,
    challenger: Challenger,
    status: ChallengerStatus,
    *,
    by: str,
    at: datetime,
    reason: str,
) -> Challenger:
    """Give a challenger another status; its drafts are shadows no longer."""
    for draft in challenger.drafts:
        if draft.version in {v for v, _ in running_shadows(connection, draft.detector_id)}:
            stop_shadow(connection, draft.detector_id, draft.version, by=by)
    settled = msgspec.structs.replace(
        challenger, status=status, decided_by=by, decided_at=at, reason=reason
    )
    change_challenger(connection, settled)
    return settled


def list_challengers(connection: Connection, model_id: str | None = None) -> list[Challenger]:
    """All challengers, of one model or of all, the latest first. Raises `NotFound`."""
    challengers = tables.challengers
    query = select(challengers).order_by(
        challengers.c.created_at.desc(), challengers.c.model_id, challengers.c.version.desc()
    )
    if model_id is not None:
        get_model(connection, model_id)
        query = query.where(challengers.c.model_id == model_id)
    return [_challenger(row) for row in connection.execute(query)]


def get_challenger(connection: Connection, model_id: str, version: str) -> Challenger:
    """One challenger. Raises `NotFound`."""
    challengers = tables.challengers
    row = connection.execute(
        select(challengers).where(
            challengers.c.model_id == model_id, challengers.c.version == version
        )
    ).first()
    if row is None:
        raise NotFound(
            f"model {model_id!r} has no challenger {version!r}",
            field="version",
            expected="a version that `ringfence retrain` made",
        )
    return _challenger(row)


def check_candidate(challenger: Challenger) -> None:
    """Raise `Conflict` when a challenger no longer waits for a decision."""
    if challenger.status is not ChallengerStatus.CANDIDATE:
        raise Conflict(
            f"challenger {challenger.version!r} of model {challenger.model_id!r} is "
            f"{challenger.status}",
            field="version",
            expected="a candidate",
        )


def hold_challengers(connection: Connection, model_id: str) -> None:
    """Keep others from deciding about a model's challengers until the transaction ends."""
    challengers = tables.challengers
    connection.execute(
        select(challengers.c.version)
        .where(challengers.c.model_id == model_id)
        .order_by(challengers.c.version)
        .with_for_update()
    )


def change_challenger(connection: Connection, challenger: Challenger) -> None:
    """Store what has changed of a challenger."""
    challengers = tables.challengers
    values = _values(challenger)
    connection.execute(
        update(challengers)
        .where(
            challengers.c.model_id == values.pop("model_id"),
            challengers.c.version == values.pop("version"),
        )
        .values(values)
    )


def record_decision(
    connection: Connection,
    model_id: str,
    version: str,
    action: DecisionAction,
    *,
    by: str,
    at: datetime,
    reason: str,
    switches: Sequence[Switch] = (),
    policy: PromotionPolicy | None = None,
    evaluation: Evaluation | None = None,
) -> None:
    """Add a decision to the record."""
    connection.execute(
        insert(tables.challenger_decisions).values(
            model_id=model_id,
            version=version,
            action=action,
            decided_by=by,
            decided_at=at,
            reason=reason,
            switches=tuple(switches),
            policy=policy,
            evaluation=evaluation,
        )
    )


def list_decisions(
    connection: Connection, model_id: str | None = None, *, limit: int = 100
) -> list[ChallengerDecision]:
    """What was decided, about one model's challengers or about all, the latest first."""
    decisions = tables.challenger_decisions
    query = select(decisions).order_by(decisions.c.decision_id.desc()).limit(limit)
    if model_id is not None:
        query = query.where(decisions.c.model_id == model_id)
    return [msgspec.convert(_named(row), ChallengerDecision) for row in connection.execute(query)]


def _values(challenger: Challenger) -> dict[str, Any]:
    return msgspec.structs.asdict(challenger)


def _challenger(row: Row[Any]) -> Challenger:
    return msgspec.convert(_named(row), Challenger)


def _named(row: Row[Any]) -> dict[str, Any]:
    # The names of a row's columns are texts of SQLAlchemy's own kind.
    return {str(name): value for name, value in row._mapping.items()}
