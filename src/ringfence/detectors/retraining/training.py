"""Training a model anew from what has come in, and measuring the result against its champion.

The challenger learns from everything before a moment, and both are compared on what came after it:
events that the champion has not seen either, and that are old enough for their labels to have come.
It is stored together with the comparison, in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.backtest.history import Window
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerStatus,
    Labels,
    add_challenger,
    champion_of,
    change_challenger,
    check_candidate,
    get_challenger,
    hold_challengers,
)
from ringfence.detectors.retraining.comparison import ENOUGH_FRAUDS, Evaluation, evaluate
from ringfence.detectors.retraining.evidence import (
    comparison_window,
    count_new,
    mature_until,
    resolved,
)
from ringfence.detectors.retraining.logins import (
    ORDINARY,
    challenged_from,
    check_login_options,
    judged_by_takeovers,
)
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.promotion import apply_policy, start_shadows
from ringfence.events import EventType, get_event_type
from ringfence.models import (
    Artifact,
    DataSet,
    Facts,
    Metrics,
    ModelType,
    Trained,
    get_model,
    get_version,
    load_artifact,
    plan_for,
    store_version,
    train,
    train_takeover,
)
from ringfence.models.logged import data_from_log
from ringfence.models.weights import (
    DEFAULT_WEIGHTS,
    LABEL_SOURCE,
    LabelWeight,
    Unlabelled,
    UnlabelledTreatment,
    assume_labels,
)
from ringfence.storage import Database

Progress = Callable[[float, str], None]
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of a retraining. `challenger` is None after a dry run, which stores nothing."""

    champion_version: str
    trained: Trained
    evaluation: Evaluation
    labels: Labels
    challenger: Challenger | None


def retrain(
    database: Database,
    model_id: str,
    options: RetrainingOptions,
    *,
    by: str,
    at: datetime,
    until: datetime | None = None,
    weights: Mapping[str, LabelWeight] | None = None,
    policy: PromotionPolicy | None = None,
    dry_run: bool = False,
    storing: Callable[[Connection, Challenger], None] | None = None,
    progress: Progress | None = None,
) -> Retrained:
    """Train a model's next version from the event log, compare it with the champion on what came
    since, and store it as a candidate; a `policy` that it meets promotes it in the same moment.

    Events from `until` on do not exist for this. `weights` are those of labels by source.
    `storing` is called in the transaction that stores the challenger, and may refuse it.

    A model of account takeovers learns from logins without a label too, which count as ordinary.

    Raises `NotFound`, `NothingNew`, `DataInvalid` with every finding, `InvalidInput`, `Conflict`
    for a model without a version.
    """
    options.check()
    tell = progress or _silent
    end = until or at
    tell(0.0, "looking for what is new")
    with database.read() as connection:
        model = get_model(connection, model_id)
        of_logins = model.model_type is ModelType.ACCOUNT_TAKEOVER_INSIGHTS
        if of_logins:
            check_login_options(options)
        champion = champion_of(connection, model_id)
        measured = get_version(connection, model_id, champion.version)
        facts = measured.facts
        artifact = load_artifact(connection, model_id, champion.version)
        event_type = get_event_type(connection, model.event_type)
        unlabelled = ORDINARY
        if not of_logins:
            unlabelled = resolved(connection, event_type, options.unlabelled, end)
        window = comparison_window(
            connection,
            event_type,
            facts.last_at,
            end,
            unlabelled,
            options.label_delay_days,
            least_frauds=ENOUGH_FRAUDS if of_logins else 1,
        )
    assert window.since is not None
    data = data_from_log(
        database,
        event_type,
        until=window.since,
        base=options.base_file,
        labels_required=not of_logins,
        progress=lambda share: tell(0.15 * share, "reading the event log"),
    )
    if of_logins:
        trained = _trained_on_logins(data, artifact, facts, options, tell)
    else:
        data = assume_labels(data, unlabelled, end)
        trained = _trained(data, artifact, facts, options, weights, tell)
    with database.read() as connection:
        evaluation = _compared(
            connection,
            event_type,
            (artifact, trained.artifact),
            (measured.metrics, trained.metrics),
            window,
            at,
            unlabelled,
            options,
            lambda share: tell(0.75 + 0.23 * share, "comparing with the champion"),
        )
    lost = _lost(trained.facts, facts, of_logins=of_logins)
    evaluation = msgspec.structs.replace(evaluation, remarks=(*evaluation.remarks, *lost))
    labels = Labels(source=data.source, sources=_sources(data), unlabelled=unlabelled)
    if dry_run:
        tell(1.0, "compared")
        return Retrained(champion.version, trained, evaluation, labels, None)
    tell(0.98, "storing the challenger")
    with database.write() as connection:
        version = store_version(connection, model_id, trained).version
        challenger = Challenger(
            model_id=model_id,
            version=version,
            champion_version=champion.version,
            status=ChallengerStatus.CANDIDATE,
            created_at=at,
            created_by=by,
            learned_until=window.since,
            labels=labels,
            evaluation=evaluation,
            policy=None,
            policy_met=None,
            policy_reasons=(),
            drafts=(),
        )
        add_challenger(connection, challenger)
        challenger = apply_policy(connection, challenger, policy, at)
        wanted = options.shadow or (policy is not None and policy.min_shadow_days > 0)
        if wanted and challenger.status is ChallengerStatus.CANDIDATE:
            drafts = start_shadows(connection, challenger, by=by)
            challenger = msgspec.structs.replace(challenger, drafts=drafts)
            change_challenger(connection, challenger)
        if storing is not None:
            storing(connection, challenger)
    tell(1.0, "stored")
    return Retrained(champion.version, trained, evaluation, labels, challenger)


