"""Putting a challenger in its champion's place, refusing it, and going back.

Nothing happens here without a name and a reason: a person's, or those of a stated policy, which is
recorded with the numbers that it was met by. Models are only named here, never loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.activation import activate_detector_version
from ringfence.detectors.definitions import held_detector
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerDecision,
    ChallengerStatus,
    DecisionAction,
    Draft,
    Switch,
    active_users,
    change_challenger,
    get_challenger,
    hold_challengers,
    list_challengers,
    list_decisions,
    record_decision,
    settle,
    version_in,
)
from ringfence.detectors.retraining.policies import PromotionPolicy, judge
from ringfence.detectors.shadows.running import list_shadows, running_shadows, start_shadow
from ringfence.detectors.versions import (
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    create_detector_version,
    get_detector_version,
    list_detector_versions,
)
from ringfence.errors import Conflict, InvalidInput, NotFound

BY_POLICY = "policy"
_MAX_REASON = 300
_LONGEST = 512
_DAY = 86_400.0


def shadow_days(connection: Connection, challenger: Challenger, at: datetime) -> float:
    """For how many days, all in all, the draft that was tried least has scored live events."""
    totals = []
    shadows = list_shadows(connection)
    for draft in challenger.drafts:
        seconds = 0.0
        for shadow in shadows:
            if (shadow.detector_id, shadow.version) != (draft.detector_id, draft.version):
                continue
            if shadow.ready_at is not None:
                seconds += ((shadow.stopped_at or at) - shadow.ready_at).total_seconds()
        totals.append(seconds / _DAY)
    return min(totals, default=0.0)


def apply_policy(
    connection: Connection,
    challenger: Challenger,
    policy: PromotionPolicy | None,
    at: datetime,
) -> Challenger:
    """Note how a candidate stands with a policy, and promote it when the policy is met.

    Without a policy nothing but a person's decision promotes it. So too where no active detector
    version uses the model: there is no place to put it in.
    """
    if policy is None:
        noted = msgspec.structs.replace(
            challenger,
            policy=None,
            policy_met=None,
            policy_reasons=("no policy is stated: it waits for a decision",),
        )
        change_challenger(connection, noted)
        return noted
    met, reasons = judge(policy, challenger.evaluation, shadow_days(connection, challenger, at))
    noted = msgspec.structs.replace(
        challenger, policy=policy, policy_met=met, policy_reasons=reasons
    )
    change_challenger(connection, noted)
    if not met or noted.status is not ChallengerStatus.CANDIDATE:
        return noted
    if not active_users(connection, challenger.model_id):
        return noted
    told = "; ".join(reasons)[:_LONGEST]
    return _promote(connection, noted, BY_POLICY, at, told, None, policy)


def promote(
    connection: Connection,
    model_id: str,
    version: str,
    *,
    by: str,
    reason: str,
    at: datetime,
    detector_id: str | None = None,
) -> Challenger:
    """Decide with a challenger from now on, in every active detector version that uses the model,
    or in that of one detector.

    Each gets a new version with the same rules and the challenger in the champion's place. Servers
    notice within a second; where profiles have to be built first, the version before decides until
    then. Raises `NotFound`, `InvalidInput` without a reason, `Conflict` when it decides already or
    no active detector version uses the model.
    """
    reason = _checked(reason)
    hold_challengers(connection, model_id)
    challenger = get_challenger(connection, model_id, version)
    return _promote(connection, challenger, by, at, reason, detector_id, None)


def reject(
    connection: Connection, model_id: str, version: str, *, by: str, reason: str, at: datetime
) -> Challenger:
    """Decide that a challenger does not take the champion's place. It is kept, and a shadow no
    longer.

    Raises `NotFound`, `InvalidInput` without a reason, `Conflict` when it is not a candidate.
    """
    reason = _checked(reason)
    hold_challengers(connection, model_id)
    challenger = get_challenger(connection, model_id, version)
    if challenger.status is not ChallengerStatus.CANDIDATE:
        raise Conflict(
            f"challenger {version!r} of model {model_id!r} is {challenger.status} already",
            field="version",
            expected="a candidate",
        )
    settled = settle(connection, challenger, ChallengerStatus.REJECTED, by=by, at=at, reason=reason)
    record_decision(
        connection,
        model_id,
        version,
        DecisionAction.REJECT,
        by=by,
        at=at,
        reason=reason,
        evaluation=challenger.evaluation,
    )
    return settled


def roll_back(
    connection: Connection, model_id: str, *, by: str, reason: str, at: datetime
) -> ChallengerDecision:
    """Undo a model's last promotion: its detectors decide again with the versions before.

    The challenger counts as rejected from then on. Raises `NotFound`, `InvalidInput` without a
    reason, `Conflict` when there is nothing to undo, or when a detector has got another version
    since.
    """
    reason = _checked(reason)
    hold_challengers(connection, model_id)
    last = _last_promotion(connection, model_id)
    for switch in last.switches:
        held_detector(connection, switch.detector_id)
        now_active = _active_version(connection, switch.detector_id)
        if now_active != switch.to_version:
            raise Conflict(
                f"detector {switch.detector_id!r} decides with version {now_active!r} since, not "
                f"with {switch.to_version!r}",
                field="model_id",
                expected="the detector version that the promotion made; or activate one by name",
            )
    back = [
        Switch(
            detector_id=switch.detector_id,
            from_version=switch.to_version,
            to_version=switch.from_version,
        )
        for switch in last.switches
    ]
    for switch in back:
        activate_detector_version(connection, switch.detector_id, switch.to_version)
    undone = get_challenger(connection, model_id, last.version)
    settle(connection, undone, ChallengerStatus.REJECTED, by=by, at=at, reason=reason)
    decides = {version_in(user, model_id) for user in active_users(connection, model_id)}
    for before in list_challengers(connection, model_id):
        if before.version in decides and before.status is ChallengerStatus.SUPERSEDED:
            told = f"went back to it from version {last.version}"
            settle(connection, before, ChallengerStatus.PROMOTED, by=by, at=at, reason=told)
    record_decision(
        connection,
        model_id,
        last.version,
        DecisionAction.ROLL_BACK,
        by=by,
        at=at,
        reason=reason,
        switches=back,
    )
    return list_decisions(connection, model_id, limit=1)[0]


def draft_versions(
    connection: Connection, model_id: str, version: str, users: Sequence[DetectorVersion]
) -> tuple[Draft, ...]:
    """New drafts of these detector versions, each with the given model version in its place."""
    return tuple(
        Draft(user.detector_id, _draft(connection, user, model_id, version)) for user in users
    )


def start_shadows(connection: Connection, challenger: Challenger, *, by: str) -> tuple[Draft, ...]:
    """Have a challenger score live events beside each active detector version that uses its model.

    Returns the drafts that do; none where no active detector version uses the model.
    """
    drafts = _existing(connection, challenger.drafts) or draft_versions(
        connection,
        challenger.model_id,
        challenger.version,
        active_users(connection, challenger.model_id),
    )
    for draft in drafts:
        running = {version for version, _ in running_shadows(connection, draft.detector_id)}
        if draft.version not in running:
            start_shadow(connection, draft.detector_id, draft.version, by=by)
    return drafts


def _promote(
    connection: Connection,
    challenger: Challenger,
    by: str,
    at: datetime,
    reason: str,
    detector_id: str | None,
    policy: PromotionPolicy | None,
) -> Challenger:
    model_id, version = challenger.model_id, challenger.version
    users = [
        user
        for user in active_users(connection, model_id)
        if detector_id in (None, user.detector_id)
    ]
    waiting = [user for user in users if version_in(user, model_id) != version]
    if not users:
        raise Conflict(
            f"no active detector version uses model {model_id!r}"
            if detector_id is None
            else f"detector {detector_id!r} has no active version that uses model {model_id!r}",
            field="model_id" if detector_id is None else "detector",
            expected="a published detector version with it: ringfence detectors publish",
        )
    if not waiting:
        raise Conflict(
            f"version {version!r} of model {model_id!r} decides already", field="version"
        )
    switches = []
    for user in waiting:
        held_detector(connection, user.detector_id)
        to_version = _tried_draft(connection, challenger, user) or _draft(
            connection, user, model_id, version
        )
        activate_detector_version(connection, user.detector_id, to_version)
        switches.append(
            Switch(detector_id=user.detector_id, from_version=user.version, to_version=to_version)
        )
    for other in list_challengers(connection, model_id):
        if other.status is ChallengerStatus.PROMOTED and other.version != version:
            settle(
                connection,
                other,
                ChallengerStatus.SUPERSEDED,
                by=by,
                at=at,
                reason=f"version {version} took its place",
            )
    promoted = settle(
        connection, challenger, ChallengerStatus.PROMOTED, by=by, at=at, reason=reason
    )
    record_decision(
        connection,
        model_id,
        version,
        DecisionAction.PROMOTE,
        by=by,
        at=at,
        reason=reason,
        switches=switches,
        policy=policy,
        evaluation=challenger.evaluation,
    )
    return promoted


def _draft(connection: Connection, user: DetectorVersion, model_id: str, version: str) -> str:
    return create_detector_version(
        connection,
        user.detector_id,
        rules=user.rules,
        models=_with(user, model_id, version),
        external_models=user.external_models,
        mode=user.mode,
        description=f"version {user.version} with {model_id} {version}",
    ).version


def _tried_draft(
    connection: Connection, challenger: Challenger, user: DetectorVersion
) -> str | None:
    """The draft that has been tried as a shadow, unless the active version has changed since."""
    for draft in _existing(connection, challenger.drafts):
        if draft.detector_id != user.detector_id:
            continue
        tried = get_detector_version(connection, draft.detector_id, draft.version)
        expected = _with(user, challenger.model_id, challenger.version)
        if tried.models == expected and _apart_from_models(tried) == _apart_from_models(user):
            return draft.version
    return None


def _existing(connection: Connection, drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Those of the drafts that nobody has deleted."""
    found = []
    for draft in drafts:
        with suppress(NotFound):
            get_detector_version(connection, draft.detector_id, draft.version)
            found.append(draft)
    return tuple(found)


