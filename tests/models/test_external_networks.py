"""ONNX files: what is checked when one is imported, and what comes of asking it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, load_from_string, numpy_helper

from ringfence.errors import InvalidInput
from ringfence.events import DataType
from ringfence.models.external import (
    ExternalInput,
    ExternalKind,
    ExternalModel,
    ExternalOutput,
    Layout,
    Network,
    Picture,
    Scale,
)

TYPES = {
    "amount": DataType.FLOAT,
    "age": DataType.INTEGER,
    "merchant": DataType.STRING,
    "known": DataType.BOOLEAN,
}


def onnx(
    nodes: Sequence[Any],
    inputs: dict[str, tuple[int, list[Any]]],
    outputs: Sequence[str],
    opset: int = 17,
    **data: Any,
) -> bytes:
    """A file of these nodes."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [
            helper.make_tensor_value_info(name, kind, shape)
            for name, (kind, shape) in inputs.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in data.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


def logistic(kind: int = TensorProto.FLOAT, columns: Any = 2, events: Any = "n") -> bytes:
    """1 / (1 + exp(-(first - second)))."""
    return onnx(
        [
            helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["f", "w"], ["z"]),
            helper.make_node("Sigmoid", ["z"], ["risk"]),
        ],
        {"x": (kind, [events, columns])},
        ["risk"],
        w=np.array([[1], [-1]], dtype=np.float32),
    )


def model(*inputs: ExternalInput, outputs: Sequence[ExternalOutput] = ()) -> ExternalModel:
    return ExternalModel(
        name="risk",
        event_type="card_payment",
        kind=ExternalKind.ONNX,
        inputs=inputs,
        outputs=tuple(outputs),
    ).completed()


AMOUNT = ExternalInput(variable="amount")
AGE = ExternalInput(variable="age", default=0)


def risk(answers: Sequence[Any]) -> list[float | None]:
    return [answer.values.get("risk_score") for answer in answers]


def test_variables_fill_the_columns_in_the_order_in_which_they_are_declared() -> None:
    network = Network(model(AMOUNT, AGE), logistic(), TYPES)
    other = Network(model(AGE, AMOUNT), logistic(), TYPES)
    rows = [{"amount": 2.0, "age": 1}, {"amount": 0.5}]
    expected = [1000 / (1 + np.exp(-1)), 1000 / (1 + np.exp(-0.5))]
    assert risk(network.ask(rows)) == pytest.approx(expected, rel=1e-5)
    assert risk(other.ask(rows)) == pytest.approx([1000 - of for of in expected], rel=1e-5)


def test_codes_stand_for_texts_and_an_unknown_text_is_missing() -> None:
    merchant = ExternalInput(variable="merchant", codes={"odd": 3.0, "fine": -3.0}, default=0.0)
    network = Network(model(merchant, AGE), logistic(), TYPES)
    found = risk(network.ask([{"merchant": name} for name in ("odd", "fine", "new", None)]))
    assert found == pytest.approx([952.57, 47.43, 500, 500], abs=0.01)


def test_what_the_model_cannot_say_of_one_event_does_not_fail_the_others() -> None:
    network = Network(
        model(AMOUNT, AGE, outputs=[ExternalOutput(variable="risk_score", fallback=321.0)]),
        logistic(),
        TYPES,
    )
    first, second = network.ask([{"amount": None}, {"amount": 0.0}])
    assert first.values == {"risk_score": 321.0}
    assert first.failure is not None
    assert "not a finite number" in first.failure
    assert (second.values, second.failure) == ({"risk_score": 500.0}, None)


def test_whole_numbers_stay_whole() -> None:
    whole = [AGE, ExternalInput(variable="known", default=False)]
    network = Network(model(*whole), logistic(TensorProto.INT64), TYPES)
    assert risk(network.ask([{"age": 1, "known": True}, {"age": None}])) == [500.0, 500.0]
    too_large = network.ask([{"age": 2**70}, {"age": 1, "known": True}])
    assert risk(too_large) == [None, 500.0]


def test_a_model_for_one_event_at_a_time_is_asked_one_by_one() -> None:
    network = Network(model(AMOUNT, AGE), logistic(events=1), TYPES)
    assert len(risk(network.ask([{"amount": 1.0}] * 5))) == 5


