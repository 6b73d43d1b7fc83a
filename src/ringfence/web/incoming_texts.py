"""SMS that come in: from Twilio, which signs its requests, and from gateways that have a key.

A text is on disk, and what it means has been done, before it is acknowledged: a gateway that gets
no answer delivers it again, which is harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from fastapi import FastAPI, Request, Response

from ringfence.access import Scope
from ringfence.cards.phones import read_phone_number
from ringfence.cases.texting import IncomingText, hear_text
from ringfence.contacts.twilio_messages import TwilioProvider
from ringfence.errors import Forbidden, InvalidInput, NotFound
from ringfence.flows import Channel
from ringfence.lines.twilio.signature import is_signed
from ringfence.storage import now
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("texts")

_EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
_LONGEST = 4096


class TextBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SMS as a gateway delivers it. `text_id` is what the gateway calls it: heard once."""

    text_id: str
    from_number: str
    text: str

    def __post_init__(self) -> None:
        if not 0 < len(self.text_id) <= 128:
            raise InvalidInput("out of range", field="text_id", expected="1 to 128 characters")
        if len(self.text) > _LONGEST:
            raise InvalidInput("too long", field="text", expected=f"at most {_LONGEST} characters")


@operations.add("POST", "/v1/incoming-texts", scope=Scope.CASES_WRITE, body=TextBody, status=204)
def post_incoming_text(services: Services, call: Call) -> None:
    """Deliver an SMS that came in: an answer, the wish to stop, or something unclear."""
    body: TextBody = call.body
    number = read_phone_number(body.from_number, field="from_number").e164
    _hear(services, IncomingText(text_id=body.text_id, from_number=number, text=body.text))


def add_incoming_texts(app: FastAPI, services: Callable[[], Services]) -> None:
    """Serve `/texts/twilio`, the webhook of a number or a messaging service at Twilio."""

    async def from_twilio(request: Request) -> Response:
        opened = services()
        provider = opened.centre.providers.get(Channel.SMS)
        if not isinstance(provider, TwilioProvider):
            raise NotFound("no SMS of Twilio are expected here", field="sms_url")
        body = await request.body()  # before the form, which leaves nothing of it
        form = [(name, str(value)) for name, value in (await request.form()).multi_items()]
        url = _address(opened, request)
        signature = request.headers.get("x-twilio-signature", "")
        if not is_signed(provider.auth_token, url, form, body, signature):
            raise Forbidden(
                "the request is not signed by this Twilio account",
                expected=f"a signature over {url}; public_url says where this server is reached",
            )
        fields = dict(form)
        incoming = IncomingText(
            text_id=fields.get("MessageSid", "")[:128],
            from_number=fields.get("From", ""),
            text=fields.get("Body", "")[:_LONGEST],
        )
        if not incoming.text_id:
            raise InvalidInput("missing", field="MessageSid", expected="the id of a message")
        await asyncio.to_thread(_hear, opened, incoming)
        return Response(_EMPTY_TWIML, media_type="text/xml")

    app.router.add_route("/texts/twilio", from_twilio, methods=["POST"], include_in_schema=False)


def _address(services: Services, request: Request) -> str:
    """The address that Twilio has called, as it is set there."""
    query = f"?{request.url.query}" if request.url.query else ""
    public = services.settings.public_url
    base = public.rstrip("/") if public else str(request.base_url).rstrip("/")
    return f"{base}{request.url.path}{query}"


def _hear(services: Services, incoming: IncomingText) -> None:
    with services.database.write() as connection:
        hear_text(connection, incoming, sender=services.settings.sms_sender, at=now())
    services.centre.wake_sender()
