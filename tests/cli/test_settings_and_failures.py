"""What goes wrong around a command is one clear line that names what to change."""

from __future__ import annotations

import socket

import pytest
from commands import Shell, failed


def test_a_setting_that_does_not_exist_is_named_with_a_likely_one(shell: Shell) -> None:
    shell.write("ringfence.toml", "prot = 9000\n")

    said = shell.fails(2, "models", "list")

    assert "setting prot: there is no such setting; did you mean port?" in said


@pytest.mark.parametrize("content", ["port = ", "\x00", "port = 1\nport = 2\n"])
def test_settings_that_are_not_toml_are_named_by_their_file(content: str, shell: Shell) -> None:
    shell.write("ringfence.toml", content)

    assert "ringfence.toml: cannot be read" in shell.fails(2, "models", "list")


def test_settings_of_the_wrong_kind_are_named(shell: Shell) -> None:
    assert "setting port: " in shell.fails(2, "serve", port="abc")
    assert "setting port: " in shell.fails(2, "serve", "--port", "99999")
    assert "setting log_level: " in shell.fails(2, "serve", log_level="loud")
    assert "setting max_body_bytes: " in shell.fails(2, "serve", max_body_bytes="1")
    wrong = shell.fails(2, "customers", "list", database_url="nope://x")
    assert "database_url: not a database URL" in wrong


def test_a_secret_setting_is_never_repeated(shell: Shell) -> None:
    for said in (
        failed(shell.process("serve", "--port", "0", admin_password="swordfish"), 2),
        failed(shell.process("serve", "--port", "0", api_key="trout"), 2),
        shell.fails(2, "models", "list", database_url="nope://user:swordfish@host/x"),
        shell.fails(2, "serve", api_key="swordfish", port="abc"),
    ):
        assert "swordfish" not in said
        assert "trout" not in said


def test_a_data_directory_that_cannot_be_is_named(shell: Shell) -> None:
    shell.write("file", "")

    for command in (("models", "list"), ("serve", "--port", "0")):
        said = shell.fails(1, *command, "--data-dir", "file")
        assert "data_dir: the data directory cannot be made" in said


def test_a_file_that_is_no_database_is_left_alone(shell: Shell) -> None:
    (shell.folder / "data").mkdir()
    shell.write("data/ringfence.db", "something else " * 1000)

    assert "database_url: " in shell.fails(1, "models", "list", "--data-dir", "data")

    assert (shell.folder / "data/ringfence.db").read_text() == "something else " * 1000


def test_a_port_that_is_taken_is_named(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = shell.process("serve", "--port", port, admin_password="correct horse battery")

    assert said.code == 1
    assert f"port: cannot listen on 127.0.0.1:{port}" in said.err
    assert "Traceback" not in said.err


def test_a_call_on_a_server_needs_a_server_and_a_key(shell: Shell) -> None:
    on_server = ("call", "--line", "browser", "--url", "http://127.0.0.1:1")

    assert "--api-key: no API key" in shell.fails(2, *on_server)
    assert "--api-key: not an API key" in shell.fails(2, *on_server, "--api-key", "schlüssel")
    assert "cannot be reached" in shell.fails(1, *on_server, "--api-key", "some-long-enough-key")
    assert "--attribute" in shell.fails(2, "call", "--attribute", "no equals sign")


def test_a_demo_throws_nothing_away_that_is_not_a_demo(shell: Shell) -> None:
    shell.write("precious", "x")

    assert "--data-dir" in shell.fails(2, "demo", "--data-dir", ".")
    assert "--answer" in shell.fails(2, "demo", "--answer", "7")

    assert (shell.folder / "precious").read_text() == "x"


def test_formats_that_are_not_known_are_refused_before_any_work(shell: Shell) -> None:
    said = shell.fails(2, "simulate", "payments.txt")

    assert ".csv or .parquet" in said
    assert not (shell.folder / "payments.txt").exists()
