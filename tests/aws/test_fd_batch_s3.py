"""S3 as jobs use it, against moto's server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_stores import BUCKET, Store, running_store

from ringfence.aws import s3 as s3_module
from ringfence.aws.batches.parts import common_columns, header_of, parts_of
from ringfence.aws.batches.sources import LocalSource, Source, found_sources, sources_at
from ringfence.aws.s3 import S3, S3Path
from ringfence.errors import Conflict, InvalidInput, NotFound, RingfenceError, Unavailable
from ringfence.events import DataType, EventType, Variable, VariableType

EVENT_TYPE = EventType(
    name="payment", variables=(Variable("shop", DataType.STRING, VariableType.CATEGORICAL),)
)
HEADER = "EVENT_ID,EVENT_TIMESTAMP,ENTITY_TYPE,ENTITY_ID,shop"


@pytest.fixture(scope="module")
def running() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
def store(running: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """S3, as the environment of this process names it."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    s3_module._client.cache_clear()
    yield running
    s3_module._client.cache_clear()


def test_a_key_names_one_object_and_a_folder_its_csv_files(store: Store) -> None:
    for name in ("b.csv", "a.CSV", "readme.txt", "deep/c.csv"):
        store.put(f"folder/{name}", "x")
    assert [s.name for s in sources_at(f"s3://{BUCKET}/folder/b.csv", "inputPath")] == [
        "folder/b.csv"
    ]
    for path in ("folder/", "folder"):
        assert [s.name for s in sources_at(f"s3://{BUCKET}/{path}", "inputPath")] == [
            "folder/a.CSV",
            "folder/b.csv",
            "folder/deep/c.csv",
        ]


@pytest.mark.parametrize(
    ("path", "family", "told"),
    [
        ("s3://elsewhere/in.csv", NotFound, "elsewhere"),
        (f"s3://{BUCKET}/nothing.csv", NotFound, "nothing.csv, nor a CSV file under it"),
        (f"s3://{BUCKET}/empty-folder/", NotFound, "empty-folder"),
        ("s3://Upper", InvalidInput, "not a path in S3"),
        ("/local/file.csv", InvalidInput, "not a path in S3"),
    ],
)
def test_what_is_not_there_is_told_by_its_name(
    store: Store, path: str, family: type[RingfenceError], told: str
) -> None:
    with pytest.raises(family, match=told) as refused:
        sources_at(path, "inputPath")
    assert refused.value.field == "inputPath"


def test_without_credentials_the_reason_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(Unavailable, match="no credentials for S3"):
        sources_at(f"s3://{BUCKET}/in.csv", "inputPath")


def test_an_s3_that_does_not_answer_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setattr(s3_module, "_ATTEMPTS", 1)
        s3_module._client.cache_clear()
        with pytest.raises(Unavailable, match="S3 cannot be used"):
            sources_at(f"s3://{BUCKET}/in.csv", "inputPath")


def test_a_file_is_read_from_any_place_on(store: Store) -> None:
    content = bytes(range(256)) * 20_000
    store.put("big.csv", content)
    (source,) = sources_at(f"s3://{BUCKET}/big.csv", "inputPath")
    assert (source.size, len(source.tag)) == (len(content), 34)
    with source.open() as file:
        assert file.read() == content
    with source.open(3_000_000) as file:
        assert file.read() == content[3_000_000:]
    with source.open(len(content)) as file:
        assert file.read() == b""


def test_a_file_that_changes_is_noticed(store: Store) -> None:
    path = store.put("changing.csv", "one")
    (source,) = sources_at(path, "inputPath")
    store.put("changing.csv", "two")
    with pytest.raises(Conflict, match="changed while it was read"), source.open() as file:
        file.read()


def test_a_file_is_stored_and_told_byte_by_byte(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_bytes(b"x" * 10_000_000)
    sent: list[int] = []
    S3("outputPath").upload(
        file, S3Path.read(f"s3://{BUCKET}/up/out.csv", "outputPath"), sent.append
    )
    assert sum(sent) == 10_000_000
    assert len(store.get("up/out.csv")) == 10_000_000
    with pytest.raises(NotFound, match="no bucket 'elsewhere'"):
        S3("outputPath").upload(file, S3Path("elsewhere", "x"))


def test_parts_are_whole_records_and_the_same_from_any_place(tmp_path: Path) -> None:
    rows = [
        f'e{n},2026-03-01 10:00:00,card,k{n},"{"shop, " * (n % 7)}\nline ""{n}"""'
        for n in range(500)
    ]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([HEADER, *rows]))
    sources: list[Source] = [LocalSource.find(path)]
    headers = [header_of(sources[0])]
    parts = list(parts_of(sources, headers, part_bytes=3_000))
    assert len(parts) > 5
    assert b"".join(part.content for part in parts) == path.read_bytes()[headers[0].end :]
    ids = [record.fields[0] for part in parts for record in part.records()]
    assert ids == [f"e{n}" for n in range(500)]
    assert all(len(record.fields) == 5 for part in parts for record in part.records())
    some = {(p.place.source, p.place.start): p.place for p in (*parts[:3], parts[5])}
    assert list(parts_of(sources, headers, some, part_bytes=3_000)) == [
        *parts[3:5],
        *parts[6:],
    ]


def test_files_that_go_into_one_have_the_same_columns(tmp_path: Path) -> None:
    sources: list[Source] = []
    for name, header in (("a.csv", HEADER), ("b.csv", ",".join(reversed(HEADER.split(","))))):
        (tmp_path / name).write_text(header)
        sources.append(LocalSource.find(tmp_path / name))
    with pytest.raises(InvalidInput, match=r"b\.csv has other columns than"):
        common_columns([header_of(source) for source in sources], sources, EVENT_TYPE)


@pytest.mark.parametrize(("content", "told"), [(b"", "is empty"), (b'"a', "is not closed")])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=told):
        header_of(LocalSource.find(path))


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"), found_sources(str(tmp_path / "no.csv")):
        pass
    with pytest.raises(InvalidInput, match="not a file"), found_sources(str(tmp_path)):
        pass
    (tmp_path / "no.parquet").write_text("no")
    with (
        pytest.raises(InvalidInput, match=r"no\.parquet cannot"),
        found_sources(str(tmp_path / "no.parquet")),
    ):
        pass
