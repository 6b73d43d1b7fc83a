"""The process that holds a Piper voice: `python -m ringfence.lines.speech.piper_child MODEL`.

Each line of its input is a request in JSON (`text`, `tempo`, `speaker`), each answer a header
(`piper.HEADER`) and 16-bit samples, or the words of an error. The first answer, without samples,
says that the voice is loaded. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from ringfence.lines.speech.piper import HEADER


def main(model: str) -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    try:
        from piper import PiperVoice

        voice: Any = PiperVoice.load(model)
    except Exception as error:
        _fail(answers, error)
        return
    _send(answers, voice.config.sample_rate, b"")
    for line in sys.stdin.buffer:
        try:
            request = json.loads(line)
            sound = _spoken(voice, request["text"], request["tempo"], request["speaker"])
        except Exception as error:
            _fail(answers, error)
        else:
            _send(answers, voice.config.sample_rate, sound)


def _spoken(voice: Any, text: str, tempo: float, speaker: int | None) -> bytes:
    from piper import SynthesisConfig

    config = SynthesisConfig(
        speaker_id=speaker,
        length_scale=voice.config.length_scale / tempo,
        normalize_audio=False,  # the sentences of a prompt stay as loud beside each other
    )
    return b"".join(chunk.audio_int16_bytes for chunk in voice.synthesize(text, config))


def _fail(answers: BinaryIO, error: Exception) -> None:
    _send(answers, -1, f"{type(error).__name__}: {error}".encode())


def _send(answers: BinaryIO, rate: int, body: bytes) -> None:
    answers.write(HEADER.pack(rate, len(body)) + body)
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
