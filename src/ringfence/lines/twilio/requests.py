"""What Twilio posts to us, read once it is known to come from Twilio."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from ringfence.lines.callbacks import CallbackReply, CallbackRequest
from ringfence.lines.twilio.signature import is_signed

_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"cache-control": "no-store"}


def read_form(
    request: CallbackRequest, auth_token: str, public_url: str
) -> Mapping[str, str] | CallbackReply:
    """The fields of a request, or why it is not listened to.

    `public_url` is where Twilio reaches this server; the signature is over what Twilio called.
    """
    is_form = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    form: list[tuple[str, str]] = []
    try:
        if is_form:
            form = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        return refusal(400, "the body is no form")
    url = public_url.rstrip("/") + request.target
    given = request.headers.get("x-twilio-signature", "")
    if not is_signed(auth_token, url, form, request.body, given):
        return refusal(
            403,
            f"not signed by this Twilio account for {url}: "
            "public_url and auth_token must be as Twilio has them",
        )
    if is_form or not request.body:
        return dict(form)
    try:
        told = msgspec.json.decode(request.body, type=dict[str, str | int | float | bool | None])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return refusal(400, "the body is neither a form nor an object of JSON")
    return {name: "" if value is None else str(value) for name, value in told.items()}


def refusal(status: int, why: str) -> CallbackReply:
    """The answer to what is not listened to."""
    return CallbackReply(status, why.encode(), {"content-type": "text/plain; charset=utf-8"})


def twiml_reply(document: str) -> CallbackReply:
    """A document."""
    return CallbackReply(
        200, document.encode(), {"content-type": "text/xml; charset=utf-8", **_NO_STORE}
    )


def sound_reply(wav: bytes) -> CallbackReply:
    """A sound, which nobody is to keep: it may name people and amounts."""
    return CallbackReply(200, wav, {"content-type": "audio/wav", **_NO_STORE})


def done() -> CallbackReply:
    """There is nothing to say."""
    return CallbackReply(204)
