"""The command line: `ringfence ...`.

Commands are thin: they read options, call the rooms, and show what came of it. Everything heavy is
imported when a command runs, so that `--help` is instant.
"""

from __future__ import annotations

import sys

from ringfence.errors import InvalidInput, RingfenceError


def main() -> None:
    """Run the command line. An expected error is one line on standard error and exit code 1, or 2
    when what was given does not fit."""
    from ringfence.cli.commands import app

    try:
        app()
    except RingfenceError as error:
        _complain(error)
        sys.exit(2 if isinstance(error, InvalidInput) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _complain(error: RingfenceError) -> None:
    pointer = getattr(error, "pointer", "")
    print(f"ringfence: {error}", file=sys.stderr)
    if pointer:
        print(pointer, file=sys.stderr)
    for line in getattr(error, "lines", ()):
        print(f"  {line}", file=sys.stderr)
