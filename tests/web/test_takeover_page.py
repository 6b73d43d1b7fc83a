"""The page of a model of account takeovers, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import pytest
from chromium import CHROMIUM
from consoles import KEY, Console, Watched, furnish, serving
from playwright.sync_api import expect

from ringfence.detectors import Detector, put_detector
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
        put_detector(connection, Detector(detector_id="sign_in", event_type="login"))
    database.dispose()


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


def test_the_list_tells_how_well_each_version_separates(viewer: Watched, console: Console) -> None:
    page = viewer.page
    page.goto(f"{console.url}/models")
    logins = page.get_by_role("table", name="Versions of takeovers")
    expect(logins).to_contain_text("ASI")
    expect(logins).to_contain_text("Labelled takeovers")
    expect(logins).not_to_contain_text("AUC")
    expect(logins).not_to_contain_text("Average precision")
    payments = page.get_by_role("table", name="Versions of payments")
    expect(payments).to_contain_text("AUC")
    expect(payments).to_contain_text("Average precision")


def test_a_detector_starts_with_the_rules_that_its_model_suggests(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/detectors/sign_in")
    form = page.get_by_role("region", name="Publish a version")
    expect(form).to_contain_text("There is no rule yet")
    form.get_by_role("button", name="Suggest rules").focus()
    page.keyboard.press("Enter")
    order = page.locator("[data-part=order]")
    expect(order).to_contain_text("challenge, version 1")
    expect(order).to_contain_text("approve, version 1")
    expect(form).not_to_contain_text("There is no rule yet")
    form.get_by_role("button", name="Publish and activate").click()
    version = page.get_by_role("region", name="Version 1")
    expect(version).to_contain_text("1. challenge")
    expect(version).to_contain_text("$takeovers_insightscore >=")
    expect(version).to_contain_text("2. approve")
    expect(version).to_contain_text("takeovers 1.0")


def test_the_api_gives_challenges_instead_of_an_auc(console: Console) -> None:
    def get(path: str) -> httpx2.Response:
        return httpx2.get(
            f"{console.url}/v1/models/{path}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=20,
            trust_env=False,
        )

    [logins] = get("takeovers/versions").json()
    assert set(logins["metrics"]) == {"takeover"}
    assert logins["metrics"]["takeover"]["asi"] > 0.9
    [payments] = get("payments/versions").json()
    measures = {"auc", "auc_low", "auc_high", "average_precision", "rows"}
    assert set(payments["metrics"]) == measures
    rates = [row["cr"] for row in get("takeovers/versions/1.0/challenges").json()]
    assert rates[0] == pytest.approx(0.01, abs=0.005)
    assert get("payments/versions/1.0/thresholds").json()
    for path in ("takeovers/versions/1.0/thresholds", "payments/versions/1.0/challenges"):
        refused = get(path)
        assert refused.status_code == 409
        assert "operation" in refused.text
