"""The page that tests detector versions on past events, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def viewer(viewer: Watched) -> Watched:
    viewer.page.get_by_role("link", name="Backtest").click()
    return viewer


def test_without_events_in_the_window_the_page_says_so(viewer: Watched) -> None:
    page = viewer.page
    expect(page.get_by_text("Nothing tested yet")).to_be_visible()
    page.get_by_label("From").fill("2020-01-01")
    page.get_by_label("To", exact=True).fill("2020-01-02")
    page.get_by_role("button", name="Run the backtest").click()
    expect(page.get_by_text("No event in this window")).to_be_visible()


def test_two_versions_stand_side_by_side_with_their_differences(
    viewer: Watched, console: Console
) -> None:
    console.send("small", 12.5)
    console.send("large", 900.0)
    page = viewer.page
    page.get_by_label("Against").click()
    page.get_by_role("option", name="1").click()
    page.get_by_role("button", name="Run the backtest").click()
    totals = page.get_by_role("table", name="Totals")
    expect(totals).to_contain_text("Difference")
    expect(totals.get_by_role("row", name="Events without a label")).to_have_text(
        "Events without a label22+0"
    )
    expect(page.get_by_role("table", name="Rules of version 1").first).to_contain_text("suspicious")
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()


def test_a_window_that_is_no_window_is_said_at_its_field(viewer: Watched) -> None:
    page = viewer.page
    page.get_by_label("From").fill("yesterday")
    page.get_by_role("button", name="Run the backtest").click()
    expect(page.get_by_text("Not a time; expected such as 2026-03-01")).to_be_visible()
    page.get_by_label("From").fill("2026-03-02")
    page.get_by_label("To", exact=True).fill("2026-03-01")
    page.get_by_role("button", name="Run the backtest").click()
    expect(page.get_by_text("Is not after the beginning; expected a later time")).to_be_visible()


def test_a_narrow_dark_screen_shows_the_results_without_sideways_scrolling(
    browser: Browser, console: Console
) -> None:
    small = signed_in(
        browser, console, "adminer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    console.send("dark", 30.0)
    small.page.goto(f"{console.url}/backtest")
    small.page.get_by_role("button", name="Run the backtest").click()
    expect(small.page.get_by_role("table", name="Totals")).to_be_visible()
    assert small.page.evaluate("document.documentElement.scrollWidth") <= 420
    ground = small.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(14, 18, 24)"
    small.page.context.close()
    assert small.errors == []
