"""What is to be said, for engines that do not read eSpeak NG's markup.

The script's markup is SSML with eSpeak NG's values; here it becomes the SSML of Amazon Polly, or
plain texts with a tempo and a loudness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from math import log10
from xml.etree.ElementTree import Element

from ringfence.flows.ssml import parse_ssml
from ringfence.lines.speech.script import Utterance

_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "fast": 1.25, "x-fast": 1.5}
_VOLUMES = {"silent": 0.0, "x-soft": 0.35, "soft": 0.6, "medium": 1.0, "loud": 1.4, "x-loud": 1.8}
_PERCENT = re.compile(r"(\d+)%")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOUDEST_DECIBELS = 4.0  # Amazon Polly takes no more


@dataclass(frozen=True, slots=True)
class Passage:
    """A plain text; `tempo` and `loudness` are factors, 1.0 is the voice's own."""

    text: str
    tempo: float = 1.0
    loudness: float = 1.0


def passages(utterance: Utterance) -> tuple[Passage, ...]:
    """The texts of `utterance` in order. What plain text cannot say (pitch, emphasis) is left out;
    letters that are to be spelled stand apart."""
    found: list[Passage] = []
    _read(_tree(utterance), 1.0, 1.0, found)
    merged: list[Passage] = []
    for passage in found:
        last = merged[-1] if merged else None
        alike = last and (last.tempo, last.loudness) == (passage.tempo, passage.loudness)
        if last and (alike or not passage.text.strip()):
            merged[-1] = Passage(last.text + passage.text, last.tempo, last.loudness)
        else:
            merged.append(passage)
    spoken = (Passage(" ".join(p.text.split()), p.tempo, p.loudness) for p in merged)
    return tuple(passage for passage in spoken if re.search(r"\w", passage.text))


def polly_ssml(utterance: Utterance, *, expressive: bool) -> str:
    """Amazon Polly's SSML. Only standard voices are `expressive`: pitch, emphasis, whispering."""
    inside = _polly(_tree(utterance), expressive=expressive)
    if utterance.whispered and expressive:
        inside = f'<amazon:effect name="whispered">{inside}</amazon:effect>'
    if utterance.language:
        inside = f'<lang xml:lang="{escape(utterance.language)}">{inside}</lang>'
    return f"<speak>{inside}</speak>"


def _tree(utterance: Utterance) -> Element:
    markup = _NOT_IN_XML.sub("", utterance.plainly or utterance.markup)
    return parse_ssml(f"<speak>{markup}</speak>")


def _read(element: Element, tempo: float, loudness: float, found: list[Passage]) -> None:
    if element.tag == "prosody":
        tempo *= _factor(element.get("rate", ""), _RATES)
        loudness *= _factor(element.get("volume", ""), _VOLUMES)
    text = element.text or ""
    if element.tag == "say-as":
        text = " ".join(text)
    found.append(Passage(text, tempo, loudness))
    for child in element:
        _read(child, tempo, loudness, found)
        found.append(Passage(child.tail or "", tempo, loudness))


def _factor(value: str, names: dict[str, float]) -> float:
    percent = _PERCENT.fullmatch(value)
    return int(percent[1]) / 100 if percent else names.get(value, 1.0)


def _polly(element: Element, *, expressive: bool) -> str:
    inside = escape(element.text or "", quote=False) + "".join(
        _polly(child, expressive=expressive) + escape(child.tail or "", quote=False)
        for child in element
    )
    given = dict(element.attrib)
    if element.tag == "prosody":
        if percent := _PERCENT.fullmatch(given.get("volume", "")):
            decibels = min(20 * log10(int(percent[1]) / 100), _LOUDEST_DECIBELS)
            given["volume"] = f"{decibels:+.1f}dB"
        if not expressive:
            given.pop("pitch", None)
    elif element.tag == "emphasis":
        given = {"level": given["level"]} if expressive and given.get("level") != "none" else {}
    elif element.tag not in ("say-as", "phoneme"):
        given = {}
    if not given:
        return inside
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"