def test_texts_go_to_an_input_of_texts_and_several_inputs_are_fed() -> None:
    content = onnx(
        [
            helper.make_node("Equal", ["where", "home"], ["same"]),
            helper.make_node("Cast", ["same"], ["s"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["s", "much"], ["risk"]),
        ],
        {"much": (TensorProto.FLOAT, ["n"]), "where": (TensorProto.STRING, ["n"])},
        ["risk"],
        opset=19,
        home=np.array(["odd"], dtype=object),
    )
    network = Network(
        model(
            ExternalInput(variable="merchant", input="where"),
            ExternalInput(variable="amount", input="much"),
            outputs=[ExternalOutput(variable="risk_score", scale=Scale.AS_IS)],
        ),
        content,
        TYPES,
    )
    rows = [{"merchant": "odd", "amount": 70.0}, {"merchant": "fine", "amount": 70.0}]
    assert risk(network.ask(rows)) == [70.0, 0.0]


def test_a_classifier_as_scikit_learn_exports_it_gives_the_probability_of_the_last_class() -> None:
    content = onnx(
        [
            helper.make_node("MatMul", ["x", "w"], ["z"]),
            helper.make_node("Softmax", ["z"], ["p"]),
            helper.make_node(
                "ZipMap", ["p"], ["classes"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
            ),
        ],
        {"x": (TensorProto.FLOAT, ["n", 1])},
        ["p"],
        w=np.array([[0, 1]], dtype=np.float32),
    )
    parsed = load_from_string(content)
    parsed.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    parsed.graph.output.append(
        helper.make_value_info(
            "classes",
            helper.make_sequence_type_proto(
                helper.make_map_type_proto(
                    TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
                )
            ),
        )
    )
    for key, column in (("", None), ("classes", 1), ("p", -1)):
        network = Network(
            model(AMOUNT, outputs=[ExternalOutput(variable="risk_score", key=key, column=column)]),
            parsed.SerializeToString(),
            TYPES,
        )
        assert risk(network.ask([{"amount": 1.0}, {"amount": 0.0}])) == pytest.approx(
            [731.06, 500.0], abs=0.01
        )


@pytest.mark.parametrize(
    ("inputs", "content", "field", "said"),
    [
        ([AMOUNT], logistic(), "inputs.0", "1 mapped to the model's input 'x'"),
        ([AMOUNT, ExternalInput(variable="age", input="y")], logistic(), "inputs.1.input", "'y'"),
        ([AMOUNT, ExternalInput(variable="merchant")], logistic(), "inputs.1.codes", "STRING"),
        (
            [AMOUNT, AGE],
            logistic(TensorProto.INT64),
            "inputs.0.variable",
            "takes whole numbers",
        ),
        (
            [AGE, ExternalInput(variable="known")],
            logistic(TensorProto.INT64),
            "inputs.1.default",
            "no way to say that known is missing",
        ),
        ([AMOUNT, AGE], logistic(events=8), "inputs.0", "takes 8 events at once"),
        ([AMOUNT, AGE], logistic(TensorProto.UINT32), "inputs.0", "tensor\\(uint32\\)"),
        ([AMOUNT, AGE], b"not a model", "content", "cannot load the file"),
        (
            [ExternalInput(variable="merchant", picture=Picture(width=2, height=1)), AGE],
            logistic(),
            "inputs.0",
            "a picture and something else",
        ),
        (
            [ExternalInput(variable="merchant", picture=Picture(width=3, height=1))],
            logistic(),
            "inputs.0.picture",
            "of shape \\(n, 2\\)",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused_by_the_name_of_the_input(
    inputs: list[ExternalInput], content: bytes, field: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        Network(model(*inputs), content, TYPES)
    assert refused.value.field == field


def test_an_input_to_which_nothing_is_mapped_is_named_with_its_shape() -> None:
    content = onnx(
        [helper.make_node("Add", ["a", "b"], ["risk"])],
        {"a": (TensorProto.FLOAT, ["n", 1]), "b": (TensorProto.FLOAT, ["n", 1])},
        ["risk"],
    )
    with pytest.raises(InvalidInput, match="'b'") as refused:
        Network(model(ExternalInput(variable="amount", input="a")), content, TYPES)
    assert "(n, 1)" in str(refused.value)
    with pytest.raises(InvalidInput, match="several inputs"):
        Network(model(AMOUNT), content, TYPES)


def test_a_trial_run_finds_what_is_no_probability_and_a_column_that_is_not_there() -> None:
    amounts = [
        ExternalInput(variable="amount", default=5.0),
        ExternalInput(variable="age", default=3),
    ]
    content = onnx(
        [helper.make_node("MatMul", ["x", "w"], ["risk"])],
        {"x": (TensorProto.FLOAT, ["n", 2])},
        ["risk"],
        w=np.array([[1], [1]], dtype=np.float32),
    )
    with pytest.raises(InvalidInput, match="not a probability") as refused:
        Network(model(*amounts), content, TYPES).try_out()
    assert refused.value.field == "outputs"
    column = ExternalOutput(variable="risk_score", column=1, scale=Scale.AS_IS)
    with pytest.raises(InvalidInput, match="no column 1"):
        Network(model(*amounts, outputs=[column]), content, TYPES).try_out()
    with pytest.raises(InvalidInput, match="no output 'other'"):
        Network(
            model(*amounts, outputs=[ExternalOutput(variable="risk_score", key="other")]),
            content,
            TYPES,
        )


@pytest.mark.parametrize("layout", list(Layout))
def test_a_picture_goes_in_as_it_is_declared(layout: Layout) -> None:
    sizes = [3, 1, 2] if layout is Layout.CHANNELS_FIRST else [1, 2, 3]
    content = onnx(
        [helper.make_node("ReduceMax", ["x"], ["risk"], axes=[1, 2, 3], keepdims=0)],
        {"x": (TensorProto.FLOAT, ["n", *sizes])},
        ["risk"],
    )
    picture = Picture(width=2, height=1, channels=3, layout=layout)
    network = Network(model(ExternalInput(variable="merchant", picture=picture)), content, TYPES)
    network.try_out()
    assert network.is_slow
    answers = network.ask([{"merchant": "[0,0,51,0,0,0]"}, {"merchant": "?"}, {}])
    assert risk(answers) == [pytest.approx(200), None, None]
    assert "cannot be read" in (answers[1].failure or "")
    assert "no picture" in (answers[2].failure or "")


def test_without_onnx_runtime_it_is_said_how_to_install_it() -> None:
    code = """
import sys
sys.modules["onnxruntime"] = None
from ringfence.errors import Unavailable
from ringfence.models.external import ExternalModel, ExternalKind, Network
try:
    Network(ExternalModel(name="x", event_type="y", kind=ExternalKind.ONNX), b"", {})
except Unavailable as error:
    assert 'pip install "ringfence[onnx]"' in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_naming_external_models_loads_neither_runtime_nor_client() -> None:
    code = """
import sys, ringfence.detectors, ringfence.models.external
heavy = {"onnxruntime", "numpy", "httpx2", "lightgbm"} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
