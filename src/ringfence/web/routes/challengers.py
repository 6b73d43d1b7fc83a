"""Challengers: what was trained anew, how it compares with the champion, and what is decided.

Also when models are trained anew, and the trainings that are under way.
"""

from __future__ import annotations

import msgspec

from ringfence.access import Scope
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerDecision,
    check_candidate,
    get_challenger,
    list_challengers,
    list_decisions,
)
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.promotion import promote, reject, roll_back
from ringfence.detectors.retraining.runs import RetrainingRun, get_run, list_runs
from ringfence.detectors.retraining.schedules import (
    RetrainingSchedule,
    delete_schedule,
    get_schedule,
    put_schedule,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.models import get_model
from ringfence.storage import now
from ringfence.web.api import Call, Operations, require
from ringfence.web.services import Services

operations = Operations("challengers")


class ModelQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one model, or of all."""

    model_id: str | None = None


class PromotionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, for the record; and in which detector, if not in all that use the model."""

    reason: str
    detector: str | None = None


class ReasonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, for the record."""

    reason: str


class ScheduleBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a model is trained anew: every so many days, or at the times of `cron` (five fields,
    UTC). `promote_when` says what promotes a challenger without a person; nothing does when it is
    left out."""

    enabled: bool = True
    every_days: float | None = None
    cron: str | None = None
    promote_when: PromotionPolicy | None = None
    options: RetrainingOptions = RetrainingOptions()


@operations.add(
    "GET", "/v1/challengers", scope=Scope.MODELS_READ, query=ModelQuery, reply=list[Challenger]
)
def get_challengers(services: Services, call: Call) -> list[Challenger]:
    """All challengers, the latest first, each with its comparison with the champion."""
    with services.database.read() as connection:
        return list_challengers(connection, call.query.model_id)


@operations.add(
    "GET",
    "/v1/models/{model_id}/challengers/{version}",
    scope=Scope.MODELS_READ,
    reply=Challenger,
)
def get_one_challenger(services: Services, call: Call) -> Challenger:
    """A challenger with its comparison with the champion."""
    with services.database.read() as connection:
        return get_challenger(connection, call.path["model_id"], call.path["version"])


@operations.add(
    "POST",
    "/v1/models/{model_id}/challengers/{version}/promote",
    scope=Scope.RULES_WRITE,
    body=PromotionBody,
    reply=Challenger,
)
def post_promotion(services: Services, call: Call) -> Challenger:
    """Decide with a challenger from now on, in the champion's place and with the same rules."""
    with services.redefine() as connection:
        return promote(
            connection,
            call.path["model_id"],
            call.path["version"],
            by=call.principal.name,
            reason=call.body.reason,
            at=now(),
            detector_id=call.body.detector,
        )


@operations.add(
    "POST",
    "/v1/models/{model_id}/challengers/{version}/reject",
    scope=Scope.MODELS_WRITE,
    body=ReasonBody,
    reply=Challenger,
)
def post_rejection(services: Services, call: Call) -> Challenger:
    """Decide that a challenger does not take the champion's place."""
    with services.redefine() as connection:
        return reject(
            connection,
            call.path["model_id"],
            call.path["version"],
            by=call.principal.name,
            reason=call.body.reason,
            at=now(),
        )


@operations.add(
    "POST",
    "/v1/models/{model_id}/challengers/{version}/compare",
    scope=Scope.MODELS_WRITE,
    reply=RetrainingRun,
    status=201,
)
def post_comparison(services: Services, call: Call) -> RetrainingRun:
    """Start to compare a candidate with the champion anew, on all that has come since."""
    model_id, version = call.path["model_id"], call.path["version"]
    with services.database.read() as connection:
        check_candidate(get_challenger(connection, model_id, version))
    return services.retraining.compare_now(model_id, version, call.principal.name)


@operations.add(
    "POST",
    "/v1/models/{model_id}/rollback",
    scope=Scope.RULES_WRITE,
    body=ReasonBody,
    reply=ChallengerDecision,
)
def post_rollback(services: Services, call: Call) -> ChallengerDecision:
    """Undo a model's last promotion: decide with the detector versions before it again."""
    with services.redefine() as connection:
        return roll_back(
            connection,
            call.path["model_id"],
            by=call.principal.name,
            reason=call.body.reason,
            at=now(),
        )


@operations.add(
    "GET",
    "/v1/challenger-decisions",
    scope=Scope.MODELS_READ,
    query=ModelQuery,
    reply=list[ChallengerDecision],
)
def get_decisions(services: Services, call: Call) -> list[ChallengerDecision]:
    """What was decided about challengers, by whom and why, the latest first; never changed."""
    with services.database.read() as connection:
        return list_decisions(connection, call.query.model_id)


@operations.add(
    "GET",
    "/v1/models/{model_id}/retraining-schedule",
    scope=Scope.MODELS_READ,
    reply=RetrainingSchedule,
)
def get_one_schedule(services: Services, call: Call) -> RetrainingSchedule:
    """When a model is trained anew, and what promotes the result."""
    with services.database.read() as connection:
        return get_schedule(connection, call.path["model_id"])


@operations.add(
    "PUT",
    "/v1/models/{model_id}/retraining-schedule",
    scope=Scope.MODELS_WRITE,
    body=ScheduleBody,
    reply=RetrainingSchedule,
)
def put_one_schedule(services: Services, call: Call) -> RetrainingSchedule:
    """Say when a model is trained anew; a policy that promotes needs `rules:write` too."""
    body: ScheduleBody = call.body
    if body.promote_when is not None:
        require(call.principal, Scope.RULES_WRITE)
    schedule = RetrainingSchedule(
        model_id=call.path["model_id"],
        enabled=body.enabled,
        every_days=body.every_days,
        cron=body.cron,
        policy=body.promote_when,
        options=body.options,
        updated_by=call.principal.name,
        updated_at=now(),
    )
    with services.database.write() as connection:
        if body.options.base_file is not None:
            _refuse_other_file(services, schedule)
        put_schedule(connection, schedule)
    return schedule


@operations.add(
    "DELETE",
    "/v1/models/{model_id}/retraining-schedule",
    scope=Scope.MODELS_WRITE,
    status=204,
)
def delete_one_schedule(services: Services, call: Call) -> None:
    """Train a model no more on its own, and promote nothing."""
    with services.database.write() as connection:
        delete_schedule(connection, call.path["model_id"])


@operations.add(
    "POST",
    "/v1/models/{model_id}/retraining-runs",
    scope=Scope.MODELS_WRITE,
    reply=RetrainingRun,
    status=201,
)
def post_run(services: Services, call: Call) -> RetrainingRun:
    """Start to train a model anew, now, with the options of its schedule."""
    with services.database.read() as connection:
        get_model(connection, call.path["model_id"])
    return services.retraining.train_now(call.path["model_id"], call.principal.name)


@operations.add(
    "GET",
    "/v1/retraining-runs",
    scope=Scope.MODELS_READ,
    query=ModelQuery,
    reply=list[RetrainingRun],
)
def get_runs(services: Services, call: Call) -> list[RetrainingRun]:
    """The latest trainings and how they went, the newest first."""
    with services.database.read() as connection:
        return list_runs(connection, call.query.model_id)


@operations.add("GET", "/v1/retraining-runs/{run_id}", scope=Scope.MODELS_READ, reply=RetrainingRun)
def get_one_run(services: Services, call: Call) -> RetrainingRun:
    """How far a training is, or how it went."""
    with services.database.read() as connection:
        return get_run(connection, call.path["run_id"])


def _refuse_other_file(services: Services, schedule: RetrainingSchedule) -> None:
    """Files of the server are named by who may use its command line."""
    with services.database.read() as connection:
        try:
            stated = get_schedule(connection, schedule.model_id).options.base_file
        except NotFound:
            stated = None
    if schedule.options.base_file != stated:
        raise InvalidInput(
            "is named on the server only",
            field="options.base_file",
            expected="ringfence challengers schedule MODEL --with FILE",
        )
