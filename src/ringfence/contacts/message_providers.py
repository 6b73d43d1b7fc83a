"""Who takes messages: a webhook, an SMTP server, Amazon SNS or SES, or a file, by URL.

    https://host/path                     both: POST of JSON, signed as Standard Webhooks has it
    smtp://user:password@host:587         e-mail, encrypted where the server offers it
    smtps://user:password@host:465        e-mail, encrypted from the first byte on
    sns://eu-central-1                    SMS by Amazon SNS
    twilio://SID:TOKEN@                   SMS by Twilio
    ses://eu-central-1                    e-mail by Amazon SES
    file:///path/messages.jsonl           both: one line of JSON for each message

Each is used by one thread at a time. No message of an error repeats a password.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from ringfence.contacts.messages import StoredMessage
from ringfence.contacts.providing import NotSent, Provider
from ringfence.contacts.twilio_messages import TwilioProvider
from ringfence.errors import InvalidInput
from ringfence.flows import Channel
from ringfence.webhook_signatures import signature, signing_key

_TIMEOUT_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 3600.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What an endpoint answers to a message that it cannot take, rather than to all of them.
_REFUSALS = frozenset({400, 413, 422})
# What AWS answers about the message rather than about us or the moment.
_AWS_REFUSALS = frozenset(
    {"InvalidParameter", "InvalidParameterValue", "MessageRejected", "BadRequestException"}
)
_SCHEMES = {
    Channel.SMS: ("https", "http", "sns", "twilio", "twilio+http", "file"),
    Channel.EMAIL: ("https", "http", "smtp", "smtps", "ses", "file"),
}


def open_provider(
    url: str, channel: Channel, *, field: str, secret: str | None = None, sender: str = ""
) -> Provider:
    """The provider of a URL; it connects when there is something to send.

    `sender` is taken where a message names none, `secret` signs what is posted. Raises
    `InvalidInput` naming `field`, which never repeats the URL.
    """
    schemes = _SCHEMES[channel]
    expected = "one that begins with " + ", ".join(f"{each}:" for each in schemes)
    try:
        parts = urlsplit(url)
        named = parts.port != 0 and (bool(parts.hostname) or parts.scheme not in ("http", "https"))
    except ValueError:
        raise InvalidInput("is not a URL", field=field, expected=expected) from None
    if parts.scheme not in schemes or not named:
        raise InvalidInput(f"takes no messages ({channel})", field=field, expected=expected)
    if parts.scheme in ("https", "http"):
        return WebhookProvider(url, None if secret is None else signing_key(secret, field), sender)
    if parts.scheme in ("smtp", "smtps"):
        return SmtpProvider(parts, sender, field)
    if parts.scheme in ("twilio", "twilio+http"):
        return TwilioProvider(parts, sender, field)
    if parts.scheme == "file":
        return FileProvider(parts, sender, field)
    return AwsProvider(parts, channel, sender)


class WebhookProvider:
    """Posts each message as JSON."""

    def __init__(self, url: str, key: bytes | None, sender: str):
        parts = urlsplit(url)
        self._url, self._key, self._sender = url, key, sender
        # The path may be the secret, as it is with chat services.
        self.name = f"webhook at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def send(self, message: StoredMessage) -> str:
        """See `Provider.send`."""
        import httpx2

        body = msgspec.json.encode(_shown(message, self._sender))
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "user-agent": "ringfence",
            "webhook-id": message.message_id,
            "webhook-timestamp": timestamp,
            "idempotency-key": message.message_id,
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, message.message_id, timestamp, body)
        try:
            with httpx2.stream(
                "POST", self._url, content=body, headers=headers, timeout=_TIMEOUT_SECONDS
            ) as reply:
                if reply.is_success:
                    return f"status {reply.status_code}"
                wait = _seconds(reply.headers.get("retry-after"))
                raise NotSent(
                    f"it answered with status {reply.status_code}",
                    refused=reply.status_code in _REFUSALS,
                    wait_seconds=wait,
                )
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise NotSent(f"the request failed ({type(error).__name__})") from None


class SmtpProvider:
    """Hands e-mails to an SMTP server. A password is never sent in clear but to this machine."""

    def __init__(self, parts: SplitResult, sender: str, field: str):
        if not parts.hostname:
            raise InvalidInput("names no host", field=field, expected="smtp://host:587")
        if not parseaddr(sender)[1]:
            raise InvalidInput(
                "has no sender",
                field=field,
                expected="an address of this side beside it, such as fraud@bank.example",
            )
        self._host = parts.hostname
        self._encrypted = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._encrypted else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender
        self.name = f"SMTP server at {self._host}:{self._port}"

    def send(self, message: StoredMessage) -> str:
        """See `Provider.send`."""
        mail = EmailMessage()
        mail["From"] = formataddr(parseaddr(message.sender or self._sender))
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.message_id}@ringfence>"
        mail.set_content(message.text)
        try:
            with self._connected() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, words = next(iter(error.recipients.values()))
            raise NotSent(_said(code, words), refused=code >= 500) from None
        except smtplib.SMTPDataError as error:
            said = _said(error.smtp_code, error.smtp_error)
            raise NotSent(said, refused=error.smtp_code >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise NotSent(_said(error.smtp_code, error.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else None
            raise NotSent(f"it cannot be used: {why or type(error).__name__}") from None
        return str(mail["Message-ID"])

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._encrypted:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            server.ehlo()
            encrypted = self._encrypted
            if not encrypted and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                encrypted = True
            if self._user:
                if not encrypted and self._host not in _LOOPBACK:
                    raise NotSent("it does not encrypt, so it is not told the password")
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


class AwsProvider:
    """Amazon SNS for SMS, Amazon SES for e-mail; credentials are found by boto3's own rules."""

    def __init__(self, parts: SplitResult, channel: Channel, sender: str):
        self._region = parts.netloc or None
        self._channel, self._sender = channel, sender
        self._client: Any = None
        self.name = "Amazon SNS" if channel is Channel.SMS else "Amazon SES"

    def send(self, message: StoredMessage) -> str:
        """See `Provider.send`."""
        from botocore.exceptions import BotoCoreError, ClientError

        hand_over: Callable[[StoredMessage], str] = (
            self._sms if self._channel is Channel.SMS else self._email
        )
        try:
            if self._client is None:
                self._client = self._connected()
            return hand_over(message)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise NotSent(f"it answered {code}", refused=code in _AWS_REFUSALS) from None
        except (BotoCoreError, ValueError) as error:
            raise NotSent(f"it cannot be used ({type(error).__name__})") from None

    def _connected(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
            retries={"total_max_attempts": 1},  # what is tried again is the outbox's matter
        )
        service = "sns" if self._channel is Channel.SMS else "sesv2"
        return boto3.client(service, region_name=self._region, config=config)

    def _sms(self, message: StoredMessage) -> str:
        sender, attributes = message.sender or self._sender, {}
        if sender:
            own_number = sender.startswith("+")
            name = "AWS.MM.SMS.OriginationNumber" if own_number else "AWS.SNS.SMS.SenderID"
            attributes[name] = {"DataType": "String", "StringValue": sender}
        answer = self._client.publish(
            PhoneNumber=message.to, Message=message.text, MessageAttributes=attributes
        )
        return str(answer["MessageId"])

    def _email(self, message: StoredMessage) -> str:
        answer = self._client.send_email(
            FromEmailAddress=message.sender or self._sender,
            Destination={"ToAddresses": [message.to]},
            Content={
                "Simple": {
                    "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": message.text, "Charset": "UTF-8"}},
                }
            },
        )
        return str(answer["MessageId"])


