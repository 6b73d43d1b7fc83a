from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ringfence.aws.frauddetector.training_requests import (
    request_of,
    shown_request,
    with_events,
)
from ringfence.errors import InvalidInput
from ringfence.events import EventType, Variable, VariableType
from ringfence.events.variables import DataType
from ringfence.models import Facts, UsedVariable
from ringfence.models.trainings import DataSource

AT = datetime(2026, 3, 1, tzinfo=UTC)
EVENT_TYPE = EventType(
    name="payments", variables=(Variable("amt", DataType.FLOAT, VariableType.PRICE),)
)


def facts(source: str) -> Facts:
    return Facts(
        source=source,
        sha256="",
        sha256_of="rows",
        rows=10,
        frauds=5,
        first_at=AT,
        last_at=AT + timedelta(days=1),
        training_rows=8,
        held_out_rows=2,
        variables=(UsedVariable("amt", VariableType.PRICE),),
        seed=0,
        parameters={},
        best_iteration=1,
        library_versions={},
        duration_seconds=1.0,
    )


def test_of_a_version_that_was_trained_otherwise_what_is_known_is_told() -> None:
    schema = {
        "modelVariables": ["amt"],
        "labelSchema": {"labelMapper": {"FRAUD": ["fraud"], "LEGIT": ["legit"]}},
    }
    assert shown_request(request_of(facts("s3://bank/payments.csv"), EVENT_TYPE)) == {
        "trainingDataSource": "EXTERNAL_EVENTS",
        "trainingDataSchema": schema,
        "externalEventsDetail": {
            "dataLocation": "s3://bank/payments.csv",
            "dataAccessRoleArn": "",
        },
    }
    assert shown_request(request_of(facts("event log until 2026-03-02"), EVENT_TYPE)) == {
        "trainingDataSource": "INGESTED_EVENTS",
        "trainingDataSchema": schema,
        "ingestedEventsDetail": {
            "ingestedEventsTimeWindow": {
                "startTime": "2026-03-01T00:00:00.000Z",
                "endTime": "2026-03-02T00:00:00.000Z",
            }
        },
    }


def test_a_file_of_this_machine_is_not_read_again_for_a_client() -> None:
    local = request_of(facts("payments.csv"), EVENT_TYPE)
    with pytest.raises(InvalidInput, match="externalEventsDetail"):
        with_events(local, {})
    detail = {"dataLocation": "s3://bank/payments.csv", "dataAccessRoleArn": "role"}
    request = with_events(local, {"externalEventsDetail": detail})
    assert (request.location, request.source) == (
        detail["dataLocation"],
        DataSource.EXTERNAL_EVENTS,
    )
    assert with_events(request, {}) == request


def test_the_window_is_that_of_the_client_or_the_one_before() -> None:
    logged = request_of(facts("event log"), EVENT_TYPE)
    assert with_events(logged, {}) == logged
    window = {"startTime": "2026-01-01", "endTime": "2026-02-01T00:00:00.250Z"}
    request = with_events(logged, {"ingestedEventsDetail": {"ingestedEventsTimeWindow": window}})
    assert request.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert request.until == datetime(2026, 2, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    for start, end, field in (
        ("soon", "2026-02-01", "startTime"),
        ("2026-02-01", "2026-01-01", "endTime"),
    ):
        window = {"startTime": start, "endTime": end}
        with pytest.raises(InvalidInput, match=field):
            with_events(logged, {"ingestedEventsDetail": {"ingestedEventsTimeWindow": window}})
