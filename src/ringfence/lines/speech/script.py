"""From a prompt to what is to be rendered: sentences of eSpeak NG markup and real silences.

Each sentence keeps its caption as it is written (`EUR 4155.00`), beside the markup of how it is
said. Unknown tags are ignored and their text is spoken, as Amazon Connect does; the log names
them, without the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TypeAlias
from xml.etree.ElementTree import Element

import structlog

from ringfence.flows.participant import Prompt, PromptFailed
from ringfence.flows.ssml import parse_ssml, unknown_tags
from ringfence.lines.speech.calendar import ends_in_german_day
from ringfence.lines.speech.numbers import primary
from ringfence.lines.speech.phonemes import mnemonics
from ringfence.lines.speech.prosody import prosody
from ringfence.lines.speech.saying import plain, said
from ringfence.lines.speech.voices import is_language

_log = structlog.get_logger(__name__)

SENTENCE_GAP_SECONDS = 0.25
PARAGRAPH_GAP_SECONDS = 0.6
LONGEST_BREAK_SECONDS = 10.0  # Amazon Polly's limit

_STRENGTHS = {
    "none": 0.0,
    "x-weak": 0.0,
    "weak": 0.4,
    "medium": 0.4,
    "strong": 0.7,
    "x-strong": 1.0,
}
_EMPHASES = frozenset({"strong", "moderate", "reduced", "none"})
_BLEEP_SECONDS_PER_LETTER, _LONGEST_BLEEP_SECONDS = 0.08, 2.0
_BLEEPED = "***"
_ABBREVIATIONS = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "approx", "inc", "ltd", "co"}
    | {"corp", "nr", "bzw", "ca", "ggf", "hr", "fr", "usw", "str", "tel", "sra", "srta", "mme"}
    | {"mlle", "sig", "dott", "núm", "avda", "exmo", "exma", "dña", "ing"}
)
_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s+|$)|[。！？]+)\s*")
_WRITTEN_WORD = re.compile(r"(\S+?)[.!?…]+[\"'”’»)\]]*\s*$")


@dataclass(frozen=True, slots=True)
class Utterance:
    """Markup to be rendered in one go; `language` where it is not the prompt's own.

    `plainly` is the same without eSpeak NG's names of sounds, where the markup has some.
    """

    markup: str
    language: str = ""
    whispered: bool = False
    plainly: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing, for a time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Bleep:
    """A tone over words that are not to be heard, for a time."""

    seconds: float


Part: TypeAlias = Utterance | Silence | Bleep


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is heard, part by part, and its caption (empty when only silence)."""

    caption: str
    parts: tuple[Part, ...]


def script(prompt: Prompt, language: str) -> tuple[Sentence, ...]:
    """The sentences of `prompt`, said in `language`. Raises `PromptFailed` on broken SSML."""
    writer = _Writer(language)
    if prompt.ssml:
        try:
            root = parse_ssml(prompt.text)
        except PromptFailed:
            raise
        except Exception as error:
            raise PromptFailed(f"the SSML cannot be read: {error}") from error
        if unknown := unknown_tags(root):
            _log.warning("unknown SSML tags are left out", tags=list(unknown))
        _walk(root, writer)
    else:
        writer.text(prompt.text)
    writer.end_sentence()
    return tuple(writer.sentences)


