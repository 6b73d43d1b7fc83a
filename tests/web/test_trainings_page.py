"""Trainings that clients of Fraud Detector asked for, on the pages of models."""

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
from ringfence.aws.jobs.job import JobStatus
from ringfence.aws.training import start_training
from ringfence.detectors.deployments import deploy, withdraw
from ringfence.events import get_event_type
from ringfence.models import read_data, train
from ringfence.models.messages import Message, MessageKind
from ringfence.models.trainings import (
    DataSource,
    Training,
    TrainingRequest,
    TrainingStatus,
    ask_for_version,
    cancel_training,
    fail_training,
    finish_training,
    get_training,
)
from ringfence.settings import Settings
from ringfence.storage import Database, now

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is missing: apt-get install chromium"
)

REQUEST = TrainingRequest(
    source=DataSource.EXTERNAL_EVENTS,
    variables=("transaction_amt", "email_address"),
    fraud_labels=("fraud",),
    legit_labels=("legit",),
    location="s3://bank/history.csv",
)
ERRORS = [
    Message(MessageKind.ERROR, "EVENT_LABEL", "Unknown label values", "5 rows have <other> ones."),
    Message(MessageKind.ERROR, None, "Too few events", "There are 20; at least 100 are needed."),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(data_dir: Path) -> Iterator[Console]:
    furnish(data_dir)
    with serving(data_dir) as running:
        yield running


@pytest.fixture
def database(console: Console, data_dir: Path) -> Iterator[Database]:
    opened = Database(Settings(data_dir=data_dir).url)
    yield opened
    opened.dispose()


def ask(database: Database, **values: Any) -> Training:
    """A training that another server works on: this one leaves it alone."""
    with database.write() as connection:
        training = ask_for_version(connection, "payments", REQUEST, by="risk-notebook")
        start_training(connection, training)
        beats = {"claim": "another", "attempts": 1, "heartbeat_at": now() + timedelta(hours=1)}
        connection.execute(
            update(tables.jobs)
            .where(tables.jobs.c.job_id.startswith(f"payments/{training.version}@"))
            .values(**beats, started_at=now(), **{"status": JobStatus.RUNNING, **values})
        )
    return training


def tell(database: Database, training: Training, **values: Any) -> None:
    with database.write() as connection:
        connection.execute(
            update(tables.jobs)
            .where(tables.jobs.c.job_id.startswith(f"payments/{training.version}@"))
            .values(**values)
        )


def give_up(database: Database, training: Training) -> None:
    with database.write() as connection:
        cancel_training(connection, "payments", training.version)


def test_a_training_appears_goes_on_and_tells_in_plain_words_why_it_failed(
    viewer: Watched, console: Console, database: Database
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/models")
    expect(page.get_by_role("table", name="Versions of payments")).to_be_visible()
    expect(page.get_by_role("region", name="Trainings")).to_have_count(0)
    training = ask(database, share=0.2, stage="reading events")
    name = f"payments {training.version}"
    row = page.get_by_role("table", name="Trainings").get_by_role("row", name=name)
    expect(row).to_contain_text("in training")
    expect(row).to_contain_text("reading events")
    expect(row).to_contain_text("risk-notebook")
    expect(row.get_by_role("button")).to_have_count(0)
    tell(database, training, share=0.65, stage="trying recipes")
    expect(row).to_contain_text("65%")
    expect(row).to_contain_text("trying recipes")
    with database.write() as connection:
        fail_training(connection, "payments", training.version, ERRORS)
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("Unknown label values EVENT_LABEL: 5 rows have <other> ones.")
    expect(row).to_contain_text("and 1 more")
    row.get_by_role("link", name=name).click()
    about = page.get_by_role("region", name="Training")
    expect(about).to_contain_text("5 rows have <other> ones.")
    expect(about).to_contain_text("There are 20; at least 100 are needed.")
    expect(page.get_by_text("s3://bank/history.csv")).to_be_visible()
    expect(page.get_by_text("transaction_amt, email_address")).to_be_visible()


def test_a_training_whose_process_died_for_good_is_shown_as_failed(
    viewer: Watched, console: Console, database: Database
) -> None:
    training = ask(database, status=JobStatus.FAILED, failure="its process was ended by SIGKILL")
    page = viewer.page
    page.goto(f"{console.url}/models")
    row = page.get_by_role("row", name=f"payments {training.version}")
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("its process was ended by SIGKILL")
    give_up(database, training)


def test_an_admin_stops_a_training_by_keys_and_nothing_comes_of_it(
    admin: Watched, console: Console, database: Database
) -> None:
    training = ask(database)
    page = admin.page
    page.goto(f"{console.url}/models")
    name = f"Stop the training of payments {training.version}"
    page.get_by_role("button", name=name).focus()
    tell(database, training, share=0.3)
    expect(page.get_by_role("table", name="Trainings")).to_contain_text("30%")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Stop the training").press("Enter")
    row = page.get_by_role("row", name=f"payments {training.version}")
    expect(row).to_contain_text("cancelled")
    expect(page.get_by_role("button", name=name)).to_have_count(0)
    with database.read() as connection:
        assert (
            get_training(connection, "payments", training.version).status
            is TrainingStatus.CANCELLED
        )


def test_a_version_that_is_trained_while_its_page_is_open_is_shown_with_its_measures(
    admin: Watched, console: Console, database: Database, data_dir: Path
) -> None:
    training = ask(database, share=0.5, stage="training")
    page = admin.page
    page.goto(f"{console.url}/models/payments/{training.version}")
    expect(page.get_by_role("region", name="Training")).to_contain_text("50%")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    with database.read() as connection:
        event_type = get_event_type(connection, "card_payment")
    trained = train(read_data(str(data_dir / "history.csv"), event_type), seed=2)
    with database.write() as connection:
        finish_training(connection, "payments", training.version, trained)
    expect(page.get_by_role("slider")).to_be_visible()
    state = page.locator("[data-part=state]")
    expect(state).to_contain_text("trained")
    expect(state).to_contain_text("No detector version uses it.")

    page.goto(f"{console.url}/models")
    versions = page.get_by_role("table", name="Versions of payments")
    made = versions.get_by_role("row", name=training.version)
    expect(made).to_contain_text("trained")
    with database.write() as connection:
        deploy(connection, "payments", training.version)
    expect(made).to_contain_text("deployed")
    with database.write() as connection:
        withdraw(connection, "payments", training.version)
    expect(made).to_contain_text("trained")


def test_a_version_that_a_detector_uses_is_deployed_and_says_by_whom(
    viewer: Watched, console: Console
) -> None:
    page = viewer.page
    page.goto(f"{console.url}/models")
    versions = page.get_by_role("table", name="Versions of payments")
    expect(versions.get_by_role("row", name="1.0")).to_contain_text("deployed")
    page.goto(f"{console.url}/models/payments/1.0")
    state = page.locator("[data-part=state]")
    expect(state).to_contain_text("deployed")
    expect(state).to_contain_text("Used by version 1 of detector 'payments'.")


def test_a_narrow_dark_screen_shows_trainings_without_sideways_scrolling(
    browser: Browser, console: Console, database: Database
) -> None:
    training = ask(database, share=0.4, stage="replaying history into profiles")
    small = signed_in(
        browser, console, "adminer", viewport={"width": 420, "height": 900}, color_scheme="dark"
    )
    for path in ("/models", f"/models/payments/{training.version}"):
        small.page.goto(f"{console.url}{path}")
        expect(small.page.get_by_text("replaying history into profiles")).to_be_visible()
        expect(small.page.get_by_role("button", name="Stop")).to_be_visible()
        assert small.page.evaluate("document.documentElement.scrollWidth") <= 420
    small.page.context.close()
    assert small.errors == []
    give_up(database, training)
