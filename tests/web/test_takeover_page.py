"""The page of a model of account takeovers, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from consoles import CHROMIUM, FLAGS, Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect, sync_playwright

from ringfence.events import EventType, put_event_type
from ringfence.examples import read_example
from ringfence.models import ModelType, create_model, read_data, store_version, train_takeover
from ringfence.settings import Settings
from ringfence.simulation.logins import LoginOptions, generate_logins
from ringfence.storage import Database

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    add_takeovers(data_dir)
    with serving(data_dir) as running:
        yield running


def add_takeovers(data_dir: Path) -> None:
    """A model of takeovers, learned from devices alone."""
    login = msgspec.json.decode(read_example("login_event_type.json"), type=EventType)
    frame = generate_logins(LoginOptions(logins=2_200, accounts=110, days=40, labelled=0.0))
    path = data_dir / "logins.parquet"
    frame.drop("user_agent", "are_credentials_valid", "latitude", "longitude").write_parquet(path)
    trained = train_takeover(read_data(path, login, labels_required=False))
    database = Database(Settings(data_dir=data_dir).url)
    with database.write() as connection:
        put_event_type(connection, login)
        create_model(
            connection, "takeovers", "login", model_type=ModelType.ACCOUNT_TAKEOVER_INSIGHTS
        )
        store_version(connection, "takeovers", trained)
    database.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def viewer(browser: Browser, console: Console) -> Iterator[Watched]:
    watched = signed_in(browser, console, "viewerer", viewport={"width": 1280, "height": 900})
    yield watched
    watched.page.context.close()
    assert watched.errors == []
    assert watched.foreign == []


def test_moving_the_threshold_tells_who_is_challenged_and_who_is_found(
    viewer: Watched, console: Console
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/models/takeovers/1.0")
    expect(page.get_by_text("Anomaly separation index")).to_be_visible()
    challenges = page.locator("[data-part=challenges]")
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(page.locator("#threshold-value")).to_have_text("0")
    expect(challenges).to_contain_text("100.00 %of logins challenged")
    expect(challenges).to_contain_text("unknownof labelled takeovers")
    page.keyboard.press("End")
    expect(challenges).to_contain_text("0.00 %of logins challenged")
    page.get_by_role("group", name="Suggested thresholds").get_by_role("button").first.click()
    expect(challenges).not_to_contain_text("0.00 %of logins challenged")
    expect(page.get_by_text("No login is labelled a takeover.")).to_be_visible()
    expect(page.locator(".nicegui-echart canvas").first).to_be_visible()
    expect(page.get_by_text("Labelled takeovers", exact=True)).to_be_visible()
    expect(page.get_by_text("Average precision")).to_have_count(0)
