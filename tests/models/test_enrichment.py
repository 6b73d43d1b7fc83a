from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.models.enrichment import BY_TYPE, Enrichment
from ringfence.models.enrichment import agreement as agree
from ringfence.models.enrichment.address import normal_postal_code, split_address
from ringfence.models.enrichment.card_bin import scheme
from ringfence.models.enrichment.email import EMAIL
from ringfence.models.enrichment.ip_address import IP_ADDRESS, network
from ringfence.models.enrichment.phone import PHONE, area
from ringfence.models.enrichment.price import PRICE, PRICE_PAIR
from ringfence.models.enrichment.text import split_free_text
from ringfence.models.enrichment.time_of_day import split_elapsed, split_time
from ringfence.models.enrichment.user_agent import split_user_agent

_PAIRS = (
    agree.SAME,
    agree.NAME_AND_MAILBOX,
    agree.POSTAL_AND_STATE,
    agree.NETWORK_AND_PLACE,
    agree.PHONE_AND_PLACE,
    agree.PAIR,
)
_TEXT = st.text(min_size=1).map(str.strip).filter(bool)


def _numbers(enrichment: Enrichment, *values: object) -> dict[str, float]:
    numbers, _ = enrichment.split(*values)
    return dict(zip((n.name for n in enrichment.numbers), numbers, strict=True))


def _fits(enrichment: Enrichment, *values: object) -> None:
    numbers, keys = enrichment.split(*values)
    assert [type(number) for number in numbers] == [float] * len(enrichment.numbers)
    assert len(keys) == len(enrichment.keys)
    assert all(key is None or (isinstance(key, str) and key) for key in keys)


@given(_TEXT)
@settings(deadline=None)
def test_any_text_has_as_many_parts_as_are_declared(text: str) -> None:
    for enrichment in set(BY_TYPE.values()):
        if not enrichment.numeric:
            _fits(enrichment, text)


@given(_TEXT, _TEXT)
@settings(deadline=None)
def test_any_pair_of_texts_has_as_many_parts_as_are_declared(one: str, other: str) -> None:
    for enrichment in _PAIRS:
        _fits(enrichment, one, other)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
@settings(deadline=None)
def test_any_amount_has_as_many_parts_as_are_declared(one: float, other: float) -> None:
    _fits(PRICE, one)
    _fits(PRICE_PAIR, one, other)


@given(st.ip_addresses())
@settings(deadline=None)
def test_every_ip_address_is_well_formed_and_has_a_network(address: object) -> None:
    assert _numbers(IP_ADDRESS, str(address))["well_formed"] == 1.0
    assert network(str(address)) is not None


@pytest.mark.parametrize(
    ("address", "reserved"),
    [("62.39.153.176", 0), ("10.1.2.3", 1), ("172.20.0.1", 1), ("172.40.0.1", 0),
     ("192.168.0.9", 1), ("127.0.0.1", 1), ("100.64.0.1", 1), ("::1", 1), ("2a00:1450::5", 0)],
)  # fmt: skip
def test_private_and_reserved_addresses_are_told_from_public_ones(
    address: str, reserved: float
) -> None:
    assert _numbers(IP_ADDRESS, address)["reserved"] == reserved


def test_an_ipv4_address_written_as_ipv6_is_in_the_same_network() -> None:
    assert network("::ffff:62.39.153.176") == network("62.39.153.176") == "62.39"


@pytest.mark.parametrize("text", ["300.1.1.1", "1.2.3", "host", "1.2.3.4.5", "²1.2.3.4"])
def test_what_is_no_ip_address_is_said_to_be_none(text: str) -> None:
    assert _numbers(IP_ADDRESS, text)["well_formed"] == 0.0
    assert network(text) is None


def test_a_mail_address_is_taken_apart() -> None:
    numbers = _numbers(EMAIL, "Jonathan15+shop@Sub.Mailinator.com")
    assert (numbers["local_length"], numbers["local_ending"]) == (10, 2)
    assert (numbers["disposable"], numbers["free"], numbers["local_tag"]) == (1, 0, 1)
    assert EMAIL.split("Jonathan15@Example.org")[1] == ("example.org", "org")
    assert _numbers(EMAIL, "not an address")["well_formed"] == 0.0


