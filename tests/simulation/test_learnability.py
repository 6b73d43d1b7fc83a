"""Whether the world is worth learning from: hard enough, not too hard, and the example stands out.

A small model of plain columns, apart from our own, so that the world is not judged by the room that
learns from it.
"""

from __future__ import annotations

import json

import lightgbm
import numpy as np
import polars as pl
import pytest

from ringfence.examples import read_example
from ringfence.simulation import VARIABLES, Options, generate

CODES = ("cvv", "signature_image", "transaction_type", "transaction_env", "currency")


def features(frame: pl.DataFrame) -> np.ndarray:
    amount, adjusted = pl.col("transaction_amt"), pl.col("transaction_adj_amt")
    area = pl.col("phone_number").str.extract(r"^\+?1?[-(]?(\d{3})")
    columns = [
        amount.log(),
        (adjusted / amount).alias("adjusted"),
        pl.col("ip_address").str.extract(r"^(\d+)\.").cast(pl.Float64),
        pl.col("ip_address").str.extract(r"^\d+\.(\d+)").cast(pl.Float64).alias("second"),
        pl.col("billing_postal").str.slice(0, 3).cast(pl.Float64, strict=False),
        pl.col("billing_state").hash(1).mod(1_009).cast(pl.Float64),
        area.cast(pl.Float64, strict=False),
        pl.col("email_address").str.contains("example").cast(pl.Float64),
        *(pl.col(name).hash(1).mod(1_009).cast(pl.Float64) for name in CODES),
    ]
    return frame.select(columns).to_numpy()


def area_under_curve(is_fraud: np.ndarray, scores: np.ndarray) -> float:
    ranks = np.argsort(np.argsort(scores)) + 1
    frauds = int(is_fraud.sum())
    above = ranks[is_fraud].sum() - frauds * (frauds + 1) / 2
    return float(above / (frauds * (~is_fraud).sum()))


@pytest.fixture(scope="module")
def judged() -> tuple[np.ndarray, np.ndarray, float]:
    frame = generate(Options(transactions=12_000, fraud_share=0.05, seed=9))
    is_fraud = (frame["EVENT_LABEL"] == "fraud").to_numpy()
    matrix = features(frame)
    model = lightgbm.train(
        {"objective": "binary", "num_leaves": 15, "verbose": -1, "num_threads": 1, "seed": 0},
        lightgbm.Dataset(matrix[:9_000], is_fraud[:9_000]),
        num_boost_round=60,
    )
    sent = json.loads(read_example("transaction.json"))["transaction"]
    example = pl.DataFrame({name: [sent.get(name)] for name in VARIABLES}).with_columns(
        pl.col("transaction_amt", "transaction_adj_amt").cast(pl.Float64)
    )
    scores = np.asarray(model.predict(matrix[9_000:]))
    return is_fraud[9_000:], scores, float(np.asarray(model.predict(features(example)))[0])


def test_fraud_can_be_told_from_legitimate_payments_but_not_always(judged):
    is_fraud, scores, _ = judged
    assert 0.85 < area_under_curve(is_fraud, scores) < 0.995


def test_the_article_s_transaction_lies_well_inside_what_fraud_looks_like(judged):
    is_fraud, scores, example = judged
    assert example > np.quantile(scores[~is_fraud], 0.95)
    assert example > np.median(scores[is_fraud])
