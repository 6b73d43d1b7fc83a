"""The telephone in a terminal: a phone for the exchange, and a line of its own."""

from ringfence.lines.terminal.line import TerminalLine
from ringfence.lines.terminal.phone import Heard, TerminalPhone

__all__ = ["Heard", "TerminalLine", "TerminalPhone"]
