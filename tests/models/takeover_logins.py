"""Generated logins, for the tests of models of takeovers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from ringfence.events import EventType
from ringfence.examples import read_example
from ringfence.models import DataSet, Trained, read_data
from ringfence.models.takeover.logins import login_variables, logins_of
from ringfence.profiles import History, replay
from ringfence.simulation.logins import LoginOptions, generate_logins

LOGIN = msgspec.json.decode(read_example("login_event_type.json"), type=EventType)


def world(
    labelled: float, *, share: float = 0.02, logins: int = 3_500, seed: int = 3
) -> pl.DataFrame:
    """Logins of 180 accounts over two months, with the column `takeover_pattern`."""
    return generate_logins(
        LoginOptions(
            logins=logins,
            accounts=180,
            days=60,
            takeover_share=share,
            labelled=labelled,
            seed=seed,
        ),
        with_pattern=True,
    )


def read(frame: pl.DataFrame, folder: Path) -> DataSet:
    """The data set of a table of logins."""
    path = folder / f"logins-{len(list(folder.iterdir()))}.csv"
    frame.drop("takeover_pattern", strict=False).write_csv(path)
    return read_data(path, LOGIN, labels_required=False)


def remembered_of(data: DataSet, trained: Trained) -> NDArray[np.float64]:
    """The profile values of all logins."""
    assert trained.artifact.plan is not None
    of = login_variables(data)
    logins = logins_of(data, of)
    return replay(
        trained.artifact.plan,
        History(
            at=logins.at.tolist(),
            variables={name: column.tolist() for name, column in logins.values.items()},
            entities={of.account: logins.account.tolist()},
        ),
    )