class _Writer:
    """Collects text, silences and ends of sentences in reading order."""

    def __init__(self, language: str) -> None:
        self.sentences: list[Sentence] = []
        self.language = language
        self._languages = [language]
        self._whispering = 0
        self._styles: list[tuple[str, str]] = []
        self._caption: list[str] = []
        self._parts: list[Part] = []
        self._markup: list[str] = []
        self._plainly: list[str] = []
        self._gap = 0.0  # behind the last sentence
        self._longer_gap = 0.0  # what it is to become when another sentence follows

    def text(self, text: str) -> None:
        """Running text, which may end sentences."""
        for piece, ends in _pieces(text, german=primary(self.speaking) == "de"):
            self.written(piece, plain(piece, self._languages[-1]))
            if ends:
                self.end_sentence(SENTENCE_GAP_SECONDS)

    def pronounced(self, caption: str, sounds: str, element: Element) -> None:
        """Text with eSpeak NG's names of the sounds that say it, and the `<phoneme>` itself."""
        self._caption.append(caption)
        # The engine knows its notation of sounds only behind a space.
        self._add(
            self._styled(f" [[{escape(sounds, quote=False)}]]"),
            self._styled(
                f'<phoneme alphabet="{escape(element.get("alphabet") or "ipa")}" '
                f'ph="{escape(element.get("ph") or "")}">{escape(caption, quote=False)}</phoneme>'
            ),
        )

    def written(self, caption: str, markup: str) -> None:
        """Text with the markup that says it."""
        self._caption.append(caption)
        # Doubled brackets are the engine's own notation of sounds.
        markup = markup.replace("[", "(").replace("]", ")")
        if markup.strip():
            lead = " " if markup[:1].isspace() else ""
            trail = " " if markup[-1:].isspace() else ""
            self._add(f"{lead}{self._styled(markup.strip())}{trail}")
        elif markup:
            self._add(" ")

    def silence(self, seconds: float) -> None:
        """A pause of just that length."""
        self._flush()
        self._parts.append(Silence(seconds))

    def bleep(self, seconds: float) -> None:
        """A tone instead of words."""
        self._flush()
        self._caption.append(_BLEEPED)
        self._parts.append(Bleep(seconds))

    def end_sentence(self, gap_seconds: float = 0.0) -> None:
        """Close the sentence, if one was begun; `gap_seconds` of silence belong to it.

        Where none was begun, as at the end of a paragraph whose last sentence has ended, the gap
        behind that one becomes as long, if anything follows.
        """
        self._flush()
        caption = " ".join("".join(self._caption).split())
        self._caption.clear()
        if not self._parts:
            self._longer_gap = max(self._longer_gap, gap_seconds)
            return
        self._lengthen_gap()
        if any(not isinstance(part, Silence) for part in self._parts):
            gap = (Silence(gap_seconds),) if gap_seconds else ()
            self.sentences.append(Sentence(caption, (*self._parts, *gap)))
            self._gap = gap_seconds
        else:
            self.sentences.append(Sentence("", tuple(self._parts)))
            self._gap = 0.0
        self._parts.clear()

    def _lengthen_gap(self) -> None:
        if self._longer_gap > self._gap > 0.0:
            last = self.sentences[-1]
            parts = (*last.parts[:-1], Silence(self._longer_gap))
            self.sentences[-1] = Sentence(last.caption, parts)
        self._longer_gap = 0.0

    def enter(self, opening: str, closing: str) -> None:
        """Begin a style."""
        self._styles.append((opening, closing))

    def leave(self) -> None:
        """End the innermost style."""
        self._styles.pop()

    def enter_language(self, tag: str) -> None:
        """Begin a passage in another language."""
        self._flush()
        self._languages.append(tag)

    def leave_language(self) -> None:
        """End that passage."""
        self._flush()
        self._languages.pop()

    def enter_whisper(self) -> None:
        """Begin to whisper."""
        self._flush()
        self._whispering += 1

    def leave_whisper(self) -> None:
        """End it."""
        self._flush()
        self._whispering -= 1

    @property
    def before(self) -> str:
        """The last piece of text of the sentence."""
        return self._caption[-1] if self._caption else ""

    @property
    def speaking(self) -> str:
        """The language of the passage."""
        return self._languages[-1]

    def _add(self, markup: str, plainly: str | None = None) -> None:
        self._markup.append(markup)
        self._plainly.append(markup if plainly is None else plainly)

    def _styled(self, markup: str) -> str:
        opening = "".join(start for start, _ in self._styles)
        closing = "".join(end for _, end in reversed(self._styles))
        return f"{opening}{markup}{closing}"

    def _flush(self) -> None:
        markup, plainly = "".join(self._markup).strip(), "".join(self._plainly).strip()
        self._markup.clear()
        self._plainly.clear()
        if markup:
            tag = self._languages[-1]
            foreign = "" if tag == self.language else tag
            differs = plainly if plainly != markup else ""
            self._parts.append(Utterance(markup, foreign, self._whispering > 0, differs))


