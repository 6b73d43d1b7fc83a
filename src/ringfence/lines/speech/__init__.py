"""Speech: a prompt becomes sound with captions."""

from ringfence.lines.speech.audio import Audio, Caption, Speech
from ringfence.lines.speech.synthesizer import TELEPHONE_RATE, WIDEBAND_RATE, Synthesizer

__all__ = ["TELEPHONE_RATE", "WIDEBAND_RATE", "Audio", "Caption", "Speech", "Synthesizer"]
