from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write

from ringfence.models import DataSet, binning, boosting, matrix, plan_for, read_data, source, spill
from ringfence.models.boosting import Grower, parameters_for
from ringfence.models.distinct import Inputs, features_of_step
from ringfence.models.enrichment.price import NUMBER, PRICE
from ringfence.models.matrix import FeatureTable, RememberedValues, feature_table
from ringfence.models.spill import Spill
from ringfence.models.splitting import Fold, split
from ringfence.models.steps import Step
from ringfence.models.trials import Recipe


def _silent(share: float, what: str) -> None:
    pass


@pytest.fixture(scope="module")
def table(data: DataSet) -> FeatureTable:
    return feature_table(data, data.variables, None, split(data.rows), _silent)


@pytest.fixture(scope="module")
def habits(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    frame = habitual_payments(1_500).with_row_index()
    # A third has no label: remembered, not learned from.
    unlabelled = pl.when(pl.col("index") % 3 == 0).then(None).otherwise(pl.col("EVENT_LABEL"))
    frame = frame.with_columns(unlabelled.alias("EVENT_LABEL")).drop("index")
    return read_data(write(frame, tmp_path_factory.mktemp("h") / "habits.parquet"), HABIT_TYPE)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_some_rows_are_those_of_the_whole_table(table: FeatureTable, data: st.DataObject) -> None:
    rows = len(table.is_fraud)
    whole = table.values(slice(None))
    assert whole.shape == (rows, len(table.features))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, rows), st.integers(0, rows))))
    assert_array_equal(table.values(slice(start, stop)), whole[start:stop])
    some = sorted(data.draw(st.sets(st.integers(0, rows - 1), max_size=30)))
    chosen = np.array(some, dtype=np.int64)
    assert_array_equal(table.values(chosen), whole[chosen])


@pytest.mark.parametrize("chosen", ["those that are learned from", "every other row"])
def test_the_same_trees_grow_from_a_table_that_is_binned_in_parts(
    table: FeatureTable, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    rows = None if chosen.startswith("those") else np.arange(0, len(table.is_fraud), 2)

    def grown() -> str:
        parameters = parameters_for(table.rows, remembering=False) | {"num_threads": 1}
        parameters.pop("num_iterations")
        learned = table.learned_set(parameters, rows)
        checked = table.held_out_set(learned)
        booster = lightgbm.train(parameters, learned, 12, valid_sets=[checked])
        losses = booster.eval_valid()
        return booster.model_to_string() + str(losses)

    at_once = grown()
    monkeypatch.setattr(binning, "_AT_ONCE_BYTES", 0)
    monkeypatch.setattr(binning, "_ROWS", 100)
    assert grown() == at_once


def test_of_a_very_large_table_no_bins_are_kept_and_the_trees_rank_as_well(
    data: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.linspace(0.5, 1.5, data.rows)
    rows = split(data.rows)
    table = feature_table(data, data.variables, None, rows, _silent, weights=weights)
    fold = Fold(np.arange(table.rows.start, rows.stop), np.arange(rows.held_out, data.rows))
    recipe = Recipe(parameters_for(table.rows, remembering=False) | {"seed": 1})

    def losses() -> tuple[float, ...]:
        grower = Grower(table)
        grown = grower.grow(recipe, fold.learned, 60, judged=fold.judged)
        assert grown is not None
        assert (grower._binned is None) == (boosting._LARGE_CELLS == 0)
        return grown.losses

    kept = losses()
    monkeypatch.setattr(boosting, "_LARGE_CELLS", 0)
    assert min(losses()) == pytest.approx(min(kept), rel=0.05)


def test_scores_in_parts_are_those_of_all_rows(
    table: FeatureTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, table.learned_set(parameters), 5)
    expected = booster.predict(table.held_out(), raw_score=True, num_iteration=3)
    monkeypatch.setattr(matrix, "_ROWS", 64)
    assert_array_equal(table.raw_scores(booster, trees=3), expected)


def test_weights_go_with_the_rows_that_are_learned_from(data: DataSet) -> None:
    weights = np.linspace(0.5, 1.5, data.rows)
    table = feature_table(data, data.variables, None, split(data.rows), _silent, weights=weights)
    parameters = {"objective": "binary", "verbosity": -1}
    learned = table.learned_set(parameters).construct()
    assert learned.get_weight() == pytest.approx(weights[table.rows.start : table.rows.stop])
    some = np.array([3, 5, 8])
    assert table.learned_set(parameters, some).construct().get_weight() == pytest.approx(
        weights[some]
    )


def test_what_is_remembered_is_the_same_when_it_waits_on_disk(
    habits: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(habits)
    rows = split(habits.rows)
    in_memory = feature_table(habits, habits.variables, plan, rows, _silent)
    monkeypatch.setattr(matrix, "_SPILLED_BYTES", 0)
    on_disk = feature_table(habits, habits.variables, plan, rows, _silent)
    last = on_disk.blocks[-1]
    assert isinstance(last, RememberedValues)
    assert isinstance(last.values, Spill)
    assert_array_equal(on_disk.values(slice(None)), in_memory.values(slice(None)))


@given(
    st.sets(st.integers(0, 999), min_size=1, max_size=60)
    | st.builds(range, st.integers(0, 400), st.integers(401, 1_000))
)
@settings(max_examples=60, deadline=None)
def test_rows_come_back_from_disk_as_they_went(chosen: set[int] | range) -> None:
    values = np.arange(3_000.0).reshape(-1, 3)
    rows = np.array(sorted(chosen), dtype=np.int64)
    out = np.empty((len(rows), 3))
    # So few at once that there are several parts, and gaps between rows that are too wide to read.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spill, "_ROWS", 16)
        Spill(values).write(rows, out)
    assert_array_equal(out, values[rows])


_START = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.lists(
        st.none()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.sampled_from([0.0, -0.0, 1e-320, 65_504.0, 65_520.0, 0.1, 2_049.0]),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_numbers_are_kept_to_the_last_bit(numbers: list[float | None]) -> None:
    frame = pl.DataFrame({"x": numbers}, schema={"x": pl.Float64})
    for enrichment in (NUMBER, PRICE):
        step = Step(("x",), enrichment)
        block, _ = features_of_step(step, Inputs(frame), np.zeros(len(numbers), bool), 0)
        out = np.empty((len(numbers), block.width))
        block.write(slice(None), np.arange(len(numbers)), out)
        assert_array_equal(out, [step.parts((number,))[0] for number in numbers])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_large_file_is_read_as_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = write(payments(500).sample(fraction=1.0, shuffle=True, seed=1), tmp_path / f"p.{suffix}")
    small = read_data(path, EVENT_TYPE)
    monkeypatch.setattr(source, "_SMALL_BYTES", 0)
    large = read_data(path, EVENT_TYPE)
    assert large.past.equals(small.past)
    assert large.frame.equals(small.frame)
    assert replace(large, past=small.past, frame=small.frame) == small


def test_events_of_the_same_time_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    frame = payments(200).with_columns(
        pl.Series("EVENT_TIMESTAMP", [_at(row // 50 * -1) for row in range(200)]),
        pl.Series("settled_amount", [float(row) for row in range(200)]),
    )
    data = read_data(write(frame, tmp_path / "p.parquet"), EVENT_TYPE)
    order = [*range(150, 200), *range(100, 150), *range(50, 100), *range(50)]
    assert data.frame["settled_amount"].to_list() == order


def _at(day: int) -> str:
    return (_START + timedelta(days=day)).isoformat()
