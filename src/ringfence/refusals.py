"""Text that is kept nowhere, whichever field it was sent in: NUL characters and card data.

Events and customers are looked at in their rooms, which know their fields. This is for everything
else that people and programs can write, whichever protocol they speak: names, descriptions,
elements of lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ringfence.carddata import looks_like_card_number, looks_like_track_data
from ringfence.errors import InvalidInput
from ringfence.places import Place, path_of

# Card numbers belong into the first two, which are sealed; reasons are masked where they are
# written down, for a card must be blocked whatever the reason says; the content of a flow is a
# document of its own, full of account numbers.
_NOT_LOOKED_AT = frozenset({"card_number", "card_numbers", "reason", "content", "Content"})
_MAY_HOLD_CARD_DATA = re.compile(rb"[0-9](?:[ -]?[0-9]){11}|\\u|\^|[0-9]e[+]?[0-9]", re.IGNORECASE)
_ACCOUNT = re.compile(r"(arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:)[0-9]{12}(?=:)")  # AWS's, 12 digits
_PHONE_NUMBER = re.compile(r"\+(?:[ ()-]*[0-9]){7,15}")  # E.164: 15 digits at most


def refuse_nul(sent: object) -> None:
    """Raise `InvalidInput` naming the first text with a NUL character: no database keeps one."""
    for place, part in _parts(sent):
        if isinstance(part, str) and "\0" in part:
            raise InvalidInput(
                "holds a NUL character", field=path_of(place) or "body", expected="text"
            )


def may_hold_card_data(body: bytes) -> bool:
    """Whether it is worth decoding a body once more to look for card data."""
    return _MAY_HOLD_CARD_DATA.search(body) is not None


def refuse_card_data(sent: object) -> None:
    """Raise `InvalidInput` naming the first field that holds a card number or track data."""
    for place, part in _parts(sent):
        if not _NOT_LOOKED_AT.isdisjoint(place):
            continue
        if isinstance(part, float) and 1e11 <= abs(part) < 1e19:
            part = int(part)
        text = _ACCOUNT.sub(r"\1", str(part))
        if _PHONE_NUMBER.fullmatch(text):
            continue
        if looks_like_card_number(text) or looks_like_track_data(text):
            raise InvalidInput(
                "looks like card data; only card_number may hold a card number",
                field=path_of(place) or "body",
                expected="text without a card number",
            )


def _parts(sent: object) -> Iterator[tuple[Place, object]]:
    """Every text and number with its place; the name of a field is a text at the field's place."""
    waiting: list[tuple[Place, object]] = [((), sent)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, Mapping):
            for name, value in part.items():
                yield (*place, name), name
                waiting.append(((*place, name), value))
        elif isinstance(part, Sequence) and not isinstance(part, (str, bytes)):
            waiting += [((*place, index), value) for index, value in enumerate(part)]
        else:
            yield place, part
