from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest
from synthetic_payments import features_matrix

from ringfence.errors import Unavailable
from ringfence.models import DataSet, Trained
from ringfence.models.steps import TIME_INPUT, steps_for
from ringfence.models.trees import Trees


@pytest.fixture(scope="module")
def matrix(data: DataSet, trained: Trained) -> np.ndarray:
    columns = {name: data.frame[name].to_list()[:200] for name in data.frame.columns}
    assert TIME_INPUT in columns
    return features_matrix(
        steps_for(trained.artifact.variables), columns, trained.artifact.encodings
    )


def test_scores_are_those_of_lightgbm(trained: Trained, matrix: np.ndarray) -> None:
    trees = Trees(trained.artifact.trees)
    expected = lightgbm.Booster(model_str=trained.artifact.trees).predict(matrix, raw_score=True)
    assert list(trees.log_odds(matrix.ravel().tolist(), len(matrix))) == list(expected)
    assert [trees.log_odds(row.tolist(), 1)[0] for row in matrix] == list(expected)


def test_contributions_are_those_of_lightgbm(trained: Trained, matrix: np.ndarray) -> None:
    trees = Trees(trained.artifact.trees)
    expected = lightgbm.Booster(model_str=trained.artifact.trees).predict(
        matrix[:3], pred_contrib=True
    )
    for row, added in zip(matrix[:3], expected, strict=True):
        assert list(trees.contributions(row.tolist())) == pytest.approx(list(added))


def test_threads_do_not_disturb_each_other(trained: Trained, matrix: np.ndarray) -> None:
    trees = Trees(trained.artifact.trees)
    rows = [row.tolist() for row in matrix] * 5
    alone = [trees.log_odds(row, 1)[0] for row in rows]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda row: trees.log_odds(row, 1)[0], rows)) == alone


def test_a_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(Unavailable, match="LightGBM"):
        Trees("not a model")


def test_a_row_of_another_width_is_refused(trained: Trained) -> None:
    trees = Trees(trained.artifact.trees)
    for rows in (1, 2):
        with pytest.raises(ValueError, match="values"):
            trees.log_odds([1.0], rows)
