"""A model is trained anew from answers, compared, promoted, and gone back from, by commands."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from commands import Shell

from ringfence.events import Entity, EventReader, SentEvent, get_event_type, label_event
from ringfence.events.log import append_events
from ringfence.simulation import VARIABLES
from ringfence.storage import Database

NOW = "2026-05-20"


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A detector that decides by a model of 60 days, and a log of the 75 days after, answered."""
    shell = Shell(tmp_path_factory.mktemp("answered"))
    options = ("--transactions", "9000", "--days", "135", "--seed", "5")
    assert shell.ringfence("simulate", "all.csv", *options).code == 0
    with (shell.folder / "all.csv").open() as file:
        rows = list(csv.DictReader(file))
    middle = rows[4_000]["EVENT_TIMESTAMP"]
    with (shell.folder / "first.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["EVENT_TIMESTAMP"] <= middle)
    for arguments in (("train", "first.csv"), ("detectors", "publish")):
        said = shell.ringfence(*arguments)
        assert said.code == 0, said
    database = Database(f"sqlite:///{shell.folder}/ringfence-data/ringfence.db")
    with database.write() as connection:
        reader = EventReader(get_event_type(connection, "card_payment"))
        for row in rows:
            if row["EVENT_TIMESTAMP"] <= middle:
                continue
            at = datetime.fromisoformat(row["EVENT_TIMESTAMP"])
            sent = SentEvent(
                event_id=row["EVENT_ID"],
                at=at,
                entities=(Entity("card", row["card_id"]),),
                variables={name: row[name] for name in VARIABLES if row[name]},
            )
            append_events(connection, [reader.read(sent, at)], at)
            label_event(
                connection,
                "card_payment",
                row["EVENT_ID"],
                row["EVENT_LABEL"],
                source="phone",
                at=at + timedelta(minutes=1),
            )
    database.dispose()
    return shell


@pytest.fixture
def answered(furnished: Shell, tmp_path: Path) -> Shell:
    """A copy to change."""
    shutil.copytree(furnished.folder, tmp_path / "copy")
    return Shell(tmp_path / "copy")


def test_from_answers_to_a_promoted_challenger_and_back(answered: Shell) -> None:
    said = answered.ringfence("retrain", "card_fraud", "--until", NOW, "--shadow")
    assert said.code == 0, said
    assert "phone" in said.out
    assert "which neither learned from" in said.out
    assert "Stored as version 2.0 of model card_fraud, candidate" in said.out
    assert "Version 2 of detector card_fraud shadows with it" in said.out

    listed = answered.ringfence("challengers", "list", "card_fraud")
    assert re.search(r"card_fraud\s+2\.0\s+1\.0\s+candidate", listed.out)

    promoted = answered.ringfence(
        "challengers", "promote", "card_fraud", "2.0", "--reason", "knows the new wave"
    )
    assert promoted.code == 0, promoted
    assert "Detector card_fraud decides with version 2 (card_fraud 2.0)" in promoted.out
    versions = answered.ringfence("detectors", "list").out
    assert re.search(r"card_fraud\s+2\s+ACTIVE", versions)
    assert re.search(r"card_fraud\s+1\s+INACTIVE", versions)

    back = answered.ringfence("challengers", "rollback", "card_fraud", "--reason", "too many calls")
    assert back.code == 0, back
    assert "decides with version 1 again" in back.out
    shown = answered.ringfence("challengers", "show", "card_fraud", "2.0").out
    assert "promote: knows the new wave" in shown
    assert "roll back: too many calls" in shown
    assert "detector card_fraud: version 1 to 2" in shown
    assert "detector card_fraud: version 2 to 1" in shown
    assert "retrain" in answered.ringfence("challengers", "runs").out


def test_a_dry_run_stores_nothing(answered: Shell) -> None:
    said = answered.ringfence("retrain", "card_fraud", "--until", NOW, "--dry-run")
    assert said.code == 0, said
    assert "nothing is stored" in said.out
    assert "2.0" not in answered.ringfence("models", "list").out
    assert "No challenger yet" in answered.ringfence("challengers", "list").out
    assert "No model was trained anew yet" in answered.ringfence("challengers", "runs").out


def test_a_rejected_challenger_says_why(answered: Shell) -> None:
    assert answered.ringfence("retrain", "card_fraud", "--until", NOW).code == 0
    again = answered.ringfence("challengers", "compare", "card_fraud", "2.0")
    assert again.code == 0, again
    assert "Version 2.0 of model card_fraud is candidate" in again.out
    said = answered.ringfence("challengers", "reject", "card_fraud", "2.0", "--reason", "not yet")
    assert said.code == 0, said
    assert "rejected" in answered.ringfence("challengers", "list").out
    twice = answered.fails(1, "challengers", "reject", "card_fraud", "2.0", "--reason", "again")
    assert "rejected already" in twice
    assert "rejected" in answered.fails(1, "challengers", "compare", "card_fraud", "2.0")


def test_a_stated_policy_promotes_what_meets_it(answered: Shell) -> None:
    stated = answered.ringfence(
        "challengers", "schedule", "card_fraud", "--every-days", "7",
        "--promote-when", "auc_gain_low=-1", "--promote-when", "min_frauds=5",
    )  # fmt: skip
    assert stated.code == 0, stated
    assert "every 7 days" in stated.out
    assert "promoted when all hold: min_frauds 5, auc_gain_low -1" in stated.out
    said = answered.ringfence("retrain", "card_fraud", "--until", NOW)
    assert said.code == 0, said
    assert "Stored as version 2.0 of model card_fraud, promoted" in said.out
    assert "at least 5: met" in said.out
    assert re.search(r"card_fraud\s+2\s+ACTIVE", answered.ringfence("detectors", "list").out)
    off = answered.ringfence("challengers", "schedule", "card_fraud", "--off")
    assert "only by hand" in off.out


def test_what_does_not_fit_is_named(answered: Shell) -> None:
    assert "nobody" in answered.fails(1, "retrain", "nobody")
    assert "has a label" in answered.fails(1, "retrain", "card_fraud", "--until", "2026-02-01")
    assert "alert_share" in answered.fails(2, "retrain", "card_fraud", "--alert-share", "0")
    assert "none.csv" in answered.fails(
        1, "retrain", "card_fraud", "--until", NOW, "--with", "none.csv"
    )
    assert "unlabelled_days" in answered.fails(
        2, "retrain", "card_fraud", "--unlabelled-days", "-1"
    )
    assert "label_weights.phone.legit" in answered.fails(
        2, "retrain", "card_fraud", label_weights='{"phone": {"legit": -2}}'
    )
    schedule = ("challengers", "schedule", "card_fraud")
    assert "cron" in answered.fails(2, *schedule, "--cron", "now and then")
    assert "no condition 'luck'" in answered.fails(
        2, *schedule, "--every-days", "1", "--promote-when", "luck=1"
    )
    assert "NAME=NUMBER" in answered.fails(
        2, *schedule, "--every-days", "1", "--promote-when", "min_frauds=many"
    )
    assert "in what a challenger must be better" in answered.fails(
        2, *schedule, "--every-days", "1", "--promote-when", "min_frauds=10"
    )
    assert "no challenger" in answered.fails(1, "challengers", "show", "card_fraud", "9.0")
    assert "no promotion" in answered.fails(
        1, "challengers", "rollback", "card_fraud", "--reason", "x"
    )
    failed = answered.ringfence("challengers", "runs").out
    assert "nothing new" in failed
    assert "failed" in failed
