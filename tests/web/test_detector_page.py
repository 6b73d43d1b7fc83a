"""Taking versions out of use and away on the page of a detector, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving
from playwright.sync_api import expect

from ringfence.detectors import ModelRef, RuleRef, create_detector_version
from ringfence.settings import Settings
from ringfence.storage import Database

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data_dir = tmp_path_factory.mktemp("console")
    furnish(data_dir)
    database = Database(Settings(data_dir=data_dir).url)
    with database.write() as connection:
        create_detector_version(
            connection,
            "payments",
            rules=[RuleRef("ordinary", "1")],
            models=[ModelRef("payments", "1.0")],
        )
    database.dispose()
    with serving(data_dir) as running:
        yield running


def test_a_draft_is_deleted_and_the_active_version_deactivated_after_asking(
    admin: Watched, console: Console
) -> None:
    page = admin.page
    page.goto(f"{console.url}/detectors/payments")
    draft = page.get_by_role("region", name="Version 2")
    active = page.get_by_role("region", name="Version 1")
    expect(active.get_by_role("button", name="Delete")).to_have_count(0)
    draft.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(draft).to_be_visible()
    draft.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(draft).to_have_count(0)
    active.get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(active.get_by_text("inactive")).to_be_visible()
    active.get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    expect(active.get_by_text("active since")).to_be_visible()


def test_a_viewer_is_offered_neither(viewer: Watched, console: Console) -> None:
    page = viewer.page
    page.goto(f"{console.url}/detectors/payments")
    expect(page.get_by_role("region", name="Version 1")).to_be_visible()
    for name in ("Delete", "Deactivate", "Activate"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
