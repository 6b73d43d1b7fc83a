"""Amazon Polly over HTTP: what is asked of it, and what becomes of it when it is in trouble."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from moto.server import ThreadedMotoServer
from speaking import samples, ssml

from ringfence.errors import InvalidInput
from ringfence.flows.participant import Prompt
from ringfence.lines.speech import Synthesizer
from ringfence.lines.speech import waveform as wf
from ringfence.lines.speech.choosing import engine_choice
from ringfence.lines.speech.engines import EngineFailed, Speaker
from ringfence.lines.speech.polly import REST_SECONDS, PollyEngine, PollyTerms
from ringfence.lines.speech.script import Utterance

TONE = wf.to_pcm(wf.tone(1.0, 16_000, hertz=500.0, level=0.3))
HELLO = Utterance("Hello")


def at_once(count: int) -> Callable[[], None]:
    """Answers are held back until `count` are wanted."""
    barrier = threading.Barrier(count)
    return lambda: barrier.wait(10) and None


@dataclass
class Polly:
    """A server with Polly's one operation. `refusals` are the codes of the answers before it
    speaks; `without` are engines that it has not."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    without: frozenset[str] = frozenset()
    only_text: bool = False
    wait: Callable[[], None] = lambda: None

    def answer(self, path: str, request: dict[str, str]) -> tuple[int, str, bytes]:
        assert path == "/v1/speech"
        self.asked.append(request)
        self.wait()
        if self.refusals:
            status, code = self.refusals.pop(0)
            return status, code, b""
        if request["Engine"] in self.without:
            return 400, "EngineNotSupportedException", b""
        if self.only_text and request["TextType"] == "ssml":
            return 400, "InvalidSsmlException", b""
        return 200, "", TONE


@pytest.fixture
def polly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Polly]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    server = Polly()
    with serving(server.answer) as url:
        server.url = url
        yield server


