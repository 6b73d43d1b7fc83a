"""`ringfence train`, and how a model version is shown."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, settings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.models import ModelType, ModelVersion, TakeoverMetrics
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
    data_dir: DataDir = None,
) -> None:
    """Train a new version of a model from labelled events.

    The file has one row an event: EVENT_TIMESTAMP, EVENT_LABEL, and columns named like the event
    type's variables. The last 15 % by time are held out to stop, calibrate and measure on. For
    TRANSACTION_FRAUD_INSIGHTS columns such as customer_id and card_id, or ENTITY_TYPE and
    ENTITY_ID, say whose the events are.

    ACCOUNT_TAKEOVER_INSIGHTS needs logins with an account and a variable of type IP_ADDRESS; those
    of types USERAGENT, FINGERPRINT and ARE_CREDENTIALS_VALID, latitude and longitude tell more.
    EVENT_LABEL may be empty or missing: the model learns from strangers that it makes up.

    Examples:

        ringfence train payments.parquet

        ringfence train s3://bank/payments.csv --model card_fraud --event-type card_payment

        ringfence train payments.parquet --model habits --type TRANSACTION_FRAUD_INSIGHTS

        ringfence train logins.parquet --model takeovers --event-type login \\
        --type ACCOUNT_TAKEOVER_INSIGHTS
    """
    from ringfence.cli.screen import progress_bar

    database = open_database(settings_of(data_dir=data_dir))
    with progress_bar("Training") as advance:
        version = train_version(
            database,
            source,
            model,
            event_type,
            seed,
            advance,
            model_type=None if model_type is None else model_type.value,
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
) -> ModelVersion:
    """Train on `source` and keep the result as the model's next version.

    The model is made when there is none: of type `model_type`, by default ONLINE_FRAUD_INSIGHTS.
    Raises `DataInvalid` with every finding, `Conflict` when there is one of another type.
    """
    from ringfence.errors import NotFound
    from ringfence.events import get_event_type
    from ringfence.models import (
        ModelType,
        create_model,
        get_model,
        plan_for,
        read_data,
        store_version,
        train_takeover,
    )
    from ringfence.models import train as train_on

    with database.read() as connection:
        event_type = get_event_type(connection, event_type_name)
        kind = _model_type(connection, model_id, model_type)
    progress(0.0, "reading")
    of_logins = kind is ModelType.ACCOUNT_TAKEOVER_INSIGHTS
    data = read_data(source, event_type, labels_required=not of_logins)
    progress(0.1, "checking")

    def tell(share: float, stage: str) -> None:
        progress(0.1 + 0.9 * share, stage)

    if of_logins:
        trained = train_takeover(data, seed=seed, progress=tell)
    else:
        plan = plan_for(data) if kind is ModelType.TRANSACTION_FRAUD_INSIGHTS else None
        trained = train_on(data, plan=plan, seed=seed, progress=tell)
    with database.write() as connection:
        try:
            get_model(connection, model_id)
        except NotFound:
            create_model(connection, model_id, event_type_name, model_type=kind)
        return store_version(connection, model_id, trained)


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
        f"{facts.held_out_rows:,} held out; trained in {facts.duration_seconds:.1f} s"
    )
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
