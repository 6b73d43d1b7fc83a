"""Functions that are registered."""

from __future__ import annotations

from typing import Any

import pytest
from workbench import Workbench

from ringfence.errors import InvalidInput, NotFound
from ringfence.functions import (
    Definition,
    HttpFunction,
    LambdaFunction,
    PythonFunction,
    delete_function,
    get_function,
    list_functions,
    load_function,
)

URL = "https://bank.example/block"
PYTHON = PythonFunction(file="/srv/block.py")


def test_what_is_put_is_read_listed_and_taken_away(bench: Workbench) -> None:
    put = [
        bench.put("b-python", PYTHON),
        bench.put("a_http", HttpFunction(url=URL)),
        bench.put("c", LambdaFunction(function="block-credit-card")),
    ]
    with bench.database.write() as connection:
        assert list_functions(connection) == [put[1], put[0], put[2]]
        assert get_function(connection, "b-python") == put[0]
        assert put[0].updated_by == "engineer"
        delete_function(connection, "b-python")
        assert [each.name for each in list_functions(connection)] == ["a_http", "c"]
        for missing in (get_function, delete_function):
            with pytest.raises(NotFound, match="'b-python'"):
                missing(connection, "b-python")


def test_putting_again_replaces_kind_and_all(bench: Workbench) -> None:
    first = bench.put("block", PYTHON)
    second = bench.put("block", HttpFunction(url=URL))
    assert second.updated_at > first.updated_at
    with bench.database.read() as connection:
        assert get_function(connection, "block").definition == HttpFunction(url=URL)


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (PythonFunction(), "handler"),
        (PythonFunction(handler="block.lambda_handler"), "folder"),
        (PythonFunction(file="block.py"), "file"),
        (PythonFunction(file="/a/block.py", handler="other.handler"), "handler"),
        (PythonFunction(file="/a/block.py", handler="a b"), "handler"),
        (PythonFunction(file="/a/block.py", folder="a"), "folder"),
        (PythonFunction(file="/a/block.py", python="python3"), "python"),
        (PythonFunction(file="/a/block.py", timeout_seconds=0), "timeout_seconds"),
        (PythonFunction(file="/a/block.py", timeout_seconds=float("nan")), "timeout_seconds"),
        (PythonFunction(file="/a/block.py", memory_mb=1), "memory_mb"),
        (PythonFunction(file="/a/block.py", processes=0), "processes"),
        (PythonFunction(file="/a/b.py", environment={"A-B": ""}), "environment"),
        (PythonFunction(file="/a/b.py", environment={"A": "\0"}), "environment.A"),
        (
            PythonFunction(file="/a/b.py", pass_environment=("RINGFENCE_VAULT_KEY",)),
            "pass_environment",
        ),
        (HttpFunction(url="ftp://bank.example"), "url"),
        (HttpFunction(url="https://user:password@bank.example"), "url"),
        (HttpFunction(url=URL, headers={"Webhook-Id": "1"}), "headers"),
        (HttpFunction(url=URL, headers={"X-Key": "a\nb"}), "headers.X-Key"),
        (HttpFunction(url=URL, headers={"X-Key": None}), "headers.X-Key"),
        (HttpFunction(url=URL, secret="whsec_?"), "secret"),
        (HttpFunction(url=URL, signed=True), "secret"),
        (HttpFunction(url=URL, timeout_seconds=1000), "timeout_seconds"),
        (LambdaFunction(function="a b"), "function"),
        (LambdaFunction(function="arn:aws:s3:::bucket"), "function"),
        (LambdaFunction(function="a", region="Frankfurt"), "region"),
        (LambdaFunction(function="a", endpoint_url="localhost"), "endpoint_url"),
    ],
)
def test_what_does_not_fit_is_named(bench: Workbench, definition: Definition, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bench.put("f", definition)
    assert caught.value.field == field
    assert caught.value.expected


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a" * 65, "ä", "a/b"])
def test_a_name_must_be_one_that_an_arn_can_have(bench: Workbench, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bench.put(name, PYTHON)
    assert caught.value.field == "name"


def secrets_of(bench: Workbench) -> tuple[str | None, dict[str, Any]]:
    with bench.database.read() as connection:
        loaded = load_function(connection, bench.vault, "f").definition
    assert isinstance(loaded, HttpFunction)
    return loaded.secret, loaded.headers


def test_secrets_are_sealed_shown_nowhere_and_kept_when_they_are_left_out(
    bench: Workbench,
) -> None:
    given = HttpFunction(url=URL, secret="hush-hush", headers={"X-Key": "psst-psst"})
    shown = bench.put("f", given).definition
    assert shown == HttpFunction(url=URL, signed=True, headers={"X-Key": None})
    with bench.database.read() as connection:
        assert get_function(connection, "f").definition == shown
        row = connection.exec_driver_sql("SELECT definition, secrets FROM functions").one()
    assert b"hush-hush" not in row[0] + row[1]
    assert b"psst-psst" not in row[0] + row[1]
    assert secrets_of(bench) == ("hush-hush", {"X-Key": "psst-psst"})
    assert isinstance(shown, HttpFunction)
    bench.put("f", shown)
    assert secrets_of(bench) == ("hush-hush", {"X-Key": "psst-psst"})
    bench.put("f", HttpFunction(url=URL))
    assert secrets_of(bench) == (None, {})


@pytest.mark.parametrize("kept", [{"signed": True}, {"headers": {"X-Key": None}}])
def test_a_secret_is_not_taken_along_to_another_server(
    bench: Workbench, kept: dict[str, Any]
) -> None:
    bench.put("f", HttpFunction(url=URL, secret="hush-hush", headers={"X-Key": "psst"}))
    with pytest.raises(InvalidInput, match="another server"):
        bench.put("f", HttpFunction(url="https://thief.example/block", **kept))
    assert secrets_of(bench) == ("hush-hush", {"X-Key": "psst"})
