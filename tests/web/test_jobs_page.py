"""The page of jobs that clients of Fraud Detector asked for, in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM
from consoles import Console, Watched, furnish, serving, signed_in
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from ringfence.aws import tables
from ringfence.aws.jobs.job import JobKind, JobStatus
from ringfence.aws.jobs.records import add_job, delete_job, get_job
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)

IMPORT = {
    "input_path": "s3://bank/history.csv",
    "output_path": "s3://bank/refused/",
    "event_type": "card_payment",
    "role": "arn:aws:iam::123456789012:role/any",
}
PREDICTION = {**IMPORT, "detector": "payments", "version": "1"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data_dir: Path) -> Iterator[Console]:
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture(scope="module")
def database(data_dir: Path) -> Iterator[Database]:
    opened = Database(Settings(data_dir=data_dir).url)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def no_job_is_left(console: Console, database: Database) -> Iterator[None]:
    yield
    with database.write() as connection:
        connection.execute(update(tables.jobs).values(status=JobStatus.CANCELLED))
        for kind, job_id in connection.execute(
            tables.jobs.select().with_only_columns(tables.jobs.c.kind, tables.jobs.c.job_id)
        ).all():
            delete_job(connection, JobKind(kind), job_id)


def add(
    database: Database, kind: JobKind, job_id: str, payload: dict[str, Any], **values: Any
) -> None:
    """A job that another server works on: this one leaves it alone."""
    with database.write() as connection:
        add_job(connection, kind, job_id, payload, "risk-notebook")
        beats = {"claim": "another", "attempts": 1, "heartbeat_at": now() + timedelta(hours=1)}
        connection.execute(
            update(tables.jobs)
            .where(tables.jobs.c.job_id == job_id)
            .values(**beats, started_at=now(), **{"status": JobStatus.RUNNING, **values})
        )


def change(database: Database, job_id: str, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(
            update(tables.jobs).where(tables.jobs.c.job_id == job_id).values(**values)
        )


def test_without_jobs_the_page_says_how_a_client_asks_for_one(
    viewer: Watched, console: Console
) -> None:
    page = viewer.page
    page.get_by_role("link", name="Jobs").click()
    expect(page.get_by_text("No job yet")).to_be_visible()
    expect(page.get_by_text("create_batch_import_job(")).to_be_visible()


def test_a_job_that_is_asked_for_appears_and_its_counts_go_up_while_the_page_is_open(
    viewer: Watched, console: Console, database: Database
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/jobs")
    expect(page.get_by_text("No job yet")).to_be_visible()
    add(database, JobKind.BATCH_IMPORT, "history", IMPORT, stage="counting records")
    row = page.get_by_role("row", name="history")
    expect(row).to_contain_text("batch import, card_payment; asked for by risk-notebook")
    expect(row).to_contain_text("under way")
    expect(row).to_contain_text("counting records")
    expect(page.get_by_text("No job yet")).to_have_count(0)
    change(database, "history", processed=1500, failed=7, total=4000, share=0.375,
           stage="importing history.csv")  # fmt: skip
    expect(row).to_contain_text("38%")
    expect(row).to_contain_text("1,500 of 4,000")
    expect(row).to_contain_text("7 failed")
    expect(row).to_contain_text("importing history.csv")
    change(database, "history", status=JobStatus.COMPLETE, processed=4000, ended_at=now())
    expect(row).to_contain_text("complete")
    expect(row).not_to_contain_text("importing")
    expect(row.locator("time")).to_have_count(2)


def test_why_a_job_failed_is_said_as_text(
    viewer: Watched, console: Console, database: Database
) -> None:
    add(database, JobKind.BATCH_PREDICTION, "nightly", PREDICTION,
        status=JobStatus.FAILED, failure="no file at <s3://bank/in>", ended_at=now())  # fmt: skip
    page = viewer.page
    page.goto(f"{console.url}/jobs")
    row = page.get_by_role("row", name="nightly")
    expect(row).to_contain_text("batch prediction, card_payment, by payments 1")
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("no file at <s3://bank/in>")


def test_an_admin_stops_a_job_by_keys_after_being_told_what_stays(
    admin: Watched, console: Console, database: Database
) -> None:
    add(database, JobKind.BATCH_IMPORT, "history", IMPORT)
    page = admin.page
    page.goto(f"{console.url}/jobs")
    page.get_by_role("button", name="Stop history").focus()
    # What goes on meanwhile must not take the button from under the fingers.
    change(database, "history", processed=10, share=0.1)
    expect(page.get_by_role("row", name="history")).to_contain_text("10%")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What it has stored until then stays.")
    dialog.get_by_role("button", name="Stop the job").press("Enter")
    expect(page.get_by_role("row", name="history")).to_contain_text("stopping")
    expect(page.get_by_role("button", name="Stop history")).to_have_count(0)
    with database.read() as connection:
        job = get_job(connection, JobKind.BATCH_IMPORT, "history")
    assert job.status is JobStatus.CANCELLING


def test_a_job_that_ended_before_it_could_be_stopped_says_so(
    admin: Watched, console: Console, database: Database
) -> None:
    add(database, JobKind.EVENT_DELETION, "card_payment", {"event_type": "card_payment"})
    page = admin.page
    page.goto(f"{console.url}/jobs")
    page.get_by_role("button", name="Stop card_payment").click()
    change(database, "card_payment", status=JobStatus.COMPLETE, ended_at=now())
    expect(page.get_by_role("row", name="card_payment")).to_contain_text("complete")
    page.get_by_role("dialog").get_by_role("button", name="Stop the job").click()
    expect(page.get_by_text("is over: complete")).to_be_visible()


def test_who_only_looks_cannot_stop_and_a_narrow_dark_screen_does_not_scroll_sideways(
    browser: Browser, console: Console, database: Database
) -> None:
    add(database, JobKind.BATCH_IMPORT, "history-of-many-years", IMPORT, share=0.5)
    small = signed_in(
        browser, console, "viewerer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    small.page.goto(f"{console.url}/jobs")
    row = small.page.get_by_role("row", name="history-of-many-years")
    expect(row).to_contain_text("50%")
    expect(small.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert small.page.evaluate("document.documentElement.scrollWidth") <= 420
    small.page.context.close()
    assert small.errors == []
