"""How amounts, digits, dates and times are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows.participant import Prompt
from ringfence.lines.speech.calendar import said_date, said_ordinal, said_time
from ringfence.lines.speech.money import money, split_amount, with_money_said
from ringfence.lines.speech.saying import said
from ringfence.lines.speech.script import Sentence, Silence, Utterance, script


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("EUR 4155.00", "en-US", "4155 euros"),
        ("EUR 4,155.20", "en-US", "4155 euros and 20 cents"),
        ("$45.30", "en-US", "45 dollars and 30 cents"),
        ("USD 1", "en-US", "1 dollar"),
        ("0.01 EUR", "en-GB", "1 cent"),
        ("-5 GBP", "en-GB", "minus 5 pounds"),
        ("JPY 12,000", "en-US", "12000 yen"),
        ("KWD 1.250", "en-US", "1 dinar and 250 fils"),
        ("4.155,20 €", "de-DE", "4155 Euro und 20 Cent"),
        ("12,50 €", "fr-FR", "12 euros et 50 centimes"),
        ("EUR 0.00", "en-US", "0 euros"),
    ],
)
def test_an_amount_is_said_with_its_currency_after_it(
    text: str, language: str, spoken: str
) -> None:
    assert money(text, language) == spoken


@pytest.mark.parametrize("text", ["", "4155", "EUR", "QQQ 5", "EURO 5", "5 EUR and more"])
def test_what_is_not_an_amount_is_left_alone(text: str) -> None:
    assert money(text, "en-US") is None


def test_amounts_in_running_text_are_said_too() -> None:
    assert with_money_said("Pay $4,155.00 now, or 20 EUR.", "en") == (
        "Pay 4155 dollars now, or 20 euros."
    )


@given(whole=st.integers(0, 10**12), cents=st.integers(0, 99))
def test_any_grouping_of_an_amount_is_read_the_same(whole: int, cents: int) -> None:
    for figures in (
        f"{whole}.{cents:02}",
        f"{whole},{cents:02}",
        f"{whole:,}.{cents:02}",
        f"{whole:,}".replace(",", ".") + f",{cents:02}",
        f"{whole:,}".replace(",", "\u202f") + f",{cents:02}",
        f"{whole:,}".replace(",", "'") + f".{cents:02}",
    ):
        assert split_amount(figures, 2) == (whole, cents)


@pytest.mark.parametrize(
    ("text", "order", "language", "spoken"),
    [
        ("2026-11-24", "", "en-US", "November 24th 2026"),
        ("2026-11-24T09:30:00Z", "", "en-GB", "24th November 2026"),
        ("20261124", "", "de-DE", "vierundzwanzigster November 2026"),
        ("24.11.2026", "", "fr-FR", "24 novembre 2026"),
        ("11/03/2026", "mdy", "en-US", "November 3rd 2026"),
        ("????1101", "ymd", "es-ES", "primero de noviembre"),
        ("29/02", "dm", "en-GB", "29th February"),
        ("24 11 2026", "dmy", "pl-PL", "24 11 2026"),
    ],
)
def test_a_date_is_said_in_words(text: str, order: str, language: str, spoken: str) -> None:
    assert said_date(text, order, language) == spoken


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "soon", "", "????-??-??"])
def test_an_impossible_date_is_none(text: str) -> None:
    assert said_date(text, "", "en-US") is None


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("14:30", "en-US", "2 30 P M"),
        ("00:05", "en-US", "12 oh 5 A M"),
        ("2:30pm", "de-DE", "14 Uhr 30"),
        ("1'21\"", "en-US", "1 minute 21 seconds"),
        ("25:00", "en-US", None),
    ],
)
def test_a_time_is_said_in_words(text: str, language: str, spoken: str | None) -> None:
    assert said_time(text, language) == spoken


def test_ordinals_have_their_endings() -> None:
    assert [said_ordinal(n, "en-US") for n in ("1", "2", "3", "11", "112", "23")] == [
        *("1st", "2nd", "3rd", "11th", "112th", "23rd")
    ]
    assert [said_ordinal(n, "de-DE") for n in ("1", "3", "16", "20", "31")] == [
        *("erster", "dritter", "sechzehnter", "zwanzigster", "einunddreißigster")
    ]


@pytest.mark.parametrize("kind", ["digits", "telephone", "characters", "spell-out"])
def test_digits_are_parted_whatever_the_kind_is_called(kind: str) -> None:
    assert said("4071", kind, "", "en-US") == "4 0 7 1"
    assert said("555-0100", kind, "", "en-US") == "5 5 5, 0 1 0 0"


def test_letters_are_spelled_and_text_cannot_become_markup() -> None:
    assert said("AB<1", "spell-out", "", "en-US") == (
        '<say-as interpret-as="characters">AB</say-as>, 1'
    )
    assert said("<b>", "unknown", "", "en-US") == "&lt;b&gt;"
    assert said("1,234,567", "cardinal", "", "en-US") == "1234567"


def sentences(text: str) -> list[str]:
    return [sentence.caption for sentence in script(Prompt(text, ssml=False), "en-US")]


def test_sentences_end_where_a_reader_would_end_them() -> None:
    assert sentences("Hello Mr. Smith. You paid EUR 4.50 at J. Doe Ltd. in Rome! Was it you?") == [
        "Hello Mr. Smith.",
        "You paid EUR 4.50 at J. Doe Ltd. in Rome!",
        "Was it you?",
    ]
    assert sentences("No final stop") == ["No final stop"]


def test_a_script_keeps_captions_beside_what_is_said() -> None:
    prompt = Prompt(
        '<speak>Call <sub alias="Ringfence Bank">RFB</sub>'
        '<break time="1s"/><prosody rate="slow">now &amp; here</prosody></speak>',
        ssml=True,
    )
    assert script(prompt, "en-US") == (
        Sentence(
            "Call RFBnow & here",
            (
                Utterance("Call Ringfence Bank"),
                Silence(1.0),
                Utterance('<prosody rate="slow">now &amp; here</prosody>'),
            ),
        ),
    )


@given(st.text(max_size=80))
def test_no_letter_of_a_plain_text_is_lost_from_its_captions(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) in ("", "".join(text.split()))
