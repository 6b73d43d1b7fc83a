"""Make the example that scores pictures: `ringfence/examples/inspection.onnx` and two events.

    python -m bench.inspection_model

Invented pictures of card surfaces, 32 x 32 greys, half of them with a scratch. The network is a
convolution with edge and line filters, the largest and the mean answer of each, and a logistic
regression on those, learned here. The same file comes out every time.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

SIDE = 32
FOLDER = Path(__file__).parent.parent / "src/ringfence/examples"
FILTERS = np.array(
    [
        [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
        [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
        [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
        [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
        [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
        [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    ],
    dtype=np.float32,
)[:, None]


def picture(rng: np.random.Generator, scratched: bool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A card surface: a slope of light, a round hologram, grain; and a scratch if there is one."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    surface = rng.uniform(70, 150) + rows * rng.uniform(-50, 50) + columns * rng.uniform(-50, 50)
    centre = rng.uniform(0.2, 0.8, 2)
    distance = np.hypot(rows - centre[0], columns - centre[1])
    surface += rng.uniform(15, 45) * np.exp(-((distance / rng.uniform(0.15, 0.3)) ** 2))
    surface += rng.normal(0, rng.uniform(2, 6), surface.shape)
    if scratched:
        start, angle = rng.uniform(4, SIDE - 4, 2), rng.uniform(0, np.pi)
        depth = rng.choice((-1, 1)) * rng.uniform(6, 40)
        for step in np.arange(0, rng.uniform(8, 20), 0.5):
            row = round(start[0] + step * np.sin(angle))
            column = round(start[1] + step * np.cos(angle))
            if 0 <= row < SIDE and 0 <= column < SIDE:
                surface[row, column] += depth / 2
    return np.clip(surface, 0, 255).astype(np.uint8)


def features(pictures: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What the network's first layers give, computed as the network does."""
    windows = np.lib.stride_tricks.sliding_window_view(pictures / np.float32(255), (3, 3), (1, 2))
    answers = np.abs(np.einsum("nrcij,fij->nfrc", windows, FILTERS[:, 0]))
    return np.concatenate([answers.max((2, 3)), answers.mean((2, 3))], axis=1).astype(np.float32)


def network(weights: np.ndarray[Any, Any], bias: float) -> onnx.ModelProto:
    """The layers, with the learned last one."""
    node = helper.make_node
    nodes = [
        node("Conv", ["picture", "filters"], ["filtered"], kernel_shape=[3, 3]),
        node("Abs", ["filtered"], ["strength"]),
        node("ReduceMax", ["strength"], ["largest"], axes=[2, 3], keepdims=0),
        node("ReduceMean", ["strength"], ["mean"], axes=[2, 3], keepdims=0),
        node("Concat", ["largest", "mean"], ["features"], axis=1),
        node("Gemm", ["features", "weights", "bias"], ["log_odds"]),
        node("Sigmoid", ["log_odds"], ["scratched"]),
    ]
    graph = helper.make_graph(
        nodes,
        "inspection",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["events", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("scratched", TensorProto.FLOAT, ["events", 1])],
        [
            numpy_helper.from_array(FILTERS, "filters"),
            numpy_helper.from_array(weights.astype(np.float32).reshape(-1, 1), "weights"),
            numpy_helper.from_array(np.array([bias], dtype=np.float32), "bias"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="ringfence"
    )
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def event(surface: np.ndarray[Any, np.dtype[np.uint8]], event_id: str) -> bytes:
    """An event with the picture as a PGM file in base64."""
    pgm = f"P5 {SIDE} {SIDE} 255\n".encode() + surface.tobytes()
    document = {
        "event_id": event_id,
        "variables": {"picture": base64.b64encode(pgm).decode(), "station": "embossing-2"},
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def main() -> None:
    """Learn, write the files, and say how well it does on pictures that it has not seen."""
    rng = np.random.default_rng(7)
    truth = np.arange(4_000) % 2 == 1
    pictures = np.stack([picture(rng, bool(scratched)) for scratched in truth])
    seen, fresh = slice(0, 3_000), slice(3_000, None)
    found = features(pictures)
    spread, middle = found[seen].std(0), found[seen].mean(0)
    learned = LogisticRegression(C=10, max_iter=2_000).fit(
        (found[seen] - middle) / spread, truth[seen]
    )
    weights = learned.coef_[0] / spread
    bias = float(learned.intercept_[0] - weights @ middle)
    (FOLDER / "inspection.onnx").write_bytes(network(weights, bias).SerializeToString())
    sound = picture(np.random.default_rng(1), False)
    scratched = picture(np.random.default_rng(3), True)
    (FOLDER / "inspection-sound.json").write_bytes(event(sound, "card-0001"))
    (FOLDER / "inspection-scratched.json").write_bytes(event(scratched, "card-0002"))
    log_odds = found[fresh] @ weights + bias
    print(f"AUC on {len(log_odds)} unseen pictures: {roc_auc_score(truth[fresh], log_odds):.3f}")
    for name, surface in (("sound", sound), ("scratched", scratched)):
        odds = features(surface[None])[0] @ weights + bias
        print(f"{name}: {1000 / (1 + np.exp(-odds)):.0f}")


if __name__ == "__main__":
    main()
