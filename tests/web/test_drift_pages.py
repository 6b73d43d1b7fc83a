"""Drift and model cards, on their pages in a real Chromium and over the API beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from chromium import CHROMIUM
from consoles import KEY, Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect
from sqlalchemy import insert

from ringfence.detectors import list_detector_versions
from ringfence.detectors import tables as detector_tables
from ringfence.events import tables as event_tables
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    send_odd_payments(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def api(console: Console) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=console.url,
        headers={"authorization": f"Bearer {KEY}"},
        timeout=60,
        trust_env=False,
    ) as client:
        yield client


def send_odd_payments(data_dir: Path) -> None:
    """Six hundred payments of the last days in another currency than the model knows."""
    database = Database(Settings(data_dir=data_dir).url)
    at = now()
    events, decisions = [], []
    for number in range(600):
        key = {"event_type": "card_payment", "event_id": f"odd-{number}"}
        happened = at - timedelta(minutes=10 * number + 5)
        events.append(
            {
                **key,
                "at": happened,
                "received_at": happened,
                "entities": [],
                "variables": {
                    "transaction_amt": 20.0 + number % 50,
                    "currency": "jpy",
                    "merchant_name": ("Harbour Books", "Corner Cafe", "Night Market")[number % 3],
                    "transaction_env": "CLE"[number % 3],
                    "email_address": f"user{number}@example.org",
                },
                "content_hash": b"0" * 16,
            }
        )
        decisions.append(
            {
                **key,
                "detector_id": "payments",
                "decided_at": happened,
                "scores": {"payments_insightscore": float(number % 600)},
                "rule_results": [],
                "outcomes": [],
            }
        )
    with database.write() as connection:
        (version, *_) = list_detector_versions(connection, "payments")
        connection.execute(insert(event_tables.events), events)
        connection.execute(
            insert(detector_tables.decisions),
            [{**row, "detector_version": version.version} for row in decisions],
        )
    database.dispose()


def test_a_check_raises_alerts_that_somebody_acknowledges(admin: Watched, console: Console) -> None:
    page = admin.page
    page.get_by_role("link", name="Drift", exact=True).click()
    expect(page.get_by_text("Nothing was checked yet")).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    alerts = page.get_by_role("table", name="Alerts")
    expect(alerts).to_be_visible(timeout=60_000)
    row = alerts.get_by_role("row").filter(has_text="currency")
    expect(row.get_by_text("open", exact=True)).to_be_visible()
    row.get_by_role("button", name="Acknowledge").click()
    expect(row.get_by_text("open, known to adminer")).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    expect(alerts.get_by_text("open", exact=True).nth(1)).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^Acknowledge \d+$")).click()
    expect(alerts.get_by_role("button")).to_have_count(0)
    expect(alerts.get_by_text("open", exact=True)).to_have_count(0)
    most = page.get_by_role("table", name="What moved most, payments 1.0")
    expect(most.get_by_role("row").nth(1)).to_contain_text("currency")


def test_a_viewer_sees_alerts_and_changes_nothing(browser: Browser, console: Console) -> None:
    watched = signed_in(browser, console, "viewerer", viewport={"width": 1280, "height": 900})
    page = watched.page
    page.goto(f"{console.url}/drift")
    expect(page.get_by_role("table", name="Alerts")).to_be_visible()
    expect(page.get_by_role("button", name="Check now")).to_have_count(0)
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    watched.page.context.close()


def test_the_page_of_a_version_shows_each_variable_by_time_and_how_it_is_distributed(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/models/payments/1.0")
    page.get_by_role("link", name="Drift", exact=True).last.click()
    table = page.get_by_role("table", name="Stability index by variable and time")
    expect(table).to_be_visible()
    first = table.get_by_role("row").nth(2)
    expect(first).to_contain_text("currency")
    expect(first.get_by_text("alert")).to_be_visible()
    page.get_by_role("combobox", name="Of").click()
    page.get_by_role("option", name="transaction_amt").click()
    expect(page.get_by_role("img", name="Shares of events by bin")).to_be_visible()

    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-02-01")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("No event in this window")).to_be_visible(timeout=60_000)
    page.get_by_label("From").fill("yesterday")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Not a time")).to_be_visible()


def test_the_card_is_read_on_its_page_and_taken_along(admin: Watched, console: Console) -> None:
    page = admin.page
    page.goto(f"{console.url}/models/payments/1.0")
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", name="Limits")).to_be_visible()
    expect(page.get_by_role("img", name="ROC curve of the held-out events")).to_be_visible()
    expect(page.get_by_text("currency has moved")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="HTML").click()
    assert downloading.value.suggested_filename == "payments-1.0.html"
    text = Path(downloading.value.path()).read_text()
    assert text.startswith("<!doctype html>")
    assert "http" not in text


def test_the_api_tells_the_same(api: httpx2.Client) -> None:
    checks = api.get("/v1/drift").json()
    assert [(c["report"]["model_id"], c["report"]["state"]) for c in checks] == [
        ("payments", "alert")
    ]
    alerts = api.get("/v1/drift/alerts", params={"open": "true", "model": "payments"}).json()
    assert "currency" in {alert["subject"] for alert in alerts}
    assert api.get("/v1/drift/alerts", params={"model": "none"}).json() == []
    known = next(alert for alert in alerts if alert["subject"] == "currency")
    again = api.post(f"/v1/drift/alerts/{known['alert_id']}/acknowledgement")
    assert again.json()["acknowledged_by"] == "adminer"
    assert api.post("/v1/drift/alerts/drift_0/acknowledgement").status_code == 404

    here = "/v1/models/payments/versions/1.0"
    report = api.get(f"{here}/drift").json()
    assert report["events"] == report["scored"] == 600
    refused = api.get(f"{here}/drift", params={"from": "2026-03-02", "to": "2026-03-01"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "to")
    assert api.get("/v1/models/payments/versions/9.0/drift").status_code == 404
    card = api.get(f"{here}/card").json()
    assert card["data"]["rows"] == 2400
    assert card["limits"]


def test_prometheus_is_told_of_drift(api: httpx2.Client) -> None:
    text = api.get("/metrics").text
    moved = [line for line in text.splitlines() if line.startswith("ringfence_drift_psi{")]
    by_name = {line.partition('variable="')[2].partition('"')[0]: line for line in moved}
    assert float(by_name["currency"].rpartition(" ")[2]) > 1
    assert 'ringfence_drift_alerts{model="payments",version="1.0"}' in text
