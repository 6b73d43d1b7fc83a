from __future__ import annotations

import asyncio
from array import array
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.flows import Prompt
from ringfence.lines.listening.utterances import Utterances
from ringfence.lines.listening.words import KEYS, WordRecogniser, recognised
from ringfence.lines.sip.spoken import SpokenKeys
from ringfence.lines.speech import Synthesizer

SPEAKER = Synthesizer()
needs_sphinx = pytest.mark.skipif(
    find_spec("pocketsphinx") is None, reason="pocketsphinx is not installed"
)


def said(text: str, voice: str = "Joanna") -> bytes:
    """Speech between two stretches of faint noise, as a telephone sends it."""
    prompt = Prompt(text, ssml=False, voice=voice, language="en-US")
    pcm = array("h", SPEAKER.render(prompt, 8000).audio.pcm)
    noise = array("h", [(n * 7919) % 41 - 20 for n in range(8000)])
    return (noise + pcm + noise).tobytes()


def utterances(pcm: bytes, chunk: int = 320) -> list[bytes]:
    listening = Utterances(8000)
    return [
        sound
        for start in range(0, len(pcm), chunk)
        for sound in listening.hear(pcm[start : start + chunk])
    ]


def test_a_word_is_one_utterance_and_a_long_sentence_is_none() -> None:
    assert len(utterances(said("Yes."))) == 1
    assert len(utterances(said("Yes.") + said("No."))) == 2
    long = "I really do not know which payment you are talking about, can you tell me more"
    assert utterances(said(long)) == []
    assert utterances(bytes(160_000)) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4000).map(lambda n: n * 2))
def test_it_does_not_matter_in_which_pieces_sound_comes(chunk: int) -> None:
    pcm = said("Fraud.")
    assert utterances(pcm, chunk) == utterances(pcm)


@needs_sphinx
def test_most_of_our_words_are_recognised_and_none_is_taken_for_another() -> None:
    found = {
        (word, voice): recognised(sound)
        for word in KEYS
        for voice in ("Joanna", "Kendra", "Matthew", "Amy")
        for sound in utterances(said(word, voice))
    }
    assert sum(heard == word for (word, _), heard in found.items()) >= 5, found
    assert all(heard in ("", word) for (word, _), heard in found.items()), found


@needs_sphinx
@pytest.mark.parametrize(
    "text", ["hello", "one moment please", "nose", "seventeen", "report", "goodbye", "mother"]
)
def test_what_is_none_of_them_is_taken_for_none(text: str) -> None:
    assert [recognised(sound) for sound in utterances(said(text))] in ([""], ["", ""], [])


@needs_sphinx
def test_a_process_of_its_own_recognises() -> None:
    (sound,) = utterances(said("yes"))

    async def work() -> None:
        recogniser = WordRecogniser()
        try:
            assert await recogniser.word(sound) == "yes"
        finally:
            recogniser.close()

    asyncio.run(work())


def spoken(*words: str) -> list[str | Prompt]:
    """What comes of these words, each an utterance while a key is waited for."""
    waiting = list(words)

    async def recognise(_utterance: bytes) -> str:
        return waiting.pop(0)

    async def work() -> list[str | Prompt]:
        taken: list[str | Prompt] = []
        keys = SpokenKeys(8000, recognise, lambda: None)
        keys.listen(True)
        for _ in words:
            keys.hear(said("Yes."))
            await asyncio.sleep(0.01)
            if keys.waiting:
                taken.append(keys.take())
        return taken

    return asyncio.run(work())


@pytest.mark.parametrize(("word", "key"), KEYS.items())
def test_a_word_is_asked_about_and_counts_when_it_is_said_again(word: str, key: str) -> None:
    question, answer = spoken(word, word)
    assert isinstance(question, Prompt)
    assert f"You said {word}" in question.text
    assert f"press {key}" in question.text
    assert answer == key


def test_another_word_is_another_question_and_anything_else_is_none() -> None:
    questions = spoken("yes", "", "no", "yes")
    assert [isinstance(each, Prompt) for each in questions] == [True, True, True]
