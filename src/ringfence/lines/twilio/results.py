"""What Twilio says of a call, in the words of a line.

Sources: "Call resource" (status, AnsweredBy), "TwiML Voice: Number" (SipResponseCode) and "Error
and Warning Dictionary" of Twilio's documentation; RFC 3261 and RFC 8197 for SIP's codes.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.holding import Unanswered
from ringfence.lines.line import CallEnd

IN_PROGRESS = "in-progress"
RINGING = "ringing"
COMPLETED = "completed"
# In the order in which a call goes through them; what comes late does not take it back.
RANKS = {"queued": 0, "initiated": 1, RINGING: 2, "answered": 3, IN_PROGRESS: 3}
OVER = frozenset({COMPLETED, "busy", "no-answer", "failed", "canceled"})

_ANSWERED_BY = {
    "human": AnsweredBy.HUMAN,
    "machine_end_beep": AnsweredBy.MACHINE_BEEP,
    "machine_end_silence": AnsweredBy.MACHINE_SILENT,
    "machine_end_other": AnsweredBy.MACHINE_SILENT,
    "machine_start": AnsweredBy.MACHINE_SILENT,
    "fax": AnsweredBy.MACHINE_SILENT,
}
_STATUS_ENDS = {
    "busy": CallEnd.BUSY,
    "no-answer": CallEnd.NO_ANSWER,
    "failed": CallEnd.UNREACHABLE,
    "canceled": CallEnd.NO_ANSWER,
}
_SIP_ENDS = {
    "301": CallEnd.REDIRECTED,
    "302": CallEnd.REDIRECTED,
    "403": CallEnd.REJECTED,
    "404": CallEnd.UNREACHABLE,
    "408": CallEnd.NO_ANSWER,
    "410": CallEnd.NUMBER_CHANGED,
    "480": CallEnd.NO_ANSWER,
    "484": CallEnd.UNREACHABLE,
    "486": CallEnd.BUSY,
    "487": CallEnd.NO_ANSWER,
    "600": CallEnd.BUSY,
    "603": CallEnd.REJECTED,
    "604": CallEnd.UNREACHABLE,
    "607": CallEnd.REJECTED,
    "608": CallEnd.REJECTED,
}
_UNAUTHORIZED = frozenset(
    {
        20003,  # credentials
        20005,  # the account is not active
        13227,  # no permission for this part of the world
        21215,
        21210,  # the caller's number is not ours
        21212,
        21213,
        21219,  # a trial account calls verified numbers only
        21606,
    }
)
_UNREACHABLE = frozenset({13223, 13224, 13226, 21201, 21211, 21214, 21216, 21217})
_OPTED_OUT = frozenset({21610})


def answered_by(form: Mapping[str, str]) -> AnsweredBy:
    """Who picked up, where Twilio has listened for it."""
    return _ANSWERED_BY.get(form.get("AnsweredBy", ""), AnsweredBy.UNKNOWN)


def unanswered(form: Mapping[str, str]) -> Unanswered:
    """Why nobody picked up, of a call with a status that is over."""
    status = form.get("CallStatus", "")
    sip, code = form.get("SipResponseCode", ""), form.get("ErrorCode", "")
    end = _STATUS_ENDS.get(status, CallEnd.FAILED)
    detail = [f"Twilio says {status or 'nothing'}"]
    if sip:
        detail.append(f"SIP {sip}")
    if code and code != "0":
        detail.append(f"error {code}")
        if message := form.get("ErrorMessage"):
            detail.append(message)
    if code.isdigit() and (told := _of_error(int(code))) is not None:
        end = told
    elif sip in _SIP_ENDS and status != "canceled":
        end = _SIP_ENDS[sip]
    elif sip.startswith("5") and status == "failed":
        end = CallEnd.FAILED
    return Unanswered(end, ", ".join(detail))


def refused(status: int, code: int, message: str) -> Unanswered:
    """Why Twilio did not place a call: the HTTP status, its error and its words."""
    said = f"Twilio answered {status}" + (f", error {code}" if code else "")
    detail = f"{said}: {message}" if message else said
    end = _of_error(code)
    if end is None:
        end = CallEnd.UNAUTHORIZED if status in (401, 403) else CallEnd.FAILED
        if status == 429 or status >= 500:
            end = CallEnd.LINE_DOWN
    return Unanswered(end, detail)


def _of_error(code: int) -> CallEnd | None:
    if code in _UNAUTHORIZED:
        return CallEnd.UNAUTHORIZED
    if code in _UNREACHABLE:
        return CallEnd.UNREACHABLE
    if code in _OPTED_OUT:
        return CallEnd.REJECTED
    return None