def _apart_from_models(version: DetectorVersion) -> tuple[object, ...]:
    return version.rules, version.mode, version.external_models


def _with(user: DetectorVersion, model_id: str, version: str) -> tuple[ModelRef, ...]:
    return tuple(
        ModelRef(model_id, version) if ref.model_id == model_id else ref for ref in user.models
    )


def _last_promotion(connection: Connection, model_id: str) -> ChallengerDecision:
    """The last promotion that was not undone."""
    for decision in list_decisions(connection, model_id, limit=1_000):
        if decision.action is DecisionAction.ROLL_BACK:
            break  # one step back; a second would undo what was decided about long ago
        if decision.action is DecisionAction.PROMOTE:
            return decision
    raise Conflict(
        f"no promotion of a challenger of model {model_id!r} is in force",
        field="model_id",
        expected="a model whose last change was a promotion",
    )


def _active_version(connection: Connection, detector_id: str) -> str | None:
    for version in list_detector_versions(connection, detector_id):
        if version.status is DetectorStatus.ACTIVE:
            return version.version
    return None


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise InvalidInput("empty", field="reason", expected="why, in a few words")
    if len(reason) > _MAX_REASON:
        raise InvalidInput("too long", field="reason", expected=f"at most {_MAX_REASON} characters")
    return reason
