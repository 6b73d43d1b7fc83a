"""`ringfence train`, and how a model version is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.models import Facts, ModelType, ModelVersion, TakeoverMetrics, Trained, Tuning
    from ringfence.storage import Database


class ModelTypeName(StrEnum):
    """The types that can be trained. Models know the same names; loading them takes a while."""

    ONLINE_FRAUD_INSIGHTS = "ONLINE_FRAUD_INSIGHTS"
    TRANSACTION_FRAUD_INSIGHTS = "TRANSACTION_FRAUD_INSIGHTS"
    ACCOUNT_TAKEOVER_INSIGHTS = "ACCOUNT_TAKEOVER_INSIGHTS"


def train(
    source: Annotated[str, typer.Argument(help="CSV or Parquet file: a path, or s3://...")],
    model: Annotated[str, typer.Option(help="Id of the model.")] = "card_fraud",
    event_type: EventTypeName = "card_payment",
    model_type: Annotated[
        ModelTypeName | None,
        typer.Option(
            "--type",
            help="What the model looks at: ONLINE_FRAUD_INSIGHTS at each event alone, "
            "TRANSACTION_FRAUD_INSIGHTS also at what its customer, card, merchant and device did "
            "before, ACCOUNT_TAKEOVER_INSIGHTS at logins, and whether a stranger may have signed "
            "in. Default: the model's type; of a new model the first.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="The same data and seed give the same version.")
    ] = 0,
    budget: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            max=604_800.0,
            metavar="SECONDS",
            help="Spend about so long on the training, and try other ways to learn for as long as "
            "that leaves time: class weights, sizes of trees, averages of models. A version that "
            "was found so tells what was tried. Default: the standard way, at once.",
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Grow the trees on a Dask cluster, where every worker keeps a part of the rows: "
            "the scheduler's tcp://host:port, or local:2 for two processes on this machine. The "
            "model is equivalent to one that is trained here. Needs ringfence\\[dask].",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Train a new version of a model from labelled events.

    The file has one row an event: EVENT_TIMESTAMP, EVENT_LABEL, and columns named like the event
    type's variables. The metrics and the score are of a model that has not seen the last 15 % by
    time; the version itself has learned from them, too. For TRANSACTION_FRAUD_INSIGHTS columns such
    as customer_id and card_id, or ENTITY_TYPE and ENTITY_ID, say whose the events are.

    ACCOUNT_TAKEOVER_INSIGHTS needs logins with an account and a variable of type IP_ADDRESS; those
    of types USERAGENT, FINGERPRINT and ARE_CREDENTIALS_VALID, latitude and longitude tell more.
    EVENT_LABEL may be empty or missing: the model learns from strangers that it makes up.

    Examples:

        ringfence train payments.parquet

        ringfence train s3://bank/payments.csv --model card_fraud --event-type card_payment

        ringfence train payments.parquet --model habits --type TRANSACTION_FRAUD_INSIGHTS

        ringfence train payments.parquet --budget 300

        ringfence train s3://bank/years.parquet --dask tcp://10.0.0.5:8786

        ringfence train logins.parquet --model takeovers --event-type login \\
        --type ACCOUNT_TAKEOVER_INSIGHTS
    """
    from ringfence.cli.screen import progress_bar

    settings = settings_of(data_dir=data_dir)
    database = open_database(settings)
    with progress_bar("Training") as advance:
        version = train_version(
            database,
            source,
            model,
            event_type,
            seed,
            advance,
            model_type=None if model_type is None else model_type.value,
            budget_seconds=budget,
            label_weights=settings.label_weights,
            dask=dask,
        )
    show_version(version)


def train_version(
    database: Database,
    source: str,
    model_id: str,
    event_type_name: str,
    seed: int,
    progress: Callable[[float, str], None],
    *,
    model_type: str | None = None,
    budget_seconds: float | None = None,
    label_weights: Mapping[str, float | Mapping[str, float]] | None = None,
    dask: str | None = None,
) -> ModelVersion:
    """Train on `source` and keep the result as the model's next version.

    `budget_seconds` are for reading and training, `label_weights` as in the settings, `dask` is
    where the cluster is that grows the trees. The model is made when there is none: of type
    `model_type`, by default ONLINE_FRAUD_INSIGHTS.
    Raises `DataInvalid` with every finding, `Conflict` when there is one of another type,
    `InvalidInput` for a budget where there is nothing to try, `Unavailable` without the cluster.
    """
    from ringfence.errors import InvalidInput, NotFound
    from ringfence.events import get_event_type
    from ringfence.models import create_model, get_model, read_data, store_version
    from ringfence.models.types import learns_from_logins, train_as
    from ringfence.models.weights import weights_of

    with database.read() as connection:
        event_type = get_event_type(connection, event_type_name)
        kind = _model_type(connection, model_id, model_type)
    of_logins = learns_from_logins(kind)
    if of_logins and budget_seconds is not None:
        raise InvalidInput(
            f"a model of type {kind} is always trained in the standard way",
            field="budget",
            expected="no budget, or another type of model",
        )
    if of_logins and dask is not None:
        raise InvalidInput(
            f"a model of type {kind} is trained on this machine",
            field="dask",
            expected="no cluster, or another type of model",
        )
    progress(0.0, "reading")
    began = time.perf_counter()
    data = read_data(source, event_type, labels_required=not of_logins)
    read = time.perf_counter()
    took = read - began

    def tell(share: float, stage: str) -> None:
        # As a share of the time that reading and training will have taken together.
        so_far = time.perf_counter() - read
        progress((took + so_far) / (took + so_far / share) if share > 0 else 0.02, stage)

    train_here = partial(
        train_as,
        kind,
        data,
        seed=seed,
        budget_seconds=None if budget_seconds is None else max(1.0, budget_seconds - took),
        weights=weights_of(label_weights or {}),
        progress=tell,
    )
    trained = train_here() if dask is None else _trained_on_cluster(dask, train_here)
    with database.write() as connection:
        try:
            get_model(connection, model_id)
        except NotFound:
            create_model(connection, model_id, event_type_name, model_type=kind)
        return store_version(connection, model_id, trained)


