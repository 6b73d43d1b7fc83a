"""ONNX models in our process, run by ONNX Runtime: checked when imported, then asked.

A file was made by somebody else: it is run on one thread, by the runtime's own operators only, and
what it says is checked like what an endpoint says. ONNX Runtime is an extra and is imported when
the first model is loaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from ringfence.errors import InvalidInput, Unavailable
from ringfence.events.variables import DataType, Value
from ringfence.models.external.answers import Answer, Unreadable, failed, scaled
from ringfence.models.external.definitions import ExternalModel
from ringfence.models.external.ports import ports_of


class Network:
    """An ONNX model ready to be asked. Safe to use from several threads.

    `data_types` are those of the event type's variables. Raises `InvalidInput` naming the input
    that does not fit, `Unavailable` when ONNX Runtime is not installed.
    """

    def __init__(self, model: ExternalModel, content: bytes, data_types: Mapping[str, DataType]):
        self.model = model
        self._session = _session(content)
        self._ports = ports_of(model, self._session.get_inputs(), data_types)
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


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
