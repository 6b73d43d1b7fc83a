"""The script's markup, as engines other than eSpeak NG read it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from speaking import ssml

from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.flows.ssml import parse_ssml
from ringfence.lines.speech.markup import Passage, passages, polly_ssml
from ringfence.lines.speech.script import (
    PARAGRAPH_GAP_SECONDS,
    SENTENCE_GAP_SECONDS,
    Silence,
    Utterance,
    script,
)


def utterances(prompt: Prompt) -> list[Utterance]:
    return [
        part
        for sentence in script(prompt, "en-US")
        for part in sentence.parts
        if isinstance(part, Utterance)
    ]


def only(inside: str) -> Utterance:
    [utterance] = utterances(ssml(inside))
    return utterance


def test_a_passage_keeps_its_tempo_and_loudness() -> None:
    mixed = only('Card <prosody rate="slow" volume="-6dB">ending in</prosody> 4071')
    assert passages(mixed) == (
        Passage("Card"),
        Passage("ending in", 0.75, 0.5),
        Passage("4071"),
    )
    faster = only('<prosody rate="150%">Quick</prosody>')
    assert passages(faster) == (Passage("Quick", 1.5),)


def test_letters_that_are_spelled_stand_apart() -> None:
    assert passages(only('Code <say-as interpret-as="characters">KD7</say-as>')) == (
        Passage("Code K D 7"),
    )


def test_amounts_are_in_words_for_every_engine() -> None:
    assert passages(only("a payment of EUR 4155.00"))[0].text == "a payment of 4155 euros"


def test_sounds_are_for_the_engine_that_knows_them() -> None:
    word = only('<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme> pie')
    assert "[[" in word.markup
    assert passages(word)[0].text == "pecan pie"
    assert polly_ssml(word, expressive=False) == (
        '<speak><phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme> pie</speak>'
    )


def test_only_standard_voices_of_polly_are_asked_for_pitch_and_emphasis() -> None:
    word = only('<emphasis>Now</emphasis> <prosody pitch="high" volume="+6dB">here</prosody>')
    assert polly_ssml(word, expressive=True) == (
        '<speak><emphasis level="moderate">Now</emphasis> '
        '<prosody volume="+4.0dB" pitch="high">here</prosody></speak>'
    )
    assert polly_ssml(word, expressive=False) == (
        '<speak>Now <prosody volume="+4.0dB">here</prosody></speak>'
    )


def test_whispers_and_other_languages_are_told_to_polly() -> None:
    whispered = only('<amazon:effect name="whispered">hush</amazon:effect>')
    assert polly_ssml(whispered, expressive=True) == (
        '<speak><amazon:effect name="whispered">hush</amazon:effect></speak>'
    )
    assert polly_ssml(whispered, expressive=False) == "<speak>hush</speak>"
    foreign = only('<lang xml:lang="fr-FR">bonjour</lang>')
    assert polly_ssml(foreign, expressive=False) == (
        '<speak><lang xml:lang="fr-FR">bonjour</lang></speak>'
    )


@given(text=st.text(max_size=80))
def test_any_text_becomes_markup_that_can_be_read(text: str) -> None:
    for utterance in utterances(Prompt(text, ssml=False)):
        passages(utterance)
        assert parse_ssml(polly_ssml(utterance, expressive=True)).tag == "speak"


@given(inside=st.text(alphabet="ab <>/&;\"'=[]", max_size=40))
def test_any_markup_that_is_spoken_can_be_read(inside: str) -> None:
    try:
        found = utterances(ssml(inside))
    except PromptFailed:
        return
    for utterance in found:
        passages(utterance)
        assert parse_ssml(polly_ssml(utterance, expressive=False)).tag == "speak"


def test_a_paragraph_is_followed_by_a_longer_pause_whether_or_not_it_ends_in_a_full_stop() -> None:
    for paragraphs in ("<p>One</p><p>Two</p>", "<p>One.</p> <p>Two.</p>"):
        first, second = script(ssml(paragraphs), "en-US")
        assert first.parts[-1] == Silence(PARAGRAPH_GAP_SECONDS)
        assert len(first.parts) == len(second.parts) == 2
    [only_one] = script(ssml("<p>One.</p>"), "en-US")
    assert only_one.parts[-1] == Silence(SENTENCE_GAP_SECONDS)
    first, *_ = script(ssml("One. Two."), "en-US")
    assert first.parts[-1] == Silence(SENTENCE_GAP_SECONDS)
