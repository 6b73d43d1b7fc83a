"""Moving house: an account of one server, read over the wire, made again in another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fd_account
import fd_decisions
import fd_definitions
import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from fd_endpoints import running_endpoints
from s3_stores import running_store

from ringfence.aws.migration.source import Account, read_account
from ringfence.storage import Database, migrate

pytestmark = pytest.mark.slow

STEPS = (
    fd_definitions.define_variables,
    fd_definitions.define_names,
    fd_definitions.keep_lists,
    fd_definitions.tag_what_there_is,
    fd_definitions.choose_a_key,
    fd_definitions.store_events,
    fd_decisions.train_a_model,
    fd_decisions.ask_models_elsewhere,
    fd_decisions.write_rules,
    fd_decisions.deploy_a_detector,
    fd_decisions.predict,
)
# What is of the moment at which something was made, not of what it is.
TIMES = {"createdTime", "lastUpdatedTime", "updatedTime", "ingestedEventStatistics"}


@dataclass
class House:
    """Where the account is, where it moves to, and what the ways between need."""

    source: Server
    data_dir: Path
    environment: dict[str, str]

    def moves(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "ringfence", "migrate", "from-aws"),
                *("--endpoint-url", self.source.url, "--region", "eu-west-1"),
                *("--data-dir", str(self.data_dir), *options),
            ],
            capture_output=True,
            text=True,
            env={**os.environ, **self.environment},
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("house")
    old, new = place / "old", place / "new"
    for data_dir in (old, new):
        data_dir.mkdir()
        database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
        migrate(database)
        database.dispose()
    with ExitStack() as stack:
        store = stack.enter_context(running_store())
        endpoints = stack.enter_context(running_endpoints(b"0.95\n"))
        environment = {**store.environment, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": endpoints}
        source = stack.enter_context(running(old, **environment, RINGFENCE_AWS_ACCEPT_ANY_KEY="1"))
        account = fd_account.opened(client_of(source.url), store)
        for step in STEPS:
            step(account)
        # The version that was deleted there makes numbers differ: this one would be 3.
        yield House(source, new, environment)


def account_of(client: ClientOf) -> Account:
    return read_account(client, lambda _: None)


def facts(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in TIMES}


def kept(said: list[dict[str, str]]) -> dict[str, str]:
    """What differs here and stays so, and in what."""
    return {one["resource"]: one["note"] for one in said if one["fate"] == "differs"}


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(
    house: House, tmp_path: Path
) -> None:
    out = tmp_path / "dry.json"
    before = (house.data_dir / "ringfence.db").read_bytes()
    done = house.moves("--dry-run", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "Nothing was changed." in done.stdout
    with running(house.data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as target:
        here = account_of(client_of(target.url))
    assert not here.detectors
    assert not here.models
    assert not here.lists
    planned = {one["resource"]: one["fate"] for one in json.loads(out.read_text())}
    assert planned["detector-version/guard/2"] == "created"
    assert planned["model-version/ONLINE_FRAUD_INSIGHTS/cards/1.0"] == "retrained"
    assert planned["event-type/payments"] == "created"
    assert before  # there was something to change


@pytest.fixture(scope="module")
def moved(house: House) -> Iterator[tuple[Account, Account, ClientOf, list[dict[str, str]]]]:
    """The account there and here, a client of here, and what the command said."""
    out = house.data_dir.parent / "moved.json"
    done = house.moves("--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    with running(house.data_dir, **house.environment, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as target:
        client = client_of(target.url)
        yield (
            account_of(client_of(house.source.url)),
            account_of(client),
            client,
            json.loads(out.read_text()),
        )


Moved = tuple[Account, Account, ClientOf, list[dict[str, str]]]


@pytest.mark.parametrize(
    "kind", ["variables", "labels", "entity_types", "event_types", "outcomes", "lists", "models"]
)
def test_what_is_declared_there_is_declared_here(moved: Moved, kind: str) -> None:
    there, here, _, said = moved
    # An outcome that a new server has as well, described in other words.
    assert kept(said) == {"outcome/approve": "description"}
    by_arn = {one["arn"]: facts(one) for one in getattr(here, kind)}
    for one in getattr(there, kind):
        if not one["arn"].endswith("outcome/approve"):
            assert by_arn[one["arn"]] == facts(one)


def test_external_models_and_tags_come_along(moved: Moved) -> None:
    there, here, _, _ = moved
    assert [facts(one) for one in here.external_models] == [
        facts(one) for one in there.external_models
    ]
    assert here.tags == there.tags
    assert here.kms_key == there.kms_key


def test_models_are_trained_anew_and_active(moved: Moved) -> None:
    _, here, _, said = moved
    (version,) = here.model_versions
    assert (version["modelVersionNumber"], version["status"]) == ("1.0", "ACTIVE")
    assert version["trainingResult"]["trainingMetrics"]["auc"] > 0.5
    (told,) = (one for one in said if one["fate"] == "retrained")
    assert told["note"].startswith("from s3://bank/training.csv")


def test_detectors_have_their_rules_and_versions(moved: Moved) -> None:
    there, here, _, said = moved
    names = {one.detector["detectorId"] for one in there.detectors}
    assert {one.detector["detectorId"] for one in here.detectors} == names
    guards = {
        place: next(one for one in account.detectors if one.detector["detectorId"] == "guard")
        for place, account in (("there", there), ("here", here))
    }
    rules = {
        place: [
            (rule["ruleId"], rule["ruleVersion"], rule["expression"], rule["outcomes"])
            for rule in guard.rules
        ]
        for place, guard in guards.items()
    }
    assert rules["here"] == rules["there"]
    (version,) = guards["here"].versions
    assert version["status"] == "ACTIVE"
    assert version["ruleExecutionMode"] == "ALL_MATCHED"
    assert version["modelVersions"][0]["modelVersionNumber"] == "1.0"
    (told,) = (one for one in said if one["resource"] == "detector-version/guard/2")
    assert told["note"] == "is version 1 here"


def test_stored_events_come_along_with_their_labels(moved: Moved) -> None:
    _, _, client, said = moved
    notes = {one["resource"]: one["note"] for one in said}
    assert notes["batch-import/stored"].startswith("200 events from s3://bank/import.csv")
    assert "51 events that predictions name" in notes["events/payments"]
    asked = client.get_event(eventId="asked-1", eventTypeName="payments")["event"]
    assert asked["eventVariables"]["email"] == "a@mailinator.com"
    imported = client.get_event(eventId="import-0", eventTypeName="payments")["event"]
    assert imported["currentLabel"] in ("0", "1", "abuse")


def test_the_detector_decides_here_as_there(house: House, moved: Moved) -> None:
    client = moved[2]
    asked = {"detectorId": "guard", **fd_account.event("after-the-move")}
    answer = client.get_event_prediction(**asked)
    assert answer["ruleResults"][0]["ruleId"] == "risky"


def test_a_second_move_finds_everything_here(house: House, moved: Moved, tmp_path: Path) -> None:
    out = tmp_path / "again.json"
    done = house.moves("--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    again = json.loads(out.read_text())
    fates = {one["resource"]: one["fate"] for one in again}
    assert fates["detector-version/guard/2"] == "was here"
    assert fates["rule/guard/risky/1"] == "was here"
    assert fates["list/domains"] == "was here"
    assert kept(again) == {"outcome/approve": "description"}


def test_an_endpoint_that_does_not_answer_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ringfence", "migrate", "from-aws"),
            *("--endpoint-url", "http://127.0.0.1:9", "--region", "eu-west-1"),
            *("--data-dir", str(tmp_path / "data")),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
