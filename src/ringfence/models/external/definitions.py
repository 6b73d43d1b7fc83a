"""What an external model is: what it looks at, what it gives, and where it runs.

Pure declarations and their checks. A model is a file in ONNX, which runs in our process, or an HTTP
endpoint, which is asked. The words for an endpoint's bodies are those of Amazon Fraud Detector's
`PutExternalModel`. What is in a file, and whether an endpoint answers, is for others to find out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import NAME_PATTERN, EventType
from ringfence.events.variables import Value, Variable, coerce
from ringfence.models.external.pictures import Picture
from ringfence.models.external.templates import Template

MAX_INPUTS, MAX_OUTPUTS, MAX_TIMEOUT_SECONDS = 500, 20, 30.0
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection"}
)
# The names of the scores of our own models end so.
_RESERVED_ENDING = "_insightscore"


class ExternalKind(StrEnum):
    """Where a model runs: in our process, from a file; or elsewhere, behind an address."""

    ONNX = "ONNX"
    HTTP = "HTTP"


class Scale(StrEnum):
    """What an output is: a probability of fraud, which becomes a score of 0-1000, or a number that
    rules see as it is."""

    PROBABILITY = "PROBABILITY"
    AS_IS = "AS_IS"


class OnFailure(StrEnum):
    """What happens to a decision whose external model cannot say anything: it goes on with the
    fallback, or it is refused, so that the client tries again."""

    FALLBACK = "FALLBACK"
    REFUSE = "REFUSE"


class RequestFormat(StrEnum):
    """How an event is written to an endpoint."""

    APPLICATION_JSON = "APPLICATION_JSON"
    TEXT_CSV = "TEXT_CSV"


class ReplyFormat(StrEnum):
    """How an endpoint answers: JSON, one document or one a line; or comma-separated values."""

    APPLICATION_JSONLINES = "APPLICATION_JSONLINES"
    TEXT_CSV = "TEXT_CSV"


class ExternalInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable of the event, and where it goes.

    `input` names the input of the ONNX model, which may be left out when it has only one, or the
    key of the JSON object. Variables that share an input fill its columns in the order in which
    they are declared. `default` stands in where an event has no value. `codes` are the numbers that
    stand for texts; a text without a code counts as missing. `picture` reads the variable as one.
    """

    variable: str
    input: str = ""
    default: Value = None
    codes: dict[str, float] | None = None
    picture: Picture | None = None


class ExternalOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that the model gives, and the `variable` by which rules name it.

    `key` is the name of the ONNX output (the last one if left out), the JSON key, with dots into
    nested documents, or the number of the CSV column, from 0. `column` chooses one of the columns
    of an ONNX output, the last when left out. `fallback` is what rules see when the model has
    failed, on the scale that rules see; None means that the value is missing.
    """

    variable: str
    key: str = ""
    column: int | None = None
    scale: Scale = Scale.PROBABILITY
    fallback: float | None = None


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
    one request tries whether it answers again.
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


class ExternalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was made elsewhere, for events of one type.

    `sha256` and `size_bytes` are of the ONNX file; `endpoint` is None for one.
    """

    name: str
    event_type: str
    kind: ExternalKind
    inputs: tuple[ExternalInput, ...] = ()
    outputs: tuple[ExternalOutput, ...] = ()
    endpoint: Endpoint | None = None
    on_failure: OnFailure = OnFailure.FALLBACK
    description: str = ""
    sha256: str | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The output variables, by which rules name what it gives."""
        return tuple(output.variable for output in self.outputs)

    @property
    def fallbacks(self) -> dict[str, float]:
        """What rules see when the model has failed; a variable without fallback is left out."""
        return {o.variable: o.fallback for o in self.outputs if o.fallback is not None}

    def completed(self) -> ExternalModel:
        """The model with an output, `<name>_score`, if it declares none."""
        if self.outputs:
            return self
        key = ""
        if self.endpoint is not None:
            key = "0" if self.endpoint.reply_format is ReplyFormat.TEXT_CSV else "score"
        output = ExternalOutput(variable=f"{self.name.replace('-', '_')}_score", key=key)
        return msgspec.structs.replace(self, outputs=(output,))

    def check(self, event_type: EventType) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if not NAME_PATTERN.fullmatch(self.name):
            raise InvalidInput(
                "not a name for an external model",
                field="name",
                expected="1 to 64 of 0-9 a-z _ -",
            )
        if len(self.description) > 256:
            raise InvalidInput("too long", field="description", expected="at most 256 characters")
        if self.endpoint is None and self.kind is ExternalKind.HTTP:
            raise InvalidInput("missing", field="endpoint", expected="an endpoint with its url")
        if self.endpoint is not None and self.kind is ExternalKind.ONNX:
            raise InvalidInput(
                "an ONNX model has no endpoint", field="endpoint", expected="null, or kind HTTP"
            )
        variables = {variable.name: variable for variable in event_type.variables}
        _check_inputs(self, variables)
        _check_outputs(self, variables)
        if self.endpoint is not None:
            _check_endpoint(self.endpoint, variables, has_inputs=bool(self.inputs))


def _check_inputs(model: ExternalModel, variables: Mapping[str, Variable]) -> None:
    if len(model.inputs) > MAX_INPUTS:
        raise InvalidInput("too many", field="inputs", expected=f"at most {MAX_INPUTS}")
    if not model.inputs and model.kind is ExternalKind.ONNX:
        raise InvalidInput("no input", field="inputs", expected="the variables that it looks at")
    for number, given in enumerate(model.inputs):
        field = f"inputs.{number}"
        variable = variables.get(given.variable)
        if variable is None:
            raise InvalidInput(
                f"the event type has no variable {given.variable!r}",
                field=f"{field}.variable",
                expected="one of " + ", ".join(variables),
            )
        if given.picture is not None:
            if model.kind is not ExternalKind.ONNX:
                raise InvalidInput(
                    "an endpoint gets the variable as it is", field=f"{field}.picture"
                )
            if given.default is not None or given.codes is not None:
                raise InvalidInput(
                    "a picture has neither default nor codes", field=f"{field}.picture"
                )
            given.picture.check(f"{field}.picture")
        elif given.codes is not None and not given.codes:
            raise InvalidInput("no code", field=f"{field}.codes", expected="a number for each text")
        elif given.codes is None:
            try:
                coerce(variable, given.default)
            except InvalidInput as error:
                raise InvalidInput(
                    error.message, field=f"{field}.default", expected=error.expected
                ) from None
        elif isinstance(given.default, str):
            raise InvalidInput(
                "is not a code", field=f"{field}.default", expected="a number, or null"
            )


def _check_outputs(model: ExternalModel, variables: Mapping[str, Variable]) -> None:
    if not model.outputs or len(model.outputs) > MAX_OUTPUTS:
        raise InvalidInput(
            f"{len(model.outputs)} given", field="outputs", expected=f"1 to {MAX_OUTPUTS}"
        )
    if len(set(model.variables)) != len(model.outputs):
        raise InvalidInput("a variable is named twice", field="outputs")
    csv = model.endpoint is not None and model.endpoint.reply_format is ReplyFormat.TEXT_CSV
    for number, output in enumerate(model.outputs):
        field = f"outputs.{number}"
        if not _VARIABLE_NAME.fullmatch(output.variable):
            raise InvalidInput(
                "not a variable name",
                field=f"{field}.variable",
                expected="letters, digits and _, not starting with a digit, 64 at most",
            )
        if output.variable in variables or output.variable.endswith(_RESERVED_ENDING):
            raise InvalidInput(
                f"{output.variable!r} is the name of something else",
                field=f"{field}.variable",
                expected=f"no variable of the event type, and no name in {_RESERVED_ENDING}",
            )
        if csv and not re.fullmatch(r"[0-9]{1,3}", output.key):
            raise InvalidInput(
                "not a column", field=f"{field}.key", expected="the number of a column, from 0"
            )
        if model.endpoint is not None and not output.key:
            raise InvalidInput("empty", field=f"{field}.key", expected="a key of the JSON reply")
        if output.column is not None and model.kind is not ExternalKind.ONNX:
            raise InvalidInput(
                "is for ONNX models", field=f"{field}.column", expected="null; the key says all"
            )
        if (
            output.fallback is not None
            and output.scale is Scale.PROBABILITY
            and not 0 <= output.fallback <= 1000
        ):
            raise InvalidInput(
                "out of range", field=f"{field}.fallback", expected="a score from 0 to 1000"
            )


def _check_endpoint(
    endpoint: Endpoint, variables: Mapping[str, Variable], *, has_inputs: bool
) -> None:
    _check_url(endpoint.url)
    _check_headers(endpoint.headers)
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
