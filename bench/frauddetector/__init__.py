"""Fraud Detector's API, as its clients meet it: one file for each part, `python -m bench
frauddetector` for all of them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def main() -> None:
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        part = import_module(f"bench.frauddetector.{path.stem}")
        if hasattr(part, "main"):
            part.main()
