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
from ringfence.detectors.retraining.comparison import Evaluation, evaluate
from ringfence.detectors.retraining.evidence import (
    comparison_window,
    count_new,
    mature_until,
    resolved,
)
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.promotion import apply_policy, start_shadows
from ringfence.errors import Conflict
from ringfence.events import get_event_type
from ringfence.models import (
    Artifact,
    DataSet,
    Facts,
    ModelType,
    Trained,
    get_model,
    get_version,
    load_artifact,
    plan_for,
    store_version,
    train,
)
from ringfence.models.logged import data_from_log
from ringfence.models.weights import (
    DEFAULT_WEIGHTS,
    LABEL_SOURCE,
    LabelWeight,
    UnlabelledTreatment,
    assume_labels,
)
from ringfence.storage import Database

Progress = Callable[[float, str], None]
_MICROSECOND = timedelta(microseconds=1)
_RETRAINED = (ModelType.ONLINE_FRAUD_INSIGHTS, ModelType.TRANSACTION_FRAUD_INSIGHTS)


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

    Raises `NotFound`, `NothingNew`, `DataInvalid` with every finding, `InvalidInput`, `Conflict`
    for a model that is not trained from labels.
    """
    options.check()
    tell = progress or _silent
    end = until or at
    tell(0.0, "looking for what is new")
    with database.read() as connection:
        model = get_model(connection, model_id)
        if model.model_type not in _RETRAINED:
            raise Conflict(
                f"model {model_id!r} is of type {model.model_type}",
                field="model_id",
                expected="a model that learns from labelled events",
            )
        champion = champion_of(connection, model_id)
        facts = get_version(connection, model_id, champion.version).facts
        artifact = load_artifact(connection, model_id, champion.version)
        event_type = get_event_type(connection, model.event_type)
        unlabelled = resolved(connection, event_type, options.unlabelled, end)
        window = comparison_window(
            connection, event_type, facts.last_at, end, unlabelled, options.label_delay_days
        )
    assert window.since is not None
    data = data_from_log(
        database,
        event_type,
        until=window.since,
        base=options.base_file,
        progress=lambda share: tell(0.15 * share, "reading the event log"),
    )
    data = assume_labels(data, unlabelled, end)
    trained = _trained(data, artifact, facts, options, weights, tell)
    with database.read() as connection:
        evaluation = evaluate(
            connection,
            event_type,
            artifact,
            trained.artifact,
            window,
            at=at,
            unlabelled_are_legit=unlabelled.treatment is UnlabelledTreatment.LEGIT,
            alert_share=options.alert_share,
            progress=lambda share: tell(0.75 + 0.23 * share, "comparing with the champion"),
        )
    if trained.facts.frauds < facts.frauds:
        told = (
            f"The challenger learned from {trained.facts.frauds:,} frauds, the champion from "
            f"{facts.frauds:,}: a file with the earlier events (--with) would help it."
        )
        evaluation = msgspec.structs.replace(evaluation, remarks=(*evaluation.remarks, told))
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
        learned_until = max(
            challenger.learned_until - _MICROSECOND,
            get_version(connection, model_id, champion.version).facts.last_at,
        )
        unlabelled = resolved(connection, event_type, challenger.labels.unlabelled, at)
        mature = mature_until(learned_until, at, unlabelled, options.label_delay_days)
        count_new(connection, event_type, learned_until, mature, unlabelled)
        evaluation = evaluate(
            connection,
            event_type,
            load_artifact(connection, model_id, champion.version),
            load_artifact(connection, model_id, version),
            Window(learned_until + _MICROSECOND, mature),
            at=at,
            unlabelled_are_legit=unlabelled.treatment is UnlabelledTreatment.LEGIT,
            alert_share=options.alert_share,
            progress=lambda share: tell(0.98 * share, "comparing with the champion"),
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


def _sources(data: DataSet) -> dict[str, int]:
    import polars as pl

    if LABEL_SOURCE not in data.frame.columns:
        return {}
    named = data.frame[LABEL_SOURCE].cast(pl.String).fill_null("not said")
    counts = named.value_counts(sort=True, name="count")
    return dict(zip(counts[LABEL_SOURCE].to_list(), counts["count"].to_list(), strict=True))


def _silent(share: float, what: str) -> None:
    """No progress is shown."""
