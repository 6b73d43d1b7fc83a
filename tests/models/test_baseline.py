from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models import DataSet, Trained, plan_for, read_data, train
from ringfence.models.baseline import Baseline
from ringfence.models.baseline_counting import MAX_BYTES, make_baseline
from ringfence.models.bins import key_of, place_of, score_place, single_steps
from ringfence.models.splitting import Split, split
from ringfence.models.steps import TIME_INPUT


def of(trained: Trained) -> Baseline:
    assert trained.baseline is not None
    return trained.baseline


def test_every_event_that_was_used_is_counted_once(data: DataSet, trained: Trained) -> None:
    baseline = of(trained)
    assert {watched.bins.name for watched in baseline.watched} == {v.name for v in data.variables}
    for watched in baseline.watched:
        assert sum(watched.training) == baseline.training_events
        assert sum(watched.held_out) == baseline.held_out_events == trained.facts.held_out_rows
        assert len(watched.training) == len(watched.held_out) == watched.bins.count
        assert len(watched.bins.labels) == watched.bins.count
    assert sum(baseline.score) == sum(bin.events for bin in baseline.calibration)
    assert sum(bin.frauds for bin in baseline.calibration) == baseline.held_out_frauds
    assert sum(period.events for period in baseline.periods) == baseline.training_events


def test_a_baseline_names_no_person(trained: Trained, tmp_path: Path) -> None:
    frame = payments(3_000)
    stored = msgspec.json.encode(of(trained)).decode()
    for column in ("email", "phone", "name", "street", "ip_address", "postal"):
        for value in frame[column].drop_nulls().unique():
            assert value not in stored
    assert re.search(r"@|\d{3}-\d{4}", stored) is None
    assert "411111" not in stored
    # What many share is named.
    assert '"gmail.com"' in stored
    assert '"visa"' in stored


def test_a_category_that_holds_addresses_is_counted_without_their_names(tmp_path: Path) -> None:
    misused = EventType(
        name="payment",
        variables=(
            Variable("amount", DataType.FLOAT, VariableType.PRICE),
            Variable("contact", DataType.STRING, VariableType.CATEGORICAL),
            Variable("who", DataType.STRING, VariableType.CATEGORICAL),
        ),
    )
    frame = payments(2_000)
    few = pl.Series("contact", [f"person{n % 6}@example.org" for n in range(2_000)])
    many = pl.Series("who", [f"+1 (415) 555-{n % 60:04}" for n in range(2_000)])
    frame = frame.select("EVENT_TIMESTAMP", "EVENT_LABEL", "amount", few, many)
    trained = train(read_data(write(frame, tmp_path / "p.parquet"), misused))
    stored = msgspec.json.encode(of(trained)).decode()
    assert "@" not in stored
    assert "415" not in stored
    contact = next(w for w in of(trained).watched if w.bins.name == "contact")
    assert contact.bins.coded
    assert sorted(contact.training[1:-1])[0] > 200


def test_the_order_of_the_rows_makes_no_difference(trained: Trained, tmp_path: Path) -> None:
    rows = list(range(3_000))
    random.Random(3).shuffle(rows)
    path = write(payments(3_000)[rows], tmp_path / "payments.csv")
    again = train(read_data(path, EVENT_TYPE), seed=7)
    assert of(again) == of(trained)


def test_training_and_service_count_in_the_same_bins(data: DataSet, trained: Trained) -> None:
    steps = single_steps(trained.artifact.variables)
    baseline = of(trained)
    times = data.frame[TIME_INPUT][-baseline.held_out_events :].to_list()
    for watched in baseline.watched:
        step = steps[watched.bins.name]
        key = key_of(step)
        encoding = trained.artifact.encodings.get(step.key_stem(key[1])) if key else None
        place = place_of(watched.bins, step, encoding)
        values = data.frame[watched.bins.name][-baseline.held_out_events :].to_list()
        found = Counter(place(value, at) for value, at in zip(values, times, strict=True))
        assert [found[n] for n in range(watched.bins.count)] == list(watched.held_out)


def test_what_is_remembered_is_watched_beside_the_variables(tmp_path: Path) -> None:
    path = write(habitual_payments(2_500), tmp_path / "habits.csv")
    data = read_data(path, HABIT_TYPE)
    plan = plan_for(data)
    baseline = of(train(data, plan=plan, seed=1))
    watched = [w for w in baseline.watched if w.bins.remembered]
    assert [w.bins.name for w in watched] == [a.name for a in plan.aggregates]
    assert all(w.expected == w.held_out for w in watched)
    low, high = baseline.label_delay_days or (0, 0)
    assert 1 < low < high < 10
    assert len(msgspec.json.encode(baseline)) < MAX_BYTES


def test_a_baseline_of_very_many_variables_stays_small(data: DataSet) -> None:
    chance = random.Random(2)
    names = [f"number_{n}" for n in range(400)]
    variables = tuple(Variable(name, DataType.FLOAT, VariableType.NUMERIC) for name in names)
    columns = [pl.Series(name, [chance.random() for _ in range(data.rows)]) for name in names]
    wide = replace(data, variables=variables, frame=data.frame.with_columns(columns))
    rows = split(wide.rows)
    scores = np.zeros(wide.rows - rows.held_out, dtype=np.int64)
    baseline = make_baseline(wide, variables, rows, {}, scores, 900.0)
    assert len(msgspec.json.encode(baseline)) < MAX_BYTES
    assert len(baseline.watched) > 100


def test_rows_between_training_and_the_held_out_ones_count_for_neither(data: DataSet) -> None:
    rows = Split(200, 2_000, 2_500)
    baseline = make_baseline(data, data.variables, rows, {}, np.zeros(500, dtype=np.int64), 900.0)
    assert (baseline.training_events, baseline.held_out_events) == (1_800, 500)


def test_periods_are_months_when_there_are_several(tmp_path: Path) -> None:
    frame = payments(2_000)
    days = pl.Series([timedelta(hours=2 * n) for n in range(2_000)])
    start = pl.Series([frame["EVENT_TIMESTAMP"][0]]).str.to_datetime()[0]
    frame = frame.with_columns(
        (days + start).dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("EVENT_TIMESTAMP")
    )
    trained = train(read_data(write(frame, tmp_path / "p.csv"), EVENT_TYPE))
    labels = [period.label for period in of(trained).periods]
    assert labels == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05"]


@pytest.mark.parametrize(("score", "place"), [(0, 0), (49, 0), (50, 1), (999, 19), (1000, 19)])
def test_scores_fall_into_bins_of_fifty(score: int, place: int) -> None:
    assert score_place(score) == place
