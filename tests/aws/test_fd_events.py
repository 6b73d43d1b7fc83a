"""Stored events through boto3: sent, read, labelled, deleted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from aws_clients import ClientOf
from botocore.exceptions import ClientError
from fd_payments import AT, CARD, define_payments, sent

_PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def client(frauddetector: ClientOf) -> ClientOf:
    """A client of a server that knows payments, kept, and logins, which are not."""
    define_payments(frauddetector, "payment", ingestion="ENABLED")
    define_payments(frauddetector, "login", ingestion="DISABLED")
    return frauddetector


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_an_event_is_read_as_it_was_sent(client: ClientOf) -> None:
    assert (
        client.send_event(**sent("e-1", amount="12.50", merchant="m1"))["ResponseMetadata"][
            "HTTPStatusCode"
        ]
        == 200
    )
    event = client.get_event(eventId="e-1", eventTypeName="payment")["event"]
    assert event == {
        "eventId": "e-1",
        "eventTypeName": "payment",
        "eventTimestamp": "2026-03-01T10:00:00.000Z",
        "eventVariables": {"amount": "12.5", "merchant": "m1"},
        "entities": [{"entityType": "customer", "entityId": "c1"}],
    }


@pytest.mark.parametrize(
    ("at", "read"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01T10:00:00.250Z", "2026-03-01T10:00:00.250Z"),
        ("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
    ],
)
def test_times_are_read_generously(client: ClientOf, at: str, read: str) -> None:
    event_id = "t-" + re.sub("[^0-9]", "", at)
    client.send_event(**sent(event_id) | {"eventTimestamp": at})
    found = client.get_event(eventId=event_id, eventTypeName="payment")["event"]
    assert found["eventTimestamp"] == read


def test_the_same_event_again_is_no_error_and_another_one_is(client: ClientOf) -> None:
    client.send_event(**sent("twice", amount="5"))
    client.send_event(**sent("twice", amount="5.0"))
    code, message = refused(client.send_event, **sent("twice", amount="6"))
    assert code == "ConflictException"
    assert "eventId" in message
    event = client.get_event(eventId="twice", eventTypeName="payment")["event"]
    assert event["eventVariables"]["amount"] == "5.0"


def test_a_label_comes_with_the_event_or_later(client: ClientOf) -> None:
    labelled = {"assignedLabel": "fraud", "labelTimestamp": "2026-03-02T00:00:00Z"}
    client.send_event(**sent("labelled"), **labelled)
    event = client.get_event(eventId="labelled", eventTypeName="payment")["event"]
    assert (event["currentLabel"], event["labelTimestamp"]) == (
        "fraud",
        "2026-03-02T00:00:00.000Z",
    )
    client.update_event_label(
        eventId="labelled",
        eventTypeName="payment",
        assignedLabel="legit",
        labelTimestamp="2026-03-03T00:00:00.5Z",
    )
    event = client.get_event(eventId="labelled", eventTypeName="payment")["event"]
    assert (event["currentLabel"], event["labelTimestamp"]) == (
        "legit",
        "2026-03-03T00:00:00.500Z",
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"assignedLabel": "fraud"}, "labelTimestamp"),
        ({"labelTimestamp": AT}, "assignedLabel"),
        ({"assignedLabel": "stolen", "labelTimestamp": AT}, "assignedLabel"),
        ({"eventTypeName": "login"}, "eventIngestion"),
        ({"eventTimestamp": "yesterday-ish"}, "eventTimestamp"),
        ({"entities": []}, "entities"),
        ({"entities": [{"entityType": "card", "entityId": "c1"}]}, "entities.entityType"),
        ({"eventVariables": {"amount": "many"}}, "eventVariables.amount"),
        ({"eventVariables": {"colour": "red"}}, "eventVariables.colour"),
        ({"eventVariables": {"merchant": CARD}}, "eventVariables.merchant"),
        ({"eventVariables": {}}, "eventVariables"),
        ({"eventId": "NOT AN ID"}, "eventId"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_member(
    client: ClientOf, changed: dict[str, Any], named: str
) -> None:
    code, message = refused(client.send_event, **sent("refused") | changed)
    assert code == "ValidationException"
    assert named in message
    assert CARD not in message


def test_what_is_not_there_is_not_found(client: ClientOf) -> None:
    unknown = {"eventId": "nobody", "eventTypeName": "payment"}
    label = {"assignedLabel": "fraud", "labelTimestamp": AT}
    assert refused(client.get_event, **unknown)[0] == "ResourceNotFoundException"
    assert refused(client.update_event_label, **unknown, **label)[0] == "ResourceNotFoundException"
    nowhere = {"eventTypeName": "nowhere"}
    assert refused(client.send_event, **sent("e-1") | nowhere)[0] == "ResourceNotFoundException"
    for call in (
        client.delete_events_by_event_type,
        client.get_delete_events_by_event_type_status,
    ):
        assert refused(call, **nowhere)[0] == "ResourceNotFoundException"
    assert (
        refused(client.get_delete_events_by_event_type_status, eventTypeName="login")[0]
        == "ResourceNotFoundException"
    )


def test_an_event_is_deleted_once_and_again(client: ClientOf) -> None:
    client.send_event(**sent("goes"))
    for _ in range(2):
        client.delete_event(eventId="goes", eventTypeName="payment")
    gone = {"eventId": "goes", "eventTypeName": "payment"}
    assert refused(client.get_event, **gone)[0] == "ResourceNotFoundException"
    # Its id may be used anew.
    client.send_event(**sent("goes", amount="77"))


def test_all_events_of_a_type_are_deleted_in_the_end(client: ClientOf) -> None:
    define_payments(client, "short_lived", ingestion="ENABLED")
    for number in range(7):
        client.send_event(**sent(f"d-{number}") | {"eventTypeName": "short_lived"})
    begun = client.delete_events_by_event_type(eventTypeName="short_lived")
    assert begun["eventTypeName"] == "short_lived"
    assert begun["eventsDeletionStatus"].startswith("IN_PROGRESS")
    deadline, status = time.monotonic() + _PATIENCE_SECONDS, ""
    while status != "COMPLETE" and time.monotonic() < deadline:
        time.sleep(0.1)
        told = client.get_delete_events_by_event_type_status(eventTypeName="short_lived")
        status = told["eventsDeletionStatus"]
    assert status == "COMPLETE"
    (described,) = client.get_event_types(name="short_lived")["eventTypes"]
    assert described["ingestedEventStatistics"]["numberOfEvents"] == 0
    gone = {"eventId": "d-0", "eventTypeName": "short_lived"}
    assert refused(client.get_event, **gone)[0] == "ResourceNotFoundException"
    client.delete_events_by_event_type(eventTypeName="short_lived")
