"""Results as Markdown tables, as the README shows them."""

from __future__ import annotations

from collections.abc import Sequence


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table; columns after the first are figures."""
    print(f"\n{title}:\n")
    for line in (header, ["---", *("---:" for _ in header[1:])], *rows):
        print("| " + " | ".join(line) + " |", flush=True)
