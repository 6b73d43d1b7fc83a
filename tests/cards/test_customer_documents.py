"""Customer documents: plain or as DynamoDB types them, read whole or refused by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cards import CustomerDetails, CustomerDocument, read_card_number, read_customers
from ringfence.errors import InvalidInput

_TYPED: dict[str, Any] = {
    "customer_id": {"S": "u82-1alz-RI301"},
    "card_number": {"S": "2442230821108788"},
    "is_blocked": {"BOOL": False},
    "last_name": {"S": "YOUR_LAST_NAME"},
    "first_name": {"S": "YOUR_FIRST_NAME"},
    "phone_number": {"S": "+123456789"},
    "salutation": {"S": "Mrs"},
}
_PLAIN = {name: next(iter(value.values())) for name, value in _TYPED.items()}
_READ = CustomerDocument(
    details=CustomerDetails(
        customer_id="u82-1alz-RI301",
        phone_number="+123456789",
        last_name="YOUR_LAST_NAME",
        first_name="YOUR_FIRST_NAME",
        salutation="Mrs",
    ),
    card_numbers=(read_card_number("2442230821108788"),),
    is_blocked=False,
)


@pytest.mark.parametrize("customer", [_PLAIN, _TYPED], ids=["plain", "typed"])
@pytest.mark.parametrize(
    "wrap",
    [
        json.dumps,
        lambda c: json.dumps(c, indent=2),
        lambda c: "\ufeff" + json.dumps(c),
        lambda c: json.dumps([c]).encode(),
        lambda c: json.dumps({"customers": [c]}),
        lambda c: json.dumps({"Item": c}),
        lambda c: json.dumps([{"Item": c}]),
        lambda c: json.dumps({"Items": [c], "Count": 1, "ScannedCount": 1}),
        lambda c: json.dumps({"Item": c}) + "\n",
    ],
)
def test_the_articles_customer_is_read_in_every_wrapping(customer: Any, wrap: Any) -> None:
    assert read_customers(wrap(customer)) == [_READ]


def test_an_export_with_one_item_per_line_is_read() -> None:
    second = {**_TYPED, "customer_id": {"S": "c2"}, "card_number": {"NULL": True}}
    lines = "\n".join(json.dumps({"Item": item}) for item in (_TYPED, second))
    first_read, second_read = read_customers(lines)
    assert first_read == _READ
    assert second_read.details.customer_id == "c2"
    assert second_read.card_numbers == ()


def test_several_cards_may_be_given_in_any_writing_and_count_once() -> None:
    typed = {
        **_TYPED,
        "card_numbers": {
            "L": [
                {"S": "4111 1111 1111 1111"},
                {"N": "2442230821108788"},
                {"S": "4111111111111111"},
            ]
        },
    }
    plain = {**_PLAIN, "card_numbers": [4111111111111111]}
    for customer in (typed, plain, {**_TYPED, "card_numbers": {"SS": ["4111111111111111"]}}):
        (read,) = read_customers(json.dumps(customer))
        assert [number.last4 for number in read.card_numbers] == ["8788", "1111"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone_number": "030 123456"}, "phone_number"),
        ({"phone_number": None}, "phone_number"),
        ({"phone_number": 4930123456}, "phone_number"),
        ({"customer_id": "with blank"}, "customer_id"),
        ({"customer_id": "4111111111111111"}, "customer_id"),
        ({"last_name": "  "}, "last_name"),
        ({"last_name": "a\nb"}, "last_name"),
        ({"first_name": "4111 1111 1111 1111"}, "first_name"),
        ({"salutation": "x" * 65}, "salutation"),
        ({"card_number": "1234"}, "card_number"),
        ({"card_number": 1.5}, "card_number"),
        ({"card_number": True}, "card_number"),
        ({"card_numbers": "4111111111111111"}, "card_numbers"),
        ({"card_numbers": ["4111111111111111", "x"]}, "card_numbers[1]"),
        ({"is_blocked": "no"}, "is_blocked"),
        ({"is_blocked": {"BOOL": "false"}}, "is_blocked"),
        ({"salutation": {"S": "Mrs", "N": "1"}}, "salutation"),
        ({"salutation": {"M": {}}}, "salutation"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"language": "german"}, "language"),
        ({"cvv": "123"}, "cvv"),
        ({"phone": "+4930123456"}, "phone"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, Any], field: str) -> None:
    wrong = {**_PLAIN, **change}
    other = {**_PLAIN, "customer_id": "c2", "card_number": None}
    with pytest.raises(InvalidInput) as alone:
        read_customers(json.dumps(wrong))
    assert alone.value.field == field
    assert alone.value.expected or "card number" in alone.value.message
    with pytest.raises(InvalidInput) as listed:
        read_customers(json.dumps([other, wrong]))
    assert listed.value.field == f"customers[1].{field}"


def test_an_unknown_field_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidInput, match="did you mean phone_number") as refused:
        read_customers(json.dumps({**_PLAIN, "phone_numbr": "+4930123456"}))
    assert "customer_id, card_number" in (refused.value.expected or "")


def test_a_card_number_in_the_wrong_place_is_not_repeated_in_the_error() -> None:
    for wrong in ({**_PLAIN, "4111111111111111": 1}, {**_PLAIN, "last_name": "4111111111111111"}):
        with pytest.raises(InvalidInput) as refused:
            read_customers(json.dumps(wrong))
        assert "4111111111111111" not in str(refused.value)


def test_nobody_is_named_twice_and_no_card_is_two_peoples() -> None:
    with pytest.raises(InvalidInput) as twice:
        read_customers(json.dumps([_PLAIN, _PLAIN]))
    assert twice.value.field == "customers[1].customer_id"
    with pytest.raises(InvalidInput) as shared:
        read_customers(json.dumps([_PLAIN, {**_PLAIN, "customer_id": "c2"}]))
    assert shared.value.field == "customers[1].card_number"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "null",
        '"text"',
        "[1]",
        '{"customers": 5}',
        '{"customers": [], "more": 1}',
        '{"Item": 5}',
        '{"a": 1}\n{',
        b"\xff\xfe",
        "\ud800",
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_document_is_refused(document: bytes | str) -> None:
    with pytest.raises(InvalidInput):
        read_customers(document)


_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["+4930123456", "4111111111111111", "en-US", "UTC", "c1", "Winter"])
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "BOOL", "NULL", "L", "SS", "M"]) | st.text(max_size=3),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)
_customers = st.dictionaries(st.sampled_from(sorted(_PLAIN)) | st.text(max_size=6), _values)
_near_customers = _customers.map(lambda change: {**_PLAIN, **change})


@given(
    st.binary(max_size=60)
    | st.text(max_size=60)
    | (_customers | _near_customers | st.lists(_near_customers, max_size=3) | _values).map(
        json.dumps
    )
)
def test_anything_is_either_read_or_refused_by_us(document: bytes | str) -> None:
    try:
        customers = read_customers(document)
    except InvalidInput:
        return
    for customer in customers:
        assert customer.details.customer_id
        assert customer.details.phone_number.startswith("+")
