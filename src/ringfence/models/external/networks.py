"""ONNX models in our process, run by ONNX Runtime: checked when imported, then asked.

A file was made by somebody else: it is run on one thread, by the runtime's own operators only, and
what it says is checked like what an endpoint says. ONNX Runtime is an extra and is imported when
the first model is loaded.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput, Unavailable
from ringfence.events.variables import DataType, Value
from ringfence.models.external.answers import Answer, Unreadable, failed, scaled
from ringfence.models.external.definitions import ExternalInput, ExternalModel
from ringfence.models.external.pictures import Layout, Picture
from ringfence.models.external.png import NotReadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KINDS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
}
_WHOLE = frozenset({"int64", "int32", "uint8"})
_TEXTS = frozenset({DataType.STRING, DataType.DATETIME})


class Network:
    """An ONNX model ready to be asked. Safe to use from several threads.

    `data_types` are those of the event type's variables. Raises `InvalidInput` naming the input
    that does not fit, `Unavailable` when ONNX Runtime is not installed.
    """

    def __init__(self, model: ExternalModel, content: bytes, data_types: Mapping[str, DataType]):
        self.model = model
        self._session = _session(content)
        self._ports = _ports(model, self._session.get_inputs(), data_types)
        self._outputs = _outputs(model, [o.name for o in self._session.get_outputs()])
        self._names = list(dict.fromkeys(name for name, _ in self._outputs))
        # A model whose first axis has a fixed length takes one event at a time.
        self._at_once = 1 if any(port.fixed for port in self._ports) else 512
        self.is_slow = any(given.picture is not None for given in model.inputs)
        """Whether it is better asked before the transaction that decides than within it."""

    def ask(self, rows: Sequence[Mapping[str, Value]]) -> list[Answer]:
        """The answer about each event, of which `rows` are the variables."""
        answers: list[Answer] = []
        for start in range(0, len(rows), self._at_once):
            answers += self._ask(rows[start : start + self._at_once])
        return answers

    def try_out(self) -> None:
        """Run it on an event that has nothing but defaults. Raises `InvalidInput` when it cannot be
        run, or gives what was not declared."""
        self._run([{}] * min(2, self._at_once), raising=True)

    def _ask(self, rows: Sequence[Mapping[str, Value]]) -> list[Answer]:
        try:
            return self._run(rows)
        except InvalidInput as error:
            if len(rows) == 1:
                return [failed(self.model, error.message)]
        # One event that cannot be taken must not fail the others.
        return [self._ask([row])[0] for row in rows]

    def _run(self, rows: Sequence[Mapping[str, Value]], *, raising: bool = False) -> list[Answer]:
        feeds = {port.name: port.filled(rows, blank=raising) for port in self._ports}
        try:
            results = self._session.run(self._names, feeds)
        except Exception as error:  # ONNX Runtime has a family of its own for each cause
            raise InvalidInput(
                "the model cannot be run" + (f": {_first_line(error)}" if raising else ""),
                field="content",
            ) from error
        found = dict(zip(self._names, results, strict=True))
        answers = []
        for number in range(len(rows)):
            values: dict[str, float] = {}
            try:
                for output, (name, column) in zip(self.model.outputs, self._outputs, strict=True):
                    values[output.variable] = scaled(
                        output, _element(found[name], number, len(rows), column)
                    )
            except Unreadable as error:
                if raising and "finite" not in str(error):
                    raise InvalidInput(
                        f"on defaults, {error}",
                        field="outputs",
                        expected="what is declared, or scale AS_IS",
                    ) from None
                answers.append(failed(self.model, str(error)))
            else:
                answers.append(Answer(values))
        return answers


class _Port:
    """One input of the model, and the variables that fill it."""

    def __init__(self, name: str, kind: str, shape: Sequence[Any], given: Sequence[ExternalInput]):
        self.name = name
        self._kind = kind
        self._given = tuple(given)
        self.fixed = bool(shape) and shape[0] == 1
        self._rank = len(shape)
        self._picture = given[0].picture

    def filled(self, rows: Sequence[Mapping[str, Value]], *, blank: bool) -> NDArray[Any]:
        """The values of the events. `blank` takes a black picture where there is none."""
        import numpy as np

        picture = self._picture
        if picture is not None:
            shown = [
                picture.black() if blank else self._seen(picture, self._given[0].variable, row)
                for row in rows
            ]
            shapes = {2: (len(rows), -1), 3: (len(rows), picture.height, picture.width)}
            stacked = np.stack(shown).astype(self._kind)
            return stacked.reshape(shapes.get(self._rank, stacked.shape))
        table = [[self._value(given, row) for given in self._given] for row in rows]
        try:
            array = np.array(table, dtype=self._kind)
        except (ValueError, TypeError, OverflowError):
            raise InvalidInput(f"a value does not fit input {self.name!r}") from None
        return array.reshape(len(rows)) if self._rank == 1 else array

    def _seen(
        self, picture: Picture, variable: str, row: Mapping[str, Value]
    ) -> NDArray[np.float32]:
        value = row.get(variable)
        if value is None or value == "":
            raise InvalidInput(f"there is no picture in {variable}")
        try:
            return picture.read(str(value))
        except NotReadable as error:
            raise InvalidInput(f"the picture in {variable} cannot be read: {error}") from None

    def _value(self, given: ExternalInput, row: Mapping[str, Value]) -> object:
        value = row.get(given.variable)
        if given.codes is not None and value is not None:
            value = given.codes.get(_text(value))
        if value is None:
            value = given.default
        if self._kind == "object":
            return "" if value is None else _text(value)
        if value is None:
            if self._kind in _WHOLE or self._kind == "bool":
                raise InvalidInput(f"there is no {given.variable}")
            return math.nan
        if self._kind in _WHOLE and isinstance(value, float) and not value.is_integer():
            raise InvalidInput(f"{given.variable} is not a whole number")
        return value


def _session(content: bytes) -> Any:
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        raise Unavailable(
            "ONNX Runtime is not installed",
            field="kind",
            expected='ONNX support, as installed by: pip install "ringfence[onnx]"',
        ) from None
    options = runtime.SessionOptions()
    # Decisions are made by several threads already.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidInput(
            f"ONNX Runtime cannot load the file: {_first_line(error)}",
            field="content",
            expected="a model in ONNX, in one file",
        ) from None


def _ports(
    model: ExternalModel, inputs: Sequence[Any], data_types: Mapping[str, DataType]
) -> list[_Port]:
    names = [port.name for port in inputs]
    by_name: dict[str, list[tuple[int, ExternalInput]]] = {name: [] for name in names}
    for number, given in enumerate(model.inputs):
        name = given.input or (names[0] if len(names) == 1 else "")
        if name not in by_name:
            raise InvalidInput(
                f"the model has no input {name!r}" if name else "the model has several inputs",
                field=f"inputs.{number}.input",
                expected="one of " + ", ".join(names),
            )
        by_name[name].append((number, given))
    return [_port(port, by_name[port.name], data_types) for port in inputs]


def _port(
    port: Any, given: Sequence[tuple[int, ExternalInput]], data_types: Mapping[str, DataType]
) -> _Port:
    name, shape = port.name, list(port.shape)
    if not given:
        raise InvalidInput(
            f"nothing is mapped to the model's input {name!r}",
            field="inputs",
            expected=f"a variable for {name!r}, which is {port.type} of shape {_shape(shape)}",
        )
    kind = _KINDS.get(port.type)
    field = f"inputs.{given[0][0]}"
    if kind is None:
        raise InvalidInput(
            f"the model's input {name!r} is {port.type}",
            field=field,
            expected="one of " + ", ".join(_KINDS),
        )
    if isinstance(shape[0] if shape else None, int) and shape[0] != 1:
        raise InvalidInput(
            f"the model's input {name!r} takes {shape[0]} events at once",
            field=field,
            expected="a first axis of any length, or of length 1",
        )
    if any(one.picture is not None for _, one in given):
        _check_picture(name, kind, shape, given)
    else:
        width = 1 if len(shape) == 1 else shape[1] if len(shape) == 2 else 0
        if width == 0 or (isinstance(width, int) and width != len(given)):
            raise InvalidInput(
                f"{len(given)} mapped to the model's input {name!r} of shape {_shape(shape)}",
                field=field,
                expected="as many variables as it has columns"
                if width
                else "a picture, for an input of this shape",
            )
        for number, one in given:
            _check_kind(name, kind, number, one, data_types[one.variable])
    return _Port(name, kind, shape, [one for _, one in given])


def _check_kind(
    name: str, kind: str, number: int, given: ExternalInput, data_type: DataType
) -> None:
    if kind == "object":
        return
    if data_type in _TEXTS and given.codes is None:
        raise InvalidInput(
            f"{given.variable} is {data_type}, and the model's input {name!r} takes numbers",
            field=f"inputs.{number}.codes",
            expected="a number for each text",
        )
    if kind in _WHOLE | {"bool"}:
        if data_type is DataType.FLOAT:
            raise InvalidInput(
                f"{given.variable} is FLOAT, and the model's input {name!r} takes whole numbers",
                field=f"inputs.{number}.variable",
                expected="a variable of type INTEGER or BOOLEAN, or a text with codes",
            )
        if given.default is None:
            raise InvalidInput(
                f"the model's input {name!r} has no way to say that {given.variable} is missing",
                field=f"inputs.{number}.default",
                expected="a whole number",
            )


def _check_picture(
    name: str, kind: str, shape: Sequence[Any], given: Sequence[tuple[int, ExternalInput]]
) -> None:
    number, first = given[0]
    picture = first.picture
    if picture is None or len(given) > 1:
        raise InvalidInput(
            f"a picture and something else are mapped to the model's input {name!r}",
            field=f"inputs.{number}",
            expected="one picture and nothing beside it",
        )
    sizes = [picture.channels, picture.height, picture.width]
    if picture.layout is Layout.CHANNELS_LAST:
        sizes = [*sizes[1:], sizes[0]]
    by_rank = {
        2: [picture.channels * picture.height * picture.width],
        3: [picture.height, picture.width] if picture.channels == 1 else [],
        4: sizes,
    }
    wanted = by_rank.get(len(shape), [])
    fits = len(wanted) == len(shape) - 1 and all(
        not isinstance(of_model, int) or of_model == size
        for of_model, size in zip(shape[1:], wanted, strict=True)
    )
    if not fits or kind in ("object", "bool"):
        raise InvalidInput(
            f"the model's input {name!r} is of shape {_shape(shape)}",
            field=f"inputs.{number}.picture",
            expected="a picture of the size, channels and layout that the model was made for",
        )


def _outputs(model: ExternalModel, names: Sequence[str]) -> list[tuple[str, int]]:
    found = []
    for number, output in enumerate(model.outputs):
        name = output.key or names[-1]
        if name not in names:
            raise InvalidInput(
                f"the model has no output {name!r}",
                field=f"outputs.{number}.key",
                expected="one of " + ", ".join(names),
            )
        found.append((name, -1 if output.column is None else output.column))
    return found


def _element(result: Any, number: int, count: int, column: int) -> object:
    """What an output has for one of the events: a tensor, or, as scikit-learn's classifiers give
    them, a list of probabilities by class."""
    if isinstance(result, list):
        if len(result) != count or not isinstance(result[number], dict):
            raise Unreadable("the output is neither a tensor nor a list of classes")
        values = list(result[number].values())
        found = values[column] if -len(values) <= column < len(values) else None
        if found is None:
            raise Unreadable(f"the output has no column {column}")
        return float(found)
    if not getattr(result, "ndim", 0) or result.shape[0] != count or not result.size:
        raise Unreadable("the output has no value for each event")
    flat = result.reshape(count, -1)
    if not -flat.shape[1] <= column < flat.shape[1]:
        raise Unreadable(f"the output has no column {column}")
    return flat[number, column].item()


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shape(shape: Sequence[Any]) -> str:
    return "(" + ", ".join(str(part) if part is not None else "?" for part in shape) + ")"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
