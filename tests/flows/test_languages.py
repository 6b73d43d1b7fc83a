"""Which flow speaks a contact's language, and who speaks it."""

from __future__ import annotations

import string

import pytest
from conversations import action, converse, flow_of, says
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows.languages import (
    VOICES,
    VoiceKind,
    flow_for_language,
    language_of_voice,
    voice_for_language,
)

FLOWS = ("ask", "ask.de", "ask.de-CH", "ask.pt_BR", "ask.zh-Hant", "other.fr", "asking.it")


@pytest.mark.parametrize(
    ("language", "flow"),
    [
        ("de-CH", "ask.de-CH"),
        ("DE_ch", "ask.de-CH"),
        ("de-DE", "ask.de"),
        ("de", "ask.de"),
        ("pt-BR", "ask.pt_BR"),
        ("zh-Hant-TW", "ask.zh-Hant"),
        ("pt-PT", "ask"),
        ("fr-FR", "ask"),
        ("it-IT", "ask"),
        ("en-US", "ask"),
        ("", "ask"),
        ("deutsch bitte", "ask"),
    ],
)
def test_a_contact_hears_the_flow_of_its_language_the_narrowest_there_is(
    language: str, flow: str
) -> None:
    assert flow_for_language(FLOWS, "ask", language) == flow


@pytest.mark.parametrize("name", ["ask.de", "ask.fr", "ask.pt-BR", "ask.pt_BR"])
def test_a_name_that_carries_a_language_stays(name: str) -> None:
    assert flow_for_language([*FLOWS, f"{name}.it"], name, "it-IT") == name


def test_a_name_with_a_point_carries_no_language_for_that() -> None:
    assert flow_for_language(["ask v1.2", "ask v1.2.it"], "ask v1.2", "it") == "ask v1.2.it"
    assert flow_for_language(["St. Gallen", "St. Gallen.fr"], "St. Gallen", "fr") == "St. Gallen.fr"


def test_names_that_differ_in_more_than_the_language_are_other_flows() -> None:
    assert flow_for_language(["Ask.de", "a-sk.de"], "ask", "de") == "ask"
    assert flow_for_language(["a-sk.de"], "a_sk", "de") == "a_sk"


@given(
    names=st.lists(st.text(alphabet="ab.-_de", max_size=8), max_size=6),
    name=st.text(min_size=1, max_size=12),
    language=st.text(max_size=12),
)
def test_the_flow_is_always_one_that_there_is_or_the_one_asked_for(
    names: list[str], name: str, language: str
) -> None:
    found = flow_for_language(names, name, language)
    assert found == name or (found in names and found.startswith(f"{name}."))


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en-US", "Joanna"),
        ("en", "Joanna"),
        ("en-GB", "Amy"),
        ("de-DE", "Vicki"),
        ("de_de", "Vicki"),
        ("de-LI", "Vicki"),
        ("de-CH-1996", "Sabrina"),
        ("fr-FR", "Lea"),
        ("fr-CH", "Lea"),
        ("fr-CA", "Gabrielle"),
        ("es", "Lucia"),
        ("es-MX", "Mia"),
        ("es-419", "Lupe"),
        ("pt-BR", "Camila"),
        ("pt-PT", "Ines"),
        ("it-IT", "Bianca"),
        ("no", "Ida"),
        ("zh-Hans-CN", "Zhiyu"),
        ("zh-HK", "Hiujin"),
        ("ar-EG", "Zeina"),
        ("tlh", "Joanna"),
        ("", "Joanna"),
        ("not a language", "Joanna"),
    ],
)
def test_every_language_has_its_own_voice_and_what_has_none_gets_joanna(
    language: str, voice: str
) -> None:
    assert voice_for_language(language) == voice


def test_a_voice_has_its_language_with_it_however_it_is_written() -> None:
    for name in ("Vicki", "vicki", " VICKI "):
        assert language_of_voice(name) == "de-DE"
    assert language_of_voice("Lea") == language_of_voice("Léa") == "fr-FR"
    assert language_of_voice("Nobody") is None
    assert language_of_voice("") is None


def test_the_voice_of_a_language_speaks_it() -> None:
    for language in {each.language for each in VOICES.values()}:
        assert language_of_voice(voice_for_language(language)) == language


def test_no_child_speaks_where_nobody_was_chosen() -> None:
    for language in {each.language for each in VOICES.values()}:
        assert VOICES[voice_for_language(language).lower()].kind is not VoiceKind.CHILD


@given(st.text(alphabet=string.printable, max_size=20))
def test_any_language_gets_a_voice_that_there_is(language: str) -> None:
    assert voice_for_language(language).lower() in VOICES


def test_a_flow_that_sets_no_voice_speaks_in_the_contacts() -> None:
    talk = converse(flow_of(says("$.TextToSpeechVoiceId")), language="fr-CA")
    assert [(each.text, each.voice) for each in talk.cardholder.heard] == [
        ("Gabrielle", "Gabrielle")
    ]


def test_the_voice_changes_with_the_language_unless_the_flow_has_set_one() -> None:
    def german(next_: str) -> dict[str, object]:
        given = {"LanguageCode": "de-DE"}
        return action("german", "UpdateContactData", given, next_)

    without = converse(flow_of(says("one", "one", "german"), german("two"), says("two", "two")))
    assert [each.voice for each in without.cardholder.heard] == ["Joanna", "Vicki"]
    amy = action("amy", "UpdateContactTextToSpeechVoice", {"TextToSpeechVoice": "Amy"}, "german")
    chosen = converse(flow_of(amy, german("say"), says("two")))
    assert [each.voice for each in chosen.cardholder.heard] == ["Amy"]
