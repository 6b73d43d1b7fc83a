"""Tables as files: CSV or Parquet, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import polars as pl

from ringfence.errors import InvalidInput


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write the table as the file's suffix says, `.csv` or `.parquet`, replacing what was there.

    A reader sees the old file or the new one, never half of it. Raises `InvalidInput` for another
    suffix or a folder that does not exist.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise InvalidInput(
            f"cannot tell the format of {path.name!r}",
            field="path",
            expected="a file name ending in .csv or .parquet",
        )
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder", field="path", expected="the name of a file")
    if not path.parent.is_dir():
        raise InvalidInput(
            f"there is no folder {path.parent}", field="path", expected="a file in a folder"
        )
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if kind == ".csv":
            frame.write_csv(unfinished)
        else:
            frame.write_parquet(unfinished, statistics=True)
        os.replace(unfinished, path)  # noqa: PTH105
    finally:
        unfinished.unlink(missing_ok=True)
