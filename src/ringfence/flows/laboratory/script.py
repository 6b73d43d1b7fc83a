"""What a cardholder does in a call, written in one line: `wait for "press 1"; 1; hang up`.

Steps follow each other, apart by semicolons, commas or line ends. Anything that is not written
does not happen: after the last step the cardholder keeps silent.

    1, 12#                 answer the next question with these keys
    press 1 now            press keys at once, also while something is being said
    say "yes, it was me"   answer the next question in words; `say yes now` says them at once
    silence                let the next question pass
    wait 3                 let 3 seconds go by
    wait for "goodbye"     until a prompt that has this text begins
    hang up                at once
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ringfence.errors import InvalidInput

LONGEST_WAIT = 86_400.0  # seconds

_SEPARATORS = re.compile(r"[\s;,]*")
_STEP = re.compile(r'(?:"[^"]*"|[^;,\n"])+')
_KEYS = re.compile(r"[0-9*#]+")
_EXPECTED = (
    "keys such as 1 or 12#, press KEYS [now], say WORDS [now], silence, wait SECONDS, "
    'wait for "TEXT", hang up'
)


class ScriptInvalid(InvalidInput):
    """A script cannot be read. `pointer` shows the place."""

    def __init__(self, message: str, text: str, position: int):
        line = text.count("\n", 0, position) + 1
        begins = text.rfind("\n", 0, position) + 1
        column = position - begins + 1
        where = f"line {line}, column {column}" if "\n" in text else f"column {column}"
        super().__init__(f"{where}: {message}", field="script", expected=_EXPECTED)
        shown = text[begins:].split("\n", 1)[0]
        self.pointer = f"  {shown}\n  {' ' * (column - 1)}^"


@dataclass(frozen=True, slots=True)
class Press:
    """Keys: as the answer to the next question, or at once."""

    keys: str
    now: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Words: as the answer to the next question, or at once."""

    words: str
    now: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """The next question gets no answer."""


@dataclass(frozen=True, slots=True)
class WaitSeconds:
    """Time goes by."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Until a prompt that has `text` begins; case and spaces do not count."""

    text: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over."""


ScriptStep: TypeAlias = Press | Say | Silence | WaitSeconds | WaitFor | HangUp


def read_script(text: str) -> tuple[ScriptStep, ...]:
    """The steps of a script. Raises `ScriptInvalid`, which names the place."""
    return tuple(_steps(text))


def _steps(text: str) -> Iterator[ScriptStep]:
    position = 0
    while True:
        position = _SEPARATORS.match(text, position).end()  # type: ignore[union-attr]
        if position >= len(text):
            return
        found = _STEP.match(text, position)
        if found is None or text[found.end() : found.end() + 1] == '"':
            quote = text.index('"', position if found is None else found.end())
            raise ScriptInvalid("the quotation mark has no other", text, quote)
        yield _step(found.group().strip(), text, position)
        position = found.end()


def _step(written: str, text: str, position: int) -> ScriptStep:
    if _KEYS.fullmatch(written):
        return Press(written)
    words = written.split()
    command, rest = words[0].lower(), written[len(words[0]) :].strip()
    if command == "press":
        keys, now = _now(rest)
        if not _KEYS.fullmatch(keys):
            raise ScriptInvalid(f"{rest!r} are no keys (0-9, *, #)", text, position)
        return Press(keys, now)
    if command == "say":
        said, now = _now(rest)
        if not _bare(said):
            raise ScriptInvalid("there are no words to say", text, position)
        return Say(_bare(said), now)
    if command == "wait":
        return _wait(words[1:], rest, text, position)
    plain = " ".join(words).lower()
    if plain in ("silence", "stay silent", "silent"):
        return Silence()
    if plain == "hang up":
        return HangUp()
    raise ScriptInvalid(f"{written[:40]!r} is no step", text, position)


def _wait(words: list[str], rest: str, text: str, position: int) -> ScriptStep:
    if words and words[0].lower() == "for":
        if not (wanted := _bare(rest[3:].strip())):
            raise ScriptInvalid("there is no text to wait for", text, position)
        return WaitFor(wanted)
    number = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(?:s|seconds?)?", rest.lower(), re.ASCII)
    if number is None or not 0 < float(number[1]) <= LONGEST_WAIT:
        raise ScriptInvalid(f"{rest!r} is no time in seconds, up to a day", text, position)
    return WaitSeconds(float(number[1]))


def _now(rest: str) -> tuple[str, bool]:
    before, _, last = rest.rpartition(" ")
    return (before.strip(), True) if before and last.lower() == "now" else (rest, False)


def _bare(text: str) -> str:
    """The text without quotation marks around it."""
    inner = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    return " ".join(inner.split())
