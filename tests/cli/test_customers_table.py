"""The table in DynamoDB from the command line: made, filled, read, and left again."""

from __future__ import annotations

import json

import pytest
from commands import Shell
from moto_tables import ANOTHER, Elsewhere, Gate, client, elsewhere, gate, item, moto_port

__all__ = ["client", "elsewhere", "gate", "moto_port"]


def test_the_table_is_made_filled_and_read(shell: Shell, elsewhere: Elsewhere, gate: Gate) -> None:
    before = shell.write("before.json", json.dumps(item(customer_id="before")))
    assert shell.ringfence("customers", "add", before).code == 0
    url = f"dynamodb://{elsewhere.name}-new"
    assert "--create" in shell.fails(1, "customers", "table", customers_url=url)

    made = shell.ringfence("customers", "table", "--create", customers_url=url)
    assert made.code == 0, made
    assert f"Table {elsewhere.name}-new: made" in made.out

    there = Elsewhere(elsewhere.client, f"{elsewhere.name}-new")
    there.put(customer_id="there", card_number=ANOTHER, last_name="Winter")
    synced = shell.ringfence("customers", "sync", "--upload", customers_url=url)
    assert synced.code == 0, synced
    assert "1 items read; 1 customers were new or changed" in synced.out
    assert "1 customers written" in synced.out
    assert there.get("before")["last_name"] == "Rojas"
    assert "Winter" in shell.ringfence("customers", "list").out

    file = shell.write("blocked.json", json.dumps(item(customer_id="before", is_blocked=True)))
    assert "1 customers written" in shell.ringfence("customers", "add", file, customers_url=url).out
    assert there.get("before")["is_blocked"] is True
    shown = shell.ringfence("customers", "table", customers_url=url).out
    assert "wait to be written to it: 0" in shown


def test_what_the_table_does_not_take_waits_and_is_not_lost(
    shell: Shell, elsewhere: Elsewhere, gate: Gate
) -> None:
    url = f"dynamodb://{elsewhere.name}"
    gate.state = "ProvisionedThroughputExceededException"

    said = shell.ringfence(
        "customers", "add", shell.write("item.json", json.dumps(item())), customers_url=url
    )

    assert said.code == 0, said
    assert "1 wait until it takes them" in said.out
    assert "2442230821108788" not in said.out + said.err
    assert "1 customers wait" in shell.fails(2, "customers", "table")
    gate.state = "open"
    assert "to it: 1" in shell.ringfence("customers", "table", customers_url=url).out
    assert "--leave" in shell.fails(2, "customers", "table", "--leave", customers_url=url)
    assert "mastered here" in shell.ringfence("customers", "table", "--leave").out
    assert "mastered here" in shell.ringfence("customers", "table").out


@pytest.mark.parametrize(
    "url", ["customers", "dynamodb://", "s3://customers", "dynamodb://a", "dynamodb://a b c/d"]
)
def test_a_url_that_names_no_table_is_refused(url: str, shell: Shell) -> None:
    said = shell.fails(2, "customers", "table", customers_url=url)

    assert "customers_url: " in said
    assert "dynamodb://TABLE" in said


def test_without_a_url_there_is_nothing_to_read(shell: Shell) -> None:
    assert "dynamodb://TABLE" in shell.fails(2, "customers", "sync")
    assert "dynamodb://TABLE" in shell.fails(2, "customers", "table", "--create")


def test_without_a_region_boto3s_reason_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    said = shell.fails(2, "customers", "table", customers_url="dynamodb://customers")

    assert "region" in said
