"""How long it takes to judge past events again, beside the goal of 60 s for 1,000,000.

    python -m bench backtest
    python bench/backtest.py [events] [events of the log]

A model is trained on generated payments and published with its suggested rules; then it, and the
same version twice side by side, judge later payments from a Parquet file and from the event log.
`processor` is the time of all processes together: on a machine with other work to do, the wall
clock says less.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ringfence.cases import CALL_OUTCOME, furnish
from ringfence.cli.detectors import publish_version
from ringfence.cli.training import train_version
from ringfence.detectors.backtest.history import FiledEvents, LoggedEvents, Past, Window
from ringfence.detectors.backtest.judging import Subject, backtest, subject
from ringfence.detectors.catalog import Catalog
from ringfence.events import Entity, EventReader, SentEvent, label_event
from ringfence.events.log import append_events
from ringfence.simulation import Options, generate, write
from ringfence.storage import Database, migrate, now

if __package__:
    from bench.tables import print_table
else:
    from tables import print_table

_GOAL_SECONDS_A_MILLION = 60.0
_TRAINED_ON = 50_000
_STORED_AT_ONCE = 5_000


def prepared(folder: Path) -> Database:
    """A database with a trained, published detector."""
    database = Database(f"sqlite:///{folder / 'ringfence.db'}")
    migrate(database)
    with database.write() as connection:
        furnish(connection)
    learned = folder / "learned.parquet"
    write(generate(Options(transactions=_TRAINED_ON, seed=1, days=90)), learned)
    train_version(database, str(learned), "card_fraud", "card_payment", 0, lambda *_: None)
    publish_version(database, "card_fraud", "card_fraud", "card_payment")
    return database


def store(database: Database, of: Subject, path: Path, count: int) -> None:
    """Put the first payments of a file into the event log, with their labels."""
    import polars as pl

    reader = EventReader(of.event_type)
    names = [variable.name for variable in of.event_type.variables]
    frame = pl.read_parquet(path).head(count)
    times = frame["EVENT_TIMESTAMP"].str.to_datetime(time_zone="UTC").to_list()
    for start in range(0, frame.height, _STORED_AT_ONCE):
        part = frame.slice(start, _STORED_AT_ONCE)
        events = [
            reader.read(
                SentEvent(
                    event_id=row["EVENT_ID"],
                    at=at,
                    entities=(
                        Entity("customer", row["customer_id"]),
                        Entity("card", row["card_id"]),
                    ),
                    variables={name: row[name] for name in names if row[name] is not None},
                ),
                now(),
            )
            for row, at in zip(part.to_dicts(), times[start : start + part.height], strict=True)
        ]
        with database.write() as connection:
            append_events(connection, events, now())
            for event, label in zip(events, part["EVENT_LABEL"], strict=True):
                label_event(connection, event.event_type, event.event_id, label, source="bench")


def timed(work: Callable[[], int]) -> tuple[int, float, float]:
    """Events, seconds by the clock, seconds of processor."""
    before, began = os.times(), time.perf_counter()
    events = work()
    seconds = time.perf_counter() - began
    after = os.times()
    return events, seconds, sum(after[:4]) - sum(before[:4])


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    of_log = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    rows = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = prepared(folder)
        path = folder / "past.parquet"
        write(generate(Options(transactions=count, seed=2, days=180)), path)
        with database.read() as connection:
            tested = subject(connection, Catalog(), "card_fraud")
        store(database, tested, path, min(count, of_log))

        def judged(past: Past, *subjects: Subject) -> int:
            return backtest(
                past,
                subjects,
                alert_outcomes={CALL_OUTCOME},
                database_url=database.url,
                processes=os.cpu_count() or 1,
            ).events

        def filed(*subjects: Subject) -> int:
            return judged(FiledEvents(path, tested.event_type, Window()), *subjects)

        def logged(*subjects: Subject) -> int:
            with database.read() as connection:
                return judged(LoggedEvents(connection, tested.event_type, Window()), *subjects)

        for what, work in (
            ("Parquet file, one version", lambda: filed(tested)),
            ("Parquet file, two versions of one model", lambda: filed(tested, tested)),
            ("event log, one version", lambda: logged(tested)),
        ):
            events, seconds, processor = timed(work)
            rows.append(
                (
                    what,
                    f"{events:,}",
                    f"{seconds:.1f}",
                    f"{processor:.1f}",
                    f"{events / seconds:,.0f}",
                    f"{_GOAL_SECONDS_A_MILLION * events / 1e6:.0f}",
                )
            )
        database.dispose()
    print_table(
        "Judging past events again",
        ("events from", "events", "seconds", "processor seconds", "events/s", "goal, seconds"),
        rows,
    )


if __name__ == "__main__":
    main()
