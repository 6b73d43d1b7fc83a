"""An HTTP endpoint as it is declared: its address, what is sent there, what comes back.

The words for bodies are those of Amazon Fraud Detector's `PutExternalModel`. Asking is done in
`asking`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.variables import Variable
from ringfence.models.external.templates import Template

MAX_TIMEOUT_SECONDS = 30.0
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection"}
)


class RequestFormat(StrEnum):
    """How an event is written to an endpoint."""

    APPLICATION_JSON = "APPLICATION_JSON"
    TEXT_CSV = "TEXT_CSV"


class ReplyFormat(StrEnum):
    """How an endpoint answers: JSON, one document or one a line; or comma-separated values."""

    APPLICATION_JSONLINES = "APPLICATION_JSONLINES"
    TEXT_CSV = "TEXT_CSV"


class AwsSignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service of AWS, and its region, for which requests are signed (Signature Version 4).

    With the credentials that boto3 finds: the environment, a profile, a role of the machine.
    """

    service: str
    region: str


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how a model is asked over HTTP, by POST.

    `headers` go with every request. Their values are never shown: read, they are null, and null
    written keeps what is stored. `${RINGFENCE_SECRET_...}` in a value stands for a variable of the
    server's environment, so that the database does not hold the secret.

    Without a `template` the inputs are sent as one JSON object, or as one line of CSV in the order
    of the inputs. A template is a line of CSV or a JSON document with `{{variable}}` where values
    go. Without `use_event_variables` the client sends the body.

    With a `batch_size` above 1, events that wait together are sent together, as a JSON array or as
    lines of CSV, and as many answers are expected. A decision waits `timeout_seconds` at most.
    After `failures_to_open` failures in a row the endpoint is left alone for `open_seconds`; then
    one request tries whether it answers again. With an `aws_signature` requests are signed as AWS
    wants it, as for an endpoint of SageMaker.
    """

    url: str
    headers: dict[str, str | None] = {}
    request_format: RequestFormat = RequestFormat.APPLICATION_JSON
    template: str | None = None
    use_event_variables: bool = True
    reply_format: ReplyFormat = ReplyFormat.APPLICATION_JSONLINES
    batch_size: int = 1
    timeout_seconds: float = 0.5
    failures_to_open: int = 5
    open_seconds: float = 30.0
    aws_signature: AwsSignature | None = None


def check_endpoint(
    endpoint: Endpoint, variables: Mapping[str, Variable], *, has_inputs: bool
) -> None:
    """Raise `InvalidInput` naming the first thing that does not fit; `variables` are those of the
    event type."""
    _check_url(endpoint.url)
    _check_headers(endpoint.headers)
    if endpoint.aws_signature is not None:
        _check_signature(endpoint.aws_signature)
    for name, value, least, most in (
        ("timeout_seconds", endpoint.timeout_seconds, 0.001, MAX_TIMEOUT_SECONDS),
        ("failures_to_open", endpoint.failures_to_open, 1, 1000),
        ("open_seconds", endpoint.open_seconds, 0.001, 3600.0),
        ("batch_size", endpoint.batch_size, 1, 256),
    ):
        if not least <= value <= most:
            raise InvalidInput(
                "out of range", field=f"endpoint.{name}", expected=f"{least:g} to {most:g}"
            )
    if not endpoint.use_event_variables:
        if endpoint.template is not None or has_inputs:
            raise InvalidInput(
                "the client sends the body, so nothing is made of variables",
                field="endpoint.use_event_variables",
                expected="true, or neither inputs nor a template",
            )
        if endpoint.batch_size > 1:
            raise InvalidInput(
                "bodies that clients send cannot be put together",
                field="endpoint.batch_size",
                expected="1",
            )
        return
    if endpoint.template is None:
        if not has_inputs:
            raise InvalidInput(
                "nothing would be sent", field="inputs", expected="inputs, or a template"
            )
        return
    if has_inputs:
        raise InvalidInput(
            "the template says what is sent", field="inputs", expected="inputs or a template"
        )
    template = Template(
        endpoint.template, json=endpoint.request_format is RequestFormat.APPLICATION_JSON
    )
    template.check("endpoint.template", variables)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url or len(url) > 2048:
        raise InvalidInput(
            "not an address",
            field="endpoint.url",
            expected="http:// or https://, a host and a path, 2,048 characters at most",
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "holds a name or password, and addresses are shown",
            field="endpoint.url",
            expected="an address without them; a header may hold a secret",
        )


def _check_signature(signature: AwsSignature) -> None:
    for name in ("service", "region"):
        if not re.fullmatch(r"[a-z][a-z0-9-]{1,31}", getattr(signature, name)):
            raise InvalidInput(
                f"not a {name} of AWS",
                field=f"endpoint.aws_signature.{name}",
                expected="such as sagemaker in eu-west-1",
            )


def _check_headers(headers: Mapping[str, str | None]) -> None:
    if len(headers) > 20:
        raise InvalidInput("too many", field="endpoint.headers", expected="at most 20")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise InvalidInput(
                f"{name!r} is not a header that can be set",
                field="endpoint.headers",
                expected="a name such as Authorization, none of " + ", ".join(sorted(_OWN_HEADERS)),
            )
        if value is not None and not (
            value.isascii() and value.isprintable() and 0 < len(value) <= 4096
        ):
            raise InvalidInput(
                "not the value of a header",
                field=f"endpoint.headers.{name}",
                expected="1 to 4,096 printable ASCII characters",
            )
