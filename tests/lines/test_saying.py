"""How amounts, digits, dates and times are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows.participant import Prompt
from ringfence.flows.ssml import escaped, parse_ssml
from ringfence.lines.speech.calendar import said_date, said_time
from ringfence.lines.speech.money import money, split_amount, with_money_said
from ringfence.lines.speech.numbers import Gender, cardinal, counted, fraction, ordinal
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
        ("EUR 4155.00", "en-GB", "4155 euros"),
        ("EUR 4155.00", "de-DE", "4155 Euro"),
        ("EUR 4155.00", "fr-FR", "4155 euros"),
        ("EUR 4155.00", "es-ES", "4155 euros"),
        ("EUR 4155.00", "pt-BR", "4155 euros"),
        ("EUR 4155.00", "pt-PT", "4155 euros"),
        ("EUR 4155.00", "it-IT", "4155 euro"),
        ("EUR 1.01", "de-DE", "ein Euro und ein Cent"),
        ("EUR 21.01", "es-ES", "veintiún euros con un céntimo"),
        ("GBP 221.00", "es-ES", "doscientas veintiuna libras"),
        ("GBP 2.00", "pt-PT", "duas libras"),
        ("GBP 21.00", "fr-FR", "vingt et une livres"),
        ("EUR 1.00", "it-IT", "un euro"),
        ("EUR 2000000.00", "fr-FR", "2000000 d'euros"),
        ("EUR 2000000.00", "es-ES", "2000000 de euros"),
        ("-5 CHF", "fr-CH", "moins 5 francs suisses"),
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
        ("2026-11-24", "", "en-US", "November 24th 20 26"),
        ("2026-11-24T09:30:00Z", "", "en-GB", "24th November 20 26"),
        ("20261124", "", "de-DE", "vierundzwanzigster November 2026"),
        ("24.11.2026", "", "fr-FR", "24 novembre 2026"),
        ("11/03/2026", "mdy", "en-US", "November 3rd 20 26"),
        ("????1101", "ymd", "es-MX", "primero de noviembre"),
        ("29/02", "dm", "en-GB", "29th February"),
        ("24 11 2026", "dmy", "pl-PL", "24 11 2026"),
        ("11/24/2026", "", "en-US", "November 24th 20 26"),
        ("01/05/2026", "", "en-GB", "1st May 20 26"),
        ("01/05/2026", "", "it-IT", "primo maggio 2026"),
        ("01/05/2026", "", "pt-BR", "primeiro de maio de 2026"),
        ("01/05/2026", "", "pt-PT", "1 de maio de 2026"),
        ("01/05/2026", "", "es-ES", "1 de mayo de 2026"),
        ("1.5.1984", "", "de-DE", "erster Mai 19 hundert 84"),
        ("20261101", "yyyymmdd", "fr-FR", "premier novembre 2026"),
        ("112426", "mdy", "en-US", "November 24th 20 26"),
        ("11/2026", "my", "es-ES", "noviembre de 2026"),
        ("2026-11", "ym", "de-DE", "November 2026"),
        ("24", "d", "en-US", "24th"),
        ("05", "m", "pt-PT", "maio"),
        ("1905", "y", "en-US", "19 oh 5"),
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
        ("1:00", "de-DE", "ein Uhr"),
        ("21:01", "fr-FR", "vingt et une heures une"),
        ("1:15", "es-ES", "una hora y 15"),
        ("14:30", "it-IT", "14 ore e 30"),
        ("2pm", "pt-BR", "14 horas"),
        ("1'1\"", "de-DE", "eine Minute eine Sekunde"),
        ("1'1\"", "it-IT", "un minuto un secondo"),
    ],
)
def test_a_time_is_said_in_words(text: str, language: str, spoken: str | None) -> None:
    assert said_time(text, language) == spoken


def test_ordinals_have_their_endings() -> None:
    assert [ordinal(n, "en-US") for n in ("1", "2", "3", "11", "112", "23")] == [
        *("1st", "2nd", "3rd", "11th", "112th", "23rd")
    ]
    assert [ordinal(n, "de-DE") for n in ("1", "3", "16", "20", "31")] == [
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


@pytest.mark.parametrize(
    ("text", "language", "spoken"),
    [
        ("2025551212", "en-US", "2 0 2, 5 5 5, 1 2 1 2"),
        ("5551212", "en-GB", "5 5 5, 1 2 1 2"),
        ("0612345678", "fr-FR", "0 6, 1 2, 3 4, 5 6, 7 8"),
        ("030123456", "de-DE", "0 3 0, 1 2 3, 4 5 6"),
        ("2025551212x345", "en-US", "2 0 2, 5 5 5, 1 2 1 2, extension 3 4 5"),
        ("030 1234-5", "es-ES", "0 3 0, 1 2 3 4, 5"),
    ],
)
def test_a_telephone_number_is_said_in_groups(text: str, language: str, spoken: str) -> None:
    assert said(text, "telephone", "", language) == spoken


def test_letters_and_figures_of_a_reference_are_apart() -> None:
    assert said("KD7PX 10", "characters", "", "de-DE") == (
        '<say-as interpret-as="characters">KD</say-as> 7 '
        '<say-as interpret-as="characters">PX</say-as>, 1 0'
    )


@pytest.mark.parametrize(
    ("kind", "text", "language", "spoken"),
    [
        ("unit", "12km", "en-US", "12 kilometers"),
        ("unit", "1/2inch", "es-ES", "media pulgada"),
        ("unit", "1h", "it-IT", "una ora"),
        ("unit", "3.5kg", "de-DE", "3,5 Kilogramm"),
        ("unit", "meter", "fr-FR", "mètre"),
        ("unit", "12 parsecs", "en-US", "12 parsecs"),
        ("address", "12 Main St., 90210", "en-US", "12 Main Street, 9 0 2 1 0"),
        ("address", "St. James St", "en-US", "St. James Street"),
        ("address", "Hauptstr. 5", "de-DE", "Hauptstraße 5"),
        ("fraction", "3/4", "en-US", "3 quarters"),
        ("fraction", "2½", "en-US", "2 and a half"),
        ("fraction", "3/20", "de-DE", "3 Zwanzigstel"),
        ("fraction", "1/0", "en-US", "1/0"),
        ("ordinal", "3", "fr-FR", "3ème"),
        ("ordinal", "1", "it-IT", "primo"),
        ("ordinal", "12", "es-ES", "12º"),
        ("cardinal", "1,234.5", "de-DE", "1234,5"),
        ("number", "1.234.567", "pt-BR", "1234567"),
        ("time", "noon", "en-US", "noon"),
        ("date", "soon", "en-US", "soon"),
    ],
)
def test_numbers_measures_and_addresses_are_said(
    kind: str, text: str, language: str, spoken: str
) -> None:
    assert said(text, kind, "", language) == spoken


def test_a_number_agrees_with_its_noun() -> None:
    assert counted(200_001, "es", Gender.FEMININE) == "doscientas mil una"
    assert counted(31, "es") == "treinta y un"
    assert counted(202, "pt", Gender.FEMININE) == "duzentas e duas"
    assert counted(11, "es", Gender.FEMININE) == "11"
    assert fraction("1/2", "pt", Gender.FEMININE) == "meia"
    assert cardinal("12,345.60", "fr") == "12345,60"


@given(
    text=st.text(alphabet="0123456789.,/-:'\"?½xh %kmap+ ", max_size=14) | st.text(max_size=14),
    kind=st.sampled_from(
        [
            *("digits", "telephone", "characters", "currency", "cardinal", "ordinal", "fraction"),
            *("unit", "date", "time", "address"),
        ]
    ),
    order=st.sampled_from(["", "mdy", "dmy", "ymd", "md", "my", "d", "y", "yyyymmdd", "odd"]),
    language=st.sampled_from(["en-US", "en-GB", "de", "fr-CA", "es-MX", "pt-BR", "it", "nl", "xx"]),
)
def test_whatever_is_to_be_said_is_markup_that_can_be_read(
    text: str, kind: str, order: str, language: str
) -> None:
    parse_ssml(f"<speak>{said(escaped_away(text), kind, order, language)}</speak>")


def escaped_away(text: str) -> str:
    """`text` as it comes out of a prompt: without what XML cannot hold."""
    return "".join(parse_ssml(f"<speak>{escaped(text)}</speak>").itertext())


def sentences(text: str) -> list[str]:
    return [sentence.caption for sentence in script(Prompt(text, ssml=False), "en-US")]


def test_sentences_end_where_a_reader_would_end_them() -> None:
    assert sentences("Hello Mr. Smith. You paid EUR 4.50 at J. Doe Ltd. in Rome! Was it you?") == [
        "Hello Mr. Smith.",
        "You paid EUR 4.50 at J. Doe Ltd. in Rome!",
        "Was it you?",
    ]
    assert sentences("No final stop") == ["No final stop"]


def test_german_days_are_ranks_and_end_no_sentence() -> None:
    prompt = Prompt(
        'Am 24. Mai, also vom <say-as interpret-as="date">2026-05-03</say-as> an. Gut.',
        ssml=True,
    )
    first, second = script(prompt, "de-DE")
    assert first.caption == "Am 24. Mai, also vom 2026-05-03 an."
    assert first.parts[0] == Utterance("Am vierundzwanzigsten Mai, also vom dritten Mai 2026 an.")
    assert second.caption == "Gut."
    plainly = script(Prompt("Heute ist der 1. Mai.", ssml=False), "de")
    assert plainly[0].parts[0] == Utterance("Heute ist der erste Mai.")
    assert [each.caption for each in script(Prompt("Taste 2. Danke.", ssml=False), "de")] == [
        "Taste 2.",
        "Danke.",
    ]


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
