"""Amazon Polly: the voices that Amazon Connect itself speaks with.

Every sentence is a request for 16 kHz PCM (`SynthesizeSpeech`). Throttled requests and broken
connections are repeated by botocore; after a failure Polly is left alone for a while, as whoever
waits on the telephone cannot wait for each sentence again.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ringfence.flows.languages import VOICES, voice_for_language
from ringfence.lines.speech.engines import EngineFailed, Sound, Speaker
from ringfence.lines.speech.markup import passages, polly_ssml
from ringfence.lines.speech.script import Utterance

RATE = 16_000  # the highest that Polly gives as PCM
REST_SECONDS = 30.0
_CONNECT_SECONDS = 2.0
_ATTEMPTS = 3
_STANDARD = "standard"
_BAD_MARKUP = frozenset({"InvalidSsmlException", "SsmlMarksNotSupportedForTextTypeException"})
_NOT_BY_THIS_ENGINE = frozenset({"EngineNotSupportedException"})


@dataclass(frozen=True, slots=True)
class PollyTerms:
    """How Polly is reached: `engine` is `neural`, `standard`, `generative` or `long-form`; `url`
    takes the place of AWS's own address. Keys are those that boto3 finds."""

    region: str = "us-east-1"
    engine: str = "neural"
    url: str | None = None
    timeout_seconds: float = 5.0


class PollyEngine:
    """Amazon Polly as an `Engine`. A voice that the wanted engine has not speaks with the standard
    one."""

    asks_elsewhere = True

    def __init__(self, terms: PollyTerms, *, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds, for the rest after a failure."""
        self.name = f"polly/{terms.region}/{terms.engine}"
        self._terms = terms
        self._clock = clock
        self._lock = threading.Lock()
        self._client: Any = None
        self._rests_until = 0.0
        self._only_standard: set[str] = set()

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        """See `Engine.say`."""
        from botocore.exceptions import BotoCoreError, ClientError

        from ringfence.lines.speech.waveform import from_pcm

        if self._clock() < self._rests_until:
            raise EngineFailed("Amazon Polly failed a moment ago")
        try:
            return Sound(from_pcm(self._spoken(utterance, _voice_id(speaker))), RATE)
        except ClientError as error:
            self._rest()
            code = error.response.get("Error", {}).get("Code", "")
            raise EngineFailed(f"Amazon Polly refused: {code}") from error
        except (BotoCoreError, OSError) as error:
            self._rest()
            raise EngineFailed(f"Amazon Polly: {type(error).__name__}") from error

    def warm_up(self) -> None:
        """Load boto3, which takes a moment; nothing is asked."""
        from botocore.exceptions import BotoCoreError

        try:
            self._connected()
        except (BotoCoreError, ValueError) as error:
            raise EngineFailed(f"Amazon Polly: {error}") from error

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _spoken(self, utterance: Utterance, voice: str) -> bytes:
        from botocore.exceptions import ClientError

        engine = _STANDARD if voice in self._only_standard else self._terms.engine
        ssml = polly_ssml(utterance, expressive=engine == _STANDARD)
        try:
            return self._asked(ssml, voice, engine, "ssml")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _NOT_BY_THIS_ENGINE and engine != _STANDARD:
                self._only_standard.add(voice)
                return self._spoken(utterance, voice)
            if code in _BAD_MARKUP:
                text = " ".join(passage.text for passage in passages(utterance))
                return self._asked(text, voice, engine, "text") if text else b""
            raise

    def _asked(self, text: str, voice: str, engine: str, form: str) -> bytes:
        answer = self._connected().synthesize_speech(
            Engine=engine,
            OutputFormat="pcm",
            SampleRate=str(RATE),
            Text=text,
            TextType=form,
            VoiceId=voice,
        )
        with answer["AudioStream"] as stream:
            sound: bytes = stream.read()
        return sound[: len(sound) // 2 * 2]

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                import boto3
                from botocore.config import Config

                self._client = boto3.session.Session().client(
                    "polly",
                    region_name=self._terms.region,
                    endpoint_url=self._terms.url,
                    config=Config(
                        connect_timeout=min(_CONNECT_SECONDS, self._terms.timeout_seconds),
                        read_timeout=self._terms.timeout_seconds,
                        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                    ),
                )
            return self._client

    def _rest(self) -> None:
        self._rests_until = self._clock() + REST_SECONDS


def _voice_id(speaker: Speaker) -> str:
    """The voice as Polly writes it: `Lucia` for `Lucía`; that of the language for another name."""
    known = VOICES.get(speaker.voice.strip().lower())
    name = known.name if known else voice_for_language(speaker.language)
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()
