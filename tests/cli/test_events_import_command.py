"""Events of a file are stored by one command, with their labels, and what does not fit is told."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from commands import Shell

from ringfence.storage import Database

FILE = "payments.csv"


@pytest.fixture
def payments(shell: Shell) -> Path:
    """Two hundred made-up payments."""
    said = shell.ringfence("simulate", FILE, "--transactions", "200", "--days", "20", "--seed", "3")
    assert said.code == 0, said
    return shell.folder / FILE


def test_a_file_is_imported_once_however_often(shell: Shell, payments: Path) -> None:
    count = len(list(csv.DictReader(payments.open())))
    first = shell.ringfence("events", "import", FILE)
    assert first.code == 0, first
    assert f"{count} events: {count} stored." in first.out
    again = shell.ringfence("events", "import", FILE)
    assert f"{count} events: {count} were stored already." in again.out
    assert _labels(shell) == count


def test_what_was_exported_is_imported_with_who_gave_its_labels(
    shell: Shell, payments: Path
) -> None:
    table = pl.read_csv(payments).with_columns(LABEL_SOURCE=pl.lit("phone"))
    table.write_csv(payments)
    shell.ringfence("events", "import", FILE)
    for name in ("out.csv", "out.parquet"):
        assert shell.ringfence("events", "export", name).code == 0
        said = shell.ringfence("events", "import", name, "--data-dir", f"of-{name}")
        assert "stored." in said.out, said
        copied = shell.ringfence("events", "export", f"again-{name}", "--data-dir", f"of-{name}")
        assert copied.code == 0, copied
    one, other = (pl.read_csv(shell.folder / name) for name in ("out.csv", "again-out.csv"))
    assert one.equals(other)
    assert one["LABEL_SOURCE"].unique().to_list() == ["phone"]
    parquet = [pl.read_parquet(shell.folder / f"{begin}out.parquet") for begin in ("", "again-")]
    assert parquet[0].equals(parquet[1])


def test_records_that_do_not_fit_are_shown_and_written(shell: Shell, payments: Path) -> None:
    lines = payments.read_text().splitlines()
    lines[2] = lines[2].replace("2026-", "year ", 1)
    lines[4] += ",more"
    payments.write_text("\n".join(lines))
    said = shell.ringfence("events", "import", FILE, "--errors", "refused.csv")
    assert said.code == 0, said
    assert "2 refused." in said.out
    assert "payments.csv, line 3, EVENT_TIMESTAMP: not a time" in said.out
    refused = list(csv.DictReader((shell.folder / "refused.csv").open()))
    assert [(row["LINE"], row["COLUMN"]) for row in refused] == [
        ("3", "EVENT_TIMESTAMP"),
        ("5", ""),
    ]


def test_a_file_of_nothing_but_faults_fails(shell: Shell, payments: Path) -> None:
    header, row, *_ = payments.read_text().splitlines()
    payments.write_text("\n".join([header, *[row.replace("2026-", "year ", 1)] * 8]))
    said = shell.ringfence("events", "import", FILE)
    assert said.code == 1
    assert "8 events: 8 refused." in said.out
    assert "all of them with --errors FILE" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nothing.csv",), "nothing.csv cannot be read"),
        ((FILE, "--type", "absent"), "absent"),
        ((FILE, "--errors", "no/folder.csv"), "cannot be written"),
        (("s3://Upper/x",), "not a path in S3"),
    ],
)
def test_what_cannot_be_imported_is_told(
    shell: Shell, payments: Path, arguments: tuple[str, ...], told: str
) -> None:
    said = shell.ringfence("events", "import", *arguments)
    assert said.code in (1, 2)
    assert told in said.err


def _labels(shell: Shell) -> int:
    database = Database(f"sqlite:///{shell.folder}/ringfence-data/ringfence.db")
    with database.read() as connection:
        query = "SELECT count(label) FROM events WHERE label_source = 'import'"
        count: int = connection.exec_driver_sql(query).scalar_one()
    database.dispose()
    return count
