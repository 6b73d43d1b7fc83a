"""Example files that the package carries: an event type, a customer, two transactions.

Invented data only; the suspicious transaction and the customer's id are those of the article
"Event-based fraud detection with direct customer calls using Amazon Connect". Nothing here knows
what reads the files.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ringfence.errors import NotFound


def read_example(name: str) -> bytes:
    """The content of an example file such as `transaction.json`. Raises `NotFound`."""
    return example_path(name).read_bytes()


def example_path(name: str) -> Path:
    """Where an example file lies, for programs that take a path. Raises `NotFound`."""
    folder = Path(str(files(__name__)))
    known = sorted(path.name for path in folder.iterdir() if path.suffix in (".json", ".onnx"))
    if name not in known:
        raise NotFound(
            f"there is no example {name!r}", field="name", expected="one of " + ", ".join(known)
        )
    return folder / name
