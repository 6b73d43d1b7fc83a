"""Bodies with places for variables, as Amazon Fraud Detector writes them: `{{order_amt}}, {{zip}}`.

In CSV a value is quoted where it must be. In JSON a placeholder stands for a whole value, or within
a string for a part of it; what is rendered is JSON again, whatever the values are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.variables import Value

MAX_CHARACTERS = 8192
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


class Template:
    """A template, taken apart once. `json` says whether it is JSON or a line of CSV."""

    def __init__(self, text: str, *, json: bool):
        self._text = text
        self._json = json
        pieces = _PLACE.split(text)
        self._texts, self.variables = tuple(pieces[::2]), tuple(pieces[1::2])
        """The variables in the order of their places; one may have several."""
        self._within: list[bool] = []
        within = False
        for piece in self._texts[:-1]:
            within = within ^ (_quotes(piece) % 2 == 1)
            self._within.append(within)

    def check(self, field: str, known: Collection[str]) -> None:
        """Raise `InvalidInput` for a template that is empty, names what is not known, or is no JSON
        once it is filled."""
        if not 0 < len(self._text) <= MAX_CHARACTERS:
            raise InvalidInput("empty or too long", field=field, expected="1 to 8,192 characters")
        for name in self.variables:
            if name not in known:
                raise InvalidInput(
                    f"the event type has no variable {name!r}",
                    field=field,
                    expected="some of " + ", ".join(known),
                )
        if not self.variables:
            raise InvalidInput("no place for a value", field=field, expected="{{variable}}")
        if self._json:
            try:
                msgspec.json.decode(self.render({}))
            except msgspec.DecodeError as error:
                raise InvalidInput(
                    f"is not JSON once it is filled: {error}",
                    field=field,
                    expected='JSON such as {"amount": {{amount}}}',
                ) from None
        elif "\n" in self._text.strip():
            raise InvalidInput("has several lines", field=field, expected="one line")

    def render(self, values: Mapping[str, Value]) -> str:
        """The body for an event; what is missing is empty in CSV and in strings, else null."""
        parts = [self._texts[0]]
        for name, within, after in zip(self.variables, self._within, self._texts[1:], strict=True):
            value = values.get(name)
            if not self._json:
                parts.append(csv_field(value))
            elif within:
                parts.append(msgspec.json.encode(_plain(value)).decode()[1:-1])
            else:
                parts.append(msgspec.json.encode(value).decode())
            parts.append(after)
        return "".join(parts)


def csv_field(value: Value) -> str:
    """A value as one field of CSV."""
    text = _plain(value)
    if any(sign in text for sign in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _quotes(piece: str) -> int:
    """How many quotation marks of JSON open or close a string in a piece of text."""
    return len(re.findall(r'"', re.sub(r"\\.", "", piece)))
