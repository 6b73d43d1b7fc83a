"""The browser phone: an exchange over WebSockets."""

from ringfence.lines.browser.connection import Socket
from ringfence.lines.browser.line import BrowserLine
from ringfence.lines.browser.protocol import CloseCode

__all__ = ["BrowserLine", "CloseCode", "Socket"]
