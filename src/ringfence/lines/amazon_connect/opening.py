"""Opening the line over Amazon Connect that a table of settings describes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ringfence.lines.amazon_connect.line import AmazonConnectLine
from ringfence.lines.amazon_connect.settings import read_settings
from ringfence.lines.line import Line
from ringfence.lines.opening import Surroundings


@asynccontextmanager
async def open_line(
    name: str, table: Mapping[str, Any], surroundings: Surroundings
) -> AsyncIterator[Line]:
    """The line. Nothing is asked of AWS before the first call. Raises `InvalidInput`."""
    line = AmazonConnectLine(name, read_settings(name, table))
    try:
        yield line
    finally:
        await line.stop()
