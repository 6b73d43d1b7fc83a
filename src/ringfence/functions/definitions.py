"""What a function is: a Python handler, an HTTP endpoint, or a function of AWS Lambda.

Pure declarations and their checks. Whether a file is there and an endpoint answers is for others to
find out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec

from ringfence.errors import InvalidInput

DEFAULT_HANDLER = "lambda_handler"
LONGEST_SECONDS = 900.0  # AWS Lambda's
LARGEST_ANSWER_BYTES = 6 * 1024 * 1024  # AWS Lambda's, of requests too
_MEMORY_MB = (64, 10_240)
_MOST_PROCESSES = 64
_MOST_VARIABLES = 100

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULE_AND_FUNCTION = re.compile(r"([A-Za-z_][\w/-]*(?:\.[A-Za-z_][\w-]*)*)\.([A-Za-z_]\w*)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_REGION = re.compile(r"[a-z0-9-]{3,20}")
_LAMBDA_NAME = re.compile(
    r"(arn:aws[a-z-]*:lambda:[a-z0-9-]{3,20}:\d{12}:function:)?"
    r"[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9$_-]{1,128})?"
)
# Ours alone; what a handler may know has a name of its own.
_OWN_VARIABLES = "RINGFENCE_"
_OWN_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


class PythonFunction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="python"):
    """A handler with AWS Lambda's signature, `lambda_handler(event, context)`, run here.

    Either `file` is a path and `handler` the name of the function in it, or there is no file and
    `handler` is `module.function` below `folder`, as AWS Lambda writes it. Code is imported from
    `folder`, which is also the working folder: that of the file when left out. `python` is the
    executable that runs it, this one when left out.

    It sees the variables of `environment`, those of the server that `pass_environment` names, and
    those that AWS Lambda sets; nothing else of the server. `processes` run at once, each with
    `memory_mb` of memory beside what an idle Python has, and one event at a time for
    `timeout_seconds` at most.
    """

    file: str = ""
    handler: str = DEFAULT_HANDLER
    folder: str = ""
    python: str = ""
    environment: dict[str, str] = {}
    pass_environment: tuple[str, ...] = ()
    timeout_seconds: float = 8.0
    memory_mb: int = 256
    processes: int = 2

    @property
    def working_folder(self) -> str:
        """Where code is imported from."""
        return self.folder or str(Path(self.file).parent)

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if self.file:
            _check_path("file", self.file)
            stem = Path(self.file).stem
            if not _IDENTIFIER.fullmatch(self.handler.removeprefix(f"{stem}.")):
                raise InvalidInput(
                    "not the name of a function in that file",
                    field="handler",
                    expected=f"such as {DEFAULT_HANDLER}, or {stem}.{DEFAULT_HANDLER}",
                )
        elif not _MODULE_AND_FUNCTION.fullmatch(self.handler):
            raise InvalidInput(
                "names no module",
                field="handler",
                expected=f"module.function such as block.{DEFAULT_HANDLER}, or a file",
            )
        _check_path("folder", self.working_folder)
        if self.python:
            _check_path("python", self.python)
        _check_seconds(self.timeout_seconds)
        _check_range("memory_mb", self.memory_mb, *_MEMORY_MB)
        _check_range("processes", self.processes, 1, _MOST_PROCESSES)
        _check_environment(self.environment, self.pass_environment)


class HttpFunction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="http"):
    """An endpoint that is sent each event as JSON by POST, and answers with a JSON object.

    With a `secret` requests are signed as the Standard Webhooks specification has it. The values of
    `headers` and the secret are never shown: read, the values are null and `signed` says whether
    there is a secret; null written keeps what is stored, for the same server.
    """

    url: str
    headers: dict[str, str | None] = {}
    secret: str | None = None
    signed: bool = False
    timeout_seconds: float = 8.0

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        _check_url("url", self.url)
        _check_seconds(self.timeout_seconds)
        if len(self.headers) > 20:
            raise InvalidInput("too many", field="headers", expected="at most 20")
        for name, value in self.headers.items():
            _check_header(name, value)
        if self.secret is not None:
            from ringfence.webhook_signatures import signing_key

            if not 1 <= len(self.secret) <= 1024:
                raise InvalidInput(
                    "too long, or empty", field="secret", expected="1 to 1,024 characters"
                )
            signing_key(self.secret, "secret")


class LambdaFunction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="lambda"):
    """A function of AWS Lambda, invoked with the credentials that boto3 finds.

    `function` is its name or its ARN there, with `:ALIAS` where one is meant. `region` empty is the
    one of the ARN, or else the one that boto3 finds. `endpoint_url` is for what stands in for AWS.
    """

    function: str
    region: str = ""
    endpoint_url: str = ""
    timeout_seconds: float = 60.0

    def check(self) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if not _LAMBDA_NAME.fullmatch(self.function):
            raise InvalidInput(
                "not a function of AWS Lambda",
                field="function",
                expected="a name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME",
            )
        if self.region and not _REGION.fullmatch(self.region):
            raise InvalidInput(
                "not a region of AWS", field="region", expected="such as eu-central-1"
            )
        if self.endpoint_url:
            _check_url("endpoint_url", self.endpoint_url)
        _check_seconds(self.timeout_seconds)


Definition: TypeAlias = PythonFunction | HttpFunction | LambdaFunction


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function that is registered, as it may be shown."""

    name: str
    definition: Definition
    updated_at: datetime
    updated_by: str