def evaluate_again(
    database: Database,
    model_id: str,
    version: str,
    options: RetrainingOptions,
    *,
    at: datetime,
    policy: PromotionPolicy | None = None,
    storing: Callable[[Connection, Challenger], None] | None = None,
    progress: Progress | None = None,
) -> Challenger:
    """Compare a candidate with the champion of today on all that has come since both learned, and
    apply the policy anew.

    Raises `NotFound`, `NothingNew`, `Conflict` when it is no candidate.
    """
    options.check()
    tell = progress or _silent
    with database.read() as connection:
        challenger = get_challenger(connection, model_id, version)
        check_candidate(challenger)
        champion = champion_of(connection, model_id)
        event_type = get_event_type(connection, get_model(connection, model_id).event_type)
        both = [get_version(connection, model_id, of) for of in (champion.version, version)]
        learned_until = max(challenger.learned_until - _MICROSECOND, both[0].facts.last_at)
        unlabelled = resolved(connection, event_type, challenger.labels.unlabelled, at)
        mature = mature_until(learned_until, at, unlabelled, options.label_delay_days)
        count_new(connection, event_type, learned_until, mature, unlabelled)
        evaluation = _compared(
            connection,
            event_type,
            (
                load_artifact(connection, model_id, champion.version),
                load_artifact(connection, model_id, version),
            ),
            (both[0].metrics, both[1].metrics),
            Window(learned_until + _MICROSECOND, mature),
            at,
            unlabelled,
            options,
            lambda share: tell(0.98 * share, "comparing with the champion"),
        )
    with database.write() as connection:
        hold_challengers(connection, model_id)
        challenger = get_challenger(connection, model_id, version)
        check_candidate(challenger)
        challenger = msgspec.structs.replace(
            challenger, champion_version=champion.version, evaluation=evaluation
        )
        challenger = apply_policy(connection, challenger, policy, at)
        if storing is not None:
            storing(connection, challenger)
    tell(1.0, "stored")
    return challenger


def _trained(
    data: DataSet,
    champion: Artifact,
    facts: Facts,
    options: RetrainingOptions,
    weights: Mapping[str, LabelWeight] | None,
    tell: Progress,
) -> Trained:
    plan, recipe = champion.plan, facts.recipe
    seed = facts.seed if options.seed is None else options.seed
    if plan is not None and not options.keep_plan:
        plan, recipe = plan_for(data), None
    if recipe is not None:
        parameters = {**recipe.parameters, "seed": seed}
        recipe = msgspec.structs.replace(recipe, parameters=parameters)
    return train(
        data,
        plan=plan,
        since=options.since,
        variables=[variable.name for variable in champion.variables],
        seed=seed,
        budget_seconds=options.budget_seconds,
        recipe=None if options.budget_seconds is not None else recipe,
        weights=DEFAULT_WEIGHTS if weights is None else weights,
        progress=lambda share, what: tell(0.15 + 0.6 * share, what),
    )


def _trained_on_logins(
    data: DataSet, champion: Artifact, facts: Facts, options: RetrainingOptions, tell: Progress
) -> Trained:
    return train_takeover(
        data,
        plan=champion.plan if options.keep_plan else None,
        seed=facts.seed if options.seed is None else options.seed,
        progress=lambda share, what: tell(0.15 + 0.6 * share, what),
    )


def _compared(
    connection: Connection,
    event_type: EventType,
    artifacts: tuple[Artifact, Artifact],
    measured: tuple[Metrics, Metrics],
    window: Window,
    at: datetime,
    unlabelled: Unlabelled,
    options: RetrainingOptions,
    progress: Callable[[float], None],
) -> Evaluation:
    of_logins = all(metrics.takeover is not None for metrics in measured)
    found = evaluate(
        connection,
        event_type,
        *artifacts,
        window,
        at=at,
        unlabelled_are_legit=unlabelled.treatment is UnlabelledTreatment.LEGIT,
        alert_share=options.alert_share,
        challenge_at=(challenged_from(measured[0]), challenged_from(measured[1]))
        if of_logins
        else None,
        progress=progress,
    )
    return judged_by_takeovers(found) if of_logins else found


def _lost(challenger: Facts, champion: Facts, *, of_logins: bool) -> tuple[str, ...]:
    """What there is to say where the challenger knows less than the champion."""
    what, new, old = "frauds", challenger.frauds, champion.frauds
    if of_logins:
        what, new, old = "logins", challenger.rows, champion.rows
    if new >= old:
        return ()
    return (
        f"The challenger learned from {new:,} {what}, the champion from {old:,}: a file with the "
        "earlier events (--with) would help it.",
    )


def _sources(data: DataSet) -> dict[str, int]:
    import polars as pl

    if LABEL_SOURCE not in data.frame.columns:
        return {}
    named = data.frame[LABEL_SOURCE].cast(pl.String).fill_null("not said")
    counts = named.value_counts(sort=True, name="count")
    return dict(zip(counts[LABEL_SOURCE].to_list(), counts["count"].to_list(), strict=True))


def _silent(share: float, what: str) -> None:
    """No progress is shown."""
