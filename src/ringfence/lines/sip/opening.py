"""Opening the SIP line that a table of settings describes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from ringfence.errors import Unavailable
from ringfence.lines.line import Line
from ringfence.lines.opening import Surroundings
from ringfence.lines.sip.line import SipLine
from ringfence.lines.sip.settings import read_settings


@asynccontextmanager
async def open_line(
    name: str, table: Mapping[str, Any], surroundings: Surroundings
) -> AsyncIterator[Line]:
    """The line, with its processes running. Raises `InvalidInput`, and `Unavailable` without
    PJSIP."""
    line = SipLine(name, read_settings(name, table), surroundings.synthesizer, surroundings.switch)
    if find_spec("pjsua2") is None:
        raise Unavailable(
            "PJSIP is not installed",
            field=f"lines.{name}.kind",
            expected="`pip install 'ringfence[sip]'`, or a build of pjsua2 of your own",
        )
    await line.start()
    try:
        yield line
    finally:
        await line.stop()
