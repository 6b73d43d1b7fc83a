"""From an event to whom it is about and what is looked at: the keys and the inputs of a plan.

The same functions read one event in serving and a whole column in training. Texts that come again
are taken apart once and remembered, within bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import AddressValueError, IPv6Address
from typing import TypeAlias, TypeVar

from ringfence.events.reading import Entity
from ringfence.events.variables import Value
from ringfence.profiles.aggregates import Part, Source
from ringfence.profiles.formulas import LARGEST, text_hash
from ringfence.profiles.plans import CompiledPlan, HashSlot, NumberSlot, PlaceSlot, Slot

# A text, or two for a pair; None when one of them is missing.
KeyText: TypeAlias = str | tuple[str, str] | None
_Found = TypeVar("_Found")

# What clients write for a value that they do not have.
_MISSING = frozenset({"<null>", "<unknown>", "unknown"})
# An event from the future would push all that is remembered out of every window. A clock may be
# ahead by so much; beyond that the event counts as of the moment it was received.
MAX_AHEAD_SECONDS = 86_400.0
_REMEMBERED = 100_000
_NUMBER = re.compile(r"[0-9][0-9._]*")


class EventInputs:
    """Reads the keys and inputs of events for a compiled plan. Safe to use from several threads."""

    def __init__(self, compiled: CompiledPlan):
        sources: dict[Source, int] = {}

        def place(source: Source) -> int:
            return sources.setdefault(source, len(sources))

        self._keys = [tuple(place(s) for s in group.by) for group in compiled.groups]
        self._slots: list[tuple[int | str, Callable[[Value], float]]] = [
            (slot.variable, number_of)
            if isinstance(slot, NumberSlot)
            else (place(slot.source), remembering(_of_text(slot)))
            for slot in compiled.slots
        ]
        self._readers = [
            (source.entity, source.variable, remembering(text_reader(source))) for source in sources
        ]

    def read(
        self, entities: Sequence[Entity], variables: Mapping[str, Value]
    ) -> tuple[list[KeyText], list[float]]:
        """The key of each group, and the inputs in the order of the slots."""
        of_type: dict[str, str] = {}
        for entity in entities:
            of_type.setdefault(entity.entity_type, entity.entity_id)
        texts = [
            read(variables.get(variable) if variable is not None else of_type.get(entity or ""))
            for entity, variable, read in self._readers
        ]
        inputs = [
            read(variables.get(where) if isinstance(where, str) else texts[where])
            for where, read in self._slots
        ]
        keys: list[KeyText] = []
        for places in self._keys:
            one = texts[places[0]]
            if len(places) == 1:
                keys.append(one)
            else:
                other = texts[places[1]]
                keys.append(None if one is None or other is None else (one, other))
        return keys, inputs


def seconds_of(at: datetime) -> float:
    """Seconds since 1970 of an aware time."""
    return at.timestamp()


def taken_at(at: float, received: float) -> float:
    """When an event counts as having happened: at its own time, unless that is still to come."""
    return received if at > received + MAX_AHEAD_SECONDS else at


def number_of(value: Value) -> float:
    """The number of a value, NaN when it is missing or none, held within ±1e15."""
    if isinstance(value, (bool, type(None))):
        return math.nan if value is None else float(value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return max(-LARGEST, min(LARGEST, number)) if number == number else number


def text_reader(source: Source) -> Callable[[Value], str | None]:
    """The function from a raw value to the text of a source, None when it is missing."""
    part = None if source.part is None else _PARTS[source.part]

    def read(value: Value) -> str | None:
        text = _text(value)
        return text if text is None or part is None else part(text)

    return read


def slot_reader(slot: Slot) -> Callable[[Value], float]:
    """The function from a raw value to the input of a slot."""
    if isinstance(slot, NumberSlot):
        return number_of
    to_text, to_input = text_reader(slot.source), _of_text(slot)
    return lambda value: to_input(to_text(value))


def remembering(read: Callable[[Value], _Found]) -> Callable[[Value], _Found]:
    """The same function, which looks up what it has read before."""
    memory: dict[Value, _Found] = {}

    def recall(value: Value) -> _Found:
        # True, 1 and 1.0 are the same key of a dictionary, but not the same text.
        if type(value) is not str:
            return read(value)
        try:
            return memory[value]
        except KeyError:
            if len(memory) >= _REMEMBERED:
                memory.clear()
            found = memory[value] = read(value)
            return found

    return recall


def _of_text(slot: HashSlot | PlaceSlot) -> Callable[[Value], float]:
    if isinstance(slot, HashSlot):
        return lambda text: -1 if text is None else text_hash(str(text))
    axis = slot.axis
    places = {name: coordinates[axis] for name, coordinates in slot.places}
    return lambda text: places.get(str(text), math.nan)


def _text(value: Value) -> str | None:
    if isinstance(value, str):
        text = value.strip()
        return None if not text or text.lower() in _MISSING else text
    if value is None or (isinstance(value, float) and value != value):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mail_domain(text: str) -> str | None:
    return text.rpartition("@")[2].lower() or None


def _block(text: str, octets: int, groups: int) -> str | None:
    if ":" in text:
        try:
            return ":".join(IPv6Address(text).exploded.split(":")[:groups])
        except AddressValueError:
            return None
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return ".".join(parts[:octets])


def _bin(text: str) -> str | None:
    return text[:6] if len(text) >= 6 and text[:6].isdigit() else None


def _without_numbers(text: str) -> str | None:
    return " ".join(_NUMBER.sub(" ", text).lower().split()) or None


_PARTS: dict[Part, Callable[[str], str | None]] = {
    Part.MAIL_DOMAIN: _mail_domain,
    Part.IP_16: lambda text: _block(text, 2, 2),
    Part.IP_24: lambda text: _block(text, 3, 3),
    Part.BIN: _bin,
    Part.WITHOUT_NUMBERS: _without_numbers,
}
