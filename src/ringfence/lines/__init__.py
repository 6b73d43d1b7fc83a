"""The telephone: lines that place calls, the phones that answer them, and speech.

Parts that need a heavy library are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ringfence.lines.incoming import Declined, IncomingCall, Receive, Reception, TakesCalls
from ringfence.lines.line import (
    CallEnd,
    CallEvent,
    CallEventKind,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Line,
    Report,
)

if TYPE_CHECKING:
    from ringfence.lines.browser import BrowserLine
    from ringfence.lines.speech import Synthesizer
    from ringfence.lines.terminal import Heard, TerminalLine, TerminalPhone

__all__ = [
    "BrowserLine",
    "CallEnd",
    "CallEvent",
    "CallEventKind",
    "CallRequest",
    "CallResult",
    "Conversation",
    "Declined",
    "Heard",
    "IncomingCall",
    "Limits",
    "Line",
    "Receive",
    "Reception",
    "Report",
    "Synthesizer",
    "TakesCalls",
    "TerminalLine",
    "TerminalPhone",
]

_LAZY = {
    "BrowserLine": "ringfence.lines.browser",
    "Heard": "ringfence.lines.terminal",
    "Synthesizer": "ringfence.lines.speech",
    "TerminalLine": "ringfence.lines.terminal",
    "TerminalPhone": "ringfence.lines.terminal",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
