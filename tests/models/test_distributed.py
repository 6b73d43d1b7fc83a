from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest

from ringfence.errors import InvalidInput, Unavailable
from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models import DataSet, Scorer, train
from ringfence.models.artifact import pack, unpack
from ringfence.models.boosting import Grower, Grown, best_trees, parameters_for
from ringfence.models.data import data_of
from ringfence.models.distributed import ClusterGrower, _sent, cluster_at, grown_on, losses_of
from ringfence.models.matrix import FeatureTable, feature_table
from ringfence.models.metrics import auc_range
from ringfence.models.splitting import Fold, split
from ringfence.models.trials import Recipe

_ROWS, _TREES = 30_000, 40
_EVENT_TYPE = EventType(
    name="payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL),
        *(Variable(f"measure_{n}", DataType.FLOAT, VariableType.NUMERIC) for n in range(4)),
    ),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with cluster_at("local:2") as client:
        yield client


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    chance = np.random.default_rng(5)
    measures = chance.normal(size=(4, _ROWS))
    shop = chance.integers(0, 60, _ROWS)
    log_odds = 1.5 * measures[0] + measures[1] * measures[2] + np.sin(shop * 1.0) - 2.5
    fraud = chance.random(_ROWS) < 1 / (1 + np.exp(-log_odds))
    at = pl.Series(1_767_225_600 + 60 * np.arange(_ROWS)) * 1_000_000
    frame = pl.DataFrame(
        {
            "EVENT_TIMESTAMP": at.cast(pl.Datetime("us", "UTC")),
            "EVENT_LABEL": pl.Series(fraud).cast(pl.Int8),
            "amount": np.round(np.exp(chance.normal(3, 1, _ROWS)), 2),
            "shop": [f"s{number}" for number in shop],
            **{f"measure_{number}": measure for number, measure in enumerate(measures)},
        }
    )
    data = data_of(frame, _EVENT_TYPE, source="made up")
    weights = np.where(np.arange(_ROWS) % 5 == 0, 0.5, 1.0)
    return feature_table(
        data, data.variables, None, split(data.rows), lambda _, __: None, weights=weights
    )


def _recipe(table: FeatureTable, **changed: float) -> Recipe:
    return Recipe(parameters_for(table.rows, remembering=False) | {"seed": 3} | changed)


def _learned(table: FeatureTable) -> np.ndarray:
    return np.arange(table.rows.start, table.rows.stop)


def _held_out(table: FeatureTable) -> np.ndarray:
    return np.arange(table.rows.held_out, len(table.is_fraud))


def _grown(grower: Grower, recipe: Recipe, trees: int = _TREES) -> Grown:
    grown = grower.grow(recipe, _learned(grower.table), trees)
    assert grown is not None
    return grown


# Without what is left to chance, only the bins differ: workers choose them from their own rows.
_NO_CHANCE = {"feature_fraction": 1.0, "bagging_fraction": 1.0, "bagging_freq": 0}


