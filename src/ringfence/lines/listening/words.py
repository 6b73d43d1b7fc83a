"""A few English words, recognised offline: what they mean on the keypad.

PocketSphinx listens for one of our words against some dozens of others: nearly everything else that
is said is taken for none of ours. What is taken for one may still be wrong, so no word decides
anything alone: it is asked about, and counts when it is said again.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from typing import Any

from ringfence.errors import Unavailable

KEYS: Mapping[str, str] = {"yes": "1", "no": "2", "fraud": "2", "repeat": "3"}
RATE = 8000  # Hz, of utterances; the model's own is twice that

# What people say on the telephone, so that it is not taken for one of ours.
_OTHERS = (
    "hello hi what is who are you one two three moment please i do not know maybe me my the a it "
    "was can call sorry thank good bye mother wait this later speaking when why how yesterday"
)
_GRAMMAR = """#JSGF V1.0;
grammar words;
public <said> = <ours> | <other> [<other>];
<ours> = {ours};
<other> = {others};
"""
_PROCESSES = 1
_decoder: Any = None


class WordRecogniser:
    """Recognises utterances in a process of its own, one after the other."""

    def __init__(self) -> None:
        """Raises `Unavailable` where PocketSphinx is not installed."""
        if find_spec("pocketsphinx") is None:
            raise Unavailable(
                "PocketSphinx is not installed", expected="`pip install 'ringfence[words]'`"
            )
        self._pool = ProcessPoolExecutor(
            _PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_load
        )

    async def word(self, utterance: bytes) -> str:
        """Which of `KEYS` was said (signed 16-bit PCM at 8000 Hz); empty for anything else."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, recognised, utterance)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def recognised(utterance: bytes) -> str:
    """The same as `WordRecogniser.word`, in the calling process."""
    import numpy as np

    from ringfence.lines.speech import waveform

    if _decoder is None:
        _load()
    sound = np.frombuffer(utterance, "<i2").astype(np.float64) / 32768.0
    wide = waveform.to_pcm(waveform.resample(sound, RATE, 2 * RATE))
    _decoder.start_utt()
    _decoder.process_raw(wide, full_utt=True)
    _decoder.end_utt()
    found = _decoder.hyp()
    said = found.hypstr.strip() if found is not None else ""
    return said if said in KEYS else ""


def _load() -> None:
    global _decoder
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=2 * RATE, loglevel="FATAL", lm=None)
    grammar = _GRAMMAR.format(ours=" | ".join(KEYS), others=" | ".join(_OTHERS.split()))
    decoder.add_jsgf_string("words", grammar)
    decoder.activate_search("words")
    _decoder = decoder
