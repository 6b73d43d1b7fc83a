"""What an event of PJSIP is about: the message of the far end that it carries."""

from __future__ import annotations

from typing import Any

import pjsua2

from ringfence.lines.sip.child_headers import header, uri


def received(event: Any) -> str:
    """The message of the far end that an event is about; empty when it is about none."""
    if event.type == pjsua2.PJSIP_EVENT_TSX_STATE:
        change = event.body.tsxState
        if change.type == pjsua2.PJSIP_EVENT_RX_MSG:
            return str(change.src.rdata.wholeMsg)
    elif event.type == pjsua2.PJSIP_EVENT_RX_MSG:
        return str(event.body.rxMsg.rdata.wholeMsg)
    return ""


def new_contact(message: str) -> str:
    """Where a failure says that the far end is now: only an answer's Contact tells that."""
    return uri(header(message, "Contact")) if message.startswith("SIP/") else ""
