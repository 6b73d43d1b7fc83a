"""How much a label counts, and what is made of events without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from ringfence.errors import InvalidInput
from ringfence.events import EventType
from ringfence.models import DataSet
from ringfence.models.weights import (
    ASSUMED,
    DEFAULT_WEIGHTS,
    Unlabelled,
    UnlabelledTreatment,
    assume_labels,
    label_weights,
    weights_of,
)

_START = datetime(2026, 1, 1, tzinfo=UTC)


def frame_of(labels: list[bool], sources: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"EVENT_LABEL": labels, "LABEL_SOURCE": sources})


def data_of(labels: list[bool | None], sources: list[str | None] | None = None) -> DataSet:
    """One event a day."""
    columns = {
        "EVENT_TIMESTAMP": [_START + timedelta(days=day) for day in range(len(labels))],
        "EVENT_LABEL": labels,
    }
    if sources is not None:
        columns["LABEL_SOURCE"] = sources
    past = pl.DataFrame(
        columns,
        schema_overrides={
            "EVENT_TIMESTAMP": pl.Datetime("us", "UTC"),
            "EVENT_LABEL": pl.Boolean,
            "LABEL_SOURCE": pl.String,
        },
    )
    return DataSet(
        event_type=EventType(name="payment", variables=()),
        variables=(),
        frame=past.filter(pl.col("EVENT_LABEL").is_not_null()),
        past=past,
        source="here",
        sha256="",
        sha256_of="rows",
        messages=(),
    )


def treated(data: DataSet, treatment: str, *, day: int, days: float = 45.0) -> DataSet:
    return assume_labels(
        data, Unlabelled(UnlabelledTreatment(treatment), days), _START + timedelta(days=day)
    )


def test_a_confirmation_on_the_telephone_counts_a_little_less_than_a_denial() -> None:
    weights = label_weights(frame_of([True, False, False], ["phone", "phone", "analyst"]))
    assert weights is not None
    assert weights.tolist() == [1.0, 0.9, 1.0]


def test_there_are_no_weights_where_all_events_count_alike() -> None:
    assert label_weights(frame_of([True, False], ["phone", "import"])) is None
    assert label_weights(pl.DataFrame({"EVENT_LABEL": [True, False]})) is None


def test_settings_stand_over_the_defaults_source_by_source_and_label_by_label() -> None:
    weights = weights_of({"phone": {"legit": 0.5}, "import": 0.25, "other": {"fraud": 0.75}})
    assert weights["phone"].fraud == DEFAULT_WEIGHTS["phone"].fraud
    frame = frame_of(
        [True, False, True, False, True, False],
        ["phone", "phone", "import", "import", "chargeback file", None],
    )
    found = label_weights(frame, weights)
    assert found is not None
    assert found.tolist() == [1.0, 0.5, 0.25, 0.25, 0.75, 1.0]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"phone": {"maybe": 1.0}}, "label_weights.phone.maybe"),
        ({"phone": -1.0}, "label_weights.phone.fraud"),
        ({"analyst": {"legit": float("nan")}}, "label_weights.analyst.legit"),
    ],
)
def test_a_weight_that_cannot_be_is_refused_by_name(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        weights_of(given)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_events_without_a_label_are_ignored_by_default() -> None:
    data = data_of([True, None, False])
    assert assume_labels(data, Unlabelled(), _START + timedelta(days=1000)) is data


def test_no_complaint_after_45_days_counts_as_legit_with_half_the_weight() -> None:
    data = data_of([None, True, None, None], [None, "phone", None, None])
    found = treated(data, "LEGIT", day=47)
    assert found.frame["EVENT_LABEL"].to_list() == [False, True, False]
    assert found.frame["LABEL_SOURCE"].to_list() == [ASSUMED, "phone", ASSUMED]
    weights = label_weights(found.frame)
    assert weights is not None
    assert weights.tolist() == [0.5, 1.0, 0.5]
    assert found.past["EVENT_LABEL"].to_list() == [False, True, False, None]


def test_a_label_is_assumed_only_once_its_event_is_old_enough() -> None:
    found = treated(data_of([None, None]), "LEGIT", day=10, days=10)
    assert found.past["EVENT_LABEL"].to_list() == [False, None]
    assert found.past["LABEL_TIMESTAMP"][0] == _START + timedelta(days=10)


def test_assumed_fraud_never_becomes_known_to_profiles() -> None:
    found = treated(data_of([None, False]), "FRAUD", day=100)
    assert found.frame["EVENT_LABEL"].to_list() == [True, False]
    assert found.past["LABEL_TIMESTAMP"][0] > found.past["EVENT_TIMESTAMP"].max() + timedelta(3650)


def test_auto_assumes_where_few_are_labelled_and_not_where_most_are() -> None:
    few = data_of([True, None, None, None])
    assert treated(few, "AUTO", day=400).rows == 4
    most = data_of([True, False, False, None])
    assert treated(most, "AUTO", day=400) is most


def test_days_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        treated(data_of([None]), "LEGIT", day=1, days=-1)
    assert refused.value.field == "unlabelled_days"


def test_what_is_remembered_stays_in_step_with_what_is_learned_from() -> None:
    data = data_of([None, True, None, False])
    found = treated(data, "LEGIT", day=46)
    labelled = found.past.filter(found.past["EVENT_LABEL"].is_not_null())
    assert labelled["EVENT_TIMESTAMP"].to_list() == found.frame["EVENT_TIMESTAMP"].to_list()
    assert found.rows == 3
