"""eSpeak NG, through the C library that the wheel `espeakng-loader` brings.

The library keeps one voice and one output for the whole process and is not thread-safe, so all
use goes through one lock. Functions and constants: `speak_lib.h` of eSpeak NG 1.52.
"""

from __future__ import annotations

import ctypes
import threading

from ringfence.errors import Unavailable
from ringfence.lines.speech.engines import EngineFailed, Sound, Speaker
from ringfence.lines.speech.script import Utterance
from ringfence.lines.speech.voices import Voice, in_language, voice_for, whispering

SYNCHRONOUS_OUTPUT = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth returns when it has rendered
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: missing data is a return value, not exit(1)
_UTF8 = 0x01
_SSML = 0x10
_PHONEMES = 0x100  # what stands between [[ and ]] are names of phonemes
_RATE, _VOLUME, _PITCH = 1, 2, 3
_OK = 0

# Quieter than its default of 100, at which a stressed vowel clips inside the library.
_WORKING_VOLUME = 60

_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """The speech engine of this process. Use `espeak()`: the library allows only one."""

    def __init__(self) -> None:
        """Load the library and its data. Raises `Unavailable` when either is missing."""
        try:
            import espeakng_loader  # type: ignore[import-untyped]

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise Unavailable(
                f"eSpeak NG cannot be loaded: {error}", expected="the wheel espeakng-loader"
            ) from error
        self._lock = threading.Lock()
        self._chunks: list[bytes] = []
        self._callback = _CALLBACK(self._take)  # kept: the library holds only the pointer
        self.rate = int(
            self._library.espeak_Initialize(SYNCHRONOUS_OUTPUT, 0, data.encode(), DONT_EXIT)
        )
        if self.rate <= 0:
            raise Unavailable("eSpeak NG did not start", expected=f"its data in {data}")
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        ]

    def render(self, markup: str, voice: Voice) -> bytes:
        """The sound of `markup` (the inside of `<speak>`): 16-bit mono PCM at `self.rate`.

        What stands between ` [[` and `]]` are the names of phonemes of the voice's language.
        Raises `Unavailable` when the library refuses.
        """
        text = f"<speak> {markup} </speak>".replace("\0", " ").encode()
        with self._lock:
            self._choose(voice)
            self._chunks.clear()
            status = self._library.espeak_Synth(
                text, len(text) + 1, 0, 0, 0, _UTF8 | _SSML | _PHONEMES, None, None
            )
            sound = b"".join(self._chunks)
            self._chunks.clear()
        if status != _OK:
            raise Unavailable(f"eSpeak NG refused a text (status {status})")
        return sound

    def phonemes(self, text: str, voice: Voice) -> str:
        """How plain `text` is pronounced, in IPA, its words parted by spaces."""
        with self._lock:
            self._choose(voice)
            rest = ctypes.c_char_p(text.encode())
            clauses = []
            while rest.value is not None:
                heard = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, 0x02)
                clauses.append((heard or b"").decode())
        return " ".join(clauses).strip()

    def _choose(self, voice: Voice) -> None:
        language, _, variant = voice.name.partition("+")
        for name in (voice.name, f"{language.partition('-')[0]}+{variant}", f"en-us+{variant}"):
            if self._library.espeak_SetVoiceByName(name.encode()) == _OK:
                break
        for parameter, value in (
            (_RATE, voice.words_per_minute),
            (_VOLUME, _WORKING_VOLUME),
            (_PITCH, voice.pitch),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)

    def _take(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: object) -> int:
        if samples and count > 0:
            self._chunks.append(ctypes.string_at(samples, count * 2))
        return 0


_starting = threading.Lock()
_engine: Espeak | None = None


def espeak() -> Espeak:
    """The engine of this process, started on first use. Raises `Unavailable`."""
    global _engine
    with _starting:
        if _engine is None:
            _engine = Espeak()
        return _engine


class EspeakEngine:
    """eSpeak NG as an `Engine`: any language, at once, without a voice file."""

    name = "espeak"
    asks_elsewhere = False

    def say(self, utterance: Utterance, speaker: Speaker) -> Sound:
        """See `Engine.say`."""
        from ringfence.lines.speech.waveform import from_pcm

        voice = voice_for(speaker.voice, speaker.language)
        if utterance.language:
            voice = in_language(voice, utterance.language)
        if utterance.whispered:
            voice = whispering(voice)
        try:
            engine = espeak()
            return Sound(from_pcm(engine.render(utterance.markup, voice)), engine.rate)
        except EngineFailed:
            raise
        except Unavailable as error:
            raise EngineFailed(str(error)) from error

    def warm_up(self) -> None:
        """It is there at once."""

    def close(self) -> None:
        """The library stays: others may use it."""
