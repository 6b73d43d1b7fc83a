"""Errors name the field, whatever was sent and wherever it stands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.carddata import looks_like_card_number
from ringfence.cases import ContactPlan
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import EventType
from ringfence.refusals import refuse_card_data
from ringfence.web.api import Body
from ringfence.web.decisions import TransactionBody
from ringfence.web.misfits import refuse_unknown_fields
from ringfence.web.problems import problem

PAYMENT = Body(TransactionBody)
PLAN = Body(ContactPlan)
SIMPLE = st.text(max_size=5) | st.integers(-(2**53), 2**53) | st.booleans() | st.none()
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def field_of(body: Body, sent: Any) -> str | None:
    with pytest.raises(InvalidInput) as refusal:
        body.read(msgspec.json.encode(sent))
    return refusal.value.field


@given(
    before=st.dictionaries(NAMES, SIMPLE, max_size=20),
    name=NAMES,
    wrong=st.just([]) | st.just({}) | st.just([1]),
    after=st.dictionaries(NAMES, SIMPLE | st.just([]), max_size=20),
)
def test_the_first_variable_of_a_wrong_type_is_named(
    before: dict[str, Any], name: str, wrong: Any, after: dict[str, Any]
) -> None:
    variables = {key: value for key, value in before.items() if key != name}
    variables[name] = wrong
    variables |= {key: value for key, value in after.items() if key not in variables}

    sent = {"customer": "x", "transaction": variables}

    assert field_of(PAYMENT, sent) == f"transaction.{name}"


@given(st.integers(0, 11))
def test_a_wrong_answer_is_named_by_its_key(place: int) -> None:
    keys = "0123456789*#"
    answers = {key: "maybe" if index >= place else "legit" for index, key in enumerate(keys)}

    assert field_of(PLAN, {"name": "x", "outcomes": [], "answers": answers}) == (
        f"answers.{keys[place]}"
    )


def test_places_inside_of_objects_and_lists_are_named_in_full() -> None:
    plan: dict[str, Any] = {"name": "x", "outcomes": []}
    assert field_of(PLAN, plan | {"quiet_hours": {"start": 1}}) == "quiet_hours.start"
    assert field_of(PLAN, plan | {"outcomes": ["a", 2]}) == "outcomes[1]"
    assert field_of(PLAN, {"outcomes": []}) == "name"


def test_a_misspelt_field_is_named_wherever_it_stands() -> None:
    plan: dict[str, Any] = {"name": "x", "outcomes": []}
    for sent, field in (
        (plan | {"attemps": 1}, "attemps"),
        (plan | {"quiet_hours": {"begin": "21:00"}}, "quiet_hours.begin"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            refuse_unknown_fields(ContactPlan, sent)
        assert refusal.value.field == field
    refuse_unknown_fields(ContactPlan, plan | {"answers": {"7": "fraud"}, "quiet_hours": None})
    event_type = {"name": "x", "variables": [{"name": "v"}, {"name": "w", "dtype": "FLOAT"}]}
    with pytest.raises(InvalidInput) as refusal:
        refuse_unknown_fields(EventType, event_type)
    assert refusal.value.field == "variables[1].dtype"


def test_an_enumeration_and_an_object_say_what_may_stand_there() -> None:
    with pytest.raises(InvalidInput) as refusal:
        PLAN.read(b'{"name": "x", "outcomes": [], "on_unreached": "ignore"}')
    assert refusal.value.expected == "one of hold, block, release, analyst"
    with pytest.raises(InvalidInput) as refusal:
        PAYMENT.read(b'{"customer": "x", "transactions": {}}')
    assert refusal.value.field == "transactions"
    assert refusal.value.expected is not None
    assert "transaction" in refusal.value.expected


@given(st.binary(max_size=40))
def test_reading_any_bytes_gives_a_body_or_an_error_with_a_field(sent: bytes) -> None:
    try:
        PAYMENT.read(sent)
    except InvalidInput as error:
        status, reply = problem(error)
        assert status in (400, 422)
        assert reply.error.field


@given(st.from_regex(r"4[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}", fullmatch=True))
def test_no_error_repeats_a_card_number(number: str) -> None:
    _, reply = problem(NotFound(f"there is no {number!r}", field=number, expected=f"not {number}"))

    for text in (reply.error.message, reply.error.field, reply.error.expected):
        assert text is not None
        assert not looks_like_card_number(text)


def test_card_data_is_found_in_values_names_and_numbers_but_not_in_phone_numbers() -> None:
    for sent in (
        {"elements": ["x", "4532 7562 7962 4064"]},
        {"4532756279624064": "x"},
        {"variables": [{"default": 4532756279624064}]},
        {"variables": [{"default": 4532756279624064.0}]},
        {"description": ";4532756279624064=29122010000000000000?"},
        {"name": "+4532756279624064"},
    ):
        with pytest.raises(InvalidInput) as refusal:
            refuse_card_data(sent)
        assert refusal.value.field

    refuse_card_data({"elements": ["+49 30 901820", "+353861234567"], "limit": 300})
    refuse_card_data({"card_number": {"S": "4532756279624064"}, "reason": "4532756279624064"})
