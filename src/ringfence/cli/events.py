"""`ringfence events ...`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import (
    DataDir,
    EventTypeName,
    open_database,
    read_text,
    settings_of,
)

if TYPE_CHECKING:
    import polars

app = typer.Typer(
    help="Events: their types, what came in, and the labels it got.", no_args_is_help=True
)


@app.command("define")
def define(
    file: Annotated[Path, typer.Argument(help="JSON file with an event type, as the API has it.")],
    data_dir: DataDir = None,
) -> None:
    """Define an event type, or change one: its variables, entities and labels.

    Examples:

        ringfence events define inspection-event-type.json
    """
    import msgspec

    from ringfence.cli.screen import console
    from ringfence.errors import InvalidInput
    from ringfence.events import EventType, put_event_type

    try:
        event_type = msgspec.json.decode(read_text(file), type=EventType)
    except msgspec.DecodeError as error:
        raise InvalidInput(str(error), field=str(file), expected="an event type") from None
    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        put_event_type(connection, event_type)
    console.print(
        f"Event type {event_type.name} has {len(event_type.variables)} variables and the labels "
        f"{', '.join(event_type.labels)}."
    )


@app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="File to write; .csv or .parquet.")],
    event_type: EventTypeName = "card_payment",
    since: Annotated[
        datetime | None, typer.Option("--from", help="First moment, in UTC, such as 2026-11-01.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="Up to, not including, this moment in UTC.")
    ] = None,
    labelled: Annotated[
        bool, typer.Option("--labelled", help="Only events whose label is known.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Write stored events to a file that `ringfence train` reads: what cardholders answered on the
    telephone and analysts decided becomes what the next model learns from. LABEL_SOURCE says who
    gave a label. `ringfence retrain` does the same without a file.

    Examples:

        ringfence events export november.parquet --from 2026-11-01 --to 2026-12-01

        ringfence events export answered.csv --labelled
    """
    from ringfence.cli.screen import console
    from ringfence.events import get_event_type
    from ringfence.models.logged import logged_table
    from ringfence.simulation import write

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        of_type = get_event_type(connection, event_type)
        table = logged_table(
            connection,
            of_type,
            since=since and since.replace(tzinfo=UTC),
            until=until and until.replace(tzinfo=UTC),
            labelled_only=labelled,
        )
    write(_written(table), out)
    labels = table["EVENT_LABEL"].drop_nulls()
    frauds = int(labels.is_in(of_type.fraud_labels).sum())
    console.print(
        f"{table.height:,} events, {len(labels):,} of them labelled, {frauds:,} as fraud, in {out}"
    )


def _written(table: polars.DataFrame) -> polars.DataFrame:
    """Times as texts that every reader understands, to the microsecond as they are stored."""
    import polars

    times = polars.col("EVENT_TIMESTAMP", "LABEL_TIMESTAMP")
    return table.with_columns(times.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
