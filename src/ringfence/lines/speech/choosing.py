"""The engines that an operator's settings choose."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.errors import InvalidInput
from ringfence.flows.languages import VOICES
from ringfence.lines.speech.engines import Engine, EngineChoice
from ringfence.lines.speech.espeak import EspeakEngine
from ringfence.lines.speech.piper import PiperEngine
from ringfence.lines.speech.polly import PollyEngine, PollyTerms
from ringfence.lines.speech.voices import is_language

ESPEAK, POLLY = "espeak", "polly"
_MODEL = ".onnx"


def engine_choice(
    default: str = ESPEAK,
    voices: Mapping[str, str] | None = None,
    polly: PollyTerms | None = None,
) -> EngineChoice:
    """Who speaks: `default` (`espeak`, `polly`), but for the `voices` and languages named.

    `voices` has, by a voice's name (`Joanna`) or a language (`en-US`, `de`), an engine or the file
    of a Piper voice (`/voices/en_US-lessac-medium.onnx`, with `#3` for the speaker 3 of several).
    Raises `InvalidInput` for what is neither, and `Unavailable` where Piper is not installed.
    """
    espeak, engines = EspeakEngine(), dict[str, Engine]()
    polly_engine = PollyEngine(polly or PollyTerms())
    by_word: dict[str, Engine] = {ESPEAK: espeak, POLLY: polly_engine}
    if default not in by_word:
        raise InvalidInput(
            f"unknown engine {default!r}", field="speech_engine", expected=f"{ESPEAK} or {POLLY}"
        )
    for key, value in (voices or {}).items():
        field = f"speech_voices.{key}"
        if key.strip().lower() not in VOICES and not is_language(key):
            raise InvalidInput(
                "unknown", field=field, expected="a voice such as Joanna, or a language such as en"
            )
        engines[key.strip().lower().replace("_", "-")] = (
            by_word[value] if value in by_word else _piper(value, field)
        )
    return EngineChoice(espeak, by_word[default], engines)


def _piper(value: str, field: str) -> Engine:
    path, _, speaker = value.partition("#")
    if not path.endswith(_MODEL) or (speaker and not speaker.isdigit()):
        raise InvalidInput(
            f"{value!r} is no engine and no voice file",
            field=field,
            expected=f"{ESPEAK}, {POLLY} or the path of a Piper voice (NAME{_MODEL})",
        )
    return PiperEngine(path, int(speaker) if speaker else None, field=field)
