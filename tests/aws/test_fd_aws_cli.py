"""The AWS CLI, as it is installed, against a server: all kinds of resources, and errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import NOWHERE

ROLE = "arn:aws:iam::123456789012:role/reader"
ARN = "arn:aws:frauddetector:eu-west-1:000000000000"
AT = "2026-03-01T10:00:00Z"
MODEL = ("--model-id", "cards", "--model-type", "ONLINE_FRAUD_INSIGHTS")
VERSION = ("--detector-id", "guard", "--detector-version-id", "1")
RULE = "detectorId=guard,ruleId=large,ruleVersion=1"
_PATIENCE_SECONDS = 60.0
EVENT = ("--event-id", "e-1", "--event-type-name", "payment")

# Starting the program takes longer than what it does: one process takes many command lines, each
# from its parsing to its exit code as `aws` itself does it.
_MANY = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver
driver = create_clidriver()
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(io.StringIO()) as err:
            try:
                code = driver.main(json.loads(line))
            except SystemExit as left:
                code = left.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


def environment_of(server: Server, home: Path) -> dict[str, str]:
    """What a user sets, and nothing of the machine's own configuration."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return kept | {
        "HOME": str(home),
        "AWS_ENDPOINT_URL_FRAUDDETECTOR": server.url,
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "test-secret-0123456789-0123456789-abcdef",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
        "NO_PROXY": "127.0.0.1,localhost",
    }


