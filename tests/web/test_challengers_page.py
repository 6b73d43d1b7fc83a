"""The pages on which challengers are compared and decided about, in a real Chromium."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect

from ringfence.detectors import label_event
from ringfence.events import EventReader, SentEvent, get_event_type
from ringfence.events.log import append_events
from ringfence.storage import Database

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    _answer(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def admin(admin: Watched) -> Watched:
    admin.page.get_by_role("link", name="Challengers").click()
    return admin


def test_a_schedule_is_set_and_what_does_not_fit_is_said_at_its_field(admin: Watched) -> None:
    page = admin.page
    expect(page.get_by_text("No challenger yet")).to_be_visible()
    expect(page.get_by_text("Only by hand")).to_be_visible()
    page.get_by_label("Every … days").fill("often")
    page.get_by_role("button", name="Set the schedule").click()
    expect(page.get_by_text("Not a number; expected such as 0.01")).to_be_visible()
    page.get_by_label("Every … days").fill("7")
    page.get_by_label("Gain in AUC, low end").fill("0.99")
    page.get_by_role("button", name="Set the schedule").click()
    schedules = page.get_by_role("table", name="Schedules")
    expect(schedules).to_contain_text("every 7 days")
    expect(schedules).to_contain_text("Gain in AUC, low end at least 0.99")


def test_a_model_is_trained_anew_compared_promoted_and_gone_back_from(admin: Watched) -> None:
    page = admin.page
    page.get_by_role("button", name="Train anew").click()
    trainings = page.get_by_role("table", name="Trainings")
    expect(trainings).to_contain_text("done", timeout=120_000)
    expect(trainings).to_contain_text("not met")
    page.reload()
    page.get_by_role("link", name="Compare and decide").click()
    expect(page.get_by_role("heading", name="payments 2.0 against 1.0")).to_be_visible()
    comparison = page.get_by_role("table", name="Comparison")
    expect(comparison.get_by_role("row", name="Average precision")).to_be_visible()
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()

    page.get_by_role("button", name="Promote").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Promote").click()
    expect(dialog.get_by_text("Empty; expected why, in a few words")).to_be_visible()
    dialog.get_by_label("Reason").fill("knows the kiosks")
    dialog.get_by_role("button", name="Promote").click()
    expect(page.get_by_text("promoted", exact=True).first).to_be_visible()

    page.get_by_role("link", name="Challengers").click()
    decided = page.get_by_role("table", name="What was decided")
    expect(decided).to_contain_text("knows the kiosks")
    expect(decided).to_contain_text("payments 1 → 2")
    decided.get_by_role("button", name="Go back").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("too many calls")
    dialog.get_by_label("Reason").press("Enter")
    expect(decided).to_contain_text("too many calls")
    expect(decided).to_contain_text("payments 2 → 1")
    expect(decided.get_by_role("button", name="Go back")).to_have_count(0)
    expect(page.get_by_role("table", name="All challengers")).to_contain_text("rejected")


def test_who_only_looks_sees_no_buttons_on_a_narrow_dark_screen(
    browser: Browser, console: Console
) -> None:
    small = signed_in(
        browser, console, "viewerer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    for path in ("/challengers", "/challengers/payments/2.0"):
        small.page.goto(f"{console.url}{path}")
        expect(small.page.get_by_role("heading", level=1)).to_be_visible()
        for name in ("Promote", "Reject", "Go back", "Train anew", "Set the schedule"):
            expect(small.page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        assert small.page.evaluate("document.documentElement.scrollWidth") <= 420
    small.page.goto(f"{console.url}/challengers/payments/9.0")
    expect(small.page.get_by_text("Not found")).to_be_visible()
    small.page.context.close()
    assert [error for error in small.errors if "404" not in error] == []


def _answer(data_dir: Path) -> None:
    """Payments since the model was trained, with fraud at a new kind of shop, all answered."""
    chance = random.Random(3)
    begin = datetime(2026, 4, 1, tzinfo=UTC)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    with database.write() as connection:
        reader = EventReader(get_event_type(connection, "card_payment"))
        for number in range(1_500):
            fraud = chance.random() < 0.1
            shop = "Gift Kiosk" if fraud and chance.random() < 0.8 else "Corner Cafe"
            at = begin + timedelta(minutes=70 * number)
            sent = SentEvent(
                event_id=f"past{number}",
                at=at,
                variables={
                    "transaction_amt": round(chance.lognormvariate(3.7, 1.1), 2),
                    "currency": chance.choice(["eur", "usd"]),
                    "merchant_name": shop,
                    "transaction_env": chance.choice("CCLLEEM"),
                    "email_address": f"user{chance.randrange(400)}@example.org",
                },
            )
            append_events(connection, [reader.read(sent, at)], at)
            label = "fraud" if fraud else "legit"
            label_event(connection, "card_payment", f"past{number}", label, source="phone", at=at)
    database.dispose()
