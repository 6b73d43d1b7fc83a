"""Every command explains itself, with an example, at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from ringfence import __version__
from ringfence.cli.commands import app


def commands() -> list[tuple[str, ...]]:
    """Every command with the names that lead to it."""
    found: list[tuple[str, ...]] = []
    waiting = [((), get_command(app))]
    while waiting:
        path, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            found.append(path)
        else:
            waiting += [((*path, name), inner) for name, inner in below.items()]
    return sorted(found)


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_the_help_of_a_command_shows_how_to_use_it(path: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})

    assert said.exit_code == 0
    assert "Examples:" in said.output
    assert f"ringfence {' '.join(path)}" in said.output


def test_the_help_lists_every_command_and_how_to_begin() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})

    assert said.exit_code == 0
    assert "ringfence demo" in said.output
    for path in commands():
        assert path[0] in said.output


def test_the_version_is_shown() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"ringfence {__version__}\n"


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    said = CliRunner().invoke(app, ["serv"])

    assert said.exit_code == 2
    assert "serv" in said.output


def test_the_help_loads_nothing_heavy() -> None:
    heavy = [
        "lightgbm",
        "polars",
        "numpy",
        "phonenumbers",
        "dbos",
        "nicegui",
        "fastapi",
        "sqlalchemy",
        "pydantic",
    ]
    code = (
        "import sys; sys.argv = ['ringfence', '--help']\n"
        "from ringfence.cli.commands import app\n"
        "app(standalone_mode=False)\n"
        f"print('loaded', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.rstrip().endswith("loaded []"), done
