"""A profile plan: all aggregates of an event type, compiled once and used for every event.

Aggregates of the same key share one state. The compiled plan says how to read the keys and the
inputs of an event, and holds the arithmetic of each key; what it computes is described in
`arithmetic`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

import msgspec

from ringfence.errors import InvalidInput
from ringfence.events.definitions import EventType
from ringfence.profiles.aggregates import OF_NUMBERS, OF_PLACES, OF_TEXTS, Aggregate, Source
from ringfence.profiles.arithmetic import Arithmetic, Measure, compile_measures

MAX_AGGREGATES = 400
# Part of every plan's id: states that another release has written are not read as ours.
_LAYOUT = 1


class ProfilePlan(msgspec.Struct, frozen=True):
    """What is remembered of the entities of an event type. Values come in the order of
    `aggregates`."""

    event_type: str
    aggregates: tuple[Aggregate, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the aggregates, in order."""
        return tuple(aggregate.name for aggregate in self.aggregates)

    @property
    def plan_id(self) -> str:
        """16 hexadecimal digits: the same for the same plan."""
        # As it is when it is read back, for a horizon may have been written `60` or `60.0`.
        same = msgspec.convert(msgspec.to_builtins(self), ProfilePlan)
        content = msgspec.msgpack.encode((_LAYOUT, same), order="sorted")
        return hashlib.blake2b(content, digest_size=8).hexdigest()

    def check(self, event_type: EventType) -> None:
        """Raise `InvalidInput` naming the first thing that does not fit."""
        if event_type.name != self.event_type:
            raise InvalidInput(
                f"the plan is not for {event_type.name}",
                field="event_type",
                expected=self.event_type,
            )
        if len(self.aggregates) > MAX_AGGREGATES:
            raise InvalidInput(
                "too many", field="aggregates", expected=f"at most {MAX_AGGREGATES} aggregates"
            )
        seen: set[str] = set()
        for position, aggregate in enumerate(self.aggregates):
            aggregate.check(event_type, f"aggregates[{position}]")
            if aggregate.name in seen:
                raise InvalidInput(
                    f"{aggregate.name!r} is named twice",
                    field=f"aggregates[{position}].name",
                    expected="a name of its own",
                )
            seen.add(aggregate.name)


@dataclass(frozen=True, slots=True)
class NumberSlot:
    """An input that is a numeric variable."""

    variable: str


@dataclass(frozen=True, slots=True)
class HashSlot:
    """An input that is the hash of a text."""

    source: Source


@dataclass(frozen=True, slots=True)
class PlaceSlot:
    """An input that is a coordinate of a named place: `axis` 0 is latitude, 1 longitude."""

    source: Source
    places: tuple[tuple[str, tuple[float, float]], ...]
    axis: int


Slot = NumberSlot | HashSlot | PlaceSlot


@dataclass(frozen=True, slots=True)
class Group:
    """The aggregates of one key: whose, which of the plan's aggregates, which of the inputs they
    look at, and how they are computed."""

    by: tuple[Source, ...]
    positions: tuple[int, ...]
    inputs: tuple[int, ...]
    arithmetic: Arithmetic
    missing: tuple[float, ...]

    @property
    def name(self) -> str:
        """Such as `card~merchant_id`."""
        return "~".join(str(source) for source in self.by)


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """A plan ready to use. `order` brings values that stand group after group into the order of
    the plan's aggregates."""

    plan: ProfilePlan
    slots: tuple[Slot, ...]
    groups: tuple[Group, ...]
    order: Callable[[Sequence[float]], Sequence[float]]


@lru_cache(maxsize=64)
def _compiled(content: bytes) -> CompiledPlan:
    return _compile(msgspec.msgpack.decode(content, type=ProfilePlan))


def compile_plan(plan: ProfilePlan) -> CompiledPlan:
    """The plan, compiled; kept, so that asking again costs little."""
    return _compiled(msgspec.msgpack.encode(plan))


def _compile(plan: ProfilePlan) -> CompiledPlan:
    slots: dict[Slot, int] = {}
    by_key: dict[tuple[Source, ...], list[int]] = {}
    measures: list[Measure] = []
    for position, aggregate in enumerate(plan.aggregates):
        # A pair is the same pair the other way round.
        key = tuple(sorted(aggregate.by, key=_sort_key))
        by_key.setdefault(key, []).append(position)
        measures.append(_measure(aggregate, slots))
    groups = []
    for key, positions in by_key.items():
        of_key = [measures[position] for position in positions]
        used = [(m.value, m.latitude, m.longitude) for m in of_key]
        inputs = sorted({place for places in used for place in places if place is not None})
        groups.append(
            Group(
                by=key,
                positions=tuple(positions),
                inputs=tuple(inputs),
                arithmetic=compile_measures(of_key),
                missing=(math.nan,) * len(positions),
            )
        )
    placed = [position for group in groups for position in group.positions]
    back = [placed.index(position) for position in range(len(placed))]
    order: Callable[[Sequence[float]], Sequence[float]] = (
        itemgetter(*back) if len(back) > 1 else tuple
    )
    return CompiledPlan(plan, tuple(slots), tuple(groups), order)


def _sort_key(source: Source) -> tuple[bool, str, str]:
    return source.entity is None, source.entity or source.variable or "", source.part or ""


def _measure(aggregate: Aggregate, slots: dict[Slot, int]) -> Measure:
    def slot(of: Slot) -> int:
        return slots.setdefault(of, len(slots))

    value = latitude = longitude = None
    if aggregate.kind in OF_NUMBERS and aggregate.value and aggregate.value.variable:
        value = slot(NumberSlot(aggregate.value.variable))
    elif aggregate.kind in OF_TEXTS and aggregate.value:
        value = slot(HashSlot(aggregate.value))
    elif aggregate.kind in OF_PLACES and aggregate.place:
        places = tuple(sorted(aggregate.places.items()))
        latitude = slot(PlaceSlot(aggregate.place, places, 0))
        longitude = slot(PlaceSlot(aggregate.place, places, 1))
    elif aggregate.kind in OF_PLACES and aggregate.latitude and aggregate.longitude:
        latitude = slot(NumberSlot(aggregate.latitude))
        longitude = slot(NumberSlot(aggregate.longitude))
    return Measure(
        kind=aggregate.kind.value,
        value=value,
        horizon=aggregate.horizon_seconds,
        half_life=aggregate.half_life_seconds,
        buckets=aggregate.buckets,
        long_horizon=aggregate.long_seconds,
        delay=aggregate.delay_seconds,
        smoothing=aggregate.smoothing,
        base_rate=aggregate.base_rate,
        latitude=latitude,
        longitude=longitude,
    )
