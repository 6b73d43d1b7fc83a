from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from synthetic_payments import EVENT_TYPE, payments, write

from ringfence.errors import InvalidInput, NotFound, Unavailable
from ringfence.events import DataType, EventType, Variable, VariableType
from ringfence.models import DataInvalid, DataSet, Message, MessageKind, read_data, train
from ringfence.models.data import data_of
from ringfence.models.steps import TIME_INPUT

SMALL = EventType(
    name="small",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, 0.0),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL),
        Variable("visits", DataType.INTEGER, VariableType.NUMERIC),
        Variable("known", DataType.BOOLEAN, VariableType.CATEGORICAL),
        Variable("cvv", DataType.STRING, VariableType.CATEGORICAL),
    ),
)


def _read(path: Path, text: str) -> DataSet:
    path.write_text(text)
    return read_data(path, SMALL)


def _refused(path: Path, text: str) -> tuple[Message, ...]:
    with pytest.raises(DataInvalid) as caught:
        _read(path, text)
    return caught.value.messages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.csv"


@pytest.mark.parametrize(
    "written",
    ["2019-04-10T11:05:00Z", "2019-04-10T11:05:00.000Z", "2019-04-10 11:05:00",
     "2019-04-10T13:05:00+02:00", "2019/04/10 11:05:00 AM", "2019/04/10 11:05:00",
     "04/10/2019 11:05:00", "04/10/19 11:05:00", "4/10/2019 11:05", "4/10/19 11:05"],
)  # fmt: skip
def test_every_documented_timestamp_format_is_read(path: Path, written: str) -> None:
    data = _read(path, f"EVENT_TIMESTAMP,EVENT_LABEL,amount\n{written},legit,1\n")
    assert data.frame[TIME_INPUT].to_list() == [datetime(2019, 4, 10, 11, 5, tzinfo=UTC)]


def test_csv_and_parquet_give_the_same_events(tmp_path: Path) -> None:
    frame = payments(300)
    from_csv = read_data(write(frame, tmp_path / "a.csv"), EVENT_TYPE)
    typed = frame.with_columns(pl.col("EVENT_TIMESTAMP").str.to_datetime(time_zone="UTC"))
    from_parquet = read_data(write(typed, tmp_path / "a.parquet"), EVENT_TYPE)
    assert_frame_equal(from_csv.frame, from_parquet.frame)
    assert from_csv.sha256_of == "file"
    assert from_csv.sha256 != from_parquet.sha256


def test_values_have_their_data_types_and_a_missing_one_its_default(path: Path) -> None:
    data = _read(
        path,
        "EVENT_TIMESTAMP,EVENT_LABEL,amount,shop,visits,known\n"
        "2026-01-02T00:00:00Z,fraud, 12.50 ,b,3,TRUE\n"
        "2026-01-01T00:00:00Z,legit,,,,\n",
    )
    rows = data.frame.select("amount", "shop", "visits", "known").rows()
    assert rows == [(0.0, None, None, None), (12.5, "b", 3, True)]
    assert data.is_fraud().tolist() == [False, True]


def test_labels_may_be_one_and_zero_and_unlabelled_events_are_left_out(path: Path) -> None:
    data = _read(
        path,
        "EVENT_TIMESTAMP,EVENT_LABEL,amount\n2026-01-01T00:00:00Z,1,1\n"
        "2026-01-02T00:00:00Z,0,2\n2026-01-03T00:00:00Z,,3\n",
    )
    assert data.is_fraud().tolist() == [True, False]
    found = {m.title: m for m in data.messages}["Events without a label"]
    assert found.kind is MessageKind.INFO
    assert "1 of 3 rows" in found.text


def test_missing_columns_are_named_all_at_once(path: Path) -> None:
    messages = _refused(path, "when,amount\n2026-01-01,1\n")
    assert [(m.column, m.title) for m in messages] == [
        ("EVENT_LABEL", "Missing label column"),
        ("EVENT_TIMESTAMP", "Missing timestamp column"),
    ]
    assert "when, amount" in messages[0].text


