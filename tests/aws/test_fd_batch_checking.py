from __future__ import annotations

import io
import string

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringfence.aws.batches.arriving import ArrivingReader
from ringfence.aws.batches.checking import PartChecker
from ringfence.aws.batches.columns import read_header
from ringfence.aws.batches.csv_records import CsvRecord, CsvRecords
from ringfence.aws.batches.refusals import Refusal
from ringfence.carddata import looks_like_card_number
from ringfence.errors import InvalidInput
from ringfence.events import DataType, EventType, Variable, VariableType

EVENT_TYPE = EventType(
    name="payment",
    variables=(
        Variable("amount", DataType.FLOAT, VariableType.PRICE, 0.5),
        Variable("count", DataType.INTEGER, VariableType.NUMERIC),
        Variable("shop", DataType.STRING, VariableType.CATEGORICAL, "none"),
        Variable("phone", DataType.STRING, VariableType.PHONE_NUMBER),
        Variable("cvv", DataType.STRING, VariableType.CATEGORICAL),
        Variable("is_new", DataType.BOOLEAN, VariableType.CATEGORICAL, False),
        Variable("opened", DataType.DATETIME, VariableType.NUMERIC),
    ),
)
HEADER = (
    "EVENT_ID", "EVENT_TIMESTAMP", "ENTITY_TYPE", "ENTITY_ID",
    "amount", "count", "shop", "phone", "cvv", "is_new", "opened",
)  # fmt: skip
CARD = "4111111111111111"
_ODD_NUMBERS = [
    "",
    "1",
    "-2.50",
    "1e5",
    "4.009e15",
    "4111111111111111.0",
    "0.123456789012345",
    "1_000",
    "nan",
    "inf",
    " 7 ",
    "+3",
    ".5",
    "5.",
    "٣",
    "1e-7",
    "0.4111111111111111",
    CARD,
    "1e400",
    "12345678901",
    "123456789012",
    "9223372036854775807",
    "9223372036854775808",
    "-0",
    "0x1",
    "1,5",
]
_NUMBERS = st.sampled_from(_ODD_NUMBERS) | st.floats().map(repr) | st.integers().map(str)
_ODD_TEXTS = [
    "",
    "Ohio",
    CARD,
    "4111 1111 1111 1111",
    "1234-5678-9012",
    "é",
    "+4479460018001",
    "N",
    "123",
    "2026-02-30T00:00:00Z",
    "2026-02-28T23:59:59Z",
    "2026-02-28T23:59:60Z",
    "2026-02-28",
    "2026-01-31T00:00:00.5Z",
    "yes",
    "TRUE",
    "0",
    "maybe",
    "x" * 8_193,
    "%B4111111111111111^A^2",
    "<null>",
    "0000-01-01T00:00:00Z",
]
_TEXTS = st.sampled_from(_ODD_TEXTS) | st.text(string.printable, max_size=20)
_FINE = ("e-1", "2026-03-01T12:00:00Z", "customer", "c1", "1.5", "2", "Ohio", "", "M", "true",
         "2026-02-28T23:59:59Z")  # fmt: skip
_ODD = (
    st.sampled_from(["", "e 1", CARD, "550e8400-e29b-41d4-a716-446655440000", "e" * 129])
    | st.text("abc:@+-_.", max_size=5),
    st.sampled_from(
        ["2026-03-01 12:00:00", "3/1/2026 9:05", "", "yesterday", "2026/03/01 01:02:03 PM",
         "2026-03-01T12:00:00.123456+02:00"]
    ),
    st.sampled_from(["card", "", "martian", " customer "]),
    st.sampled_from(["", "c 1", CARD, " c1 ", "x" * 257]),
    _NUMBERS, _NUMBERS, _TEXTS, _TEXTS, _TEXTS, _TEXTS, _TEXTS,
)  # fmt: skip


def _each_odd_value_alone() -> list[tuple[str, ...]]:
    places = [*((n, _ODD_NUMBERS) for n in (4, 5)), *((n, _ODD_TEXTS) for n in range(6, 11))]
    return [
        (*_FINE[:place], odd, *_FINE[place + 1 :]) for place, values in places for odd in values
    ]


