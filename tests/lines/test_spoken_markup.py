"""What eSpeak NG makes of the tags of SSML: whispers, bleeps, prosody, sounds, and odd markup."""

from __future__ import annotations

import contextlib
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from speaking import samples, ssml

from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.flows.ssml import escaped
from ringfence.lines.speech import TELEPHONE_RATE, WIDEBAND_RATE, Synthesizer
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.phonemes import mnemonics
from ringfence.lines.speech.prosody import prosody
from ringfence.lines.speech.script import Bleep, Sentence, Utterance, script
from ringfence.lines.speech.voices import espeak_language, voice_for, whispering


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer()


def test_unknown_tags_are_warned_of_once_for_a_prompt_and_without_its_text() -> None:
    prompt = ssml("<blink>secret</blink> <audio src='secret'/> <blink>words</blink>")
    with structlog.testing.capture_logs() as logs:
        assert script(prompt, "en-US")[0].caption == "secret words"
    assert [(log["log_level"], log["tags"]) for log in logs] == [("warning", ["blink", "audio"])]
    assert "secret" not in str(logs)


def test_a_whisper_is_said_by_the_same_speaker_without_a_voice(synthesizer: Synthesizer) -> None:
    prompt = ssml('Psst, <amazon:effect name="whispered">it is me</amazon:effect> again.')
    assert script(prompt, "en-US")[0].parts[:3] == (
        Utterance("Psst,"),
        Utterance("it is me", whispered=True),
        Utterance("again."),
    )
    assert whispering(voice_for("Joanna", "")).name == "en-us+whisperf"
    assert whispering(voice_for("Hans", "")).name == "de+whisper"
    assert synthesizer.render(prompt).audio.duration_seconds > 1


def test_an_expletive_is_bleeped_out(synthesizer: Synthesizer) -> None:
    prompt = ssml('Oh <say-as interpret-as="expletive">dash</say-as>!')
    sentence = script(prompt, "en-US")[0]
    assert sentence.caption == "Oh ***!"
    assert Bleep(pytest.approx(0.32)) in sentence.parts
    alone = synthesizer.render(ssml('<say-as interpret-as="expletive">oh dash it</say-as>'))
    sound = samples(alone.audio)
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) * WIDEBAND_RATE / sound.size == pytest.approx(1000, abs=5)
    assert [caption.text for caption in alone.captions] == ["***"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"rate": "85%"}, {"rate": "85%"}),
        ({"rate": "+20%", "pitch": "+20%"}, {"rate": "120%", "pitch": "+20%"}),
        ({"rate": "900%"}, {"rate": "200%"}),
        ({"rate": "X-Slow", "volume": "+6dB"}, {"rate": "x-slow", "volume": "200%"}),
        ({"volume": "-6dB"}, {"volume": "50%"}),
        ({"pitch": "x-high"}, {"pitch": "x-high"}),
        ({"pitch": "120%"}, {"pitch": "+20%"}),
        ({"rate": "default", "volume": "default", "pitch": "default"}, {}),
        ({"rate": "soon", "volume": "11", "pitch": "high up", "contour": "x"}, {}),
    ],
)
def test_prosody_is_passed_on_as_the_engine_takes_it(
    given: dict[str, str], meant: dict[str, str]
) -> None:
    assert prosody(given) == meant


def test_decibels_are_heard(synthesizer: Synthesizer) -> None:
    mixed = 'Same words.<break time="2s"/><prosody volume="-12dB">Same words.</prosody>'
    sound = samples(synthesizer.render(ssml(mixed)).audio)
    half = sound.size // 2
    loud, soft = (wf.active_level(part, WIDEBAND_RATE) for part in (sound[:half], sound[half:]))
    assert loud > 2.5 * soft


@pytest.mark.parametrize(
    ("transcription", "alphabet", "language", "names"),
    [
        ("pɪˈkɑːn", "ipa", "en-US", "p|I|'k|A:|n"),
        ('pI"kA:n', "x-sampa", "en-US", "p|I|'k|A:|n"),
        ("ʃøːn", "", "de-DE", "S|Y:|n"),
        ('b{k"=', "x-sampa", "en-GB", None),
        ("t͡ʃaʊ", "ipa", "it-IT", "tS|a|u"),
        ("pɐ̃ʊ̃", "ipa", "pt-PT", "p|&U~"),
        ("bɔ̃.ʒuʁ", "ipa", "fr-FR", "b|O~|Z|u|r"),
        ("☃", "ipa", "en-US", None),
        ("", "ipa", "en-US", None),
        ("a]] b", "ipa", "en-US", None),
        ("a" * 300, "ipa", "en-US", None),
        ("a", "pinyin", "en-US", None),
        ("a", "ipa", "ja-JP", None),
    ],
)
def test_transcriptions_are_names_of_sounds_or_left_alone(
    transcription: str, alphabet: str, language: str, names: str | None
) -> None:
    assert mnemonics(transcription, alphabet, language) == names


@pytest.mark.parametrize(
    ("voice", "word", "ipa"),
    [
        ("Joanna", "church", "ˈtʃɜːtʃ"),
        ("Vicki", "Mädchen", "ˈmɛːdçən"),
        ("Lea", "bonjour", "bɔ̃ˈʒuʁ"),
        ("Lucia", "zapato", "θaˈpato"),
        ("Camila", "carro", "ˈkaxʊ"),
        ("Bianca", "famiglia", "faˈmiʎa"),
    ],
)
def test_a_transcription_is_heard_as_the_word_it_transcribes(
    synthesizer: Synthesizer, voice: str, word: str, ipa: str
) -> None:
    as_written = samples(synthesizer.render(ssml(word, voice)).audio)
    speech = synthesizer.render(ssml(f'<phoneme ph="{ipa}">other</phoneme>', voice))
    assert [caption.text for caption in speech.captions] == ["other"]
    another = samples(synthesizer.render(ssml("nevermore", voice)).audio)
    said = samples(speech.audio)
    assert abs(said.size - as_written.size) < 0.15 * as_written.size
    assert unlike(said, as_written) < unlike(said, another)


