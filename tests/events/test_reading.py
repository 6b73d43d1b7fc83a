from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from payments import PAYMENT, READER, RECEIVED_AT, sent

from ringfence.errors import InvalidInput, TooLarge
from ringfence.events import Entity, Event, EventReader, SentEvent
from ringfence.events.reading import MAX_VALUE_CHARACTERS

VISA = "4111111111111111"

# Everything that Python's own JSON reader can give, and then some: no number is too large, and
# half of a surrogate pair is text.
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()))
    | st.from_regex(r"[+-]?[0-9]{0,21}(\.[0-9]{0,3})?(e[0-9]{1,3})?", fullmatch=True)
    | st.sampled_from(["true", "No", "nan", "-inf", "1_000", "٣", " 7 ", "2026-11-24T09:30:00Z"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
known_names = st.sampled_from([variable.name for variable in PAYMENT.variables])
names = known_names | known_names | st.text(max_size=80)
# What most of the variables accept.
plain = st.sampled_from(["7", "", "M", "1", "true", "2026-11-24T09:30:00Z", 0, 3, 7.0, True, None])
entities = st.builds(
    Entity,
    st.sampled_from(["customer", "card", "nobody"]) | st.text(max_size=5),
    st.text(max_size=300),
)
anything = st.builds(
    SentEvent,
    event_id=st.just("e-1") | st.just("payment:7") | st.text(max_size=140),
    at=st.none() | st.datetimes() | st.datetimes(timezones=st.timezones()),
    entities=st.lists(entities, max_size=2).map(tuple) | st.just(()),
    variables=st.dictionaries(names, values, max_size=6),
)


def answer(event: SentEvent) -> Event | InvalidInput | TooLarge:
    try:
        return READER.read(event, RECEIVED_AT)
    except (InvalidInput, TooLarge) as error:
        return error


@settings(max_examples=300)
@given(anything)
def test_whatever_is_sent_becomes_an_event_or_an_error_that_names_the_field(
    event: SentEvent,
) -> None:
    read = answer(event)
    if isinstance(read, Event):
        assert read.at.utcoffset() == timedelta(0)
        assert list(read.variables) == [variable.name for variable in PAYMENT.variables]
        msgspec.json.encode(read)
    else:
        parts = (read.field or "").split(".")
        assert parts[0] in {"event_id", "event_timestamp", "entities", "variables"}
        str(read).encode()


@given(values)
def test_a_value_that_is_accepted_is_of_its_data_type(value: Any) -> None:
    kinds = {"amount": float, "items": int, "merchant": str, "present": bool, "opened": str}
    for name, kind in kinds.items():
        read = answer(sent(**{name: value}))
        if isinstance(read, Event):
            assert value is None or type(read.variables[name]) is kind
        else:
            assert read.field == f"variables.{name}"


@given(st.dictionaries(known_names, plain, min_size=1, max_size=6), st.randoms())
def test_the_same_content_has_the_same_hash_in_any_order(
    variables: dict[str, Any], shuffle: Any
) -> None:
    first = answer(sent(**variables))
    assume(isinstance(first, Event))
    assert isinstance(first, Event)
    items = list(variables.items())
    shuffle.shuffle(items)
    later = RECEIVED_AT + timedelta(hours=1)
    assert READER.read(sent(**dict(items)), later).content_hash == first.content_hash


def _hash(event: SentEvent) -> bytes:
    return READER.read(event, RECEIVED_AT).content_hash


def test_a_value_has_the_same_hash_as_text_and_as_a_number() -> None:
    assert _hash(sent(amount="12.50", items="3", present="true")) == _hash(
        sent(amount=12.5, items=3, present=True)
    )


def test_the_same_moment_has_the_same_hash_in_any_offset() -> None:
    utc = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert (
        _hash(sent(at=utc))
        == _hash(sent(at=utc.replace(tzinfo=None)))
        == _hash(sent(at=utc.astimezone(timezone(timedelta(hours=5)))))
    )


def test_other_content_has_another_hash() -> None:
    customer = Entity("customer", "c-1")
    at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    events = [
        sent(amount=1),
        sent(amount=2),
        sent(amount=1, items=1),
        sent(amount=1, merchant="1"),
        sent(amount=None),
        sent(amount=1, at=at),
        sent(amount=1, at=at + timedelta(microseconds=1)),
        sent(amount=1, entities=(customer,)),
        sent(amount=1, entities=(customer, Entity("card", "k-1"))),
    ]
    assert len({_hash(event) for event in events}) == len(events)


def test_the_hash_stays_the_same_from_release_to_release() -> None:
    # Events in the log keep theirs: a change would make every repeat a conflict.
    event = sent(
        amount="12.50",
        merchant="Café",
        at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        entities=(Entity("card", "k-1"),),
    )
    assert _hash(event).hex() == "dfceb3dfbf9eb8738851dd2a2a4ea201"


def test_what_is_left_out_gets_its_default_in_the_data_type() -> None:
    event = READER.read(sent(merchant="shop"), RECEIVED_AT)
    assert event.at == RECEIVED_AT
    assert event.variables == {
        "amount": 0.0,
        "items": 1,
        "merchant": "shop",
        "phone": None,
        "present": None,
        "opened": None,
        "cvv": None,
        "cardPinBlock": None,
    }


def test_a_null_stays_a_null() -> None:
    assert READER.read(sent(merchant=None), RECEIVED_AT).variables["merchant"] is None


def test_a_time_without_an_offset_is_taken_as_utc() -> None:
    event = READER.read(sent(at=datetime(2026, 1, 2, 3, 4)), RECEIVED_AT)
    assert event.at == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def test_a_misspelt_variable_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean merchant") as refused:
        READER.read(sent(merchnat="shop"), RECEIVED_AT, field="transaction")
    assert refused.value.field == "transaction.merchnat"


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (sent(""), "event_id"),
        (sent("a b"), "event_id"),
        (sent("x" * 129), "event_id"),
        (sent(VISA), "event_id"),
        (SentEvent(event_id="e-1", variables={}), "variables"),
        (sent(entities=(Entity("merchant", "m-1"),)), "entities.entity_type"),
        (sent(entities=(Entity("card", "a b"),)), "entities.entity_id"),
        (sent(entities=(Entity("card", VISA),)), "entities.entity_id"),
        (sent(amount="twelve"), "variables.amount"),
        (sent(amount="1_000"), "variables.amount"),
        (sent(items="٣"), "variables.items"),
        (sent(items=1.5), "variables.items"),
        (sent(items=2**63), "variables.items"),
        (sent(present="perhaps"), "variables.present"),
        (sent(present=1), "variables.present"),
        (sent(opened="yesterday"), "variables.opened"),
        (sent(merchant=["shop"]), "variables.merchant"),
        (sent(merchant=True), "variables.merchant"),
        (sent(at=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))), "event_timestamp"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(event: SentEvent, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        READER.read(event, RECEIVED_AT)
    assert refused.value.field == field


def test_a_value_beyond_the_limit_is_too_large_and_one_at_the_limit_is_not() -> None:
    READER.read(sent(merchant="x" * MAX_VALUE_CHARACTERS), RECEIVED_AT)
    with pytest.raises(TooLarge) as refused:
        READER.read(sent(merchant="x" * (MAX_VALUE_CHARACTERS + 1)), RECEIVED_AT)
    assert refused.value.field == "variables.merchant"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("merchant", VISA),
        ("merchant", "paid with 4111 1111 1111 1111 today"),
        ("merchant", "4111-1111-1111-1111"),
        ("merchant", int(VISA)),
        ("merchant", float(VISA)),
        ("merchant", "%B4111111111111111^DOE/JANE^29121010000000000000?"),
        ("merchant", ";4111111111111111=29121010000000000000?"),
        ("phone", VISA),
        ("amount", VISA),
        ("amount", int(VISA)),
        ("amount", float(VISA)),
        ("amount", "4.111111111111111e15"),
        ("items", VISA),
        ("items", -int(VISA)),
        ("items", "4111_1111_1111_1111"),
        ("items", "".join(chr(0x660 + int(digit)) for digit in VISA)),
    ],
)
def test_a_card_number_is_refused_by_its_shape_and_not_repeated(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        READER.read(sent(**{name: value}), RECEIVED_AT)
    assert refused.value.field == f"variables.{name}"
    assert "1111" not in str(refused.value)


def test_a_card_number_as_the_name_of_a_variable_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        READER.read(sent(**{f"card {VISA}": "x"}), RECEIVED_AT)
    assert VISA not in str(refused.value)


@pytest.mark.parametrize("name", ["cvv", "cardPinBlock"])
@pytest.mark.parametrize("value", ["123", "1", 123, 0, 1.0, "MM", ["123"], "٣"])
def test_a_secret_is_refused_by_its_name_and_not_repeated(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        READER.read(sent(**{name: value}), RECEIVED_AT)
    assert refused.value.field == f"variables.{name}"
    assert json.dumps(value).strip('[]"') not in str(refused.value)


@pytest.mark.parametrize("value", ["M", "n", "", None])
def test_the_result_of_a_match_is_no_secret(value: str | None) -> None:
    assert READER.read(sent(cvv=value), RECEIVED_AT).variables["cvv"] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "+4111111111111111"),
        ("phone", "(565)912-3989"),
        ("merchant", "123e4567-e89b-12d3-a456-426614174000"),
        ("merchant", "000000000000"),
        ("amount", 1e300),
        ("items", 2**63 - 1),
    ],
)
def test_long_numbers_that_are_no_card_numbers_are_accepted(name: str, value: Any) -> None:
    assert READER.read(sent(**{name: value}), RECEIVED_AT).variables[name] == value


def test_a_reader_does_not_change_what_it_was_given_or_gave() -> None:
    reader = EventReader(PAYMENT)
    first: Event = reader.read(sent(amount=1), RECEIVED_AT)
    reader.read(sent(merchant="other", items=9), RECEIVED_AT)
    assert first.variables["merchant"] == "unknown"
    assert first.variables["items"] == 1
