"""`ringfence events ...`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, settings_of

if TYPE_CHECKING:
    import polars

    from ringfence.events import EventType
    from ringfence.events.log import StoredEvent

app = typer.Typer(help="The event log: what came in, and the labels it got.", no_args_is_help=True)


@app.callback()
def _events() -> None:
    """Keeps `export` a command of its own."""


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
    telephone and analysts decided becomes what the next model learns from.

    Examples:

        ringfence events export november.parquet --from 2026-11-01 --to 2026-12-01

        ringfence events export answered.csv --labelled
    """
    from ringfence.cli.screen import console
    from ringfence.events import get_event_type
    from ringfence.events.log import read_log
    from ringfence.simulation import write

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        of_type = get_event_type(connection, event_type)
        frame = _table(
            of_type,
            list(
                read_log(
                    connection,
                    event_type,
                    since=since and since.replace(tzinfo=UTC),
                    until=until and until.replace(tzinfo=UTC),
                    labelled_only=labelled,
                )
            ),
        )
    write(frame, out)
    labels = frame["EVENT_LABEL"].drop_nulls()
    frauds = int((labels == of_type.fraud_label).sum())
    console.print(
        f"{frame.height:,} events, {len(labels):,} of them labelled, {frauds:,} as fraud, in {out}"
    )


def _table(event_type: EventType, events: list[StoredEvent]) -> polars.DataFrame:
    """One row an event, with the columns that training and backtests know."""
    import polars

    columns: dict[str, list[Any]] = {
        "EVENT_ID": [event.event_id for event in events],
        "EVENT_TIMESTAMP": [_written(event.at) for event in events],
        "EVENT_LABEL": [event.label for event in events],
        "LABEL_TIMESTAMP": [_written(event.label_at) for event in events],
    }
    for entity_type in event_type.entity_types:
        columns[f"{entity_type}_id"] = [
            next((e.entity_id for e in event.entities if e.entity_type == entity_type), None)
            for event in events
        ]
    for variable in event_type.variables:
        columns[variable.name] = [event.variables.get(variable.name) for event in events]
    texts = dict.fromkeys(("EVENT_LABEL", "LABEL_TIMESTAMP"), polars.String)
    return polars.DataFrame(columns, schema_overrides=texts, infer_schema_length=None)


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")
