"""The command line as its users run it, in a folder of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ringfence.cli import main
from ringfence.cli.screen import console


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Runs `ringfence` in `folder`; `settings` are RINGFENCE_ variables in lower case."""

    folder: Path

    def ringfence(self, *arguments: str, given: str = "", **settings: str) -> Said:
        """Run a command in this process, which has loaded already what commands load."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        width, console.width = console.width, 200
        with chdir(self.folder), _environment(settings), redirect_stdout(out), redirect_stderr(err):
            before = sys.argv, sys.stdin
            sys.argv, sys.stdin = ["ringfence", *arguments], io.StringIO(given)
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            finally:
                sys.argv, sys.stdin = before
                console.width = width
        return Said(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: str, **settings: str) -> Said:
        """Run a command in a process of its own, as a server needs."""
        with _environment(settings):
            done = subprocess.run(
                [sys.executable, "-m", "ringfence", *arguments],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=120,
            )
        return Said(done.returncode, done.stdout, done.stderr)

    def fails(self, code: int, *arguments: str, given: str = "", **settings: str) -> str:
        """Run a command that must fail with `code` and one clear line; returns what it said."""
        return failed(self.ringfence(*arguments, given=given, **settings), code)

    def write(self, name: str, content: str) -> str:
        """Write a file into the folder; returns its name."""
        (self.folder / name).write_text(content)
        return name


def failed(said: Said, code: int) -> str:
    """What a command said that failed with `code` and one clear line."""
    assert said.code == code, said
    assert "Traceback" not in said.err
    assert said.err.startswith("ringfence: "), said
    assert said.err.count("ringfence: ") == 1
    return said.err


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in before:
        if name.startswith("RINGFENCE_"):
            del os.environ[name]
    os.environ.update({f"RINGFENCE_{name.upper()}": value for name, value in settings.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
