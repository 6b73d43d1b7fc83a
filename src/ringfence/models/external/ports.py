"""The inputs of an ONNX model: which variables fill them, and whether those fit.

A mapping is checked against what the file declares, input by input, before anything is run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput
from ringfence.events.variables import DataType, Value
from ringfence.models.external.definitions import ExternalInput, ExternalModel
from ringfence.models.external.pictures import Layout, NotReadable, Picture

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


class Port:
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


def ports_of(
    model: ExternalModel, inputs: Sequence[Any], data_types: Mapping[str, DataType]
) -> list[Port]:
    """The inputs of a model and what is mapped to them; `inputs` are as ONNX Runtime has them.

    Raises `InvalidInput` naming the mapping that does not fit.
    """
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
) -> Port:
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
    return Port(name, kind, shape, [one for _, one in given])


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


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _shape(shape: Sequence[Any]) -> str:
    return "(" + ", ".join(str(part) if part is not None else "?" for part in shape) + ")"
