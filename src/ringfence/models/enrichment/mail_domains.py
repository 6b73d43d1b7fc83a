"""Mail domains that anybody can have a mailbox at: for a moment, or for free.

The lists lie beside this file, one domain a line.
"""

from __future__ import annotations

from pathlib import Path


def _read(name: str) -> frozenset[str]:
    return frozenset(Path(__file__).with_name(name).read_text(encoding="ascii").split())


DISPOSABLE = _read("disposable_domains.txt")
FREE = _read("free_domains.txt")
