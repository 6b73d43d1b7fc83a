"""Where the events of a batch come from: a file on this machine, or objects in S3."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Protocol

from ringfence.aws.s3 import S3, S3Object, S3Path
from ringfence.errors import InvalidInput, NotFound


class Source(Protocol):
    """A CSV file. `tag` changes with its content, `size` is in bytes."""

    @property
    def name(self) -> str:
        """What people know it by."""

    @property
    def size(self) -> int:
        """Its bytes."""

    @property
    def tag(self) -> str:
        """What changes when the content does."""

    def open(self, start: int = 0) -> IO[bytes]:
        """Its content from that byte on."""


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file on this machine."""

    path: Path
    size: int
    tag: str

    @classmethod
    def find(cls, path: Path) -> LocalSource:
        """The file at that path. Raises `NotFound`, `InvalidInput` for what is no file."""
        try:
            found = path.stat()
        except OSError as error:
            raise NotFound(f"{path} cannot be read: {error.strerror}", field="file") from None
        if not path.is_file():
            raise InvalidInput(f"{path} is not a file", field="file", expected="a CSV file")
        return cls(path, found.st_size, f"{found.st_size}-{found.st_mtime_ns}")

    @property
    def name(self) -> str:
        """Its path, as it was given."""
        return str(self.path)

    def open(self, start: int = 0) -> IO[bytes]:
        """Its content from that byte on. Raises `InvalidInput` where that is not allowed."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise InvalidInput(
                f"{self.path} cannot be read: {error.strerror}", field="file"
            ) from None
        file.seek(start)
        return file


@dataclass(frozen=True, slots=True)
class S3Source:
    """An object in S3."""

    s3: S3
    found: S3Object

    @property
    def name(self) -> str:
        """Its key."""
        return self.found.path.key

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.found.size

    @property
    def tag(self) -> str:
        """Its ETag."""
        return self.found.etag

    def open(self, start: int = 0) -> IO[bytes]:
        """Its content from that byte on. Raises like `S3.open`."""
        return io.BufferedReader(self.s3.stream(self.found, start), 1 << 20)


def sources_at(uri: str, field: str) -> list[Source]:
    """The object of that key, or else every CSV file under it, in the order of their keys.

    Raises `InvalidInput` for what is no path in S3, `NotFound` when there is nothing, and like
    `S3`.
    """
    path = S3Path.read(uri, field)
    s3 = S3(field)
    if path.key and not path.key.endswith("/"):
        with suppress(NotFound):
            return [S3Source(s3, s3.find(path))]
    found: list[Source] = [
        S3Source(s3, item)
        for item in s3.objects_under(path)
        if item.path.key.lower().endswith(".csv")
    ]
    if not found:
        raise NotFound(
            f"there is no object {path}, nor a CSV file under it",
            field=field,
            expected="the key of a CSV file, or a folder with some",
        )
    return found


@contextmanager
def found_sources(place: str) -> Iterator[list[Source]]:
    """What `s3://...` or the path of a file names; a Parquet file is written as CSV for as long as
    it is used. Raises like `sources_at` and `LocalSource.find`."""
    if place.startswith("s3://"):
        yield sources_at(place, "file")
        return
    source = LocalSource.find(Path(place))
    if source.path.suffix.lower() != ".parquet":
        yield [source]
        return
    with TemporaryDirectory(prefix="ringfence-") as folder:
        written = Path(folder) / f"{source.path.stem}.csv"
        _write_as_csv(source.path, written)
        yield [LocalSource.find(written)]


def _write_as_csv(parquet: Path, out: Path) -> None:
    import polars as pl

    try:
        pl.scan_parquet(parquet).sink_csv(out)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInput(f"{parquet} cannot be read: {error}", field="file") from None