class Cli:
    """A process that runs command lines of `aws frauddetector`."""

    def __init__(self, environment: dict[str, str]):
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MANY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was printed and complained of."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(["frauddetector", *arguments]) + "\n")
        self._process.stdin.flush()
        code, said, complained = json.loads(self._process.stdout.readline())
        return code, said, complained

    def ok(self, *arguments: str) -> Any:
        """What a command line printed, which must have gone well."""
        code, said, complained = self.run(*arguments)
        assert (code, complained) == (0, ""), arguments
        return json.loads(said) if said.strip() else None

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes any access key, and finds nothing in S3."""
    data_dir = tmp_path_factory.mktemp("cli") / "data"
    data_dir.mkdir()
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1", **NOWHERE) as started:
        yield started


@pytest.fixture(scope="module")
def cli(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    opened = Cli(environment_of(server, tmp_path_factory.mktemp("home")))
    yield opened
    opened.close()


def test_a_script_goes_through_all_kinds_of_resources(cli: Cli) -> None:
    _define(cli)
    _list(cli)
    _change_and_tag(cli)
    _decide(cli)
    _ask_for_jobs(cli)
    _delete(cli)


def _define(cli: Cli) -> None:
    for name, kind, default in (("amount", "FLOAT", "0.0"), ("shop", "STRING", "<unknown>")):
        cli.ok(
            "create-variable", "--name", name, "--data-type", kind, "--data-source", "EVENT",
            "--default-value", default, "--variable-type", "CATEGORICAL",
        )  # fmt: skip
    entry = "name=city,dataType=STRING,dataSource=EVENT,defaultValue=none"
    assert cli.ok("batch-create-variable", "--variable-entries", entry) == {"errors": []}
    for label in ("fraud", "legit"):
        cli.ok("put-label", "--name", label, "--description", "What it was.")
    cli.ok("put-entity-type", "--name", "payer", "--tags", "key=team,value=fraud")
    cli.ok(
        "put-event-type", "--name", "payment", "--event-variables", "amount", "shop",
        "--labels", "fraud", "legit", "--entity-types", "payer",
        "--event-ingestion", "ENABLED",
    )  # fmt: skip
    cli.ok("put-outcome", "--name", "block")
    cli.ok("create-list", "--name", "odd_shops", "--elements", "odd", "strange")
    cli.ok("create-model", *MODEL, "--event-type-name", "payment")
    cli.ok(
        "put-external-model", "--model-endpoint", "xgb", "--model-source", "SAGEMAKER",
        "--invoke-model-endpoint-role-arn", ROLE, "--model-endpoint-status", "ASSOCIATED",
        "--input-configuration",
        'eventTypeName=payment,format=TEXT_CSV,useEventVariables=true,csvInputTemplate="{{amount}}"',
        "--output-configuration", "format=TEXT_CSV,csvIndexToVariableMap={0=xgb_score}",
    )  # fmt: skip
    cli.ok("put-detector", "--detector-id", "guard", "--event-type-name", "payment")
    made = cli.ok(
        "create-rule", "--detector-id", "guard", "--rule-id", "large", "--language", "DETECTORPL",
        "--expression", "$amount > 100 or $shop in @odd_shops", "--outcomes", "block",
    )  # fmt: skip
    assert made["rule"]["ruleVersion"] == "1"
    made = cli.ok("create-detector-version", "--detector-id", "guard", "--rules", RULE)
    assert (made["detectorVersionId"], made["status"]) == ("1", "DRAFT")


def _list(cli: Cli) -> None:
    for command, member, name in (
        ("get-variables", "variables", "amount"),
        ("get-labels", "labels", "fraud"),
        ("get-entity-types", "entityTypes", "payer"),
        ("get-event-types", "eventTypes", "payment"),
        ("get-outcomes", "outcomes", "block"),
        ("get-lists-metadata", "lists", "odd_shops"),
    ):
        assert name in [one["name"] for one in cli.ok(command)[member]]
        (one,) = cli.ok(command, "--name", name)[member]
        assert one["arn"].startswith(ARN)
    assert cli.ok("get-models", "--model-id", "cards")["models"][0]["modelId"] == "cards"
    (external,) = cli.ok("get-external-models")["externalModels"]
    assert external["inputConfiguration"]["csvInputTemplate"] == "{{amount}}"
    assert [one["detectorId"] for one in cli.ok("get-detectors")["detectors"]] == ["guard"]
    (rule,) = cli.ok("get-rules", "--detector-id", "guard")["ruleDetails"]
    assert rule["language"] == "DETECTORPL"
    assert len(cli.ok("describe-detector", "--detector-id", "guard")) == 3
    assert cli.ok("describe-model-versions")["modelVersionDetails"] == []
    assert cli.ok("get-list-elements", "--name", "odd_shops")["elements"] == ["odd", "strange"]
    # The service has no pages that the program turns by itself: --max-items is not among its
    # options, and users turn them by the token.
    for number in range(11):
        cli.ok("put-label", "--name", f"label-{number}")
    first = cli.ok("get-labels", "--max-results", "10")
    rest = cli.ok("get-labels", "--max-results", "10", "--next-token", first["nextToken"])
    assert (len(first["labels"]), "nextToken" in rest) == (10, False)
    names = [one["name"] for one in first["labels"] + rest["labels"]]
    assert {"fraud", "legit", *(f"label-{number}" for number in range(11))} <= set(names)
    code, said, _ = cli.run("get-labels", "--query", "labels[0].name", "--output", "text")
    assert (code, said.strip()) == (0, names[0])


def _change_and_tag(cli: Cli) -> None:
    cli.ok("update-variable", "--name", "shop", "--default-value", "none")
    cli.ok("update-list", "--name", "odd_shops", "--elements", "dark", "--update-mode", "APPEND")
    cli.ok("update-model", *MODEL, "--description", "Scores payments.")
    cli.ok("update-rule-metadata", "--rule", RULE, "--description", "Large or odd.")
    cli.ok("update-detector-version-metadata", *VERSION, "--description", "By rules.")
    cli.ok(
        "update-detector-version", *VERSION, "--rules", RULE, "--external-model-endpoints", "[]",
        "--rule-execution-mode", "ALL_MATCHED",
    )  # fmt: skip
    told = cli.ok("get-detector-version", *VERSION)
    assert (told["ruleExecutionMode"], told["description"]) == ("ALL_MATCHED", "By rules.")
    cli.ok("update-detector-version-status", *VERSION, "--status", "ACTIVE")
    named = ("--resource-arn", f"{ARN}:entity-type/payer")
    cli.ok("tag-resource", *named, "--tags", "key=cost,value=42")
    cli.ok("untag-resource", *named, "--tag-keys", "team")
    tags = cli.ok("list-tags-for-resource", *named)["tags"]
    assert tags == [{"key": "cost", "value": "42"}]
    cli.ok("put-kms-encryption-key", "--kms-encryption-key-arn", "DEFAULT")
    assert cli.ok("get-kms-encryption-key")["kmsKey"] == {"kmsEncryptionKeyArn": "DEFAULT"}


def _decide(cli: Cli) -> None:
    content = (
        *EVENT, "--event-timestamp", AT, "--entities", "entityType=payer,entityId=c-1",
        "--event-variables", "amount=250,shop=odd",
    )  # fmt: skip
    answer = cli.ok("get-event-prediction", "--detector-id", "guard", *content)
    assert answer["ruleResults"] == [{"ruleId": "large", "outcomes": ["block"]}]
    cli.ok("update-event-label", *EVENT, "--assigned-label", "fraud", "--label-timestamp", AT)
    assert cli.ok("get-event", *EVENT)["event"]["currentLabel"] == "fraud"
    cli.ok("send-event", *content)
    listed = cli.ok("list-event-predictions", "--event-id", "value=e-1")
    (summary,) = listed["eventPredictionSummaries"]
    told = cli.ok(
        "get-event-prediction-metadata", *EVENT, *VERSION,
        "--prediction-timestamp", summary["predictionTimestamp"],
    )  # fmt: skip
    assert told["outcomes"] == ["block"]


def _ask_for_jobs(cli: Cli) -> None:
    paths = (
        "--input-path", "s3://bank/in.csv", "--output-path", "s3://bank/out",
        "--event-type-name", "payment", "--iam-role-arn", ROLE,
    )  # fmt: skip
    cli.ok("create-batch-import-job", "--job-id", "in", *paths)
    cli.ok("create-batch-prediction-job", "--job-id", "out", "--detector-name", "guard", *paths)
    for kind, job_id, member in (
        ("import", "in", "batchImports"),
        ("prediction", "out", "batchPredictions"),
    ):
        until = time.monotonic() + _PATIENCE_SECONDS
        job = {"status": ""}
        while job["status"] != "FAILED":
            assert time.monotonic() < until, job
            (job,) = cli.ok(f"get-batch-{kind}-jobs", "--job-id", job_id)[member]
        assert job["arn"] == f"{ARN}:batch-{kind}/{job_id}"
        assert job["failureReason"]
        code, _, complained = cli.run(f"cancel-batch-{kind}-job", "--job-id", job_id)
        assert (code, "ValidationException" in complained) == (255, True)
        cli.ok(f"delete-batch-{kind}-job", "--job-id", job_id)


def _delete(cli: Cli) -> None:
    cli.ok("delete-event", *EVENT)
    cli.ok("update-detector-version-status", *VERSION, "--status", "INACTIVE")
    cli.ok("delete-detector-version", *VERSION)
    cli.ok("delete-rule", "--rule", RULE)
    cli.ok("delete-detector", "--detector-id", "guard")
    cli.ok("delete-external-model", "--model-endpoint", "xgb")
    cli.ok("delete-model", *MODEL)
    cli.ok("delete-event-type", "--name", "payment")
    for command, name in (
        ("delete-entity-type", "payer"),
        ("delete-label", "label-1"),
        ("delete-outcome", "block"),
        ("delete-list", "odd_shops"),
        ("delete-variable", "amount"),
    ):
        cli.ok(command, "--name", name)


def test_errors_are_printed_as_those_of_aws(server: Server, tmp_path: Path) -> None:
    environment = environment_of(server, tmp_path)
    for arguments, error in (
        (
            ("get-variables", "--name", "nothing"),
            "An error occurred (ResourceNotFoundException) when calling the GetVariables operation",
        ),
        (
            ("put-label", "--name", "A B"),
            "An error occurred (ValidationException) when calling the PutLabel operation",
        ),
    ):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "frauddetector", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        # Version 1 ends with 255 where version 2 ends with 254.
        assert done.returncode in (254, 255)
        assert done.stdout == ""
        assert error in done.stderr
        assert "Traceback" not in done.stderr
