"""From generated data to a score, by commands alone."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from commands import Shell

from ringfence.examples import example_path


def test_payments_are_generated_the_same_for_a_seed(shell: Shell) -> None:
    for name in ("one.csv", "two.csv"):
        said = shell.ringfence("simulate", name, "--transactions", "500", "--seed", "5")
        assert said.code == 0
        assert "500 transactions" in said.out
    one, two = (shell.folder / name for name in ("one.csv", "two.csv"))
    assert one.read_bytes() == two.read_bytes()


def test_a_trained_model_and_a_published_detector_are_listed_and_shown(trained: Shell) -> None:
    models = trained.ringfence("models", "list").out
    assert "card_fraud" in models
    assert "4,000" in models
    shown = trained.ringfence("models", "show", "card_fraud")
    assert shown.code == 0
    assert "AUC" in shown.out
    assert "ACTIVE" in trained.ringfence("detectors", "list").out
    detector = trained.ringfence("detectors", "show", "card_fraud")
    assert "$card_fraud_insightscore >" in detector.out
    assert "call_cardholder" in detector.out


def test_the_articles_transaction_scores_high_and_says_why(trained: Shell) -> None:
    said = trained.ringfence("score", str(example_path("transaction.json")), "--explain")

    assert said.code == 0, said
    row = next(line.split() for line in said.out.splitlines() if "scored" in line)
    assert float(row[1]) > 900
    assert "call_cardholder" in row
    assert "log odds" in said.out
    ordinary = trained.ringfence("score", str(example_path("ordinary-transaction.json")))
    assert "approve" in ordinary.out


def test_a_file_of_many_rows_is_scored_into_a_file(trained: Shell) -> None:
    said = trained.ringfence("score", "payments.csv", "--out", "scored.csv")

    assert said.code == 0, said
    assert "4,000 rows in scored.csv" in said.out
    with (trained.folder / "scored.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4000
    assert {row["STATUS"] for row in rows} == {"scored"}
    mean = {
        label: sum(float(r["SCORE"]) for r in rows if r["EVENT_LABEL"] == label)
        / sum(r["EVENT_LABEL"] == label for r in rows)
        for label in ("fraud", "legit")
    }
    assert mean["fraud"] > mean["legit"] + 200


def test_a_row_that_does_not_fit_is_named_and_the_others_are_scored(trained: Shell) -> None:
    events = [
        {"event_id": "good", "variables": {"transaction_amt": "12.50"}},
        {"event_id": "bad", "variables": {"transaction_amt": "a lot"}},
        {"event_id": "code", "variables": {"cvv": "9176"}},
    ]
    said = trained.ringfence("score", trained.write("events.json", json.dumps(events)))

    assert said.code == 2
    assert "2 of 3 rows could not be scored" in said.out
    assert "variables.transaction_amt" in said.out
    assert "security code" in said.out
    assert "9176" not in said.out + said.err


def test_training_without_labels_names_the_column_and_keeps_nothing(trained: Shell) -> None:
    with (trained.folder / "payments.csv").open() as file:
        rows = [[*row[:4], *row[6:]] for row in csv.reader(file)]
    with (trained.folder / "unlabelled.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    before = trained.ringfence("models", "list").out

    said = trained.fails(2, "train", "unlabelled.csv")

    assert "EVENT_LABEL" in said
    assert trained.ringfence("models", "list").out == before
    assert "none.csv" in trained.fails(1, "train", "none.csv")


def test_a_rule_that_does_not_fit_publishes_nothing(trained: Shell) -> None:
    before = trained.ringfence("detectors", "list").out
    rules = [{"rule_id": "a", "expression": "$nope > 1", "outcomes": ["approve"]}]

    said = trained.fails(
        2, "detectors", "publish", "--rules", trained.write("r.json", json.dumps(rules))
    )

    assert "there is no variable $nope" in said
    assert trained.ringfence("detectors", "list").out == before
    for arguments, name in (
        (("detectors", "publish", "--model", "nope"), "nope"),
        (("detectors", "publish", "--model", "card_fraud:9.0"), "9.0"),
        (("detectors", "activate", "card_fraud", "9"), "9"),
        (("models", "show", "nope"), "nope"),
    ):
        assert name in trained.fails(1, *arguments)


def test_a_version_is_published_and_the_former_activated_again(
    trained: Shell, tmp_path: Path
) -> None:
    trained = Shell(shutil.copytree(trained.folder, tmp_path / "copy"))
    rules = [
        {"rule_id": "dear", "expression": "$transaction_amt > 100", "outcomes": ["review"]},
        {"rule_id": "cheap", "expression": "$transaction_amt <= 100", "outcomes": ["approve"]},
    ]
    file = trained.write("rules.json", json.dumps(rules))
    published = trained.ringfence("detectors", "publish", "other", "--rules", file)
    assert published.code == 0, published
    assert "version 1, ACTIVE" in published.out
    again = trained.ringfence("detectors", "publish", "other")
    assert "version 2, ACTIVE" in again.out

    assert trained.ringfence("detectors", "activate", "other", "1").code == 0
    assert "in ACTIVE status" in trained.fails(1, "detectors", "delete", "other", "1")
    assert trained.ringfence("detectors", "deactivate", "other", "1").code == 0
    assert "no active version" in trained.fails(1, "detectors", "show", "other")
    assert trained.ringfence("detectors", "activate", "other", "1").code == 0
    assert "is deleted" in trained.ringfence("detectors", "delete", "other", "2").out

    assert "$transaction_amt > 100" in trained.ringfence("detectors", "show", "other").out
    transaction = str(example_path("transaction.json"))
    assert "one of card_fraud, other" in trained.fails(2, "score", transaction)
    chosen = trained.ringfence("score", transaction, "--detector", "other")
    assert "review" in chosen.out