class FileProvider:
    """Appends one line of JSON for each message to a file that only its owner can read."""

    def __init__(self, parts: SplitResult, sender: str, field: str):
        path = unquote(parts.path)
        if parts.netloc not in ("", "localhost") or path.endswith("/") or not path:
            raise InvalidInput(
                "does not name a file", field=field, expected="file:///path/to/messages.jsonl"
            )
        self._path, self._sender = Path(path), sender
        self.name = f"file {path}"

    def send(self, message: StoredMessage) -> str:
        """See `Provider.send`."""
        line = msgspec.json.encode(_shown(message, self._sender)) + b"\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NotSent(f"it cannot be written: {error.strerror}") from None
        return ""


def _shown(message: StoredMessage, sender: str) -> dict[str, Any]:
    """A message as others read it."""
    return {
        "message_id": message.message_id,
        "contact_id": message.contact_id,
        "channel": message.channel,
        "to": message.to,
        "from": message.sender or sender,
        "subject": message.subject,
        "text": message.text,
        "created_at": message.created_at,
    }


def _said(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"it answered {code} {' '.join(text.split())}"


def _seconds(retry_after: str | None) -> float:
    try:
        return min(max(float(retry_after or ""), 0.0), _LONGEST_WAIT_SECONDS)
    except ValueError:
        return 0.0