@st.composite
def _rows(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """Rows that are fine but for up to three cells."""
    rows = []
    for _ in range(draw(st.integers(1, 10))):
        row = list(_FINE)
        for place in draw(st.sets(st.integers(0, len(row) - 1), max_size=3)):
            row[place] = draw(_ODD[place])
        rows.append(tuple(row))
    return rows


@given(_rows())
@example(_each_odd_value_alone())
@settings(deadline=None, max_examples=120)
def test_columns_are_checked_as_the_event_reader_checks_events(rows: list[tuple[str, ...]]) -> None:
    columns = read_header(HEADER, EVENT_TYPE)
    records = [CsvRecord(list(row), n + 2, 0, n + 3) for n, row in enumerate(rows)]
    read = list(ArrivingReader(EVENT_TYPE, columns, "f").read(records, 1))
    part = PartChecker(EVENT_TYPE, columns).check(records)
    taken = iter(
        zip(part.taken.to_dicts(), *_entities(part.entities, len(part.taken)), strict=True)
    )
    for item, reason, row in zip(read, part.refusals, rows, strict=True):
        if isinstance(item, Refusal):
            assert reason is not None, (row, item)
            assert item.error in reason
            assert item.column in reason
            continue
        assert reason is None, (row, reason)
        _, _, arriving = item
        event = arriving.event
        values, customer, card = next(taken)
        assert values.pop("EVENT_TIMESTAMP") == event.at
        assert values == event.variables
        assert {k: type(v) for k, v in values.items()} == {
            k: type(v) for k, v in event.variables.items()
        }
        named = {entity.entity_type: entity.entity_id for entity in event.entities}
        assert named == {k: v for k, v in (("customer", customer), ("card", card)) if v is not None}
    assert next(taken, None) is None
    for cells, reason in zip(part.shown.iter_rows(), part.refusals, strict=True):
        assert reason is None or not any(looks_like_card_number(cell or "") for cell in cells)


def test_nothing_that_must_not_be_kept_is_shown() -> None:
    columns = read_header(HEADER, EVENT_TYPE)
    row = ["e", "2026-03-01 12:00:00", "customer", "c", "1", "1", CARD, "", "123", "", ""]
    fine = ["f", "2026-03-01 12:00:00", "customer", "c", "1", "1", "Ohio", "", "M", "", ""]
    records = [CsvRecord(fields, 2, 0, 3) for fields in (row, fine)]
    part = PartChecker(EVENT_TYPE, columns).check(records)
    first, second = part.shown.to_dicts()
    assert first["shop"] == "************1111"
    assert first["cvv"] == "***"
    assert first["EVENT_TIMESTAMP"] == "2026-03-01T12:00:00.000Z"
    assert (second["shop"], second["cvv"]) == ("Ohio", "M")


def test_columns_of_entities_name_them_as_well() -> None:
    columns = read_header(
        ("EVENT_ID", "EVENT_TIMESTAMP", "card_id", "customer", "amount"), EVENT_TYPE
    )
    row = ["e", "2026-03-01 12:00:00", "k1", "", "1"]
    part = PartChecker(EVENT_TYPE, columns).check([CsvRecord(row, 2, 0, 3)])
    assert part.refusals == [None]
    assert {kind: ids.to_list() for kind, ids in part.entities.items()} == {
        "card": ["k1"],
        "customer": [None],
    }


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([*HEADER, "shop"], "'shop' is there twice"),
        ([*HEADER, "amuont"], "did you mean amount"),
        (HEADER[1:], "EVENT_ID is missing"),
        ([name for name in HEADER if name != "ENTITY_ID"], "ENTITY_ID is missing"),
        (HEADER[:4], "no variable of event type"),
        (["", *HEADER], "has no variable ''"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(names: list[str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as refused:
        read_header(names, EVENT_TYPE)
    assert refused.value.field == "file header"


_CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(
    st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=8),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(deadline=None)
def test_whatever_a_csv_writer_writes_is_read_back(
    rows: list[list[str]], marked: bool, newline: str
) -> None:
    import csv

    text = io.StringIO()
    csv.writer(text, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    content = (b"\xef\xbb\xbf" if marked else b"") + text.getvalue().encode()
    records = list(CsvRecords(io.BytesIO(content)))
    assert [record.fields for record in records] == [["a", "b"], *rows]
    assert records[-1].end == len(content)
    # From every place where a record ended, reading goes on as if it had never stopped.
    for place, record in enumerate(records[:-1]):
        later = CsvRecords(io.BytesIO(content[record.end :]), record.end, record.next_line)
        assert list(later) == records[place + 1 :]


@given(st.binary(max_size=60) | st.text('a,"\n\r', max_size=40).map(str.encode))
@settings(deadline=None)
def test_any_bytes_are_read_to_their_end(content: bytes) -> None:
    at = 0
    for record in CsvRecords(io.BytesIO(content)):
        assert record.end > at
        at = record.end
    assert not content[at:].strip(b"\r\n\xef\xbb\xbf")


def test_a_fault_costs_one_line() -> None:
    content = b'a,b\n1,"open\n2,x\n3,\xff\n"4"x,y\n5,5" pipe\n'
    records = list(CsvRecords(io.BytesIO(content)))
    assert [(r.line, r.fields, r.fault) for r in records] == [
        (1, ["a", "b"], None),
        (2, [], "a quote ends before its field does"),
        (3, ["2", "x"], None),
        (4, [], "is not UTF-8"),
        (5, [], "a quote ends before its field does"),
        (6, ["5", '5" pipe'], None),
    ]


def test_a_quote_that_is_never_closed_costs_one_line() -> None:
    records = list(CsvRecords(io.BytesIO(b'a\n"x\n2\n3\n')))
    assert [(r.fields, r.fault) for r in records] == [
        (["a"], None),
        ([], "a quote is not closed"),
        (["2"], None),
        (["3"], None),
    ]


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="longer than"):
        list(CsvRecords(io.BytesIO(b"PAR1" * 2_000_000)))


def _entities(found: dict[str, pl.Series], rows: int) -> list[list[str | None]]:
    return [
        found[kind].to_list() if kind in found else [None] * rows for kind in ("customer", "card")
    ]
