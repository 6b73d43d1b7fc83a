from __future__ import annotations

import pytest
from synthetic_payments import EVENT_TYPE, payments, write

from ringfence.models import DataSet, Trained, read_data, train


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    path = write(payments(3_000), tmp_path_factory.mktemp("data") / "payments.csv")
    return read_data(path, EVENT_TYPE)


@pytest.fixture(scope="session")
def trained(data: DataSet) -> Trained:
    return train(data, seed=7)
