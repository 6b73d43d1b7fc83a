from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_payments import EVENT_TYPE, HABIT_TYPE, habitual_payments, payments, write

from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models import Message, MessageKind, read_data
from ringfence.models.leakage import auc_alone, leaks
from ringfence.models.metrics import auc_range

_EXTRA = (
    Variable("case_number", DataType.STRING, VariableType.FREE_FORM_TEXT),
    Variable("closed", DataType.DATETIME, VariableType.NUMERIC),
    Variable("refund", DataType.FLOAT, VariableType.PRICE),
)
_TYPE = msgspec.structs.replace(EVENT_TYPE, variables=(*EVENT_TYPE.variables, *_EXTRA))
_FRAUD = pl.col("EVENT_LABEL") == "fraud"


def _found(
    frame: pl.DataFrame, folder: Path, event_type: EventType = _TYPE
) -> list[tuple[MessageKind, str | None, str]]:
    return [(m.kind, m.column, m.title) for m in _messages(frame, folder, event_type)]


def _messages(frame: pl.DataFrame, folder: Path, event_type: EventType) -> Sequence[Message]:
    data = read_data(write(frame, folder / "events.parquet"), event_type)
    return leaks(data, data.variables, data.is_fraud())


def test_honest_data_has_no_finding(tmp_path: Path) -> None:
    assert _found(payments(1_500), tmp_path) == []
    assert _found(habitual_payments(1_500), tmp_path, HABIT_TYPE) == []


def test_texts_that_are_each_their_own_but_of_two_kinds_are_found(tmp_path: Path) -> None:
    number = pl.int_range(pl.len()).cast(pl.String)
    frame = payments(1_500).with_columns(
        case_number=pl.when(_FRAUD).then("CB-" + number).otherwise(number + "/ok")
    )
    assert _found(frame, tmp_path) == [
        (MessageKind.WARNING, "case_number", "Variable predicts the label")
    ]


def test_texts_of_many_levels_that_say_nothing_are_not_found(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    for levels in (5_000, 700, 40):
        codes = [f"k{code}" for code in chance.integers(0, levels, 1_500)]
        assert _found(payments(1_500).with_columns(case_number=pl.Series(codes)), tmp_path) == []


def test_a_value_that_only_frauds_have_is_found_though_most_have_none(tmp_path: Path) -> None:
    some = _FRAUD & (pl.int_range(pl.len()) % 3 == 0)
    frame = payments(1_500).with_columns(refund=pl.when(some).then(pl.col("amount")))
    messages = _messages(frame, tmp_path, _TYPE)
    assert [(m.column, m.title) for m in messages] == [("refund", "Variable predicts the label")]
    assert "where refund is not missing are frauds" in messages[0].text


def test_one_value_of_all_frauds_that_few_others_have_is_found(tmp_path: Path) -> None:
    rare = pl.int_range(pl.len()) % 40 == 0
    value = pl.when(_FRAUD | rare).then(pl.lit("R7")).otherwise(pl.lit("none"))
    messages = _messages(payments(1_500).with_columns(case_number=value), tmp_path, _TYPE)
    assert [m.column for m in messages] == ["case_number"]
    assert "every fraud has the same case_number" in messages[0].text


@pytest.mark.parametrize(
    ("days_of_fraud", "days_of_legit", "kind", "title"),
    [
        (9, -9, MessageKind.WARNING, "Variable is known only later"),
        (9, 9, MessageKind.INFO, "Times after the event"),
    ],
)
def test_times_after_the_event_are_found(
    tmp_path: Path, days_of_fraud: int, days_of_legit: int, kind: MessageKind, title: str
) -> None:
    at = pl.col("EVENT_TIMESTAMP").str.to_datetime("%Y-%m-%dT%H:%M:%SZ")
    moved = at + pl.when(_FRAUD).then(timedelta(days=days_of_fraud)).otherwise(
        timedelta(days=days_of_legit)
    )
    # Half of them are missing, so that the mere presence does not tell.
    known = pl.int_range(pl.len()) % 2 == 0
    closed = pl.when(known).then(moved.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (kind, "closed", title) in _found(payments(1_500).with_columns(closed=closed), tmp_path)


def test_labels_that_came_before_their_events_are_found(tmp_path: Path) -> None:
    frame = habitual_payments(1_500)
    early = frame.with_columns(
        LABEL_TIMESTAMP=pl.when(pl.int_range(pl.len()) < 7)
        .then(pl.lit("2020-01-01T00:00:00Z"))
        .otherwise(pl.col("LABEL_TIMESTAMP"))
    )
    messages = _messages(early, tmp_path, HABIT_TYPE)
    assert [(m.column, m.title) for m in messages] == [
        ("LABEL_TIMESTAMP", "Labels before their events")
    ]
    assert messages[0].text.startswith("7 of 1,500")


def test_the_same_event_with_both_labels_is_found(tmp_path: Path) -> None:
    frame = payments(1_500)
    other = frame.head(2).with_columns(
        EVENT_LABEL=pl.when(_FRAUD).then(pl.lit("legit")).otherwise(pl.lit("fraud"))
    )
    messages = _messages(pl.concat([frame, other, frame.tail(3)]), tmp_path, _TYPE)
    assert [m.title for m in messages] == ["Events repeated with other labels"]
    assert messages[0].text.startswith("4 events")


def test_labels_that_follow_the_entity_are_told(tmp_path: Path) -> None:
    frame = habitual_payments(1_500)
    by_card = frame.with_columns(
        EVENT_LABEL=pl.when(pl.col("card_id").is_in(["c1", "c2", "c3"]))
        .then(pl.lit("fraud"))
        .otherwise(pl.lit("legit"))
    )
    found = _found(by_card, tmp_path, HABIT_TYPE)
    assert (MessageKind.INFO, "card_id", "Labels by entity") in found
    assert (MessageKind.INFO, "customer_id", "Labels by entity") not in found


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60).filter(
        lambda events: len({fraud for _, fraud in events}) == 2
    )
)
def test_a_variable_tells_as_much_by_groups_of_its_values_as_event_by_event(
    events: list[tuple[int, bool]],
) -> None:
    values = pl.Series("x", [float(value) for value, _ in events])
    is_fraud = np.array([fraud for _, fraud in events])
    by_event = auc_range(is_fraud, values.to_numpy())[0]
    assert auc_alone(values, is_fraud) == pytest.approx(max(by_event, 1 - by_event))
