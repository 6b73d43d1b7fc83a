"""`ringfence score`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ringfence.cli.options import DataDir, EventTypeName, open_database, read_text, settings_of
from ringfence.cli.results import write_whole

if TYPE_CHECKING:
    from ringfence.detectors.external import Said
    from ringfence.detectors.profiles import ProfileValues
    from ringfence.detectors.runtime import DetectorRuntime
    from ringfence.events import Event, EventType
    from ringfence.storage import Database

_BATCH = 512
_SHOWN = 20


class Scored(NamedTuple):
    """What came of one row: its score and outcomes, or why it could not be read."""

    event_id: str
    score: float | None
    rules: str
    outcomes: str
    status: str


def score(
    file: Annotated[Path, typer.Argument(help="JSON, JSON Lines, CSV or Parquet.")],
    out: Annotated[
        Path | None, typer.Option(help="Write every row with its score to this CSV file.")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Detector, when several are active for the event type.")
    ] = None,
    event_type: EventTypeName = "card_payment",
    explain: Annotated[bool, typer.Option(help="Say why, for a file of a single event.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Score events with the active detector version, without storing or calling anybody.

    A JSON document is an event (`{"variables": {...}}`), the article's transaction
    (`{"customer": ..., "transaction": {...}}`), or a list of these.

    Examples:

        ringfence score transaction.json --explain

        ringfence score payments.parquet --out scored.csv
    """
    from ringfence.cli.screen import console, progress_bar, table
    from ringfence.detectors.catalog import Catalog

    database = open_database(settings_of(data_dir=data_dir))
    with database.read() as connection:
        runtime = Catalog().active(connection, event_type, detector)
    rows = _rows(file, runtime.reader.event_type)
    if len(rows) > _SHOWN and out is None:
        out = file.with_name(f"{file.stem}-scored.csv")
    with progress_bar("Scoring") as advance:
        scored = []
        for start in range(0, len(rows), _BATCH):
            scored += _score(database, runtime, rows[start : start + _BATCH], start)
            advance(len(scored) / len(rows), "")
    if out is None or len(rows) <= _SHOWN:
        table(
            ("event", "score>", "rules", "outcomes", "status"),
            ((s.event_id, "-" if s.score is None else f"{s.score:.0f}", *s[2:]) for s in scored),
        )
    if explain and len(rows) == 1 and scored[0].score is not None:
        _explain(database, runtime, rows[0])
    if out is not None:
        _write(out, rows, scored)
        console.print(f"{len(scored):,} rows in {out}")
    failed = sum(s.score is None for s in scored)
    if failed:
        console.print(f"{failed:,} of {len(scored):,} rows could not be scored; see `status`.")
        raise typer.Exit(2)


def _score(
    database: Database, runtime: DetectorRuntime, rows: list[dict[str, Any]], start: int
) -> list[Scored]:
    from ringfence.errors import RingfenceError

    events: list[Event] = []
    results: list[Scored | None] = []
    for number, row in enumerate(rows, start):
        try:
            events.append(_read(runtime, row, number))
            results.append(None)
        except RingfenceError as error:
            results.append(Scored(str(row.get("EVENT_ID") or number), None, "", "", str(error)))
    profiles = _remembered(database, runtime, events)
    said = _said(runtime, events)
    decided = iter(zip(events, runtime.decide(events, profiles, external=said), said, strict=True))
    scored = []
    for result in results:
        if result is None:
            event, (scores, rules), of_others = next(decided)
            matched = [rule for rule in rules if rule.matched]
            outcomes = dict.fromkeys(name for rule in matched for name in rule.outcomes)
            result = Scored(
                event.event_id,
                max(scores.values(), default=0.0),
                ", ".join(rule.rule_id for rule in matched),
                ", ".join(outcomes),
                of_others.note or "scored",
            )
        scored.append(result)
    return scored


