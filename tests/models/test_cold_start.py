from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write

from ringfence.models import (
    DataInvalid,
    DataSet,
    MessageKind,
    Scorer,
    Trained,
    plan_for,
    read_data,
    train,
)
from ringfence.models.artifact import pack
from ringfence.models.boosting import Grower
from ringfence.models.course import Course
from ringfence.models.forecast import Forecast
from ringfence.models.matrix import feature_table
from ringfence.models.metrics import auc_range, measure
from ringfence.models.splitting import crossed_folds, split
from ringfence.models.uncertainty import uncertainty

_ROWS, _FRAUDS = 2_000, 50


def _few_frauds(frame: pl.DataFrame) -> pl.DataFrame:
    """The first 2,000 of the rows that are left when all but 50 of their frauds are taken out."""
    fraud = pl.col("EVENT_LABEL") == "fraud"
    keep = np.linspace(0, 1, 10_001)
    for share in keep:
        chosen = frame.filter(~fraud | (pl.int_range(pl.len()) * 0.6180339887 % 1 < share))
        first = chosen.head(_ROWS)
        if int((first["EVENT_LABEL"] == "fraud").sum()) >= _FRAUDS:
            return first
    raise AssertionError("not enough frauds")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    path = tmp_path_factory.mktemp("small") / "payments.parquet"
    return read_data(write(_few_frauds(payments(4_000)), path), EVENT_TYPE)


@pytest.fixture(scope="module")
def first(small: DataSet) -> Trained:
    return train(small, seed=5)


def test_2000_events_with_50_frauds_make_a_version_that_ranks(
    small: DataSet, first: Trained
) -> None:
    assert (small.rows, int(small.is_fraud().sum())) == (_ROWS, _FRAUDS)
    later = payments(8_000).tail(3_000)
    rows = later.drop("EVENT_ID", "EVENT_TIMESTAMP", "EVENT_LABEL").cast(
        {"visits": pl.Int64, "amount": pl.Float64}
    )
    known = rows["known"] == "true"
    rows = rows.with_columns(known=pl.when(rows["known"].is_not_null()).then(known))
    ats = later["EVENT_TIMESTAMP"].str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC").to_list()
    raw = np.array(Scorer(first.artifact).log_odds(rows.to_dicts(), ats))
    found, _, _ = auc_range((later["EVENT_LABEL"] == "fraud").to_numpy(), raw)
    assert found > 0.7
    # What was promised is about what came.
    assert first.metrics.auc_low - 0.05 < found < first.metrics.auc_high + 0.05


def test_2000_events_with_50_frauds_make_a_version_that_remembers(tmp_path: Path) -> None:
    frame = _few_frauds(habitual_payments(6_000))
    data = read_data(write(frame, tmp_path / "habits.parquet"), HABIT_TYPE)
    trained = train(data, plan=plan_for(data), seed=5)
    assert trained.facts.crossed
    assert trained.metrics.auc > 0.8


def test_the_measures_rest_on_every_fraud_that_can_be_learned_from(first: Trained) -> None:
    assert first.facts.crossed
    assert first.measured is None
    all_above = first.metrics.rows[0]
    assert all_above.true_positives == pytest.approx(_FRAUDS, abs=8)
    assert first.facts.held_out_rows == first.facts.final_rows
    assert first.facts.training_rows < first.facts.final_rows


def test_a_small_version_says_how_uncertain_it_is_and_what_would_help(first: Trained) -> None:
    messages = {m.title: m for m in first.messages}
    assert messages["Measured crosswise"].kind is MessageKind.INFO
    told = messages["High uncertainty"]
    assert told.kind is MessageKind.WARNING
    assert f"{first.metrics.rows[0].true_positives} frauds only" in told.text
    assert "more frauds to measure on would narrow that down" in told.text


def test_a_small_version_can_be_made_again(small: DataSet, first: Trained) -> None:
    again = train(small, seed=5, recipe=first.facts.recipe)
    assert pack(again.artifact) == pack(first.artifact)
    assert again.metrics == first.metrics


def test_trees_are_counted_crosswise_where_the_latest_frauds_are_few(small: DataSet) -> None:
    used = list(small.variables)[:2]
    table = feature_table(small, used, None, split(small.rows), lambda done, what: None)
    is_fraud = np.zeros(small.rows, dtype=bool)
    # 40 frauds are held out, 20 are among those to count by.
    is_fraud[1_700:1_740] = is_fraud[1_500:1_520] = is_fraud[200:300] = True
    course = Course(
        Grower(replace(table, is_fraud=is_fraud)),
        np.arange(small.rows),
        Forecast(None, lambda: 0.0),
    )
    assert not course.crossed
    assert len(course.folds) > 1
    assert max(int(fold.judged[-1]) for fold in course.folds) == 1_699


def test_fewer_than_50_frauds_are_refused(tmp_path: Path) -> None:
    frame = _few_frauds(payments(4_000))
    fraud = pl.col("EVENT_LABEL") == "fraud"
    fewer = frame.filter(~(fraud & (fraud.cum_sum() == 1)))
    with pytest.raises(DataInvalid, match="at least 50 are needed"):
        train(read_data(write(fewer, tmp_path / "payments.parquet"), EVENT_TYPE))


@pytest.mark.parametrize("frauds", [10, 50, 333])
def test_every_row_is_judged_twice_and_never_by_what_learned_from_it(frauds: int) -> None:
    is_fraud = np.zeros(1_000, dtype=bool)
    is_fraud[np.random.default_rng(frauds).choice(1_000, frauds, replace=False)] = True
    folds = crossed_folds(100, is_fraud)
    judged = np.concatenate([fold.judged for fold in folds])
    assert np.bincount(judged, minlength=1_000).tolist() == [0] * 100 + [2] * 900
    for fold in folds:
        assert not set(fold.learned.tolist()) & set(fold.judged.tolist())
        assert is_fraud[fold.judged].any()
        assert is_fraud[fold.learned].any()
        # As much as one stretch of time, or its two ends.
        assert np.count_nonzero(np.diff(fold.judged) > 1) <= 1


def test_much_data_is_not_called_uncertain_and_little_is() -> None:
    chance = np.random.default_rng(1)
    for count, uncertain in ((60_000, False), (800, True)):
        is_fraud = np.arange(count) % 20 == 0
        raw = chance.normal(size=count) + 1.5 * is_fraud
        scores = np.clip(np.round((raw + 4) * 100), 0, 1_000).astype(np.int64)
        shares = {t: float((scores[~is_fraud] >= t).mean()) for t in range(1_001)}
        metrics = measure(is_fraud, raw, scores, shares)
        titles = [m.title for m in uncertainty(metrics, crossed=False)]
        assert titles == (["High uncertainty"] if uncertain else [])
