"""A bank's account with Fraud Detector, and what one does again and again in the tests of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_clients import ClientOf
from s3_stores import Store
from training_banks import OFI

ARN = "arn:aws:frauddetector:eu-west-1:000000000000"
EVENT_TYPE = "payments"
MODEL = {"modelId": "cards", "modelType": OFI}
VERSION = {**MODEL, "modelVersionNumber": "1.0"}
GUARD = {"detectorId": "guard"}
DRAFT = {**GUARD, "detectorVersionId": "2"}
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Account:
    """What the bank works with."""

    client: ClientOf
    store: Store
    shipped: frozenset[str]


def opened(client: ClientOf, store: Store) -> Account:
    """The account on a new server, which has something in it already."""
    shipped: set[str] = set()
    for get, member in (
        (client.get_event_types, "eventTypes"),
        (client.get_entity_types, "entityTypes"),
        (client.get_labels, "labels"),
        (client.get_outcomes, "outcomes"),
        (client.get_variables, "variables"),
    ):
        shipped |= names_of(all_of(get, member))
    return Account(client, store, frozenset(shipped))


def pages(call: Callable[..., dict[str, Any]], member: str, **given: Any) -> list[Any]:
    """All items of a list that has more than one page."""
    assert "nextToken" in call(**given)
    return all_of(call, member, **given)


def all_of(call: Callable[..., dict[str, Any]], member: str, **given: Any) -> list[Any]:
    """All items of a list of any length."""
    page = call(**given)
    items = list(page[member])
    while "nextToken" in page:
        page = call(**given, nextToken=page["nextToken"])
        items += page[member]
    return items


def waits(told: Callable[[], str], *statuses: str) -> str:
    """The first of these statuses that is told."""
    until = time.monotonic() + _PATIENCE_SECONDS
    status = ""
    while time.monotonic() < until:
        status = told()
        if status in statuses:
            return status
        time.sleep(0.2)
    raise AssertionError(f"it is {status}, not one of {statuses}")


def names_of(items: Iterable[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items}


def event(event_id: str, **variables: str) -> dict[str, Any]:
    """The members that say what an event is."""
    return {
        "eventId": event_id,
        "eventTypeName": EVENT_TYPE,
        "eventTimestamp": "2026-03-01T10:00:00Z",
        "entities": [{"entityType": "customer", "entityId": "c-1"}],
        "eventVariables": {"amt": "5", "email": "a@web.de", "merchant": "m1", **variables},
    }
