"""`ringfence events ...`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

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

# Refused records that are shown at once.
_SHOWN = 5

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


@app.command("import")
def import_file(
    source: Annotated[
        str, typer.Argument(help="CSV or Parquet file, or s3://bucket/key, or s3://bucket/folder/.")
    ],
    event_type: Annotated[
        str, typer.Option("--event-type", "--type", help="Name of the event type.")
    ] = "card_payment",
    errors: Annotated[
        Path | None, typer.Option(help="CSV file to write the refused records to, with why.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Store the events of a file, with their labels, without deciding about them: profiles remember
    them, and the next model learns from them.

    The columns are EVENT_ID, EVENT_TIMESTAMP, the variables of the event type, whose the event is
    (ENTITY_TYPE and ENTITY_ID, or a column such as card_id), and EVENT_LABEL and LABEL_TIMESTAMP
    where labels are known. It is what `ringfence events export` writes, and what batch imports of
    Amazon Fraud Detector read. Records that do not fit are left out and told. Importing a file
    again does no harm: events that are stored already stay as they are.

    Examples:

        ringfence events import history.csv --event-type card_payment --errors refused.csv

        ringfence events import s3://bank/2026/ --event-type card_payment
    """
    from ringfence.aws.batches.importing import ImportPlace, count_events, import_events
    from ringfence.aws.batches.refusals import REFUSALS_HEADER, Refusal, written
    from ringfence.aws.batches.sources import found_sources
    from ringfence.cli.screen import console, progress_bar
    from ringfence.events import get_event_type

    database = open_database(settings_of(data_dir=data_dir))
    with database.read() as connection:
        of_type = get_event_type(connection, event_type)
    place, new, labelled = ImportPlace(), 0, 0
    shown: list[Refusal] = []
    with found_sources(source) as sources, _opened(errors) as refused:
        refused.write(REFUSALS_HEADER)
        size = sum(one.size for one in sources) or 1
        total = count_events(sources)
        of_all = "" if total is None else f" of {total:,}"
        with progress_bar("importing") as tell:
            for part in import_events(database, of_type, sources):
                place = part.place
                new, labelled = new + part.new, labelled + part.labelled
                refused.write(written(part.refusals))
                shown += part.refusals[: _SHOWN - len(shown)]
                done = (place.bytes_done + place.at) / size
                tell(min(1.0, done), f"row {place.processed:,}{of_all}")
    told = (
        (new, "stored"),
        (labelled, "that were stored already got their label"),
        (place.processed - place.failed - new - labelled, "were stored already"),
        (place.failed, "refused"),
    )
    said = ", ".join(f"{count:,} {what}" for count, what in told if count)
    console.print(f"{place.processed:,} events: {said or 'nothing to do'}.")
    for refusal in shown:
        console.print(f"  {refusal}", markup=False)
    if place.failed > len(shown):
        hint = f"in {errors}" if errors else "with --errors FILE"
        console.print(f"  ... all of them {hint}")
    if place.failed and place.failed == place.processed:
        raise typer.Exit(1)


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """The file to write to; one that nobody reads where none is named."""
    from ringfence.errors import InvalidInput

    if path is None:
        yield StringIO()
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", field="errors") from None
    with file:
        yield file


def _written(table: polars.DataFrame) -> polars.DataFrame:
    """Times as texts that every reader understands, to the microsecond as they are stored."""
    import polars

    times = polars.col("EVENT_TIMESTAMP", "LABEL_TIMESTAMP")
    return table.with_columns(times.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
