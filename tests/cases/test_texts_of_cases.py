"""What an SMS says and what is read from one; pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cards import Vault
from ringfence.cases.links import new_link_id, read_link, signed_link
from ringfence.cases.replies import Meaning, Reply, read_reply
from ringfence.cases.text_wordings import LONGEST, Wording, gsm, text_of

LANGUAGES = ("en-US", "de-CH", "fr-FR", "es-MX", "it-IT", "pt-BR", "ja-JP")
ATTRIBUTES = {
    "Bank": "Example Bank",
    "CardNo": "8788",
    "Reference": "KD7PX",
    "Amount": "4155.00",
    "Currency": "EUR",
    "Merchant": "Corner Bakery",
}
LINK = "https://cards.example.com/c/" + "x" * 38
AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
VAULT = Vault(bytes(32))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_says_who_asks_about_what_how_to_answer_and_how_to_stop(language: str) -> None:
    text = text_of("question", language, ATTRIBUTES)
    for part in ("Example Bank", "EUR 4155.00", "Corner Bakery", "8788", "1 ", "2 ", "KD7PX"):
        assert part in text
    assert "STOP" in text
    link = text_of("link", language, ATTRIBUTES, LINK)
    assert LINK in link
    assert "4155" not in link


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_not_trusted_is_not_told_why(language: str) -> None:
    told = text_of("not_trusted", language, ATTRIBUTES)
    reasons = r"\b(n[uú]m\w+|Nummer|new|neu|nouveau|nuevo|nuovo|novo|changed|trust\w*)\b"
    assert not re.search(reasons, told, re.IGNORECASE)


@given(
    st.sampled_from(LANGUAGES),
    st.sampled_from(Wording.__slots__),
    st.text(max_size=60),
    st.sampled_from(["", "4155.00", "12345678901.00"]),
)
def test_every_text_is_one_sms(language: str, kind: str, merchant: str, amount: str) -> None:
    attributes = {**ATTRIBUTES, "Merchant": merchant, "Amount": amount}
    text = text_of(kind, language, attributes, LINK)
    assert len(text) <= LONGEST
    assert gsm(text) == text


def test_what_makes_it_too_long_is_left_out_from_the_merchant_on() -> None:
    long = {**ATTRIBUTES, "Merchant": "The very long name of a merchant " * 4}
    text = text_of("question", "en", long)
    assert "EUR 4155.00" in text
    assert "merchant" not in text


def test_a_merchant_in_letters_that_no_short_sms_has_is_left_out() -> None:
    text = text_of("question", "en", {**ATTRIBUTES, "Merchant": "東京駅"})
    assert "?" not in text.replace("8788?", "")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1", Meaning.LEGIT),
        (" YES! ", Meaning.LEGIT),
        ("Sí, fui yo", Meaning.LEGIT),
        ("Oui", Meaning.LEGIT),
        ("2", Meaning.FRAUD),
        ("NO!!", Meaning.FRAUD),
        ("nein, Betrug", Meaning.FRAUD),
        ("não", Meaning.FRAUD),
        ("stop", Meaning.STOP),
        ("please STOP, no more", Meaning.STOP),
        ("ARRÊT", Meaning.STOP),
        ("yes and no", Meaning.UNCLEAR),
        ("who is this", Meaning.UNCLEAR),
        ("12", Meaning.UNCLEAR),
        ("", Meaning.UNCLEAR),
    ],
)
def test_a_reply_is_read_in_every_language(text: str, meaning: Meaning) -> None:
    assert read_reply(text).meaning is meaning


def test_a_reply_may_name_the_reference_which_is_no_answer() -> None:
    known = frozenset({"KD7PX", "FINE4", "3M4NY"})
    assert read_reply("2 kd7px", known) == Reply(Meaning.FRAUD, "KD7PX")
    assert read_reply("1 for KD7PY", known) == Reply(Meaning.LEGIT, "")
    assert read_reply("1 KD7PX 3M4NY", known).reference == ""


@given(st.text(max_size=400))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert read_reply(text).meaning in Meaning


@given(st.integers(1, 10**6))
def test_a_link_is_read_until_it_expires(seconds: int) -> None:
    link_id = new_link_id()
    link = signed_link(VAULT, link_id, AT + timedelta(seconds=seconds))
    assert read_link(VAULT, link, AT) == link_id
    assert read_link(VAULT, link, AT + timedelta(seconds=seconds)) is None
    assert read_link(Vault(bytes(31) + b"x"), link, AT) is None


@given(st.integers(0, 37), st.sampled_from("ABCabc019-_"))
def test_a_link_that_was_changed_leads_nowhere(place: int, sign: str) -> None:
    link = signed_link(VAULT, new_link_id(), AT + timedelta(days=1))
    changed = link[:place] + sign + link[place + 1 :]
    if changed != link:
        assert read_link(VAULT, changed, AT) is None


@given(st.text(max_size=60))
def test_what_is_no_link_leads_nowhere(text: str) -> None:
    assert read_link(VAULT, text, AT) is None
