from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ringfence.errors import InvalidInput
from ringfence.simulation import Options, generate, write


@pytest.fixture(scope="module")
def payments() -> pl.DataFrame:
    return generate(Options(transactions=2_000, seed=4))


def test_csv_and_parquet_give_back_the_table(tmp_path: Path, payments: pl.DataFrame):
    write(payments, tmp_path / "payments.csv")
    write(payments, tmp_path / "payments.PARQUET")
    assert pl.read_csv(tmp_path / "payments.csv", schema=payments.schema).equals(payments)
    assert pl.read_parquet(tmp_path / "payments.PARQUET").equals(payments)


def test_the_same_table_gives_the_same_bytes(tmp_path: Path, payments: pl.DataFrame):
    for suffix in ("csv", "parquet"):
        first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
        write(payments, first)
        write(generate(Options(transactions=2_000, seed=4)), second)
        assert first.read_bytes() == second.read_bytes()


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path, payments: pl.DataFrame):
    path = tmp_path / "payments.csv"
    path.write_text("old")
    write(payments, path)
    assert path.read_text().startswith("EVENT_ID,")
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_as_it_was(tmp_path: Path):
    path = tmp_path / "payments.csv"
    path.write_text("old")
    nested = pl.DataFrame({"a": [[1, 2]]})
    with pytest.raises(pl.exceptions.ComputeError):
        write(nested, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["payments.json", "payments", "payments.csv.gz", "missing/a.csv"])
def test_a_path_that_cannot_be_written_is_refused(
    tmp_path: Path, payments: pl.DataFrame, name: str
):
    with pytest.raises(InvalidInput) as refused:
        write(payments, tmp_path / name)
    assert refused.value.field == "path"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_file(tmp_path: Path, payments: pl.DataFrame):
    folder = tmp_path / "payments.csv"
    folder.mkdir()
    with pytest.raises(InvalidInput):
        write(payments, folder)
