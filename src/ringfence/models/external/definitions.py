"""What an external model is: what it looks at, what it gives, and where it runs.

Pure declarations and their checks. A model is a file in ONNX, which runs in our process, or an HTTP
endpoint, which is asked. What is in a file, and whether an endpoint answers, is for others to find
out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType
from ringfence.events.variables import Value, Variable, coerce
from ringfence.models.external.endpoint import Endpoint, ReplyFormat, check_endpoint
from ringfence.models.external.pictures import Picture

MAX_INPUTS, MAX_OUTPUTS = 500, 20
_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
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


class Association(msgspec.Struct, frozen=True, kw_only=True):
    """What a client of Amazon Fraud Detector said of the model, to be shown as it was said.

    `role` is what it would be invoked with there. One that is not `associated` is not asked, and a
    decision that needs it is refused. A model that is `adopted` was defined otherwise before and is
    asked as it was.
    """

    role: str
    associated: bool
    input: dict[str, Any]
    output: dict[str, Any]
    adopted: bool = False


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


class ExternalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was made elsewhere, for events of one type; one whose body the client sends
    may be for events of any type, and `event_type` is empty then.

    `association` is None for a model that no client of Fraud Detector has put here. `sha256` and
    `size_bytes` are of the ONNX file; `endpoint` is None for one.
    """

    name: str
    event_type: str
    kind: ExternalKind
    inputs: tuple[ExternalInput, ...] = ()
    outputs: tuple[ExternalOutput, ...] = ()
    endpoint: Endpoint | None = None
    on_failure: OnFailure = OnFailure.FALLBACK
    description: str = ""
    association: Association | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The output variables, by which rules name what it gives."""
        return tuple(output.variable for output in self.outputs)

    @property
    def is_associated(self) -> bool:
        """Whether it may be asked."""
        return self.association is None or self.association.associated

    def is_for(self, event_type: str) -> bool:
        """Whether it can be asked about events of this type."""
        return self.event_type in ("", event_type)

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

    def check(self, event_type: EventType | None) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit. `event_type` is None for
        events of any type."""
        if not _NAME.fullmatch(self.name):
            raise InvalidInput(
                "not a name for an external model",
                field="name",
                expected="1 to 64 of 0-9 A-Z a-z _ -",
            )
        if event_type is None and (self.endpoint is None or self.endpoint.use_event_variables):
            raise InvalidInput(
                "missing",
                field="event_type",
                expected="the type of the events at whose variables it looks",
            )
        if len(self.description) > 256:
            raise InvalidInput("too long", field="description", expected="at most 256 characters")
        if self.endpoint is None and self.kind is ExternalKind.HTTP:
            raise InvalidInput("missing", field="endpoint", expected="an endpoint with its url")
        if self.endpoint is not None and self.kind is ExternalKind.ONNX:
            raise InvalidInput(
                "an ONNX model has no endpoint", field="endpoint", expected="null, or kind HTTP"
            )
        known = () if event_type is None else event_type.variables
        variables = {variable.name: variable for variable in known}
        _check_inputs(self, variables)
        _check_outputs(self, variables)
        if self.endpoint is not None:
            check_endpoint(self.endpoint, variables, has_inputs=bool(self.inputs))


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
