"""Where the raw table of a data set comes from: CSV or Parquet, local or in S3.

Before reading. A large file is never in memory as a whole: its columns are scanned one at a time.
It knows files and their kinds, not what the columns mean.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput, NotFound, RingfenceError, Unavailable

if TYPE_CHECKING:
    import polars as pl

# Up to this size a file is read at once, which is quicker than column by column.
_SMALL_BYTES = 64 * 2**20


@contextmanager
def open_table(source: str) -> Iterator[pl.LazyFrame]:
    """The columns of a file as they stand, each read when it is collected.

    In S3 a name that does not end in .parquet is that of a CSV file, or of a folder whose CSV files
    are one table.

    A large CSV file is copied to a temporary Parquet file first, beside other temporary files
    (`TMPDIR`), so that it is parsed once and not for every column. Raises `NotFound`,
    `InvalidInput` for what cannot be read, `Unavailable` when S3 cannot be reached; all of them
    also while the table is open.
    """
    remote, suffix = source.startswith("s3://"), Path(source).suffix.lower()
    if not remote and not Path(source).is_file():
        raise NotFound(f"there is no file {source}", field="source")
    if remote and suffix != ".parquet":
        suffix = ".csv"
    if suffix not in (".csv", ".parquet"):
        raise InvalidInput(
            f"{suffix or 'a name without a suffix'} is not a known kind of file",
            field="source",
            expected="a name that ends in .csv or .parquet",
        )
    small = not remote and Path(source).stat().st_size <= _SMALL_BYTES
    with _named(source, remote), TemporaryDirectory(prefix="ringfence-") as directory:
        copy = Path(directory) / "table.parquet"
        if remote and suffix == ".csv":
            yield _copied_from_s3(source, copy)
            return
        scan = _scan(source, suffix, _s3_options() if remote else None)
        if small:
            scan = scan.collect().lazy()
        elif suffix == ".csv":
            scan = _copied(scan, copy)
        yield scan


def _scan(source: str, suffix: str, storage: dict[str, str] | None) -> pl.LazyFrame:
    import polars as pl

    options: dict[str, Any] = {} if storage is None else {"storage_options": storage}
    if suffix == ".parquet":
        return pl.scan_parquet(source, **options)
    # As text first: what cannot be read as its type is then counted and shown.
    return pl.scan_csv(source, infer_schema=False, encoding="utf8-lossy", **options)


def _copied_from_s3(source: str, path: Path) -> pl.LazyFrame:
    import polars as pl

    options = _s3_options()
    if not source.endswith("/"):
        try:
            return _copied(_scan(source, ".csv", options), path)
        except FileNotFoundError:
            if Path(source).suffix.lower() == ".csv":
                raise NotFound(f"there is no file {source}", field="source") from None
    folder = source.rstrip("/")
    try:
        return _copied(_scan(f"{folder}/*.csv", ".csv", options), path)
    except (FileNotFoundError, pl.exceptions.ComputeError) as error:
        if isinstance(error, FileNotFoundError) or "paths were empty" in str(error):
            raise NotFound(
                f"there is neither a file {source} nor a CSV file below it", field="source"
            ) from None
        raise


def _copied(scan: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    import polars as pl

    scan.sink_parquet(path, compression="lz4")
    return pl.scan_parquet(path)


@contextmanager
def _named(source: str, remote: bool) -> Iterator[None]:
    """Turns what Polars raises into errors that say what was read."""
    import polars as pl

    try:
        yield
    except RingfenceError:
        raise
    except (pl.exceptions.NoDataError, pl.exceptions.ComputeError) as error:
        raise InvalidInput(
            f"the file cannot be read: {_first_line(error)}",
            field="source",
            expected="CSV or Parquet",
        ) from None
    except OSError as error:
        if remote:
            raise Unavailable(
                f"{source} cannot be read: {_first_line(error)}", field="source"
            ) from None
        raise InvalidInput(
            f"the file cannot be read: {_first_line(error)}", field="source"
        ) from None


def _s3_options() -> dict[str, str]:
    names = {
        "AWS_ACCESS_KEY_ID": "aws_access_key_id",
        "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
        "AWS_SESSION_TOKEN": "aws_session_token",
        "AWS_REGION": "aws_region",
    }
    options = {option: os.environ[name] for name, option in names.items() if os.environ.get(name)}
    if "aws_region" not in options and os.environ.get("AWS_DEFAULT_REGION"):
        options["aws_region"] = os.environ["AWS_DEFAULT_REGION"]
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        options["aws_endpoint_url"] = endpoint
        if endpoint.startswith("http://"):
            options["aws_allow_http"] = "true"
    return options


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
