"""`<phoneme>`: IPA and X-SAMPA, as eSpeak NG writes what it can pronounce.

Each language of eSpeak NG has its own set of phonemes; a sound that a language has not is taken
from its nearest, and where there is none the text is said instead. Names of phonemes as eSpeak NG
1.52 gives them for words of the languages; X-SAMPA after J. C. Wells.
"""

from __future__ import annotations

import re

from ringfence.lines.speech.numbers import primary

LONGEST = 200  # characters of a transcription

_COMMON = {
    **{sound: sound for sound in "abdefhijklmnopstuvwz"},
    **{"ɡ": "g", "g": "g", "ŋ": "N", "ʃ": "S", "ʒ": "Z", "θ": "T", "ð": "D", "tʃ": "tS"},
    **{"dʒ": "dZ", "ts": "ts", "ɪ": "I", "ʊ": "U", "ɛ": "E", "ɔ": "O", "ə": "@", "ɹ": "r"},
    **{"r": "r", "ɾ": "r", "ʁ": "r", "ʀ": "r", "ɲ": "n^", "x": "x", "ç": "C", "ʎ": "l^"},
}
# By language: what differs from the common names, and what stands for a sound it has not.
_OWN = {
    "en": {
        **{"iː": "i:", "i": "i", "uː": "u:", "u": "u:", "ɑː": "A:", "ɑ": "A:", "ɒ": "0"},
        **{"ɔː": "O:", "ɔ": "O:", "ɜː": "3:", "ɝ": "3:", "ɜ": "3:", "ɚ": "3", "æ": "a", "a": "a"},
        **{"ʌ": "V", "ɐ": "a#", "eɪ": "eI", "aɪ": "aI", "ɔɪ": "OI", "aʊ": "aU", "oʊ": "oU"},
        **{
            "əʊ": "oU",
            "ᵻ": "I#",
            "e": "E",
            "o": "oU",
            "ɪə": "i@3",
            "eə": "e@",
            "ɛə": "e@",
            "ʊə": "U@",
        },
        **{"l̩": "@L", "n̩": "n-", "ʔ": "?", "x": "k", "ç": "S", "ʁ": "r", "y": "u:", "ø": "3:"},
        **{"œ": "3:", "ɲ": "nj", "ʎ": "lj", "ts": "ts", "ɑ̃": "0n", "ɔ̃": "O:n", "ɛ̃": "an"},
        **{"ɾ": "t#", "ɬ": "l", "ɫ": "l"},
    },
    "de": {
        **{"iː": "i:", "i": "i:", "uː": "u:", "u": "u:", "aː": "A:", "ɑː": "A:", "a": "a"},
        **{"eː": "e:", "e": "e:", "ɛː": "E:", "oː": "o:", "o": "o:", "yː": "y:", "y": "y:"},
        **{"ʏ": "y", "øː": "Y:", "ø": "Y:", "œ": "W", "ɐ": "3", "aɪ": "aI", "aʊ": "aU"},
        **{"ɔʏ": "OY", "ɔø": "OY", "ɔɪ": "OY", "pf": "pF", "ʁ": "r", "ɑ̃": "A~", "æ": "E"},
        **{"ŋ": "N", "θ": "s", "ð": "z", "w": "v", "ʔ": "?", "ɑ": "A:", "ʌ": "a"},
    },
    "fr": {
        **{"y": "y", "ø": "Y", "œ": "W", "ɑ̃": "A~", "ɔ̃": "O~", "ɛ̃": "E~", "œ̃": "W~"},
        **{"aː": "a:", "ɑ": "a", "ɑː": "a:", "ɥ": "y", "h": "", "ʁ": "r", "x": "r", "θ": "s"},
        **{"ð": "z", "ɪ": "i", "ʊ": "u", "æ": "a", "ʌ": "W", "ɲ": "nj", "ʎ": "j", "ts": "ts"},
    },
    "es": {
        **{"r": "R2", "ɾ": "r", "ɣ": "Q", "β": "B", "ʝ": "J^", "aɪ": "aI", "aʊ": "aU"},
        **{"eɪ": "eI", "eʊ": "eU", "oɪ": "oI", "ai": "aI", "au": "aU", "ei": "eI", "eu": "eU"},
        **{"oi": "oI", "ɪ": "i", "ʊ": "u", "ɔ": "o", "v": "b", "z": "s", "ʃ": "tS", "ʒ": "J^"},
        **{"h": "x", "ə": "e", "æ": "a", "ʌ": "a", "dʒ": "J^", "ts": "ts", "ɹ": "r", "ʁ": "R2"},
    },
    "pt": {
        **{"r": "R", "ɾ": "*", "ʁ": "x", "ɐ": "&", "ɐ̃": "&~", "ã": "&~", "ɐ̃ʊ̃": "&U~"},
        **{"ɐ̃w̃": "&U~", "õ": "o~", "ũ": "u~", "aɪ": "aI", "aj": "aI", "aʊ": "aU", "aw": "aU"},
        **{"eɪ": "eI", "ej": "eI", "eʊ": "eU", "oɪ": "oI", "ɪ": "y", "h": "x", "ə": "&"},
        **{"æ": "&", "θ": "s", "ð": "z", "ɹ": "*", "ʌ": "&", "ts": "ts", "ɨ": "y"},
    },
    "it": {
        **{"r": "R", "ɾ": "*", "w": "w2", "dz": "dz", "ts": "ts2", "tsː": "ts2:", "dzː": "dz:"},
        **{"kː": "k:", "tː": "t:", "dː": "d:", "ɛː": "E:"},
        **{"ʁ": "R", "ɹ": "*", "h": "", "ə": "@-", "θ": "s", "ð": "d", "x": "k", "æ": "E"},
        **{"ʌ": "a", "ʒ": "Z", "ɪ": "i", "ʊ": "u"},
    },
}
_LONG = "ː"
_STRESS = {"ˈ": "'", "'": "'", "ˌ": ",", ",": ","}
_SILENT = frozenset(" .-|‖‿\u0361\u035c\u200d")  # parts of syllables and words, tie bars
_LONGEST_SOUND = 4

