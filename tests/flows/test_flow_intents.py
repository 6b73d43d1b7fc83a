"""Words that mean an intent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.flows import Bot
from ringfence.flows.intents import intent_of, plain

BOT = Bot(
    "Answers",
    {
        "Mine": ("yes", "that was me", "sí", "1"),
        "Fraud": ("no", "not me", "that was not me", "2", "nicht ich"),
        "Again": ("*", "repeat", "don't understand"),
    },
)


@pytest.mark.parametrize(
    ("words", "intent"),
    [
        ("yes", "Mine"),
        ("Yes, please!", "Mine"),
        ("SI", "Mine"),
        ("No.", "Fraud"),
        ("That was NOT me", "Fraud"),
        ("that was me", "Mine"),
        ("das war nicht ich", "Fraud"),
        ("1", "Mine"),
        ("2", "Fraud"),
        ("*", "Again"),
        ("I don’t understand", "Again"),
        ("I dont understand", "Again"),
        ("I know nothing", None),
        ("", None),
        ("12", None),
    ],
)
def test_the_longest_phrase_that_is_found_in_the_words_is_meant(
    words: str, intent: str | None
) -> None:
    assert intent_of(BOT, words) == intent


def test_what_nothing_is_found_in_is_the_fallback_where_there_is_one() -> None:
    bot = Bot("Answers", {"Mine": ("yes",)}, fallback="FallbackIntent")
    assert intent_of(bot, "hello") == "FallbackIntent"
    assert intent_of(bot, "yes") == "Mine"


def test_an_empty_phrase_means_nothing() -> None:
    assert intent_of(Bot("Answers", {"Mine": ("", "!")}), "anything") is None


@given(words=st.text(max_size=30))
def test_words_stay_what_they_are_when_they_are_made_plain_once_more(words: str) -> None:
    assert plain(plain(words)) == plain(words)


@given(
    before=st.lists(st.sampled_from(["well", "hm", "ok"])),
    behind=st.lists(st.sampled_from(["thanks", "bye"])),
)
def test_a_phrase_is_found_wherever_it_stands(before: list[str], behind: list[str]) -> None:
    said = " ".join([*before, "Not me", *behind])
    assert intent_of(BOT, said) == "Fraud"