def test_two_workers_grow_an_equivalent_model(cluster: Any, table: FeatureTable) -> None:
    raw = []
    for grower in (Grower(table), ClusterGrower(table, cluster)):
        grown = _grown(grower, _recipe(table, learning_rate=0.06, **_NO_CHANCE))
        assert grown.boosters[0].num_trees() == _TREES
        raw.append(grower.raw(grown, _held_out(table), _TREES))
    assert len(cluster.scheduler_info()["workers"]) == 2
    is_fraud = table.is_fraud[_held_out(table)]
    local, spread = (auc_range(is_fraud, each)[0] for each in raw)
    assert spread == pytest.approx(local, abs=0.005)
    assert np.corrcoef(raw[0], raw[1])[0, 1] > 0.99
    top = [np.argsort(-each)[: len(each) // 100].tolist() for each in raw]
    assert len(set(top[0]) & set(top[1])) >= 0.75 * len(top[0])
    assert is_fraud[top[1]].mean() == pytest.approx(is_fraud[top[0]].mean(), abs=0.05)


def test_a_cluster_changes_no_more_than_another_seed(cluster: Any, table: FeatureTable) -> None:
    growers = (Grower(table), 3), (Grower(table), 4), (ClusterGrower(table, cluster), 3)
    raw = [
        grower.raw(_grown(grower, _recipe(table, seed=seed)), _held_out(table), _TREES)
        for grower, seed in growers
    ]
    alike = np.corrcoef(raw)
    assert alike[0, 2] > alike[0, 1] - 0.01
    is_fraud = table.is_fraud[_held_out(table)]
    local, _, spread = (auc_range(is_fraud, each)[0] for each in raw)
    assert spread == pytest.approx(local, abs=0.01)


def test_rows_lie_on_both_workers_and_are_gone_afterwards(
    cluster: Any, table: FeatureTable
) -> None:
    with _sent(table, cluster, _learned(table)) as shares:
        held = [cluster.gather(share.labels) for share in shares.values()]
        assert all(len(keys) > 0 for keys in cluster.has_what().values())
    counts = [sum(map(len, labels)) for labels in held]
    assert sum(counts) == len(_learned(table))
    assert min(counts) > 0.4 * sum(counts)
    deadline = time.monotonic() + 10
    while any(cluster.has_what().values()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(cluster.has_what().values())


def test_it_is_told_how_far_the_trees_are(cluster: Any, table: FeatureTable) -> None:
    told: list[tuple[int, int, int]] = []
    grower = ClusterGrower(table, cluster)
    grower.tell_trees = lambda *done: told.append(done)
    _grown(grower, _recipe(table))
    assert told[0] == (len(_learned(table)), 10, _TREES)


def test_the_same_seed_grows_the_same_trees_on_a_cluster(cluster: Any, table: FeatureTable) -> None:
    grower = ClusterGrower(table, cluster)
    texts = [_grown(grower, _recipe(table), 5).text(5) for _ in range(2)]
    assert texts[0] == texts[1]
    assert _grown(grower, _recipe(table, seed=4), 5).text(5) != texts[0]


def test_the_best_number_of_trees_is_found_on_the_judged_rows(
    cluster: Any, table: FeatureTable
) -> None:
    grower = ClusterGrower(table, cluster)
    rows = Fold(_learned(table), _held_out(table))
    fast = _recipe(table, learning_rate=0.5, bagging_fraction=1.0, feature_fraction=1.0)
    grown = grower.grow(fast, rows.learned, _TREES, judged=rows.judged)
    assert grown is not None
    assert len(grown.losses) == _TREES
    assert 1 < best_trees([(grown, rows)]) < _TREES
    near = Grower(table).grow(fast, rows.learned, _TREES, judged=rows.judged)
    assert near is not None
    # Of a model that stopped, LightGBM keeps the trees up to the best.
    losses = losses_of(near.boosters[0], table, rows.judged)
    assert losses == pytest.approx(near.losses[: len(losses)])
    assert (
        grower.grow(
            fast, rows.learned, 3, judged=rows.judged, behind=lambda trees, loss: trees == 2
        )
        is None
    )


def test_several_models_are_averaged(cluster: Any, table: FeatureTable) -> None:
    recipe = _recipe(table)
    several = Recipe(recipe.parameters, averaged=2)
    grown = _grown(ClusterGrower(table, cluster), several, 5)
    assert len({booster.model_to_string() for booster in grown.boosters}) == 2


@pytest.mark.parametrize("address", ["", "local", "local:0", "127.0.0.1:8786", "http://x:1"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="address of a Dask scheduler"), cluster_at(address):
        pass


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringfence.models.distributed._CONNECT_SECONDS", 1)
    with pytest.raises(Unavailable, match="answers at tcp"), cluster_at("tcp://127.0.0.1:9"):
        pass


def test_what_is_missing_is_said_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Unavailable) as caught, cluster_at("local:2"):
        pass
    assert "ringfence[dask]" in str(caught.value.expected)


def test_a_model_that_was_trained_on_a_cluster_scores_as_any_other(
    cluster: Any, data: DataSet
) -> None:
    told: list[str] = []
    trained = train(
        data,
        seed=1,
        grower=partial(ClusterGrower, client=cluster),
        progress=lambda share, what: told.append(what),
    )
    local = train(data, seed=1)
    assert trained.metrics.auc == pytest.approx(local.metrics.auc, abs=0.03)
    assert any("tree" in what for what in told)
    rows = data.frame.drop("EVENT_LABEL").to_dicts()
    ats = [row.pop("EVENT_TIMESTAMP") for row in rows]
    scores = [Scorer(unpack(pack(each.artifact))).score(rows, ats) for each in (trained, local)]
    assert np.corrcoef(scores)[0, 1] > 0.75
    assert "2 Dask workers" in grown_on(cluster).text