def _said(runtime: DetectorRuntime, events: list[Event]) -> list[Said]:
    """What external models say of each event."""
    from ringfence.models.external import ExternalCalls

    calls = ExternalCalls()
    try:
        return runtime.external.ask_all(calls, [event.variables for event in events])
    finally:
        calls.close()


def _remembered(
    database: Database, runtime: DetectorRuntime, events: list[Event]
) -> ProfileValues | None:
    """What profiles would say of each event if it came now; None for a detector without any."""
    from ringfence.detectors.profiles import current_values
    from ringfence.storage import now

    if not runtime.plans or not events:
        return None
    with database.write() as connection:
        return current_values(connection, runtime.plans.values(), events, now())


def _read(runtime: DetectorRuntime, row: dict[str, Any], number: int) -> Event:
    from ringfence.errors import InvalidInput
    from ringfence.events import Entity, SentEvent
    from ringfence.storage import now

    event_type = runtime.reader.event_type
    names = {variable.name for variable in event_type.variables}
    at = row.get("EVENT_TIMESTAMP")
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            raise InvalidInput("not a time", field="EVENT_TIMESTAMP", expected="ISO 8601") from None
    sent = SentEvent(
        event_id=str(row.get("EVENT_ID") or f"row-{number + 1}"),
        at=at,
        entities=tuple(
            Entity(entity, str(of_row))
            for entity in event_type.entity_types
            if (of_row := row.get(f"{entity}_id") or row.get(entity))
        ),
        variables={name: value for name, value in row.items() if name in names},
    )
    return runtime.reader.read(sent, now())


def _explain(database: Database, runtime: DetectorRuntime, row: dict[str, Any]) -> None:
    from ringfence.cli.screen import table

    event = _read(runtime, row, 0)
    profiles = _remembered(database, runtime, [event])
    for variable, contributions in runtime.explain(event, profiles).items():
        table(
            ("what", "log odds>", "in words"),
            ((c.variable, f"{c.log_odds:+.2f}", c.text) for c in contributions[:10]),
            title=f"Why {variable}",
        )


def _rows(file: Path, event_type: EventType) -> list[dict[str, Any]]:
    """The rows of a file, as column (or variable) to value."""
    import polars

    from ringfence.errors import InvalidInput

    try:
        if file.suffix == ".parquet":
            return polars.read_parquet(file).to_dicts()
        if file.suffix == ".csv":
            return polars.read_csv(file, infer_schema=False).to_dicts()
    except (OSError, polars.exceptions.PolarsError) as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="file") from None
    return [_flat(document) for document in _documents(file)]


def _documents(file: Path) -> Iterator[Any]:
    import msgspec

    from ringfence.errors import InvalidInput

    text = read_text(file)
    try:
        document = msgspec.json.decode(text)
        yield from document if isinstance(document, list) else [document]
    except msgspec.DecodeError:
        try:
            yield from msgspec.json.Decoder().decode_lines(text)
        except msgspec.DecodeError as error:
            raise InvalidInput(
                f"{file} is neither JSON nor JSON Lines: {error}", field="file"
            ) from None


def _flat(document: Any) -> dict[str, Any]:
    from ringfence.errors import InvalidInput

    if isinstance(document, dict):
        for part in ("transaction", "variables"):
            if isinstance(document.get(part), dict):
                return {
                    "EVENT_ID": document.get("event_id"),
                    "EVENT_TIMESTAMP": document.get("event_timestamp"),
                    "customer": document.get("customer"),
                    **document[part],
                }
        return document
    raise InvalidInput(
        "not an event", field="file", expected="an object with `variables` or `transaction`"
    )


def _write(out: Path, rows: list[dict[str, Any]], scored: list[Scored]) -> None:
    import polars

    frame = polars.DataFrame(rows, infer_schema_length=None)
    results = polars.DataFrame(
        {
            "SCORE": [s.score for s in scored],
            "RULES": [s.rules for s in scored],
            "OUTCOMES": [s.outcomes for s in scored],
            "STATUS": [s.status for s in scored],
        }
    )
    write_whole(out, frame.hstack(results).write_csv)
