"""How a call ended, from what SIP says: statuses, Q.850 causes and our children's own words. Pure.

RFC 3261 (21, statuses), RFC 3326 (the Reason header), RFC 3398 (7.2.4.1, causes and statuses),
RFC 8197 (607), RFC 8688 (608), ITU-T Q.850 (causes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence.lines.line import CallEnd
from ringfence.lines.sip.messages import CANNOT_DIAL, NO_ROOM, NOTHING_HEARD, RING_TIMEOUT, Ended

_CAUSE = re.compile(r"Q\.850\s*;[^,]*?\bcause\s*=\s*\"?(\d{1,3})", re.IGNORECASE)

_STATUSES: dict[int, tuple[CallEnd, str]] = {
    401: (CallEnd.UNAUTHORIZED, "the trunk does not take the user name and password"),
    402: (CallEnd.UNAUTHORIZED, "the trunk asks for payment: look at the account's balance"),
    403: (
        CallEnd.UNAUTHORIZED,
        "the trunk forbids the call: look at the number that is shown, at "
        "the countries that it may call, and at the account",
    ),
    404: (CallEnd.UNREACHABLE, "there is nobody at this number"),
    407: (CallEnd.UNAUTHORIZED, "the trunk does not take the user name and password"),
    408: (CallEnd.LINE_DOWN, "the trunk does not answer"),
    410: (CallEnd.NUMBER_CHANGED, "the number is in use no more"),
    433: (CallEnd.REJECTED, "anonymous calls are not taken"),
    480: (CallEnd.UNREACHABLE, "the telephone is off, or out of reach"),
    484: (CallEnd.UNREACHABLE, "the number is not complete"),
    485: (CallEnd.UNREACHABLE, "the number is not unique"),
    486: (CallEnd.BUSY, ""),
    488: (CallEnd.FAILED, "no codec, or no encryption, that both sides have"),
    600: (CallEnd.BUSY, ""),
    603: (CallEnd.REJECTED, "the call was declined"),
    604: (CallEnd.UNREACHABLE, "the number is not in use"),
    606: (CallEnd.FAILED, "no codec, or no encryption, that both sides have"),
    607: (CallEnd.REJECTED, "the called party does not want such calls"),
    608: (CallEnd.REJECTED, "a call filter took the call for unwanted"),
}
_CAUSES: dict[int, tuple[CallEnd, str]] = {
    1: (CallEnd.UNREACHABLE, "the number is not assigned"),
    2: (CallEnd.UNREACHABLE, "there is no route to the network"),
    3: (CallEnd.UNREACHABLE, "there is no route to the number"),
    17: (CallEnd.BUSY, ""),
    18: (CallEnd.NO_ANSWER, "the telephone did not respond"),
    19: (CallEnd.NO_ANSWER, ""),
    20: (CallEnd.UNREACHABLE, "the telephone is off, or out of reach"),
    21: (CallEnd.REJECTED, "the call was declined"),
    22: (CallEnd.NUMBER_CHANGED, "the number was changed"),
    27: (CallEnd.UNREACHABLE, "the destination is out of order"),
    28: (CallEnd.UNREACHABLE, "the number is not complete"),
    34: (CallEnd.LINE_DOWN, "all channels are taken"),
    38: (CallEnd.LINE_DOWN, "the network is out of order"),
    41: (CallEnd.LINE_DOWN, "the network has a temporary failure"),
    42: (CallEnd.LINE_DOWN, "the network is congested"),
    57: (CallEnd.UNAUTHORIZED, "the account may not place such calls"),
}
# A cause tells more than these statuses, which gateways use for much.
_VAGUE = frozenset({403, 404, 480, 500, 502, 503, 504, 603})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, and words for an operator."""

    end: CallEnd
    detail: str


def outcome_of(ended: Ended, *, rang: bool) -> Outcome:
    """How a call ended that nobody answered. `rang`: it was ringing."""
    status, reason = ended.status, ended.reason
    if reason == RING_TIMEOUT or (status == 487 and not ended.by_far_end):
        if rang:
            return Outcome(CallEnd.NO_ANSWER, "")
        return Outcome(CallEnd.LINE_DOWN, "the trunk took the call and did not ring")
    if reason == NO_ROOM:
        return Outcome(CallEnd.LINE_DOWN, "all channels of this line are taken")
    if reason.startswith(CANNOT_DIAL):
        return Outcome(CallEnd.FAILED, reason)
    if reason == NOTHING_HEARD:
        return Outcome(CallEnd.FAILED, "nothing was heard for too long")
    end, words = _told(ended, rang)
    said = f"{status} {reason}".strip() if status else reason
    detail = f"{words} ({said})" if words and said else words or (said if end.answered else "")
    if end in (CallEnd.BUSY, CallEnd.NO_ANSWER):
        detail = words
    return Outcome(end, detail or ("" if end in (CallEnd.BUSY, CallEnd.NO_ANSWER) else said))


def _told(ended: Ended, rang: bool) -> tuple[CallEnd, str]:
    status = ended.status
    cause = _CAUSE.search(ended.reason_header)
    known = _CAUSES.get(int(cause[1])) if cause else None
    if known is not None and (status in _VAGUE or status not in _STATUSES):
        return known
    if 300 <= status < 400:
        where = f" to {ended.contact[:80]}" if ended.contact else ""
        if status == 301 and ended.contact:
            return CallEnd.NUMBER_CHANGED, f"the number has moved{where}"
        return CallEnd.REDIRECTED, f"the network redirects the call{where}"
    if status == 408 and rang:
        return CallEnd.NO_ANSWER, ""
    if status == 487:
        return CallEnd.NO_ANSWER if rang else CallEnd.FAILED, "the network took the call back"
    if status in _STATUSES:
        return _STATUSES[status]
    if status in (0, 503) or 500 <= status < 600:
        return CallEnd.LINE_DOWN, "the trunk cannot be reached, or takes no calls"
    return CallEnd.FAILED, "the trunk refused the call"
