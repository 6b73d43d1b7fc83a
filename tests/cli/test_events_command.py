"""Stored events, with what people said of them, become a file that the next model learns from."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from commands import Shell

from ringfence.detectors import DecisionEngine, Request, label_event
from ringfence.events import Entity, SentEvent
from ringfence.simulation import VARIABLES
from ringfence.storage import Database

FILE = "payments.csv"


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A folder in which 4,000 payments were decided, and all but the first 100 labelled."""
    shell = Shell(tmp_path_factory.mktemp("answered"))
    for arguments in (
        ("simulate", FILE, "--transactions", "4000", "--days", "60", "--seed", "3"),
        ("train", FILE),
        ("detectors", "publish"),
    ):
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    with (shell.folder / FILE).open() as file:
        rows = list(csv.DictReader(file))
    database = Database(f"sqlite:///{shell.folder}/ringfence-data/ringfence.db")
    engine = DecisionEngine(database)

    async def decide(row: dict[str, str]) -> None:
        sent = SentEvent(
            event_id=row["EVENT_ID"],
            at=datetime.fromisoformat(row["EVENT_TIMESTAMP"]),
            entities=(Entity("customer", row["customer_id"]), Entity("card", row["card_id"])),
            variables={name: row[name] for name in VARIABLES if row[name]},
        )
        await engine.decide(Request(event_type="card_payment", sent=sent))

    async def decide_all() -> None:
        await asyncio.gather(*map(decide, rows))

    asyncio.run(decide_all())
    engine.close()
    with database.write() as connection:
        for row in rows[100:]:
            at = datetime.fromisoformat(row["EVENT_TIMESTAMP"]) + timedelta(days=1)
            label_event(
                connection,
                "card_payment",
                row["EVENT_ID"],
                row["EVENT_LABEL"],
                source="phone",
                at=at,
            )
    database.dispose()
    return shell


def test_the_next_model_is_trained_on_exported_events(answered: Shell) -> None:
    said = answered.ringfence("events", "export", "log.parquet")
    assert said.code == 0, said
    assert "4,000 events, 3,900 of them labelled" in said.out
    trained = answered.ringfence("train", "log.parquet", "--model", "next")
    assert trained.code == 0, trained
    assert "Model next version 1.0" in trained.out


def test_an_export_says_what_was_sent(answered: Shell) -> None:
    assert answered.ringfence("events", "export", "log.parquet").code == 0
    kept = pl.read_parquet(answered.folder / "log.parquet").sort("EVENT_ID")
    sent = pl.read_csv(answered.folder / FILE, infer_schema=False).sort("EVENT_ID")
    for column in ("EVENT_ID", "customer_id", "card_id", "merchant_name", "ip_address"):
        assert kept[column].to_list() == sent[column].to_list()
    assert kept["transaction_amt"].to_list() == [float(x) for x in sent["transaction_amt"]]


def test_an_export_can_be_of_a_time_and_of_labelled_events_only(answered: Shell) -> None:
    options = ("--labelled", "--from", "2026-01-15", "--to", "2026-02-01")
    assert answered.ringfence("events", "export", "part.csv", *options).code == 0
    part = pl.read_csv(answered.folder / "part.csv", infer_schema=False)
    times = [datetime.fromisoformat(text) for text in part["EVENT_TIMESTAMP"]]
    assert times
    assert min(times) >= datetime(2026, 1, 15, tzinfo=UTC)
    assert max(times) < datetime(2026, 2, 1, tzinfo=UTC)
    assert part["EVENT_LABEL"].null_count() == 0


def test_an_export_of_nothing_has_its_columns(shell: Shell) -> None:
    said = shell.ringfence("events", "export", "empty.csv")
    assert said.code == 0, said
    assert "0 events" in said.out
    assert "transaction_amt" in (shell.folder / "empty.csv").read_text()


def test_what_cannot_be_exported_is_named(shell: Shell) -> None:
    assert "event type" in shell.ringfence("events", "export", "x.csv", "--event-type", "no").err
    assert ".csv or .parquet" in shell.ringfence("events", "export", "x.txt").err
