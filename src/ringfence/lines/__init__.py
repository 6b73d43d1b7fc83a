"""The telephone: lines that place calls, the phones that answer them, and speech.

What is named here is loaded when it is first asked for: the process of a telephone call uses parts
of this room and needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringfence.lines.browser import BrowserLine
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

_MODULES = {
    "browser": ("BrowserLine",),
    "incoming": ("Declined", "IncomingCall", "Receive", "Reception", "TakesCalls"),
    "line": (
        "CallEnd",
        "CallEvent",
        "CallEventKind",
        "CallRequest",
        "CallResult",
        "Conversation",
        "Limits",
        "Line",
        "Report",
    ),
    "speech": ("Synthesizer",),
    "terminal": ("Heard", "TerminalLine", "TerminalPhone"),
}
_LAZY = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return globals().setdefault(name, getattr(import_module(_LAZY[name]), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