def test_everything_that_cannot_be_read_is_counted_and_shown(path: Path) -> None:
    messages = _refused(
        path,
        "EVENT_TIMESTAMP,EVENT_LABEL,amount,visits,known\n"
        "yesterday,legit,1,2,true\n2026-13-01T00:00:00Z,maybe,ten,2.5,perhaps\n"
        "2026-01-01T00:00:00Z,legit,inf,1,no\n",
    )
    errors = {m.column: m for m in messages if m.kind is MessageKind.ERROR}
    assert set(errors) == {"EVENT_TIMESTAMP", "EVENT_LABEL", "amount", "visits", "known"}
    assert "2 of 3 rows" in errors["EVENT_TIMESTAMP"].text
    assert "'yesterday'" in errors["EVENT_TIMESTAMP"].text
    assert "'maybe'" in errors["EVENT_LABEL"].text
    assert "2 of 3 rows of amount cannot be read as FLOAT, such as 'ten'" in errors["amount"].text
    assert "'2.5'" in errors["visits"].text


def test_the_error_itself_names_the_first_column_and_how_many_more(path: Path) -> None:
    path.write_text("amount\n1\n")
    with pytest.raises(InvalidInput, match=r"EVENT_LABEL.*and 1 more"):
        read_data(path, SMALL)


@pytest.mark.parametrize(
    ("column", "value"),
    [("shop", "4111 1111 1111 1111"), ("cvv", "123"), ("visits", "4111111111111111")],
)
def test_a_column_of_card_data_is_refused_and_not_shown(
    path: Path, column: str, value: str
) -> None:
    rows = "".join(f"2026-01-01T00:00:00Z,legit,{value}\n" for _ in range(5))
    (message,) = (
        m
        for m in _refused(path, f"EVENT_TIMESTAMP,EVENT_LABEL,{column}\n{rows}")
        if m.kind is MessageKind.ERROR
    )
    assert (message.column, message.title) == (column, "Values that may not be kept")
    assert value not in message.text


def test_a_few_card_numbers_are_taken_out_with_a_warning(path: Path) -> None:
    rows = "".join(f"2026-01-01T00:00:00Z,legit,shop {number}\n" for number in range(20))
    card = "2026-01-01T00:00:00Z,legit,4111111111111111\n"
    data = _read(path, f"EVENT_TIMESTAMP,EVENT_LABEL,shop\n{rows}{card}")
    found = {m.title: m for m in data.messages}["Values that may not be kept"]
    assert found.kind is MessageKind.WARNING
    assert "1 of 21 values of shop" in found.text
    assert data.frame["shop"].null_count() == 1


def test_what_deserves_a_warning_or_a_note_gets_one(path: Path) -> None:
    data = _read(
        path,
        "EVENT_ID,EVENT_TIMESTAMP,EVENT_LABEL,amount,shop,visits,colour\n"
        + "".join(f"same,2026-01-01T00:00:00Z,legit,5,,{n},red\n" for n in range(4)),
    )
    found = {(m.kind, m.column, m.title) for m in data.messages}
    assert found >= {
        (MessageKind.WARNING, "EVENT_ID", "Repeated event ids"),
        (MessageKind.WARNING, "amount", "Insufficient unique values"),
        (MessageKind.WARNING, "shop", "Missing variable values"),
        (MessageKind.INFO, "colour", "Column not used"),
        (MessageKind.INFO, "known", "Variable not in the data"),
    }


def test_a_file_that_is_missing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_data(tmp_path / "none.csv", SMALL)
    for name, content in (("a.xlsx", b"x"), ("a.csv", b""), ("a.parquet", b"no parquet")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInput):
            read_data(tmp_path / name, SMALL)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield endpoint
    server.stop()


def test_files_in_s3_are_read_like_local_ones(s3: str, tmp_path: Path) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3)
    client.create_bucket(Bucket="events")
    frame = payments(200)
    for name in ("p.csv", "p.parquet"):
        path = write(frame, tmp_path / name)
        client.upload_file(str(path), "events", f"in/{name}")
        remote = read_data(f"s3://events/in/{name}", EVENT_TYPE)
        assert_frame_equal(remote.frame, read_data(path, EVENT_TYPE).frame)
        assert remote.source == f"s3://events/in/{name}"
        assert remote.sha256_of == "rows"
    with pytest.raises((NotFound, Unavailable)):
        read_data("s3://events/in/none.csv", EVENT_TYPE)