def check_name(name: str) -> None:
    """Raise `InvalidInput` for what is no name of a function."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:100]!r} is not a name of a function",
            field="name",
            expected="1 to 64 letters, digits, hyphens and underscores, as the ARN in a flow has",
        )


def module_and_function(definition: PythonFunction) -> tuple[str, str]:
    """What is imported, and what is called in it. The module is empty where a file is named."""
    if definition.file:
        return "", definition.handler.rpartition(".")[2]
    module, _, function = definition.handler.rpartition(".")
    return module.replace("/", "."), function


def _check_environment(given: Mapping[str, str], passed: tuple[str, ...]) -> None:
    if len(given) + len(passed) > _MOST_VARIABLES:
        raise InvalidInput("too many", field="environment", expected=f"at most {_MOST_VARIABLES}")
    for field, names in (("environment", tuple(given)), ("pass_environment", passed)):
        for name in names:
            if not _VARIABLE.fullmatch(name) or name.upper().startswith(_OWN_VARIABLES):
                raise InvalidInput(
                    f"{name[:100]!r} is not a variable that a function may have",
                    field=field,
                    expected=f"a name such as TABLE_NAME, not beginning with {_OWN_VARIABLES}",
                )
    for name, value in given.items():
        if "\0" in value or len(value) > 4096:
            raise InvalidInput(
                "not the value of a variable",
                field=f"environment.{name}",
                expected="4,096 characters at most",
            )


def _check_path(field: str, path: str) -> None:
    if not Path(path).is_absolute() or "\0" in path or len(path) > 4096:
        raise InvalidInput(
            f"{path[:200]!r} is not an absolute path",
            field=field,
            expected="a path from the root, as the server sees it",
        )


def _check_seconds(seconds: float) -> None:
    if not 0 < seconds <= LONGEST_SECONDS:
        raise InvalidInput(
            "out of range",
            field="timeout_seconds",
            expected=f"above 0, {LONGEST_SECONDS:g} at most",
        )


def _check_range(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInput("out of range", field=field, expected=f"{least} to {most}")


def _check_url(field: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url or len(url) > 2048:
        raise InvalidInput(
            "not an address",
            field=field,
            expected="http:// or https://, a host and a path, 2,048 characters at most",
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "holds a name or password, and addresses are shown",
            field=field,
            expected="an address without them; a header may hold a secret",
        )


def _check_header(name: str, value: str | None) -> None:
    if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
        raise InvalidInput(
            f"{name[:100]!r} is not a header that can be set",
            field="headers",
            expected="a name such as Authorization, none of " + ", ".join(sorted(_OWN_HEADERS)),
        )
    if value is not None and not (
        value.isascii() and value.isprintable() and 0 < len(value) <= 4096
    ):
        raise InvalidInput(
            "not the value of a header",
            field=f"headers.{name}",
            expected="1 to 4,096 printable ASCII characters",
        )
