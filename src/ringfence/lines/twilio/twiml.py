"""TwiML, the documents that tell Twilio what to do in a call.

`Gather` has an empty `finishOnKey`, so that `#` is a key like any other. Twilio asks for the next
document after it, with what was pressed or, by the `Redirect` behind it, without.
Source: "TwiML for Programmable Voice" of Twilio's documentation.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree.ElementTree import Element

from ringfence.flows.participant import Destination, Prompt
from ringfence.flows.ssml import parse_ssml

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What Twilio's `Say` takes of SSML; of other elements the words are kept.
_SPOKEN = frozenset({"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub"})

APOLOGY = "We are sorry, this call cannot go on. Please call the number on the back of your card."


def document(*verbs: str) -> str:
    """A whole document."""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'


def play(url: str) -> str:
    """Play the sound at `url`."""
    return f"<Play>{text(url)}</Play>"


def say(prompt: Prompt) -> str:
    """Have Twilio's own speech say a prompt, in Amazon Polly's voice of the same name.

    Raises `PromptFailed` on broken SSML.
    """
    inside = _spoken(parse_ssml(prompt.text)) if prompt.ssml else text(prompt.text)
    voice, language = attribute(f"Polly.{prompt.voice}"), attribute(prompt.language)
    return f"<Say voice={voice} language={language}>{inside}</Say>"


def apology() -> str:
    """Say that the call cannot go on, and end it."""
    return document(f"<Say>{text(APOLOGY)}</Say>", hang_up())


def gather(*heard: str, seconds: int, then: str, several: bool = False) -> str:
    """Let `heard` be heard and then listen for `seconds`; a key ends both.

    `then` is asked for the next document, with the key as `Digits` or without. For `several` keys
    it is only asked once none has been pressed for `seconds`.
    """
    count = "" if several else ' numDigits="1"'
    return (
        f'<Gather input="dtmf"{count} finishOnKey="" timeout="{max(1, seconds)}" '
        f'action={attribute(then)} method="POST">{"".join(heard)}</Gather>{redirect(then)}'
    )


def redirect(then: str) -> str:
    """Ask `then` for the next document."""
    return f'<Redirect method="POST">{text(then)}</Redirect>'


def dial(destination: Destination, *, then: str, told: str) -> str:
    """Put the far end through. `told` hears when it is answered, `then` how it ended."""
    number = f'<Number statusCallbackEvent="answered" statusCallback={attribute(told)}'
    if destination.digits:
        # A comma is one second; Twilio's w is half a one.
        number += f" sendDigits={attribute(destination.digits.replace(',', 'ww'))}"
    number += f">{text(destination.number)}</Number>"
    caller = (
        f" callerId={attribute(destination.caller_number)}" if destination.caller_number else ""
    )
    seconds = max(5, min(600, round(destination.ring_seconds)))
    return (
        f'<Dial timeout="{seconds}" action={attribute(then)} method="POST"{caller}>{number}</Dial>'
    )


def hang_up() -> str:
    """End the call."""
    return "<Hangup/>"


def reject(*, busy: bool) -> str:
    """Do not answer a call that comes in."""
    return f'<Reject reason="{"busy" if busy else "rejected"}"/>'


def text(value: str) -> str:
    """`value` as the text of an element; what XML cannot hold is a space."""
    return escape(_NOT_IN_XML.sub(" ", value), quote=False).replace("\r", "&#13;")


def attribute(value: str) -> str:
    """`value` as a quoted attribute."""
    escaped = escape(_NOT_IN_XML.sub(" ", value), quote=True)
    for white in "\t\n\r":
        escaped = escaped.replace(white, f"&#{ord(white)};")
    return f'"{escaped}"'


def _spoken(element: Element) -> str:
    inside = text(element.text or "")
    for child in element:
        inside += _spoken(child) + text(child.tail or "")
    if element.tag not in _SPOKEN:
        return inside
    attributes = "".join(
        f" {name}={attribute(value)}"
        for name, value in element.attrib.items()
        if ":" not in name or name == "xml:lang"
    )
    return f"<{element.tag}{attributes}>{inside}</{element.tag}>"
