from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from synthetic_payments import EVENT_TYPE, payments, write

from ringfence.errors import InvalidInput
from ringfence.events import DataType, Variable, VariableType
from ringfence.models import DataSet, Scorer, Trained, read_data, train
from ringfence.models.artifact import pack
from ringfence.models.steps import TIME_INPUT


def test_the_same_data_and_seed_make_the_same_bytes_on_any_number_of_threads(
    data: DataSet, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = pack(trained.artifact)
    for threads in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        assert pack(train(data, seed=7).artifact) == expected


def test_another_seed_makes_another_model(data: DataSet, trained: Trained) -> None:
    other = train(data, seed=8)
    assert pack(other.artifact) != pack(trained.artifact)
    assert other.facts.seed == 8


def test_the_order_of_the_rows_in_the_file_does_not_matter(
    tmp_path: Path, trained: Trained
) -> None:
    shuffled = payments(3_000).sample(fraction=1.0, shuffle=True, seed=4)
    data = read_data(write(shuffled, tmp_path / "payments.csv"), EVENT_TYPE)
    assert pack(train(data, seed=7).artifact) == pack(trained.artifact)


def test_held_out_events_are_told_apart(trained: Trained) -> None:
    metrics = trained.metrics
    assert 0.7 < metrics.auc_low < metrics.auc < metrics.auc_high < 1
    assert metrics.average_precision > 0.5
    row = metrics.rows[-1]
    assert (
        row.true_positives + row.false_negatives + row.false_positives + row.true_negatives == 450
    )


def test_counts_of_the_rows_are_those_of_the_served_scores(data: DataSet, trained: Trained) -> None:
    held_out = data.frame.tail(trained.facts.held_out_rows)
    rows = held_out.drop(TIME_INPUT, "EVENT_LABEL").to_dicts()
    ats: list[datetime] = held_out[TIME_INPUT].to_list()
    assert trained.measured is not None
    scores = Scorer(trained.measured).score(rows, ats)
    labels = held_out["EVENT_LABEL"].to_list()
    for row in trained.metrics.rows[::20]:
        above = [
            label for label, score in zip(labels, scores, strict=True) if score >= row.threshold
        ]
        assert (row.true_positives, row.false_positives) == (sum(above), len(above) - sum(above))


def test_the_facts_are_enough_to_make_it_again(tmp_path: Path, trained: Trained) -> None:
    path = write(payments(3_000), tmp_path / "payments.csv")
    facts = trained.facts
    assert facts.source == "payments.csv"
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.rows, facts.training_rows, facts.held_out_rows) == (3_000, 2_550 - 127, 450)
    assert facts.final_rows == 3_000 - 127
    assert not facts.crossed
    assert (facts.seed, facts.parameters["learning_rate"]) == (7, 0.08)
    assert set(facts.library_versions) == {"lightgbm", "numpy", "polars"}
    assert facts.first_at < facts.last_at
    assert 0 < facts.best_iteration <= 360
    assert facts.recipe is not None
    assert facts.recipe.parameters == facts.parameters
    assert facts.tuning is None
    assert [v.name for v in facts.variables] == [v.name for v in EVENT_TYPE.variables]


def test_importance_is_shared_out_among_the_variables(trained: Trained) -> None:
    shares = {i.variable: i.share for i in trained.importance}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) == {TIME_INPUT, *(v.name for v in EVENT_TYPE.variables)}
    assert shares["ip_address"] > shares["bin"]


def test_no_address_name_or_mailbox_is_kept_in_the_artifact(
    data: DataSet, trained: Trained
) -> None:
    kept = msgspec.json.encode(trained.artifact).decode()
    for column in ("email", "street", "name", "phone", "ip_address"):
        for value in data.frame[column].drop_nulls().unique().to_list()[:200]:
            assert value not in kept


def test_a_model_may_look_at_some_variables_only(data: DataSet) -> None:
    some = train(data, variables=["amount", "email"])
    assert [v.name for v in some.artifact.variables] == ["amount", "email"]
    with pytest.raises(InvalidInput, match="no variable 'colour'"):
        train(data, variables=["amount", "colour"])


def test_a_label_among_the_variables_is_not_learned_from(tmp_path: Path) -> None:
    label = Variable("verdict", DataType.STRING, VariableType.FRAUD_LABEL)
    event_type = msgspec.structs.replace(EVENT_TYPE, variables=(*EVENT_TYPE.variables, label))
    frame = payments(100)
    path = write(frame.with_columns(verdict=frame["EVENT_LABEL"]), tmp_path / "p.csv")
    assert "verdict" not in read_data(path, event_type).frame.columns


def test_progress_goes_from_nothing_to_all_in_words(data: DataSet) -> None:
    told: list[tuple[float, str]] = []
    train(
        data, variables=["amount", "email"], progress=lambda share, what: told.append((share, what))
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert any(what.startswith("enriching email") for _, what in told)
    assert any("tree" in what for _, what in told)
