"""SMS by Twilio's REST API (2010-04-01).

    twilio://ACCOUNT_SID:AUTH_TOKEN@            from the sender of the settings
    twilio://ACCOUNT_SID:AUTH_TOKEN@?service=MG...   by a messaging service
    twilio+http://SID:TOKEN@127.0.0.1:8080      another host, for trying it out

Twilio has no idempotency key for messages: one that is handed over again because the answer to the
first time was lost may arrive twice. Source: "Message resource" of Twilio's documentation.
"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, unquote

from ringfence.contacts.messages import StoredMessage
from ringfence.contacts.providing import NotSent
from ringfence.errors import InvalidInput

_API = "https://api.twilio.com"
_TIMEOUT_SECONDS = 15.0
# What Twilio says of the message rather than of us or the moment: no mobile number, opted out,
# not a number, empty, unreachable region.
_REFUSED = frozenset({21211, 21408, 21610, 21612, 21614, 21617, 30003, 30006})


class TwilioProvider:
    """Sends SMS from a number, a sender id or a messaging service of a Twilio account."""

    name = "Twilio"

    def __init__(self, parts: SplitResult, sender: str, field: str):
        self._account = unquote(parts.username or "")
        self.auth_token = unquote(parts.password or "")
        self._service = parse_qs(parts.query).get("service", [""])[0]
        self._sender = sender
        if not self._account or not self.auth_token:
            raise InvalidInput(
                "names no account", field=field, expected="twilio://ACCOUNT_SID:AUTH_TOKEN@"
            )
        if not self._service and not sender:
            raise InvalidInput(
                "has no sender", field=field, expected="sms_sender, or ?service=MG... in it"
            )
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        plain = parts.scheme == "twilio+http"
        self._base = f"http{'' if plain else 's'}://{host}{port}" if host else _API

    def send(self, message: StoredMessage) -> str:
        """See `Provider.send`."""
        import httpx2

        sender = message.sender or self._sender
        form = {"To": message.to, "Body": message.text}
        form |= {"From": sender} if sender else {"MessagingServiceSid": self._service}
        url = f"{self._base}/2010-04-01/Accounts/{self._account}/Messages.json"
        try:
            reply = httpx2.post(
                url,
                data=form,
                auth=(self._account, self.auth_token),
                timeout=_TIMEOUT_SECONDS,
            )
            told = reply.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise NotSent(f"the request failed ({type(error).__name__})") from None
        if reply.is_success:
            return str(told.get("sid", ""))
        code = told.get("code")
        raise NotSent(
            f"it answered {reply.status_code}, error {code}",
            refused=code in _REFUSED,
            wait_seconds=30.0 if reply.status_code == 429 else 0.0,
        )
