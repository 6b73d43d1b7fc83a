"""The peer: what a decision costs when it is only a score, and what a request costs at all.

`POST /predict` is a plain FastAPI route that parses a JSON body of 40 numbers and has LightGBM
predict that one row with 300 trees. `/empty` is an empty reply of the same server, without a
framework: the limit.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import uvicorn
from fastapi import FastAPI, Request

FEATURES = 40
TREES = 300

_Message = MutableMapping[str, Any]


def write_model(path: Path) -> None:
    """Train and write the model: noise and two features that matter, so that all trees are full."""
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(10_000, FEATURES))
    fraud = rows[:, 0] + rows[:, 1] + chance.normal(size=len(rows)) > 2
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 31, "verbosity": -1, "learning_rate": 0.02},
        lightgbm.Dataset(rows, fraud),
        num_boost_round=TREES,
    )
    booster.save_model(path)


def serve(port: int, model: Path) -> None:
    """Serve until told to stop."""
    booster = lightgbm.Booster(model_file=model)
    framework = FastAPI(openapi_url=None)

    @framework.post("/predict")
    async def predict(request: Request) -> dict[str, float]:
        document = await request.json()
        row = np.array([document["features"]], dtype=np.float64)
        return {"score": float(booster.predict(row, num_threads=1)[0])}

    async def application(
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        if scope.get("path") == "/empty":
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [(b"content-length", b"0")],
                }
            )
            await send({"type": "http.response.body", "body": b""})
        else:
            await framework(scope, receive, send)

    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]))
