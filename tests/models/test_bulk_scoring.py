from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_payments import EVENT_TYPE, payments

from ringfence.events import DataType, Value
from ringfence.events.variables import coerce
from ringfence.models import Scorer, Trained
from ringfence.models.bulk_scoring import BulkScorer
from ringfence.models.steps import TIME_INPUT

_KINDS: dict[DataType, Any] = {
    DataType.FLOAT: pl.Float64,
    DataType.INTEGER: pl.Int64,
    DataType.BOOLEAN: pl.Boolean,
}
_VALUES: dict[DataType, st.SearchStrategy[Value]] = {
    DataType.STRING: st.text(max_size=12) | st.ip_addresses().map(str),
    DataType.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    DataType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    DataType.BOOLEAN: st.booleans(),
    DataType.DATETIME: st.datetimes().map(datetime.isoformat) | st.text(max_size=5),
}
_ROW = st.fixed_dictionaries(
    {v.name: st.none() | _VALUES[v.data_type] for v in EVENT_TYPE.variables}
)
_TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1))


def _frame(rows: list[dict[str, Value]], ats: list[datetime]) -> pl.DataFrame:
    columns = [
        pl.Series(
            v.name, [row.get(v.name) for row in rows], dtype=_KINDS.get(v.data_type, pl.String)
        )
        for v in EVENT_TYPE.variables
    ]
    times = pl.Series(TIME_INPUT, ats, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame([*columns, times])


def test_payments_score_in_bulk_as_one_by_one(trained: Trained) -> None:
    made = payments(3_000, seed=7)
    ats = [datetime.fromisoformat(at).astimezone(UTC) for at in made[TIME_INPUT]]
    known = [v.name for v in EVENT_TYPE.variables if v.name in made.columns]
    by_name = {variable.name: variable for variable in EVENT_TYPE.variables}
    rows: list[dict[str, Value]] = [
        {name: coerce(by_name[name], value) for name, value in row.items()}
        for row in made.select(known).to_dicts()
    ]
    frame = _frame(rows, ats)
    bulk = BulkScorer(trained.artifact)
    expected = Scorer(trained.artifact).score(rows, ats)
    assert len(set(expected)) > 50
    assert bulk.score(frame).tolist() == expected
    # What is remembered of the first part changes nothing in the next.
    assert bulk.score(frame[1_000:2_000]).tolist() == expected[1_000:2_000]


@given(st.lists(st.tuples(_ROW, _TIMES), min_size=1, max_size=12))
@settings(deadline=None, max_examples=40)
def test_any_values_score_in_bulk_as_one_by_one(
    trained: Trained, events: list[tuple[dict[str, Value], datetime]]
) -> None:
    rows = [row for row, _ in events]
    ats = [at.replace(tzinfo=UTC) for _, at in events]
    scored = BulkScorer(trained.artifact).score(_frame(rows, ats))
    assert scored.tolist() == Scorer(trained.artifact).score(rows, ats)


def test_no_events_have_no_scores(trained: Trained) -> None:
    assert BulkScorer(trained.artifact).score(_frame([], [])).tolist() == []


def test_what_is_remembered_goes_with_models_that_look_at_it(trained: Trained) -> None:
    import numpy as np

    with pytest.raises(ValueError, match="plan"):
        BulkScorer(trained.artifact).score(_frame([], []), np.empty((0, 3)))
