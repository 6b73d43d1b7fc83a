"""Places in a document that was sent: `customers[2].phone_number`."""

from __future__ import annotations

from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]


def path_of(place: Place) -> str:
    """The place as errors name it; empty for the document itself."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")
