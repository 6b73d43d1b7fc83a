"""Backtests over the HTTP API."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
from api_servers import Server, new_customer, refused

from ringfence.cases import furnish
from ringfence.detectors import (
    DecisionEngine,
    Detector,
    RuleRef,
    create_detector_version,
    put_detector,
    put_rule,
)
from ringfence.errors import TooLarge
from ringfence.events import EventReader, SentEvent, get_event_type
from ringfence.events.log import append_events
from ringfence.rules import Rule
from ringfence.storage import Database, now
from ringfence.web.routes import backtests
from ringfence.web.routes.backtests import BacktestBody, run_backtest
from ringfence.web.services import Services


@pytest.fixture
def sent(api: httpx2.Client) -> None:
    """Three payments of a customer of their own in the event log, two of them large."""
    customer = new_customer(api)
    for day, amount in ((1, 20.0), (1, 5000.0), (2, 7000.0)):
        reply = api.post(
            "/v1/event-types/card_payment/decisions",
            json={
                "event_id": f"{customer}-{amount:.0f}",
                "event_timestamp": f"2025-01-0{day}T12:00:00Z",
                "entities": [{"entity_type": "customer", "entity_id": customer}],
                "variables": {"transaction_amt": amount},
            },
        )
        assert reply.status_code == 200, reply.text


@pytest.mark.usefixtures("sent")
def test_a_backtest_counts_what_the_active_version_would_have_done(
    server: Server, api: httpx2.Client
) -> None:
    before = server.rows()
    reply = api.post(
        "/v1/backtests",
        json={"detector": "payments", "from": "2025-01-01T00:00:00Z", "to": "2025-01-03T00:00:00Z"},
    )

    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert report["source"] == "event log"
    assert report["alert_outcomes"] == ["call_cardholder"]
    (version,) = report["versions"]
    assert version["totals"]["events"] % 3 == 0
    assert version["totals"]["alerts"] == version["totals"]["events"] // 3 * 2
    assert [day["date"] for day in version["days"]] == ["2025-01-01", "2025-01-02"]
    assert report["comparison"] is None
    assert server.rows() == before


@pytest.mark.usefixtures("sent")
def test_a_version_against_itself_differs_in_nothing(api: httpx2.Client) -> None:
    report = api.post("/v1/backtests", json={"detector": "payments", "against": "1"}).json()

    assert set(report["comparison"]["differences"].values()) == {0}
    assert report["comparison"]["only_first"]["events"] == 0


def test_what_does_not_fit_is_named(server: Server) -> None:
    for body, status, field in (
        ({"detector": "nobody"}, 404, "detector"),
        ({"detector": "payments", "version": "77"}, 404, "version"),
        ({"detector": "payments", "alert_outcomes": ["nope"]}, 422, "alert_outcomes"),
        ({"detector": "payments", "alert_outcomes": []}, 422, "alert_outcomes"),
        ({"detector": "payments", "case_hours": 0}, 422, "case_hours"),
        ({"detector": "payments", "from": "2026-02-01T00:00:00Z",
          "to": "2026-01-01T00:00:00Z"}, 422, "to"),
        ({"detector": "payments", "from": "soon"}, 422, "from"),
        ({"detector": "payments", "untill": "2026-01-01T00:00:00Z"}, 422, "untill"),
        ({}, 422, "detector"),
    ):  # fmt: skip
        refused(server, "POST", "/v1/backtests", status, field, body=body)


def test_a_key_without_the_scope_may_not_run_one(server: Server) -> None:
    with server.client(server.key_with("decisions")) as client:
        assert client.post("/v1/backtests", json={"detector": "payments"}).status_code == 403


def test_more_events_than_the_limit_are_too_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtests, "MAX_EVENTS", 2)
    with database.write() as connection:
        furnish(connection)
        put_detector(connection, Detector(detector_id="payments", event_type="card_payment"))
        put_rule(
            connection,
            "payments",
            Rule(rule_id="any", version="1", expression='$cvv != "M"', outcomes=("approve",)),
        )
        create_detector_version(connection, "payments", rules=[RuleRef("any", "1")], models=[])
        reader = EventReader(get_event_type(connection, "card_payment"))
        sent = [SentEvent(event_id=f"e{n}", variables={"cvv": "N"}) for n in range(3)]
        append_events(connection, [reader.read(event, now()) for event in sent], now())
    services = cast("Services", SimpleNamespace(database=database, engine=DecisionEngine(database)))
    body = BacktestBody(detector="payments", alert_outcomes=("approve",))
    for _ in range(2):  # a backtest that failed does not keep the next one out
        with pytest.raises(TooLarge) as refused:
            run_backtest(services, body)
        assert refused.value.field == "from"
    monkeypatch.setattr(backtests, "MAX_EVENTS", 3)
    assert run_backtest(services, body).versions[0].totals.alerts == 3
    services.engine.close()