def _walk(element: Element, writer: _Writer) -> None:
    tag = _local(element.tag)
    if tag == "break":
        writer.silence(_break_seconds(element))
    elif tag == "sub":
        text = _text(element)
        writer.written(text, plain(element.get("alias") or text, writer.speaking))
    elif tag == "say-as":
        _say_as(element, writer)
    elif tag == "phoneme" and (
        sounds := mnemonics(element.get("ph", ""), element.get("alphabet", ""), writer.speaking)
    ):
        writer.pronounced(_text(element), sounds, element)
    elif tag in ("p", "s"):
        writer.end_sentence()
        _inside(element, writer)
        writer.end_sentence(PARAGRAPH_GAP_SECONDS if tag == "p" else SENTENCE_GAP_SECONDS)
    elif tag == "lang" and is_language(language := _attribute(element, "lang")):
        writer.enter_language(language)
        _inside(element, writer)
        writer.leave_language()
    elif tag == "amazon:effect" and element.get("name", "").strip().lower() == "whispered":
        writer.enter_whisper()
        _inside(element, writer)
        writer.leave_whisper()
    elif style := _style(tag, element):
        writer.enter(*style)
        _inside(element, writer)
        writer.leave()
    elif tag not in ("desc", "metadata", "meta"):
        _inside(element, writer)


def _say_as(element: Element, writer: _Writer) -> None:
    text = _text(element)
    kind = element.get("interpret-as", "")
    if kind.strip().lower() in ("expletive", "bleep"):
        length = len(text.strip()) * _BLEEP_SECONDS_PER_LETTER
        if length:
            writer.bleep(min(max(length, SENTENCE_GAP_SECONDS), _LONGEST_BLEEP_SECONDS))
        return
    format_ = element.get("format", "")
    writer.written(text, said(text, kind, format_, writer.speaking, writer.before))


def _style(tag: str, element: Element) -> tuple[str, str] | None:
    """The markup before and behind a passage; None where nothing changes."""
    given: dict[str, str] = {}
    if tag == "prosody":
        given = prosody(element.attrib)
    elif tag == "amazon:effect" and element.get("phonation", "").strip().lower() == "soft":
        given, tag = {"volume": "soft"}, "prosody"
    elif tag == "emphasis":
        level = element.get("level", "").strip().lower()
        given = {"level": level if level in _EMPHASES else "moderate"}
    if not given:
        return None
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{tag}{attributes}>", f"</{tag}>"


def _inside(element: Element, writer: _Writer) -> None:
    writer.text(element.text or "")
    for child in element:
        if isinstance(child.tag, str):  # a comment or an instruction has a function here
            _walk(child, writer)
        writer.text(child.tail or "")


def _pieces(text: str, *, german: bool) -> Iterator[tuple[str, bool]]:
    """`text` in order, cut after each sentence; the flag says whether a sentence ends there."""
    start = 0
    for match in _END.finditer(text):
        following = text[match.end() : match.end() + 1]
        if following.islower() or _abbreviated(text[start : match.end()]):
            continue
        if german and ends_in_german_day(text[start : match.end()], text[match.end() :]):
            continue
        yield text[start : match.end()], True
        start = match.end()
    if start < len(text):
        yield text[start:], False


def _abbreviated(piece: str) -> bool:
    word = _WRITTEN_WORD.search(piece)
    if word is None or not piece.rstrip("\"'”’»)] \t\r\n").endswith("."):
        return False
    bare = word[1].lstrip("(\"'“‘«[").lower()
    if bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha()):
        return True
    return "." in bare.strip(".") and any(sign.isalpha() for sign in bare)  # "p.m", not "20.00"


def _break_seconds(element: Element) -> float:
    """The length of `<break>`: its time, else by its strength, else medium."""
    time = re.fullmatch(r"\s*\+?(\d+(?:\.\d*)?|\.\d+)\s*(ms|s)?\s*", element.get("time") or "")
    if time:
        # Polly wants a unit; flows in the field carry bare numbers, which are milliseconds.
        seconds = float(time[1]) / (1 if time[2] == "s" else 1000)
        return min(seconds, LONGEST_BREAK_SECONDS)
    return _STRENGTHS.get(element.get("strength") or "medium", _STRENGTHS["medium"])


def _text(element: Element) -> str:
    return "".join(element.itertext())


def _local(tag: str) -> str:
    """The tag without its namespace: `{http://www.w3.org/2001/10/synthesis}p` is `p`."""
    return tag.rpartition("}")[2].lower()


def _attribute(element: Element, name: str) -> str:
    for key, value in element.attrib.items():
        if key.rpartition("}")[2].rpartition(":")[2] == name:
            return value
    return ""
