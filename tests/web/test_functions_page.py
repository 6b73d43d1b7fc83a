"""The pages of functions, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving
from playwright.sync_api import expect

from ringfence.cards import open_vault
from ringfence.functions import HttpFunction, PythonFunction, put_function
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)

CODE = """
def lambda_handler(event, context):
    customer = event["Details"]["ContactData"]["Attributes"]["Customer"]
    print("<b>blocking</b>", customer)
    return {"body": "blocked for " + customer}
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data_dir: Path) -> Iterator[Console]:
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def functions(data_dir: Path) -> None:
    (data_dir / "block.py").write_text(CODE)
    database = Database(Settings(data_dir=data_dir).url)
    vault = open_vault(data_dir, None, database)
    block = PythonFunction(file=str(data_dir / "block.py"), pass_environment=("TABLE",))
    notify = HttpFunction(url="https://bank.example/notify", secret="hush-hush")
    with database.write() as connection:
        put_function(connection, vault, "block-card", block, by="engineer", at=now())
        put_function(connection, vault, "notify", notify, by="engineer", at=now())
    database.dispose()


def test_without_functions_the_page_says_how_one_is_registered(admin: Watched) -> None:
    page = admin.page
    page.get_by_role("link", name="Functions").click()
    expect(page.get_by_text("No function yet")).to_be_visible()
    expect(page.get_by_text("ringfence functions add")).to_be_visible()


def test_a_function_is_found_invoked_and_its_log_read(
    admin: Watched, console: Console, functions: None
) -> None:
    page = admin.page
    page.goto(f"{console.url}/functions")
    expect(page.get_by_role("row", name="notify")).to_contain_text("HTTP endpoint")
    page.get_by_role("link", name="block-card").click()
    facts = page.get_by_label("Definition")
    expect(facts).to_contain_text("256 MB")
    expect(facts).to_contain_text("TABLE")
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_label("Answer")).to_contain_text("blocked for customer-7")
    expect(page.get_by_role("table", name="Log")).to_contain_text("<b>blocking</b> customer-7")
    page.get_by_label("Event").fill("{}")
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_label("Answer")).to_contain_text("KeyError")
    page.get_by_label("Event").fill("{oops")
    page.get_by_role("button", name="Invoke").click()
    expect(page.get_by_text("expected JSON")).to_be_visible()
    assert not admin.errors
    assert not admin.foreign


def test_a_function_is_removed_after_a_question(
    admin: Watched, console: Console, functions: None
) -> None:
    page = admin.page
    page.goto(f"{console.url}/functions/notify")
    page.get_by_role("button", name="Remove the function").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("error branches")
    dialog.get_by_role("button", name="Remove the function").click()
    expect(page.get_by_role("heading", name="Functions")).to_be_visible()
    expect(page.get_by_role("link", name="notify")).to_have_count(0)
    page.goto(f"{console.url}/functions/notify")
    expect(page.get_by_text("There is no function 'notify'.")).to_be_visible()
    assert all("404" in error for error in admin.errors)
    admin.errors.clear()


def test_a_viewer_sees_functions_and_changes_none(
    viewer: Watched, console: Console, functions: None
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/functions/block-card")
    expect(page.get_by_role("heading", name="Log")).to_be_visible()
    expect(page.get_by_role("button", name="Invoke")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove the function")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_is_enough(
    admin: Watched, console: Console, functions: None, scheme: str
) -> None:
    page = admin.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/functions", "/functions/block-card"):
        page.goto(f"{console.url}{path}")
        expect(page.get_by_text("block-card").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