_X_SAMPA = {
    **{"r\\": "ɹ", "r\\`": "ɹ", "R\\": "ʀ", "j\\": "ʝ", "p\\": "f", "B\\": "b", "N\\": "ŋ"},
    **{"h\\": "h", "G": "ɣ", "A": "ɑ", "B": "β", "C": "ç", "D": "ð", "E": "ɛ", "H": "ɥ"},
    **{"I": "ɪ", "J": "ɲ", "L": "ʎ", "N": "ŋ", "O": "ɔ", "Q": "ɒ", "R": "ʁ", "S": "ʃ"},
    **{"T": "θ", "U": "ʊ", "V": "ʌ", "W": "w", "X": "x", "Y": "ʏ", "Z": "ʒ", "@": "ə"},
    **{"@`": "ɚ", "{": "æ", "}": "u", "1": "ɨ", "2": "ø", "3": "ɜ", "3`": "ɝ", "4": "ɾ"},
    **{"6": "ɐ", "7": "o", "8": "ə", "9": "œ", "&": "œ", "?": "ʔ", "5": "ɫ", "g": "ɡ"},
    **{":": _LONG, '"': "ˈ", "%": "ˌ", "~": "\u0303", "_~": "\u0303", "=": "\u0329"},
    **{"_=": "\u0329", "_": ""},
}
_X_SAMPA_SOUND = re.compile(
    "|".join(re.escape(sign) for sign in sorted(_X_SAMPA, key=len, reverse=True))
)


def mnemonics(transcription: str, alphabet: str, language: str) -> str | None:
    """eSpeak NG's names for the sounds of `transcription` (`ipa`, the default, or `x-sampa`).

    None for another alphabet or language, an empty or overlong transcription, and a sound that
    the language cannot come near to: then the text itself is to be said.
    """
    own = _OWN.get(primary(language))
    alphabet = alphabet.strip().lower() or "ipa"
    if own is None or alphabet not in ("ipa", "x-sampa") or len(transcription) > LONGEST:
        return None
    if alphabet == "x-sampa":
        transcription = _X_SAMPA_SOUND.sub(lambda sign: _X_SAMPA[sign[0]], transcription)
    text = _decomposed(transcription)
    names: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in _STRESS:
            names.append(_STRESS[text[at]])
            at += 1
        elif text[at] in _SILENT:
            at += 1
        elif text[at] == _LONG:
            at += 1  # of a sound that this language does not lengthen
        else:
            length, name = _sound(text, at, own)
            if length == 0:
                return None
            names.append(name)
            at += length
    # A bar between, as two names in a row may be another one together.
    written = "|".join(name for name in names if name)
    return re.sub(r"(^|\|)([',])\|", r"\1\2", written) if written.strip("',|") else None


def _sound(text: str, at: int, own: dict[str, str]) -> tuple[int, str]:
    for length in range(min(_LONGEST_SOUND, len(text) - at), 0, -1):
        sound = text[at : at + length]
        if sound in own:
            return length, own[sound]
        if sound in _COMMON:
            return length, _COMMON[sound]
    return 0, ""


def _decomposed(text: str) -> str:
    """`text` with its tildes apart from their letters, save those the tables hold in one."""
    from unicodedata import normalize

    text = re.sub("[\u0361\u035c]", "", text)  # a tie bar over "tʃ"
    kept = {"ã": "ã", "õ": "õ", "ũ": "ũ", "ç": "ç"}
    apart = normalize("NFD", text)
    for letter in kept:
        apart = apart.replace(normalize("NFD", letter), letter)
    return apart