def unlike(one: wf.Wave, other: wf.Wave) -> float:
    """How far two sounds are apart, frame by frame, in the logarithm of their spectra."""
    frames = min(one.size, other.size) // 400
    spectra = [
        np.log(1e-3 + np.abs(np.fft.rfft(wave[: frames * 400].reshape(frames, 400), axis=1)))
        for wave in (one, other)
    ]
    return float(np.mean(np.abs(spectra[0] - spectra[1])))


def test_brackets_in_a_prompt_are_no_names_of_sounds() -> None:
    assert script(Prompt("Press [[1]] now", ssml=False), "en-US")[0] == Sentence(
        "Press [[1]] now", (Utterance("Press ((1)) now"),)
    )


def test_a_sound_that_a_language_lacks_leaves_the_text() -> None:
    assert script(ssml('Say <phoneme alphabet="ipa" ph="☃">snow</phoneme>'), "en-US")[0].parts == (
        Utterance("Say snow"),
    )


def test_a_language_that_is_none_never_reaches_the_engine() -> None:
    assert espeak_language("../../voice") == "en-us"
    assert script(ssml('<lang xml:lang="../x">word</lang>'), "en-US")[0].parts == (
        Utterance("word"),
    )


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("Joanna", "We noticed a payment of EUR 4155.00 on {date}, reference {reference}."),
        ("Amy", "We noticed a payment of GBP 21.50 on {date}, reference {reference}."),
        ("Vicki", "Wir haben eine Zahlung von EUR 4155.00 am {date} bemerkt, Nummer {reference}."),
        ("Lea", "Nous avons vu un paiement de EUR 4155.00 le {date}, référence {reference}."),
        ("Lucia", "Hemos visto un pago de EUR 4155.00 el {date}, referencia {reference}."),
        ("Camila", "Vimos um pagamento de BRL 4155.00 em {date}, referência {reference}."),
        ("Ines", "Vimos um pagamento de EUR 4155.00 em {date}, referência {reference}."),
        ("Bianca", "Abbiamo visto un pagamento di EUR 4155.00 il {date}, codice {reference}."),
    ],
)
def test_every_language_is_heard_for_as_long_as_it_takes(
    synthesizer: Synthesizer, voice: str, text: str
) -> None:
    date = '<say-as interpret-as="date" format="dmy">24/11/2026</say-as>'
    reference = '<say-as interpret-as="characters">KD7PX</say-as>'
    speech = synthesizer.render(ssml(text.format(date=date, reference=reference), voice))
    assert 5 < speech.audio.duration_seconds < 20
    sound = samples(speech.audio)
    assert np.count_nonzero(np.abs(sound) > 0.01) > sound.size / 4


NAMES = st.sampled_from(
    [
        *("p", "s", "w", "break", "emphasis", "lang", "mark", "phoneme", "prosody", "say-as"),
        *("sub", "amazon:effect", "amazon:domain", "amazon:auto-breaths", "blink", "a:b", "speak"),
    ]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            *("time", "strength", "level", "xml:lang", "alphabet", "ph", "rate", "volume", "pitch"),
            *("interpret-as", "format", "alias", "name", "phonation", "role"),
        ]
    ),
    st.text(max_size=8)
    | st.sampled_from(
        [
            *("10s", "99999999s", "-1s", "x-strong", "strong", "de-DE", "../..", "ipa", "+6dB"),
            *("200%", "1e9%", "-999dB", "silent", "digits", "date", "time", "unit", "expletive"),
            *("fraction", "mdy", "whispered", "soft", "<", "&amp;", "pɪˈkɑːn", "[[x]]", "x-sampa"),
        ]
    ),
    max_size=3,
)
MARKUP = st.recursive(
    st.text(max_size=12).map(escaped),
    lambda inside: st.builds(
        lambda name, attributes, children: (
            f"<{name}"
            + "".join(
                f" {key}={quoteattr(''.join(c for c in value if c.isprintable()))}"
                for key, value in attributes.items()
            )
            + f">{''.join(children)}</{name}>"
        ),
        NAMES,
        ATTRIBUTES,
        st.lists(inside, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(markup=MARKUP, voice=st.sampled_from(["Joanna", "Vicki", "Lea", "Nobody"]))
def test_no_markup_does_anything_but_speak_or_fail_the_prompt(markup: str, voice: str) -> None:
    with contextlib.suppress(PromptFailed):
        speech = Synthesizer(cache_bytes=0).render(ssml(markup, voice), TELEPHONE_RATE)
        assert all(caption.text for caption in speech.captions)


@given(value=st.text(max_size=30) | st.just("</speak><break time='9s'/>"))
def test_a_value_that_is_filled_in_is_only_said(value: str) -> None:
    around = script(ssml(f"<s>before</s><s>{escaped(value)}</s><s>behind</s>"), "en-US")
    assert around[0].caption == "before"
    assert around[-1].caption == "behind"
    for sentence in around[1:-1]:
        for part in sentence.parts:
            assert not isinstance(part, Utterance) or "<" not in part.markup
