"""Phone numbers, time zones and languages as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cards.phones import (
    read_language,
    read_phone_number,
    read_time_zone,
    time_zone_of,
)
from ringfence.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "e164"),
    [
        ("+14155552671", "+14155552671"),
        (" +1 (415) 555-2671 ", "+14155552671"),
        ("+1.415.555.2671", "+14155552671"),
        ("+49 (0)30 123456", "+4930123456"),
        ("0049 30 123456", "+4930123456"),
        ("+44 20 7946‑0958", "+442079460958"),  # a non-breaking hyphen
        ("+４９ ３０ １２３４５６", "+4930123456"),  # full-width digits
        ("+290 22222", "+29022222"),  # short, and real
    ],
)
def test_common_writing_becomes_e164(written: str, e164: str) -> None:
    number = read_phone_number(written)
    assert number.e164 == e164
    assert number.dialable


@pytest.mark.parametrize("placeholder", ["+123456789", "+15550100000", "+12025550"])
def test_a_placeholder_in_the_form_of_e164_is_read_as_not_dialable(placeholder: str) -> None:
    number = read_phone_number(placeholder)
    assert number == read_phone_number(number.e164)
    assert number.e164 == placeholder
    assert not number.dialable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+1 800 FLOWERS",
        "030 123456",
        "4155552671",
        "+1234",
        "+1415555267112345678",
        "+4930123456789012345",
        "+1 415 555 26711",
        "+999 123456789",
        "+49 30 123456 ext. 7",
        "+" + "1" * 100,
        "++4930123456",
        None,
        4930123456,
        ["+4930123456"],
    ],
)
def test_what_is_not_a_number_is_refused_by_field(text: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_phone_number(text, field="customers[2].phone_number")
    assert refused.value.field == "customers[2].phone_number"
    assert "country code" in (refused.value.expected or "")


@given(st.text(max_size=40) | st.from_regex(r"\A\+[0-9 ()./-]{0,30}\Z"))
def test_anything_is_read_as_e164_or_refused(text: str) -> None:
    try:
        number = read_phone_number(text)
    except InvalidInput:
        return
    assert number.e164[0] == "+"
    assert number.e164[1:].isdigit()
    assert len(number.e164) <= 16
    assert read_phone_number(number.e164) == number


@pytest.mark.parametrize(
    ("number", "zone", "shared"),
    [
        ("+4930123456", "Europe/Berlin", 1),
        ("+12125550123", "America/New_York", 1),
        ("+123456789", "UTC", 0),
    ],
)
def test_a_number_tells_its_time_zone_and_a_placeholder_none(
    number: str, zone: str, shared: int
) -> None:
    assert time_zone_of(read_phone_number(number)) == (zone, shared)


def test_of_many_zones_that_share_a_prefix_the_one_in_the_middle_is_taken() -> None:
    zone, shared = time_zone_of(read_phone_number("+79161234567"))  # any Russian mobile
    assert shared > 5
    assert zone not in ("Europe/Kaliningrad", "Asia/Kamchatka", "Asia/Anadyr")


@pytest.mark.parametrize("text", ["", "CET+1", "Mars/Olympus", "America", "../etc/passwd", 1])
def test_a_time_zone_must_be_a_real_one(text: object) -> None:
    assert read_time_zone("Asia/Tokyo") == "Asia/Tokyo"
    with pytest.raises(InvalidInput) as refused:
        read_time_zone(text)
    assert refused.value.field == "time_zone"


@pytest.mark.parametrize(
    ("written", "tag"),
    [("en-us", "en-US"), ("DE", "de"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")],
)
def test_a_language_is_written_as_bcp_47_writes_it(written: str, tag: str) -> None:
    assert read_language(written) == tag
    assert read_language(tag) == tag


@pytest.mark.parametrize("text", ["", "english please", "en_US", "e", "en-", "-US", 5])
def test_what_is_not_a_language_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_language(text)
    assert refused.value.field == "language"
