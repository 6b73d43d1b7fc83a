"""Card numbers and track data are found in running text, and masked."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.carddata import (
    looks_like_card_number,
    looks_like_track_data,
    luhn_valid,
    mask_card_numbers,
    names_a_secret,
)


def _check_digit(body: str) -> str:
    return next(digit for digit in "0123456789" if luhn_valid(body + digit))


CARDS = st.sampled_from(["4", "51", "2221", "6011", "3528", "36", "62"]).flatmap(
    lambda prefix: st.text("0123456789", min_size=15 - len(prefix), max_size=15 - len(prefix)).map(
        lambda rest: (prefix + rest) + _check_digit(prefix + rest)
    )
)


@pytest.mark.parametrize("digits", ["4111111111111111", "79927398713", "0", "378282246310005"])
def test_a_right_check_digit_is_valid(digits: str) -> None:
    assert luhn_valid(digits)


@pytest.mark.parametrize(
    "digits", ["4111111111111112", "79927398710", "", "4111x", "４１１１", "²"]
)
def test_a_wrong_check_digit_or_other_text_is_not_valid(digits: str) -> None:
    assert not luhn_valid(digits)


@given(body=st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_check_digit_is_right(body: str) -> None:
    assert sum(luhn_valid(body + digit) for digit in "0123456789") == 1


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111111",
        "card 4111 1111 1111 1111, thanks",
        "4111-1111-1111-1111",
        "card_4111111111111111",
        "4111111111111111.0",
        "4111111111111112",  # Visa with a wrong check digit
        "4222222222222",  # Visa of 13
        "5105105105105100",
        "2720991234567890",
        "378282246310006",
        "30569309025905",
        "3530111333300001",
        "6011000990139425",
        "6200000000000004",
        "501800000008",
        "order 7 4111 1111 1111 1111",
        "4111 1111 1111 1111 exp 12",
        "4111 1111 1111 1111 12 29",
        "４１１１１１１１１１１１１１１１",
    ],
)
def test_card_numbers_are_found(text: str) -> None:
    assert looks_like_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "000000000000",
        "4444444444444444",
        "12345678901",  # 11 digits
        "123456789012",  # no issuer, wrong check digit
        "123456789015",  # no issuer, though the check digit is right
        "9999999999999995x",
        "x4111111111111111",
        "4111111111111111a",
        "41111111111111111111",  # 20 digits
        "4111  1111  1111  1111",
        "0.4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000",
        "41111111-1111-1111-1111-111111111111",
        "2026-11-24T09:30:00Z",
        "************1111",
    ],
)
def test_other_text_is_not_a_card_number(text: str) -> None:
    assert not looks_like_card_number(text)


@given(at=st.integers(10**12, 2 * 10**12 - 1))  # 2001 to 2033
def test_a_time_in_milliseconds_or_microseconds_is_never_a_card_number(at: int) -> None:
    assert not looks_like_card_number(f"order-{at}")
    assert not looks_like_card_number(f"order-{at}000")


@given(number=st.uuids())
@example(number=uuid.UUID("41111111-1111-4111-8111-111111111111"))
def test_a_uuid_is_never_a_card_number(number: uuid.UUID) -> None:
    assert not looks_like_card_number(f"id={number}")


@pytest.mark.parametrize(
    "text",
    [
        "%B4111111111111111^DOE/JANE^29121010000000000?",
        "B4111111111111111^DOE/JANE^2912101",
        "%B3782 822463 10005^DOE/J^2912?",
        ";4111111111111111=29121010000000000000?",
        "4111111111111111=2912101",
        "swiped ;4111111111111111=2912?",
        "4111111111111111D29121010000000000000F",
    ],
)
def test_track_data_is_found(text: str) -> None:
    assert looks_like_track_data(text)
    assert "411111" not in mask_card_numbers(text)


@pytest.mark.parametrize("text", ["a=b", "id=123456789012", "2^3^4", "B12^x^", "4111111111111111"])
def test_other_text_is_not_track_data(text: str) -> None:
    assert not looks_like_track_data(text)


def test_a_masked_number_keeps_its_last_four() -> None:
    assert mask_card_numbers("paid with 4111 1111 1111 1111 today") == (
        "paid with ************1111 today"
    )
    assert mask_card_numbers(";4111111111111111=2912101?") == "************1111"
    assert mask_card_numbers("nothing here") == "nothing here"


@given(
    card=CARDS,
    separator=st.sampled_from(["", " ", "-"]),
    before=st.sampled_from(["", "a ", "x=", "12 ", "(", "2026-11-24 "]),
    after=st.sampled_from(["", ".", " b", " 12", ")", "\n"]),
)
def test_a_card_number_of_an_issuer_never_survives_masking(
    card: str, separator: str, before: str, after: str
) -> None:
    written = separator.join(card[start : start + 4] for start in range(0, 16, 4))
    masked = mask_card_numbers(before + written + after)
    assert written not in masked
    assert card not in masked


TEXT = st.text(st.sampled_from("0123456789 -=;?%B^D.ax*"), max_size=80)


@given(text=TEXT)
@example(text="4111 1111 1111 1111 2233 4455")
def test_masked_text_holds_no_card_data_and_masking_again_changes_nothing(text: str) -> None:
    masked = mask_card_numbers(text)
    assert not looks_like_card_number(masked)
    assert not looks_like_track_data(masked)
    assert mask_card_numbers(masked) == masked


@given(text=st.text(max_size=200))
def test_text_without_card_data_is_left_alone(text: str) -> None:
    if not looks_like_card_number(text) and not looks_like_track_data(text):
        assert mask_card_numbers(text) == text


@pytest.mark.parametrize(
    "name",
    ["cvv", "card_cvv2", "PIN", "pin_block", "track2", "cvc_result", "card_security_code", "cvn"],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", ["amount", "shipping_zip", "pinterest", "spin", "tracking"])
def test_other_names_are_not_secrets(name: str) -> None:
    assert not names_a_secret(name)
