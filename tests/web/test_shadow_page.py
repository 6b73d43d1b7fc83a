"""The page of a shadow, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect

from ringfence.detectors import (
    ModelRef,
    RuleRef,
    create_detector_version,
    label_event,
    put_rule,
)
from ringfence.rules import Rule
from ringfence.settings import Settings
from ringfence.storage import Database

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    opened = Database(Settings(data_dir=data_dir).url)
    with opened.write() as connection:
        put_rule(
            connection,
            "payments",
            Rule(
                rule_id="small",
                version="1",
                expression="$transaction_amt > 20",
                outcomes=("call_cardholder",),
            ),
        )
        create_detector_version(
            connection,
            "payments",
            rules=[RuleRef("small", "1"), RuleRef("ordinary", "1")],
            models=[ModelRef("payments", "1.0")],
        )
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def console(database: Database) -> Iterator[Console]:
    from pathlib import Path

    assert database.engine.url.database is not None
    with serving(Path(database.engine.url.database).parent) as running:
        yield running


def test_a_version_that_never_ran_can_be_started_and_is_compared_live(
    admin: Watched, console: Console, database: Database
) -> None:
    page = admin.page
    page.goto(f"{console.url}/shadows/payments/2")
    expect(page.get_by_text("This version never ran as a shadow")).to_be_visible()
    page.goto(f"{console.url}/detectors/payments")
    page.get_by_role("button", name="Start as a shadow").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Version 2 of payments as a shadow")).to_be_visible()
    expect(page.get_by_text("Nothing has been compared yet.")).to_be_visible()
    expect(page.get_by_text("warming up")).to_be_visible()
    for number in range(200):
        console.send(f"warm-{number}", 5.0)
        if page.get_by_text("scoring", exact=True).is_visible():
            break
        page.wait_for_timeout(100)
    for number in range(4):
        console.send(f"big-{number}", 400.0, transaction_env="C")
    with database.write() as connection:
        label_event(connection, "card_payment", "big-0", "fraud", source="phone")
    totals = page.get_by_role("table", name="Totals")
    expect(totals.get_by_role("row", name="Frauds caught")).to_contain_text("+1", timeout=20_000)
    expect(page.get_by_text("too few to tell").first).to_be_visible()
    outcomes = page.get_by_role("table", name="Outcomes")
    expect(outcomes).to_contain_text("call cardholder")
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()
    outcomes.get_by_role("link", name="big-0").click()
    expect(page.get_by_role("heading", name="Event big-0")).to_be_visible()
    expect(page.get_by_label("Version 2, the shadow")).to_contain_text("$transaction_amt > 20")
    expect(page.get_by_label("Version 1, which decided")).to_contain_text("ordinary")


def test_who_may_only_look_has_no_buttons(browser: Browser, console: Console) -> None:
    viewer = signed_in(browser, console, "viewerer")
    viewer.page.goto(f"{console.url}/shadows/payments/2")
    expect(viewer.page.get_by_role("heading", name="Version 2 of payments")).to_be_visible()
    expect(viewer.page.get_by_text("scoring", exact=True)).to_be_visible()
    expect(viewer.page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(viewer.page.get_by_role("button", name="Activate")).to_have_count(0)
    viewer.page.context.close()
    assert viewer.errors == []


def test_a_narrow_dark_screen_scrolls_only_downwards(browser: Browser, console: Console) -> None:
    small = signed_in(
        browser, console, "adminer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    small.page.goto(f"{console.url}/shadows/payments/2")
    expect(small.page.get_by_role("table", name="Totals")).to_be_visible()
    assert small.page.evaluate("document.documentElement.scrollWidth") <= 420
    small.page.context.close()
    assert small.errors == []


def test_a_shadow_is_stopped_cleared_and_activated_after_asking(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/shadows/payments/2")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("ended")).to_be_visible()
    page.get_by_role("button", name="Clear what it said").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing has been compared yet.")).to_be_visible()
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    expect(page.get_by_text("it decides")).to_be_visible()
    expect(page.get_by_role("button", name="Start as a shadow")).to_have_count(0)