def _trainable(path: Path, frame: pl.DataFrame) -> tuple[Message, ...]:
    return train(read_data(write(frame, path), EVENT_TYPE)).messages


def _untrainable(path: Path, frame: pl.DataFrame) -> Message:
    with pytest.raises(DataInvalid) as caught:
        _trainable(path, frame)
    assert caught.value.messages[0].kind is MessageKind.ERROR
    return caught.value.messages[0]


def test_too_few_of_a_class_or_of_variables_cannot_be_trained_on(path: Path) -> None:
    few = _untrainable(path, payments(200))
    assert few.title == "Insufficient data"
    assert "labelled fraud; at least 50" in few.text
    one = _untrainable(path, payments(1_000).select("EVENT_TIMESTAMP", "EVENT_LABEL", "amount"))
    assert one.title == "Insufficient variables"


def test_frauds_must_be_among_the_last_events(path: Path) -> None:
    frame = payments(1_500)
    calm = (
        pl.when(pl.int_range(pl.len()) < 1_250)
        .then(pl.col("EVENT_LABEL"))
        .otherwise(pl.lit("legit"))
    )
    found = _untrainable(path, frame.with_columns(EVENT_LABEL=calm))
    assert "last 15% of the events by time" in found.text


def test_a_period_without_any_fraud_is_an_error_and_a_big_change_a_warning(path: Path) -> None:
    frame = payments(3_000)
    place = pl.int_range(pl.len())
    silent = pl.when(place < 400).then(pl.lit("legit")).otherwise(pl.col("EVENT_LABEL"))
    found = _untrainable(path, frame.with_columns(EVENT_LABEL=silent))
    assert found.title == "Unstable fraud rate in the given dataset"
    many = pl.when((place > 2_000) & (place % 2 == 0)).then(pl.lit("fraud"))
    messages = _trainable(
        path, frame.with_columns(EVENT_LABEL=many.otherwise(pl.col("EVENT_LABEL")))
    )
    assert [m.kind for m in messages if m.title == found.title] == [MessageKind.WARNING]


def test_a_variable_that_gives_the_answer_away_is_warned_of(path: Path) -> None:
    leaky = payments(1_500).with_columns(entry=pl.col("EVENT_LABEL").str.slice(0, 1))
    messages = _trainable(path, leaky)
    assert [m.column for m in messages if m.title == "Variable predicts the label"] == ["entry"]


def test_who_gave_a_label_is_kept_beside_it(path: Path) -> None:
    data = _read(
        path,
        "EVENT_TIMESTAMP,EVENT_LABEL,LABEL_SOURCE,amount\n"
        "2026-01-01T00:00:00Z,legit,phone,1\n"
        "2026-01-02T00:00:00Z,fraud,,2\n"
        "2026-01-03T00:00:00Z,,,3\n",
    )
    assert data.frame["LABEL_SOURCE"].to_list() == ["phone", None]
    assert data.past["LABEL_SOURCE"].to_list() == ["phone", None, None]
    assert not any(message.title == "Column not used" for message in data.messages)


def test_labels_may_be_left_out_where_none_are_needed(path: Path) -> None:
    path.write_text("EVENT_TIMESTAMP,amount\n2026-01-01T00:00:00Z,1\n2026-01-02T00:00:00Z,2\n")
    with pytest.raises(DataInvalid, match="EVENT_LABEL"):
        read_data(path, SMALL)
    data = read_data(path, SMALL, labels_required=False)
    assert data.rows == 0
    assert data.past["amount"].to_list() == [1.0, 2.0]
    assert data.past["EVENT_LABEL"].to_list() == [None, None]


def test_a_table_is_read_as_a_file_of_it(tmp_path: Path) -> None:
    frame = payments(300)
    from_file = read_data(write(frame, tmp_path / "a.csv"), EVENT_TYPE)
    from_table = data_of(frame, EVENT_TYPE, source="the event log")
    assert_frame_equal(from_table.past, from_file.past)
    assert_frame_equal(from_table.frame, from_file.frame)
    assert from_table.messages == from_file.messages
    assert (from_table.source, from_table.sha256_of) == ("the event log", "rows")
    other = data_of(frame.head(299), EVENT_TYPE, source="the event log")
    assert other.sha256 != from_table.sha256