def _trained_on_cluster(address: str, train: Callable[..., Trained]) -> Trained:
    from ringfence.models.distributed import ClusterGrower, cluster_at, grown_on

    with cluster_at(address) as client:
        trained = train(grower=partial(ClusterGrower, client=client))
        return replace(trained, messages=(*trained.messages, grown_on(client)))


def _model_type(connection: Connection, model_id: str, asked: str | None) -> ModelType:
    from ringfence.errors import Conflict, NotFound
    from ringfence.models import ModelType, get_model

    try:
        known = get_model(connection, model_id).model_type
    except NotFound:
        return ModelType(asked or ModelType.ONLINE_FRAUD_INSIGHTS)
    if asked is not None and asked != known:
        raise Conflict(
            f"model {model_id!r} is of type {known}",
            field="type",
            expected="that type, or the name of a new model",
        )
    return known


def show_version(version: ModelVersion) -> None:
    """The facts of a model version, on the console."""
    from ringfence.cli.screen import console, table
    from ringfence.models import suggest_thresholds

    if version.metrics.takeover is not None:
        _show_takeovers(version, version.metrics.takeover)
        return
    facts, metrics = version.facts, version.metrics
    remembers = any(i.variable_type == "PROFILE" for i in version.importance)
    console.print(
        f"Model [bold]{version.model_id}[/] version [bold]{version.version}[/]"
        f"{', of events and what was before' if remembers else ''}: "
        f"{facts.rows:,} events, {facts.frauds:,} of them fraud, "
        f"{facts.first_at:%Y-%m-%d} to {facts.last_at:%Y-%m-%d}; "
        f"{_held_out(facts)}; trained in {facts.duration_seconds:.1f} s"
    )
    if facts.tuning is not None:
        _show_tuning(facts.tuning)
    console.print(
        f"AUC {metrics.auc:.3f} (95 % range {metrics.auc_low:.3f} to {metrics.auc_high:.3f}), "
        f"average precision {metrics.average_precision:.3f}"
    )
    table(
        ("false positives>", "threshold>", "frauds found>", "precision>"),
        (
            (f"{t.fpr:.0%}", f"{t.threshold:.0f}", f"{t.tpr:.1%}", f"{t.precision:.1%}")
            for t in suggest_thresholds(metrics)
        ),
    )
    _show_findings(version)


def _held_out(facts: Facts) -> str:
    if facts.crossed:
        return "each held out in turn to measure"
    return f"the last {facts.held_out_rows:,} held out to measure"


def _show_tuning(tuning: Tuning) -> None:
    from ringfence.cli.screen import console, table

    given_up = sum(trial.average_precision is None for trial in tuning.trials)
    console.print(
        f"Tried {len(tuning.trials)} recipes in {sum(t.seconds for t in tuning.trials):.0f} s, "
        f"{given_up} of them given up early; chosen by {tuning.frauds:,} frauds among "
        f"{tuning.events:,} events that were not held out. Those that ranked best:"
    )
    judged = [trial for trial in tuning.trials if trial.average_precision is not None]
    judged.sort(key=lambda trial: trial.average_precision or 0.0, reverse=True)
    table(
        ("recipe", "average precision>", "trees>", "verdict"),
        ((t.words, f"{t.average_precision:.4f}", f"{t.trees}", str(t.verdict)) for t in judged[:5]),
    )


def _show_takeovers(version: ModelVersion, metrics: TakeoverMetrics) -> None:
    from ringfence.cli.screen import console, table
    from ringfence.models import suggest_challenges

    facts = version.facts
    console.print(
        f"Model [bold]{version.model_id}[/] version [bold]{version.version}[/] of account "
        f"takeovers: {facts.rows:,} logins, {facts.frauds:,} of them labelled takeovers, "
        f"{facts.first_at:%Y-%m-%d} to {facts.last_at:%Y-%m-%d}; "
        f"{facts.held_out_rows:,} held out; trained in {facts.duration_seconds:.1f} s"
    )
    console.print(
        f"Anomaly separation index {metrics.asi:.3f} (95 % range {metrics.asi_low:.3f} to "
        f"{metrics.asi_high:.3f}), by {metrics.anomalies:,} made-up strangers"
    )
    table(
        ("challenged>", "threshold>", "strangers found>", "labelled takeovers found>"),
        (
            (
                f"{row.cr:.1%}",
                f"{row.threshold:.0f}",
                f"{row.adr:.1%}",
                "unknown" if row.atodr is None else f"{row.atodr:.1%}",
            )
            for row in suggest_challenges(metrics)
        ),
    )
    table(
        ("looked at together", "log odds>"),
        ((", ".join(g.variables), f"{g.log_odds:.2f}") for g in metrics.groups[:8]),
    )
    _show_findings(version)


def _show_findings(version: ModelVersion) -> None:
    from ringfence.cli.screen import console, table

    table(
        ("variable", "type", "importance>"),
        ((i.variable, i.variable_type, f"{i.share:.1%}") for i in version.importance[:8]),
    )
    for message in version.messages:
        where = f" ({message.column})" if message.column else ""
        console.print(f"{message.kind}{where}: {message.title}. {message.text}")
