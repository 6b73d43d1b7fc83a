"""The pages of queues, tasks and resources, in a real Chromium."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect
from sqlalchemy import Connection

from ringfence.contacts.agents import (
    AgentStatus,
    choose_status,
    create_agent,
    find_agent,
    list_agents,
)
from ringfence.contacts.announcements import Announcer
from ringfence.contacts.bindings import list_bindings, put_binding
from ringfence.contacts.bots import put_bot
from ringfence.contacts.hours import Day, Period, create_hours
from ringfence.contacts.instances import ensure_instance
from ringfence.contacts.places import enter_queue
from ringfence.contacts.prompts import create_prompt
from ringfence.contacts.queues import create_queue, list_queues
from ringfence.contacts.records import StoredContact, open_contact
from ringfence.contacts.tasks import open_task
from ringfence.flows import Task
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data_dir: Path) -> Iterator[Console]:
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def database(data_dir: Path) -> Iterator[Database]:
    opened = Database(Settings(data_dir=data_dir).url)
    yield opened
    opened.dispose()


@pytest.fixture
def analyst(browser: Browser, console: Console) -> Iterator[Watched]:
    """An analyst who has just signed in."""
    watched = signed_in(browser, console, "analyster", viewport={"width": 1280, "height": 900})
    yield watched
    watched.page.context.close()
    assert watched.errors == []
    assert watched.foreign == []


@pytest.fixture
def call_centre(console: Console, database: Database) -> str:
    """Two queues, one of them closed, agents, and somebody who waits; the id of the instance."""
    with database.write() as connection:
        instance_id = ensure_instance(connection).instance_id
        if list_queues(connection, instance_id):
            return instance_id
        always = [Period(day, "00:00", "00:00") for day in Day]
        hours = [
            create_hours(connection, instance_id, name, time_zone="Europe/Berlin", periods=periods)
            for name, periods in (("Always", always), ("Never", []))
        ]
        made = [
            create_queue(connection, instance_id, name, hours_id=each.hours_id, description="<i>")
            for name, each in zip(("Fraud analysts", "Night shift"), hours, strict=True)
        ]
        create_agent(
            connection, instance_id, "analyster", phone_number="+4930901821",
            queue_ids=[made[1].queue_id], first_name="Ann", last_name="Alyst",
        )  # fmt: skip
        at = now() - timedelta(seconds=75)
        _contact(connection, instance_id, "waiting-contact")
        enter_queue(connection, made[0].queue_id, "waiting-contact", at)
    return instance_id


def _contact(connection: Connection, instance_id: str, contact_id: str) -> None:
    contact = StoredContact(
        contact_id=contact_id,
        instance_id=instance_id,
        initial_contact_id=contact_id,
        line="browser",
        customer_number="+4930901820",
        system_number="+15550100000",
        initiated_at=now(),
        updated_at=now(),
    )
    open_contact(connection, contact)


def test_without_anything_the_pages_say_how_one_begins(admin: Watched, console: Console) -> None:
    page = admin.page
    page.get_by_role("link", name="Queues").click()
    for text in ("No queue yet", "Nobody waits", "No agent yet", "You are no agent"):
        expect(page.get_by_text(text)).to_be_visible()
    expect(page.get_by_text("ringfence queue add")).to_be_visible()
    page.get_by_role("link", name="Tasks").click()
    expect(page.get_by_text("Nothing to do")).to_be_visible()
    page.get_by_role("link", name="Resources").click()
    for text in ("No hours yet", "No prompt yet", "No bot yet", "Nothing is bound"):
        expect(page.get_by_text(text)).to_be_visible()


def test_queues_show_their_hours_and_who_waits(
    admin: Watched, console: Console, call_centre: str
) -> None:
    page = admin.page
    page.goto(f"{console.url}/queues")
    fraud = page.get_by_role("table", name="Queues", exact=True).get_by_role(
        "row", name="Fraud analysts"
    )
    expect(fraud).to_contain_text("open")
    expect(fraud).to_contain_text("1 min")
    expect(fraud).to_contain_text("<i>")
    night = page.get_by_role("table", name="Queues", exact=True).get_by_role(
        "row", name="Night shift"
    )
    expect(night).to_contain_text("closed")
    waiting = page.get_by_role("table", name="In the queues")
    expect(waiting).to_contain_text("waits")
    waiting.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Contact")).to_be_visible()


def test_an_analyst_says_that_they_are_there_and_is_seen_while_a_page_is_open(
    analyst: Watched, console: Console, call_centre: str, database: Database
) -> None:
    page = analyst.page
    page.goto(f"{console.url}/queues")
    own = page.get_by_role("region", name="My availability")
    expect(own.get_by_role("status")).to_have_text("You are offline")
    expect(own).to_contain_text("+4930901821")
    own.get_by_role("button", name="Available").press("Enter")
    expect(own.get_by_role("status")).to_have_text("You are available")
    expect(own.get_by_role("button", name="Available")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("row", name="Night shift").first).to_contain_text("1 of 1")
    with database.read() as connection:
        before = find_agent(connection, call_centre, "analyster")
    assert before is not None
    page.goto(f"{console.url}/cases")
    expect(page.get_by_role("heading", name="Cases")).to_be_visible()
    page.wait_for_timeout(800)
    with database.read() as connection:
        after = find_agent(connection, call_centre, "analyster")
    assert after is not None
    assert after.seen_at > before.seen_at
    page.goto(f"{console.url}/queues")
    page.get_by_role("button", name="Offline").click()
    expect(own.get_by_role("status")).to_have_text("You are offline")


def test_opening_a_page_makes_nobody_available_who_has_been_away(
    analyst: Watched, console: Console, call_centre: str, database: Database
) -> None:
    with database.write() as connection:
        agent = find_agent(connection, call_centre, "analyster")
        assert agent is not None
        away = now() - timedelta(minutes=5)
        choose_status(connection, agent.agent_id, AgentStatus.AVAILABLE, away)
    page = analyst.page
    page.goto(f"{console.url}/queues")
    own = page.get_by_role("region", name="My availability")
    page.wait_for_timeout(800)
    expect(own.get_by_role("status")).to_have_text("You are offline")
    with database.read() as connection:
        agent = find_agent(connection, call_centre, "analyster")
    assert agent is not None
    assert agent.seen_at == away


def test_a_task_is_taken_and_done(
    analyst: Watched, console: Console, call_centre: str, database: Database
) -> None:
    task = Task("Call <b>the merchant</b>", "About the refund", attributes={"Merchant": "Air"})
    with database.write() as connection:
        announcer = Announcer("eu-central-1", "000000000000", on=False)
        open_task(connection, announcer, call_centre, task, now(), customer_number="+4930901820")
    page = analyst.page
    page.goto(f"{console.url}/tasks")
    row = page.get_by_role("row", name="Call <b>the merchant</b>")
    expect(row).to_contain_text("About the refund")
    expect(row).to_contain_text("Air")
    row.get_by_role("button", name="Take it").click()
    expect(row).to_contain_text("analyster")
    expect(row.get_by_role("button", name="Take it")).to_have_count(0)
    row.get_by_role("button", name="Done").click()
    page.get_by_role("dialog").get_by_role("button", name="It is done").click()
    expect(page.get_by_text("Nothing to do")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("row", name="the merchant")).to_contain_text("analyster")


def test_resources_are_listed_and_unbound(
    admin: Watched, console: Console, call_centre: str, database: Database
) -> None:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 800)
    with database.write() as connection:
        create_prompt(connection, call_centre, "Beep.wav", sound.getvalue())
        put_bot(connection, call_centre, "Confirm", {"Yes": {"*": ("yes",)}})
        put_binding(connection, call_centre, "queue", "BasicQueue", "Fraud analysts")
    page = admin.page
    page.goto(f"{console.url}/resources")
    for text in ("Beep.wav", "Confirm", "Mon all day", "BasicQueue"):
        expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_role("button", name="Unbind").click()
    page.get_by_role("dialog").get_by_role("button", name="Unbind it").click()
    expect(page.get_by_text("Nothing is bound")).to_be_visible()
    with database.read() as connection:
        assert list_bindings(connection, call_centre) == []


def test_an_admin_adds_a_queue_and_an_agent(
    admin: Watched, console: Console, call_centre: str, database: Database
) -> None:
    page = admin.page
    page.goto(f"{console.url}/queues")
    page.get_by_text("Add a queue").click()
    form = page.locator("details[aria-label='Add a queue']")
    form.get_by_label("Name").fill("Night shift")
    form.get_by_role("button", name="Add the queue").click()
    expect(form).to_contain_text("There is a queue 'Night shift' already")
    form.get_by_label("Name").fill("Lost cards")
    form.get_by_role("button", name="Add the queue").click()
    expect(page.get_by_role("row", name="Lost cards")).to_be_visible()
    page.get_by_text("Add or change an agent").click()
    form = page.locator("details[aria-label='Add an agent']")
    form.get_by_label("User").fill("adminer")
    form.get_by_label("Telephone").fill("12")
    form.get_by_role("button", name="Keep the agent").click()
    expect(form).to_contain_text("expected")
    form.get_by_label("Telephone").fill("+4930901822")
    form.get_by_label("Queues").click()
    page.get_by_role("option", name="Lost cards").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Keep the agent").click()
    agents = page.get_by_role("table", name="Agents")
    expect(agents.get_by_role("row", name="adminer")).to_contain_text("Lost cards")
    expect(page.get_by_role("region", name="My availability")).to_be_visible()
    form.get_by_role("button", name="Remove the agent").click()
    expect(agents.get_by_role("row", name="adminer")).to_have_count(0)


def test_a_viewer_sees_queues_and_tasks_and_changes_nothing(
    viewer: Watched, console: Console, call_centre: str, database: Database
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/queues")
    expect(page.get_by_role("row", name="Night shift").first).to_be_visible()
    expect(page.get_by_role("button", name="Available")).to_have_count(0)
    expect(page.get_by_text("You are no agent")).to_be_hidden()
    with database.read() as connection:
        assert [each.user_name for each in list_agents(connection, call_centre)] == ["analyster"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_width_is_enough(
    analyst: Watched, console: Console, call_centre: str, scheme: str, width: int
) -> None:
    page = analyst.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/queues", "/tasks", "/resources"):
        page.goto(f"{console.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
