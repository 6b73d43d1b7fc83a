"""The pages of contact flows and of contacts, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving
from flow_texts import hands_over
from playwright.sync_api import expect

from ringfence.contacts.bindings import list_bindings
from ringfence.contacts.flow_logs import FlowLog
from ringfence.contacts.flows import find_flow, import_flow
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.published_flows import published_version
from ringfence.contacts.queues import create_queue
from ringfence.contacts.records import StoredContact, open_contact
from ringfence.flows.events import FlowEvent, FlowEventKind
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)

QUEUE = "arn:aws:connect:eu-west-2:123456789012:instance/i-1/queue/q-1"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data_dir: Path) -> Iterator[Console]:
    furnish(data_dir)
    settings = data_dir / "ringfence.toml"
    settings.write_text('sensitive_attributes = ["Secret"]\n')
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def database(console: Console, data_dir: Path) -> Iterator[Database]:
    opened = Database(Settings(data_dir=data_dir).url)
    yield opened
    opened.dispose()


@pytest.fixture
def flow_id(database: Database) -> str:
    """A flow with two versions, the second heard."""
    with database.write() as connection:
        for text in ("One moment.", "Just a <b>second</b>."):
            import_flow(connection, "ask", hands_over(text, QUEUE), by="engineer")
        return find_flow(connection, "ask").flow_id


def test_versions_are_compared_and_gone_back_to(
    admin: Watched, console: Console, database: Database, flow_id: str
) -> None:
    page = admin.page
    page.get_by_role("link", name="Flows").click()
    page.get_by_role("link", name="ask", exact=True).click()
    versions = page.get_by_role("table", name="Versions")
    expect(versions.get_by_role("row").nth(1)).to_contain_text("heard")
    expect(versions.get_by_role("row").nth(1)).to_contain_text("Just a <b>second</b>.")
    versions.get_by_role("button", name="Go back to it").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish it again").click()
    expect(versions.get_by_role("row").nth(2)).to_contain_text("heard")
    with database.read() as connection:
        assert published_version(connection, "ask") == 1


def test_what_is_not_here_is_bound_on_the_page_of_the_flow(
    admin: Watched, console: Console, database: Database, flow_id: str
) -> None:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        create_queue(connection, instance_id, "Fraud analysts")
    page = admin.page
    page.goto(f"{console.url}/flows/{flow_id}")
    missing = page.get_by_role("table", name="Not bound")
    expect(missing).to_contain_text(QUEUE)
    missing.get_by_role("button", name="Bind").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name or id").fill("Nobody")
    dialog.get_by_role("button", name="Bind it").click()
    expect(dialog).to_contain_text("There is no queue 'Nobody' here")
    dialog.get_by_label("Name or id").fill("Fraud analysts")
    dialog.get_by_label("Name or id").press("Enter")
    expect(missing).to_have_count(0)
    with database.read() as connection:
        bound = [(each.reference, each.target) for each in list_bindings(connection, instance_id)]
    assert bound == [(QUEUE, "Fraud analysts")]


def test_a_flow_is_brought_in_once_it_can_be_run(admin: Watched, console: Console) -> None:
    page = admin.page
    page.goto(f"{console.url}/flows")
    page.get_by_text("Bring in a flow").click()
    page.get_by_label("Or its content").fill('{"Version": "2019-10-30"}')
    expect(page.get_by_text("This cannot be run")).to_be_visible()
    page.get_by_label("Or its content").fill(hands_over("Hello.", QUEUE))
    expect(page.get_by_text("3 blocks")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("brought")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("link", name="brought", exact=True).click()
    expect(page.get_by_role("heading", name="brought")).to_be_visible()
    expect(page.locator(".flow-graph svg")).to_be_visible()


def test_a_viewer_reads_flows_and_changes_none(
    viewer: Watched, console: Console, flow_id: str
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/flows/{flow_id}")
    expect(page.get_by_role("table", name="Versions")).to_be_visible()
    for name in ("Go back to it", "Bind"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(f"{console.url}/flows")
    expect(page.get_by_text("Bring in a flow")).to_have_count(0)


def test_the_log_of_a_contact_grows_and_sensitive_attributes_are_hidden(
    admin: Watched, console: Console, database: Database, flow_id: str
) -> None:
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        contact = StoredContact(
            contact_id="contact-1",
            instance_id=instance_id,
            initial_contact_id="contact-1",
            flow_id=flow_id,
            line="browser",
            customer_number="+4930901820",
            system_number="+15550100000",
            attributes={"Name": "<i>Doe</i>", "Secret": "4711"},
            initiated_at=now(),
            dialled_at=now(),
            updated_at=now(),
        )
        open_contact(connection, contact)
    page = admin.page
    page.goto(f"{console.url}/contacts")
    row = page.get_by_role("row", name="contact-1")
    expect(row).to_contain_text("ringing")
    row.get_by_role("link").click()
    attributes = page.get_by_label("Attributes")
    expect(attributes).to_contain_text("<i>Doe</i>")
    expect(attributes).to_contain_text("hidden")
    assert "4711" not in page.content()
    expect(page.get_by_text("Nothing is logged")).to_be_visible()
    log = FlowLog(database, keep_days=30)
    log.add(
        instance_id,
        FlowEvent(
            kind=FlowEventKind.BLOCK,
            block_id="hello",
            block_type="PlayPrompt",
            at=now(),
            contact_id="contact-1",
            parameters={"Text": "One <u>moment</u>."},
            logged=True,
        ),
    )
    log.flush()
    shown = page.get_by_role("table", name="Flow log")
    expect(shown).to_contain_text("PlayPrompt")
    expect(shown).to_contain_text("One <u>moment</u>.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_is_enough(
    admin: Watched, console: Console, flow_id: str, scheme: str
) -> None:
    page = admin.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/flows", f"/flows/{flow_id}", "/contacts"):
        page.goto(f"{console.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
