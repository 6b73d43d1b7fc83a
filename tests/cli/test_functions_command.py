"""`ringfence functions ...`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from api_servers import KEY, running
from commands import Shell, failed

CODE = """
import os

def lambda_handler(event, context):
    print("log of", context.function_name)
    data = event["Details"]["ContactData"]
    name = data["Attributes"].get("Customer", "nobody")
    if name == "nobody":
        raise LookupError("nobody to block")
    return {"body": "blocked " + name, "to": event["Details"]["Parameters"], "e": dict(os.environ)}
"""


def add(shell: Shell, *more: str) -> str:
    (shell.folder / "handlers").mkdir(exist_ok=True)
    shell.write("handlers/block.py", CODE)
    said = shell.ringfence("functions", "add", "block", "--python", "handlers/block.py", *more)
    assert said.code == 0, said
    return said.out


def test_a_handler_is_added_listed_shown_invoked_and_removed(shell: Shell) -> None:
    said = add(shell, "--env", "STAGE=a=b", "--timeout", "5", "--memory", "128")
    file = shell.folder / "handlers" / "block.py"
    assert f"Function block is Python, lambda_handler in {file}." in said
    assert str(file) in shell.ringfence("functions", "list").out
    shown = json.loads(shell.ringfence("functions", "show", "block").out)
    assert (shown["kind"], shown["file"], shown["memory_mb"]) == ("python", str(file), 128)
    invoked = shell.ringfence(
        "functions", "invoke", "block", "-a", "Customer=c-7", "-p", "why=a test"
    )
    answer = json.loads(invoked.out)
    assert (invoked.code, answer["body"], answer["to"]) == (0, "blocked c-7", {"why": "a test"})
    assert answer["e"]["STAGE"] == "a=b"
    assert "log of block" in invoked.err
    assert shell.ringfence("functions", "remove", "block").code == 0
    assert "No function yet" in shell.ringfence("functions", "list").out
    assert "'block'" in shell.fails(1, "functions", "show", "block")


def test_a_failure_is_shown_and_the_exit_code_tells(shell: Shell) -> None:
    add(shell)
    said = shell.ringfence("functions", "invoke", "block")
    assert said.code == 2
    assert json.loads(said.out)["errorType"] == "LookupError"
    assert "[ERROR] LookupError: nobody to block" in said.err


def test_an_event_may_come_from_a_file(shell: Shell) -> None:
    add(shell)
    data = {"ContactData": {"Attributes": {"Customer": "c-8"}}, "Parameters": {}}
    event = shell.write("event.json", json.dumps({"Details": data}))
    said = shell.ringfence("functions", "invoke", "block", "--event", event)
    assert json.loads(said.out)["body"] == "blocked c-8"
    error = shell.fails(2, "functions", "invoke", "block", "--event", event, "-a", "a=b")
    assert "--event" in error


def test_what_show_prints_can_be_added_again(shell: Shell) -> None:
    for arguments in (
        ("--http", "https://bank.example/block", "--header", "X-Key: psst-psst"),
        ("--lambda", "arn:aws:lambda:eu-west-1:123456789012:function:block"),
    ):
        said = shell.ringfence("functions", "add", "f", *arguments, function_secret="hush-hush")
        assert said.code == 0, said
        shown = shell.ringfence("functions", "show", "f").out
        assert "hush" not in shown
        assert "psst" not in shown
        shell.write("f.json", shown)
        said = shell.ringfence("functions", "add", "f", "--definition", "f.json")
        assert said.code == 0, said
        assert shell.ringfence("functions", "show", "f").out == shown


def test_a_module_is_named_as_aws_lambda_names_it(shell: Shell) -> None:
    shell.write("lookup.py", "def main(event, context): return {'here': __file__}")
    assert shell.ringfence("functions", "add", "l", "--python", "lookup.main").code == 0
    answer = json.loads(shell.ringfence("functions", "invoke", "l").out)
    assert Path(answer["here"]) == shell.folder / "lookup.py"


def test_code_that_cannot_be_loaded_is_not_stored_unless_unchecked(shell: Shell) -> None:
    shell.write("broken.py", "import no_such_module")
    arguments = ("functions", "add", "broken", "--python", "broken.py")
    assert "no_such_module" in shell.fails(2, *arguments)
    assert "No function yet" in shell.ringfence("functions", "list").out
    assert shell.ringfence(*arguments, "--unchecked").code == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((), "--python"),
        (("--python", "a.py", "--http", "https://bank.example"), "--python"),
        (("--http", "https://bank.example", "--memory", "64"), "--memory"),
        (("--python", "a.py", "--region", "eu-west-1"), "--region"),
        (("--http", "https://bank.example", "--header", "nothing"), "--header"),
        (("--http", "bank.example"), "url"),
        (("--python", "a.main", "--handler", "other"), "--handler"),
        (("--python", "a.py", "--env", "A"), "--env"),
        (("--python", "a.py", "--pass-env", "RINGFENCE_VAULT_KEY"), "pass_environment"),
        (("--lambda", "a b"), "function"),
        (("--definition", "missing.json"), "file"),
    ],
)
def test_mistakes_are_named(shell: Shell, arguments: tuple[str, ...], field: str) -> None:
    said = shell.ringfence("functions", "add", "f", *arguments)
    assert f"{field}: " in failed(said, 2)


def test_a_definition_with_a_field_that_does_not_exist_is_refused(shell: Shell) -> None:
    shell.write("f.json", '{"kind": "http", "url": "https://bank.example", "token": "x"}')
    assert "token: " in shell.fails(2, "functions", "add", "f", "--definition", "f.json")


def test_logs_are_those_of_a_running_server(shell: Shell) -> None:
    add(shell)
    with running(shell.folder / "ringfence-data") as server:
        arguments = ("functions", "logs", "block", "--url", server.url, "--api-key", KEY)
        assert "has logged nothing" in shell.ringfence(*arguments).out
        with server.client() as api:
            body = {"event": {"Details": {"ContactData": {"Attributes": {}}}}}
            assert api.post("/v1/functions/block/invocations", json=body).status_code == 200
        lines = shell.ringfence(*arguments).out.splitlines()
        assert [line.split("Z  ")[1] for line in lines[1:3]] == [
            "log of block",
            "[ERROR] LookupError: nobody to block",
        ]
        arguments = ("functions", "logs", "other", "--url", server.url, "--api-key", KEY)
        assert "'other'" in shell.fails(1, *arguments)