@pytest.mark.parametrize(
    ("number", "expected"),
    [("(565)912-3989", "1 565"), ("+1 565 912 3989", "1 565"), ("001-565-912-3989x12", "1 565"),
     ("+44 20 7946 0018", "44 207"), ("0044 20 7946 0018", "44 207"), ("+358 40 123456", "358 401"),
     ("+49 30 123456", "49 301"), ("5551234", None), ("none", None)],
)  # fmt: skip
def test_calling_and_area_code_are_read_from_any_notation(
    number: str, expected: str | None
) -> None:
    assert area(number) == expected


def test_a_north_american_number_that_cannot_exist_is_noticed() -> None:
    assert _numbers(PHONE, "(165)912-3989")["plausible"] == 0.0
    assert _numbers(PHONE, "(565)912-3989")["plausible"] == 1.0


@pytest.mark.parametrize(
    ("digits", "expected"),
    [("411111", "visa"), ("222100", "mastercard"), ("555555", "mastercard"), ("340000", "amex"),
     ("601100", "discover"), ("352800", "jcb"), ("360000", "diners"), ("620000", "unionpay"),
     ("501800", "maestro"), ("100000", "other")],
)  # fmt: skip
def test_the_card_scheme_is_known_by_its_prefix(digits: str, expected: str) -> None:
    assert scheme(digits) == expected


@pytest.mark.parametrize(
    ("written", "normal"),
    [("2134", "02134"), ("02134-1234", "02134"), ("sw1a 1aa", "SW1A1AA"), ("90768.0", "90768")],
)
def test_postal_codes_are_compared_in_one_notation(written: str, normal: str) -> None:
    assert normal_postal_code(written) == normal


@pytest.mark.parametrize(
    ("postal", "state", "agrees"),
    [("90768", "South Dakota", 0.0), ("57101", "South Dakota", 1.0), ("57101", "SD", 1.0)],
)
def test_a_us_postal_code_is_held_against_its_state(postal: str, state: str, agrees: float) -> None:
    assert _numbers(agree.POSTAL_AND_STATE, postal, state)["agrees"] == agrees
    assert math.isnan(_numbers(agree.POSTAL_AND_STATE, postal, "Bavaria")["agrees"])


def test_a_name_is_looked_for_in_the_mailbox() -> None:
    overlap = agree.NAME_AND_MAILBOX
    assert _numbers(overlap, "Priscilla Rojas", "priscilla.rojas@x.org")["overlap"] == 1.0
    assert _numbers(overlap, "Priscilla Rojas", "projas@x.org")["overlap"] == 0.625
    assert _numbers(overlap, "Priscilla Rojas", "jonathan15@x.org")["overlap"] == 0.0


def test_amounts_are_compared_by_share_and_difference() -> None:
    pair = _numbers(PRICE_PAIR, 58.0, 4155.0)
    assert pair["share"] == pytest.approx(58 / 4155)
    assert (pair["difference"], pair["equal"]) == (-4097.0, 0.0)
    assert math.isnan(_numbers(PRICE_PAIR, 1.0, 0.0)["share"])
    assert _numbers(PRICE, 0.1 + 0.2)["cents"] == 30.0


def test_numbers_in_a_free_text_do_not_make_it_another_text() -> None:
    assert split_free_text("Shop #12")[1] == split_free_text("SHOP #3")[1]


def test_browser_system_and_automation_are_read_from_a_user_agent() -> None:
    numbers, keys = split_user_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Safari")
    assert (keys[:2], numbers[1], numbers[2]) == (("safari", "ios"), 17.0, 1.0)
    assert split_user_agent("curl/8.1")[0][3] == 1.0


def test_a_flat_and_a_house_number_are_found_in_an_address() -> None:
    numbers = split_address("4994 Brown Streets Suite 884")[0]
    assert (numbers[2], numbers[4]) == (4994.0, 1.0)


@given(st.datetimes(min_value=datetime(1971, 1, 1)))
@settings(deadline=None)
def test_hour_and_weekday_are_those_of_utc(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    hour, weekday = split_time(at)[0]
    assert int(weekday) == at.weekday()
    assert hour == pytest.approx(at.hour + at.minute / 60 + at.second / 3600, abs=1e-3)


def test_elapsed_time_is_in_hours() -> None:
    at = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert split_elapsed("2026-03-01T00:00:00Z", at)[0] == (30.0,)
    assert split_elapsed("2026-03-01T02:00:00+02:00", at)[0] == (30.0,)
    assert math.isnan(split_elapsed("yesterday", at)[0][0])
