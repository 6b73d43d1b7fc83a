"""`ringfence train`, and how a model version is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, settings_of

if TYPE_CHECKING:
    from ringfence.models import ModelVersion
    from ringfence.storage import Database


def train(
    source: Annotated[str, typer.Argument(help="CSV or Parquet file: a path, or s3://...")],
    model: Annotated[str, typer.Option(help="Id of the model.")] = "card_fraud",
    event_type: EventTypeName = "card_payment",
    seed: Annotated[
        int, typer.Option(min=0, help="The same data and seed give the same version.")
    ] = 0,
    data_dir: DataDir = None,
) -> None:
    """Train a new version of a model from labelled events.

    The file has one row an event: EVENT_TIMESTAMP, EVENT_LABEL, and columns named like the event
    type's variables. The last 15 % by time are held out to stop, calibrate and measure on.

    Examples:

        ringfence train payments.parquet

        ringfence train s3://bank/payments.csv --model card_fraud --event-type card_payment
    """
    from ringfence.cli.screen import progress_bar

    database = open_database(settings_of(data_dir=data_dir))
    with progress_bar("Training") as advance:
        version = train_version(database, source, model, event_type, seed, advance)
    show_version(version)


def train_version(
    database: Database,
    source: str,
    model_id: str,
    event_type_name: str,
    seed: int,
    progress: Callable[[float, str], None],
) -> ModelVersion:
    """Train on `source` and keep the result as the model's next version.

    The model is made when there is none. Raises `DataInvalid` with every finding.
    """
    from ringfence.errors import NotFound
    from ringfence.events import get_event_type
    from ringfence.models import create_model, get_model, read_data, store_version
    from ringfence.models import train as train_on

    with database.read() as connection:
        event_type = get_event_type(connection, event_type_name)
    progress(0.0, "reading")
    data = read_data(source, event_type)
    progress(0.1, "checking")
    trained = train_on(
        data, seed=seed, progress=lambda share, stage: progress(0.1 + 0.9 * share, stage)
    )
    with database.write() as connection:
        try:
            get_model(connection, model_id)
        except NotFound:
            create_model(connection, model_id, event_type_name)
        return store_version(connection, model_id, trained)


def show_version(version: ModelVersion) -> None:
    """The facts of a model version, on the console."""
    from ringfence.cli.screen import console, table
    from ringfence.models import suggest_thresholds

    facts, metrics = version.facts, version.metrics
    console.print(
        f"Model [bold]{version.model_id}[/] version [bold]{version.version}[/]: "
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
    table(
        ("variable", "type", "importance>"),
        ((i.variable, i.variable_type, f"{i.share:.1%}") for i in version.importance[:8]),
    )
    for message in version.messages:
        where = f" ({message.column})" if message.column else ""
        console.print(f"{message.kind}{where}: {message.title}. {message.text}")
