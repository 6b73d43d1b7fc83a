"""Results of commands as files: whole, or not there at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringfence.errors import InvalidInput


def write_json(out: Path, report: object, *, option: str = "out") -> None:
    """Write a report as JSON for people to read as well. Raises `InvalidInput` naming `option`."""
    import msgspec

    content = msgspec.json.format(msgspec.json.encode(report)) + b"\n"
    write_whole(out, lambda part: part.write_bytes(content), option=option)


def write_whole(out: Path, write: Callable[[Path], object], *, option: str = "out") -> None:
    """Have a file written beside its place, and put it there when it is complete.

    Raises `InvalidInput` naming `option` when that cannot be.
    """
    part = out.with_name(out.name + ".part")
    try:
        write(part)
        part.replace(out)
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error}", field=option) from None