@contextmanager
def serving(answer: Callable[[str, dict[str, str]], tuple[int, str, bytes]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, code, sound = answer(self.path, body)
            self.send_response(status)
            if code:
                self.send_header("x-amzn-ErrorType", code)
                sound = json.dumps({"message": "no"}).encode()
            self.send_header("Content-Type", "audio/pcm" if not code else "application/json")
            self.send_header("Content-Length", str(len(sound)))
            self.end_headers()
            self.wfile.write(sound)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def terms(polly: Polly, **more: object) -> PollyTerms:
    return PollyTerms(url=polly.url, **more)  # type: ignore[arg-type]


def test_every_sentence_is_asked_for_once_in_polly_s_own_markup(polly: Polly) -> None:
    synthesizer = Synthesizer(engine_choice("polly", polly=terms(polly)))
    prompt = ssml('You paid <emphasis>EUR 7.00</emphasis>. <prosody rate="slow">Bye</prosody>.')
    speech = synthesizer.render(prompt, 8000)
    synthesizer.render(prompt, 8000)
    assert sorted(polly.asked, key=lambda request: request["Text"]) == [
        {
            "Engine": "neural",
            "OutputFormat": "pcm",
            "SampleRate": "16000",
            "Text": f"<speak>{text}</speak>",
            "TextType": "ssml",
            "VoiceId": "Joanna",
        }
        for text in ('<prosody rate="slow">Bye</prosody>.', "You paid 7 euros.")
    ]
    assert len(speech.captions) == 2
    sound = samples(speech.audio)
    assert 20 * np.log10(wf.active_level(sound, 8000)) == pytest.approx(-20, abs=0.7)
    loudest = np.argmax(np.abs(np.fft.rfft(sound)))
    assert np.fft.rfftfreq(sound.size, 1 / 8000)[loudest] == pytest.approx(500, abs=2)


def test_the_sentences_of_a_prompt_are_asked_for_at_once(polly: Polly) -> None:
    polly.wait = at_once(3)
    synthesizer = Synthesizer(engine_choice("polly", polly=terms(polly)))
    speech = synthesizer.render(Prompt("The first. The second. The third.", ssml=False))
    assert len(speech.captions) == len(polly.asked) == 3
    assert speech.audio.duration_seconds > 3


@pytest.mark.parametrize(
    ("voice", "language", "wanted"),
    [
        ("Lucía", "es-ES", "Lucia"),
        ("vicki", "en-US", "Vicki"),
        ("Nobody", "fr-FR", "Lea"),
        ("Nobody", "xx", "Joanna"),
    ],
)
def test_voices_have_the_names_that_polly_writes(
    polly: Polly, voice: str, language: str, wanted: str
) -> None:
    PollyEngine(terms(polly)).say(HELLO, Speaker(voice, language))
    assert polly.asked[0]["VoiceId"] == wanted


def test_a_voice_without_the_engine_speaks_with_the_standard_one_from_then_on(
    polly: Polly,
) -> None:
    polly.without = frozenset({"neural"})
    engine = PollyEngine(terms(polly))
    for _ in range(2):
        engine.say(Utterance('<prosody pitch="+10%">Hi</prosody>'), Speaker("Carla", "it-IT"))
    assert [request["Engine"] for request in polly.asked] == ["neural", "standard", "standard"]
    assert ["pitch" in request["Text"] for request in polly.asked] == [False, True, True]


def test_markup_that_polly_does_not_take_is_said_plainly(polly: Polly) -> None:
    polly.only_text = True
    PollyEngine(terms(polly)).say(Utterance('<prosody rate="slow">Bye</prosody>'), KENDRA)
    assert (polly.asked[-1]["TextType"], polly.asked[-1]["Text"]) == ("text", "Bye")


KENDRA = Speaker("Kendra", "en-US")


def test_moto_takes_what_polly_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        engine = PollyEngine(PollyTerms(url=f"http://{host}:{port}"))
        for voice in ("Joanna", "Lucía", "Nobody"):
            engine.say(Utterance("Hello &amp; <emphasis>you</emphasis>"), Speaker(voice, "es-ES"))
    finally:
        server.stop()


def test_throttling_is_repeated(polly: Polly) -> None:
    polly.refusals = [(400, "ThrottlingException")]
    assert PollyEngine(terms(polly)).say(HELLO, KENDRA).wave.size == 16_000
    assert len(polly.asked) == 2


def test_after_a_failure_polly_is_left_alone_for_a_while(polly: Polly) -> None:
    time = [0.0]
    engine = PollyEngine(terms(polly), clock=lambda: time[0])
    polly.refusals = [(403, "AccessDeniedException")]
    for reason in ("AccessDeniedException", "a moment ago"):
        with pytest.raises(EngineFailed, match=reason):
            engine.say(HELLO, KENDRA)
    assert len(polly.asked) == 1
    time[0] = REST_SECONDS
    assert engine.say(HELLO, KENDRA).wave.size == 16_000


def test_a_call_hears_espeak_when_polly_is_not_there(
    polly: Polly, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = PollyTerms(url="http://127.0.0.1:9", timeout_seconds=0.5)
    synthesizer = Synthesizer(engine_choice("espeak", {"de": "polly"}, nowhere))
    speech = synthesizer.render(Prompt("Guten Tag.", False, "Vicki"))
    assert speech.audio.duration_seconds > 0.4
    # What was said in Polly's place is not taken for Polly's later on.
    assert synthesizer.held_bytes == 0


def test_without_keys_a_call_hears_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(EngineFailed, match="NoCredentials"):
        PollyEngine(PollyTerms(url="http://127.0.0.1:9")).say(HELLO, KENDRA)


@pytest.mark.parametrize(
    ("voices", "field"),
    [
        ({"Joanna": "festival"}, "speech_voices.Joanna"),
        ({"no tag!": "polly"}, "speech_voices.no tag!"),
        ({"de": "/voices/x.onnx#two"}, "speech_voices.de"),
        ({"de": "/nonexistent/x.onnx"}, "speech_voices.de"),
    ],
)
def test_what_is_no_voice_is_told_with_its_field(voices: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        engine_choice(voices=voices)
    assert refused.value.field == field
    with pytest.raises(InvalidInput, match="speech_engine"):
        engine_choice("festival")
