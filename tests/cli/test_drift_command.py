"""Drift and model cards by command."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from commands import Shell
from sqlalchemy import delete, insert

from ringfence.events import tables
from ringfence.settings import Settings
from ringfence.storage import Database


def test_a_window_without_events_is_said_plainly(trained: Shell) -> None:
    said = trained.ringfence("drift")

    assert said.code == 0, said
    assert "Model card_fraud version 1.0: 0 events of type card_payment" in said.out
    assert "no event in this window" in said.out
    assert trained.ringfence("drift", "--fail").code == 0


def test_what_does_not_fit_is_named(trained: Shell) -> None:
    assert "from" in trained.fails(2, "drift", "--from", "yesterday")
    assert "to" in trained.fails(2, "drift", "--from", "2026-03-02", "--to", "2026-03-01")
    assert "out" in trained.fails(2, "drift", "--out", "nowhere/report.json")
    assert "'nope'" in trained.fails(1, "drift", "nope")
    assert "'9.0'" in trained.fails(1, "drift", "card_fraud", "9.0")
    assert "output" in trained.fails(2, "models", "card", "card_fraud", "--output", "card.pdf")
    assert "output" in trained.fails(2, "models", "card", "card_fraud", "--output", "no/card.md")


def test_without_a_published_model_there_is_nothing_to_watch(shell: Shell) -> None:
    said = shell.ringfence("drift")

    assert said.code == 0, said
    assert "publish a detector" in said.out


def test_payments_that_changed_end_with_an_exit_code_for_cron(trained: Shell) -> None:
    database = Database(Settings(data_dir=trained.folder / "ringfence-data").url)
    at = datetime(2020, 1, 2, tzinfo=UTC)
    with database.write() as connection:
        connection.execute(
            insert(tables.events),
            [
                {
                    "event_type": "card_payment",
                    "event_id": f"drift-{number}",
                    "at": at,
                    "received_at": at,
                    "entities": [],
                    "variables": {"transaction_amt": 1e6, "currency": "xxx"},
                    "content_hash": b"0" * 16,
                }
                for number in range(400)
            ],
        )
    window = ("--from", "2020-01-01", "--to", "2020-01-03")
    said = trained.ringfence("drift", "card_fraud", *window, "--fail", "--out", "drift.json")

    assert said.code == 3, said
    assert "transaction_amt" in said.out.partition("Beyond bounds")[2]
    (report,) = json.loads((trained.folder / "drift.json").read_text())
    assert report["events"] == 400
    assert report["scored"] == 0
    assert trained.ringfence("drift", "card_fraud", *window).code == 0
    with database.write() as connection:  # others find an empty log
        connection.execute(delete(tables.events))
    database.dispose()


def test_the_card_is_written_in_each_format(trained: Shell) -> None:
    for name, beginning in (("card.html", "<!doctype html>"), ("card.md", "# card_fraud 1.0")):
        said = trained.ringfence("models", "card", "card_fraud", "1.0", "--output", name)
        assert said.code == 0, said
        assert (trained.folder / name).read_text().startswith(beginning)
    said = trained.ringfence("models", "card", "card_fraud", "--output", "card.json")
    assert said.code == 0, said
    card = json.loads((trained.folder / "card.json").read_text())
    assert card["data"]["rows"] == 4000
    shown = trained.ringfence("models", "card", "card_fraud")
    assert shown.out == (trained.folder / "card.md").read_text()
