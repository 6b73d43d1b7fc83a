"""The step of one key: (state, event) to (values, state), made to measure for its aggregates.

A general loop over forty aggregates would take ten times as long as the sums themselves, so the
step is written out as Python source once per plan and compiled. Only numbers of ours enter that
source, never a name. Training and serving run this same function, and a stream engine can: nothing
but the standard library is imported.

Values are what was known *before* the event; its own number only takes part where a value is
compared with the habit (deviation, ratio, share). Times are seconds since 1970.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ringfence.profiles import formulas
from ringfence.profiles.memory import Cells, Fading, Lifetime, Memory, Ring

State: TypeAlias = list[Any]
Inputs: TypeAlias = Sequence[float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate as the arithmetic sees it.

    `kind` as in `aggregates.Kind`. `value`, `latitude` and `longitude` are places among the
    event's inputs: a number (NaN when missing), or the hash of a text (-1 when missing). Times and
    horizons are seconds; neither horizon nor half-life means for ever.
    """

    kind: str
    value: int | None = None
    horizon: float | None = None
    half_life: float | None = None
    buckets: int = 24
    long_horizon: float | None = None
    delay: float = 0.0
    smoothing: float = 0.0
    base_rate: float = 0.0
    latitude: int | None = None
    longitude: int | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What to do with the state of one key.

    `fresh()` is the state of a key never seen. `step(state, at, inputs)` returns one float per
    measure and adds the event to the state. `label(state, at, change)` adds `change` frauds (1, or
    -1 to take one back) to the bucket of the event at `at`, if that is still remembered; None when
    no measure asks for labels. `wide` are the cells that hold integers of more than 64 bits, and
    whether as a list. `source` is the code, to look at.
    """

    fresh: Callable[[], State]
    step: Callable[[State, float, Inputs], tuple[float, ...]]
    label: Callable[[State, float, int], None] | None
    wide: tuple[tuple[int, bool], ...]
    source: str


def compile_measures(measures: Sequence[Measure]) -> Arithmetic:
    """The arithmetic of the measures of one key, values in their order."""
    writer = _Writer()
    values = [writer.value(measure) for measure in measures]
    source = writer.source(values)
    scope: dict[str, Any] = {
        "bisect_left": bisect_left,
        "bisect_right": bisect_right,
        "nan": math.nan,
        "lowest": -math.inf,
        "deviation": formulas.deviation,
        "distance_km": formulas.distance_km,
        "speed_kmh": formulas.speed_kmh,
        "spread": formulas.spread,
        "oldest_bucket": formulas.oldest_bucket,
        "newest_bucket": formulas.newest_bucket,
        "DISTINCT_VALUES": formulas.DISTINCT_VALUES,
    }
    exec(compile(source, "<profile>", "exec"), scope)  # noqa: S102 - written above, from numbers
    return Arithmetic(
        fresh=scope["fresh"],
        step=scope["step"],
        label=scope["label"] if writer.labelled else None,
        wide=tuple(writer.cells.wide),
        source=source,
    )


class _Writer:
    """Collects the memories that the measures need, then writes the source."""

    def __init__(self) -> None:
        self.cells = Cells()
        self.labelled: list[Ring] = []
        self._rings: dict[tuple[float, int, float], Ring] = {}
        self._fading: dict[float, Fading] = {}
        self._lifetime: list[Lifetime] = []
        self._inputs: dict[str, str] = {}
        self._before: dict[str, None] = {}
        self._after: dict[str, None] = {}
        self._by_kind = {
            "count": self._count,
            "sum": self._sum,
            "mean": self._mean,
            "deviation": self._deviation,
            "ratio": self._ratio,
            "shift": self._shift,
            "peak": self._peak,
            "spread": self._spread,
            "distinct": self._distinct,
            "share": self._share,
            "since_last": self._since_last,
            "age": self._age,
            "velocity": self._velocity,
            "distance": self._distance,
            "speed": self._speed,
            "risk": self._risk,
            "since_fraud": self._since_fraud,
            "fraud_age": self._fraud_age,
        }

    def value(self, measure: Measure) -> str:
        """The expression for the value of a measure."""
        return self._by_kind[measure.kind](measure)

    def source(self, values: Sequence[str]) -> str:
        """The three functions."""
        memories: list[Memory] = [*self._rings.values(), *self._fading.values(), *self._lifetime]
        body = ["ms = int(at * 1000.0)"] if self._rings else []
        body += [f"{name} = {expression}" for name, expression in self._inputs.items()]
        for memory in memories:
            body += memory.reads()
        body += self._before
        body += [f"o{place} = {value}" for place, value in enumerate(values)]
        for memory in memories:
            body += memory.updates()
        body += self._after
        outcome = "".join(f"o{place}, " for place in range(len(values)))
        lines = ["def fresh():", f"    return [{', '.join(self.cells.initial)}]", ""]
        lines += ["def step(st, at, x):", *_indented(body), f"    return ({outcome})", ""]
        lines += ["def label(st, at, change):", "    ms = int(at * 1000.0)"]
        for ring in self.labelled:
            lines += _indented(ring.labels("y"))
        return "\n".join([*lines, ""])

    def _memory(self, measure: Measure, horizon: float | None = None) -> Memory:
        horizon = horizon or measure.horizon
        if horizon is not None:
            return self._ring(horizon, measure.buckets, 0.0)
        if measure.half_life is not None:
            return self._fades(measure.half_life)
        if not self._lifetime:
            self._lifetime.append(Lifetime(self.cells))
        return self._lifetime[0]

    def _ring(self, horizon: float, buckets: int, delay: float) -> Ring:
        key = (float(horizon), buckets, float(delay))
        if key not in self._rings:
            self._rings[key] = Ring(self.cells, len(self._rings), key[0], buckets, key[2])
        return self._rings[key]

    def _fades(self, half_life: float) -> Fading:
        key = float(half_life)
        if key not in self._fading:
            self._fading[key] = Fading(self.cells, len(self._fading), key)
        return self._fading[key]

    def _input(self, place: int) -> str:
        return self._local(f"x{place}", f"x[{place}]")

    def _local(self, name: str, expression: str) -> str:
        self._inputs.setdefault(name, expression)
        return name

    def _known(self, place: int) -> str:
        """1 when the number is there, else 0."""
        value = self._input(place)
        return self._local(f"k{place}", f"1 if {value} == {value} else 0")

    def _amount(self, place: int) -> str:
        """The number, 0.0 when it is missing."""
        known = self._known(place)
        return self._local(f"a{place}", f"x{place} if {known} else 0.0")

    def _counted(self, memory: Memory, place: int) -> str:
        return memory.field(f"n{place}", self._known(place))

    def _summed(self, memory: Memory, place: int) -> str:
        return memory.field(f"s{place}", self._amount(place))

    def _squared(self, memory: Memory, place: int) -> str:
        amount = self._amount(place)
        return memory.field(f"q{place}", self._local(f"p{place}", f"{amount} * {amount}"))

    def _count(self, measure: Measure) -> str:
        return self._memory(measure).field("c", "1")

    def _sum(self, measure: Measure) -> str:
        return self._summed(self._memory(measure), _place(measure.value))

    def _mean(self, measure: Measure) -> str:
        memory, place = self._memory(measure), _place(measure.value)
        count, total = self._counted(memory, place), self._summed(memory, place)
        return f"{total} / {count} if {count} else nan"

    def _deviation(self, measure: Measure) -> str:
        memory, place = self._memory(measure), _place(measure.value)
        count, total = self._counted(memory, place), self._summed(memory, place)
        squares = self._squared(memory, place)
        return f"deviation({self._input(place)}, {count}, {total}, {squares})"

    def _ratio(self, measure: Measure) -> str:
        memory, place = self._memory(measure), _place(measure.value)
        count, total = self._counted(memory, place), self._summed(memory, place)
        return f"{self._input(place)} * {count} / {total} if {total} else nan"

    def _shift(self, measure: Measure) -> str:
        place, (short, long) = _place(measure.value), _two_horizons(measure)
        memory, usually = self._memory(measure, short), self._memory(measure, long)
        count, total = self._counted(memory, place), self._summed(memory, place)
        usual = f"{self._counted(usually, place)} / {self._summed(usually, place)}"
        return f"{total} / {count} * {usual} if {count} and {self._summed(usually, place)} else nan"

    def _peak(self, measure: Measure) -> str:
        place, (short, long) = _place(measure.value), _two_horizons(measure)
        known, value = self._known(place), self._input(place)
        number = self._local(f"t{place}", f"{value} if {known} else lowest")
        largest = self._memory(measure, short).field(f"t{place}", number, merge="max")
        usually = self._memory(measure, long)
        count, total = self._counted(usually, place), self._summed(usually, place)
        return f"{largest} * {count} / {total} if {largest} > lowest and {total} else nan"

    def _spread(self, measure: Measure) -> str:
        memory, place = self._memory(measure), _place(measure.value)
        count, total = self._counted(memory, place), self._summed(memory, place)
        return f"spread({count}, {total}, {self._squared(memory, place)})"

    def _distinct(self, measure: Measure) -> str:
        place = _place(measure.value)
        value = self._input(place)
        last = formulas.DISTINCT_BITS - 1
        bit = self._local(f"m{place}", f"1 << ({value} & {last}) if {value} >= 0 else 0")
        seen = self._memory(measure).field(f"m{place}", bit, merge="|", wide=True)
        return f"DISTINCT_VALUES[{seen}.bit_count()]"

    def _share(self, measure: Measure) -> str:
        memory, place = self._memory(measure), _place(measure.value)
        value = self._input(place)
        present = self._local(f"g{place}", f"1 if {value} >= 0 else 0")
        # The high bits: the low ones choose the bit of a distinct count.
        slot = self._local(f"z{place}", f"({value} >> 16) & {formulas.SHARE_SLOTS - 1}")
        count = memory.field(f"g{place}", present)
        if isinstance(memory, Fading):
            seen = memory.slot(f"h{place}", slot, present)
        else:
            shift = self._local(f"j{place}", f"{slot} * {formulas.SHARE_SLOT_BITS}")
            one = self._local(f"h{place}", f"1 << {shift} if {present} else 0")
            counters = memory.field(f"h{place}", one, wide=True)
            seen = f"(({counters} >> {shift}) & {(1 << formulas.SHARE_SLOT_BITS) - 1})"
        return f"{seen} / {count} if {present} and {count} else nan"

    def _since_last(self, measure: Measure) -> str:
        last = self.cells.named("last")
        self._after[f"if not st[{last}] >= at:"] = None
        self._after[f"    st[{last}] = at"] = None
        return f"0.0 if st[{last}] > at else at - st[{last}]"

    def _first(self) -> str:
        first = self.cells.named("first")
        self._after[f"if not st[{first}] <= at:"] = None
        self._after[f"    st[{first}] = at"] = None
        return f"st[{first}]"

    def _age(self, measure: Measure) -> str:
        first = self._first()
        return f"0.0 if {first} > at else at - {first}"

    def _velocity(self, measure: Measure) -> str:
        short, long = _two_horizons(measure)
        recent = self._memory(measure).field("c", "1")
        usual = self._memory(measure, long).field("c", "1")
        lived = f"min({long!r}, max(at - {self._first()}, {short!r}))"
        return f"{recent} * {lived} / ({usual} * {short!r}) if {usual} else nan"

    def _place_before(self, measure: Measure) -> str:
        """Names the distance (km) from the last place, and remembers this one."""
        latitude, longitude = _place(measure.latitude), _place(measure.longitude)
        own = f"{latitude}_{longitude}"
        lat, lon = self._input(latitude), self._input(longitude)
        cells = [self.cells.named(f"{part}{own}") for part in ("lat", "lon", "when")]
        old = ", ".join(f"st[{cell}]" for cell in cells[:2])
        self._before[f"km{own} = distance_km({old}, {lat}, {lon})"] = None
        self._after[f"if {lat} == {lat} and {lon} == {lon} and not st[{cells[2]}] > at:"] = None
        for cell, value in zip(cells, (lat, lon, "at"), strict=True):
            self._after[f"    st[{cell}] = {value}"] = None
        return f"km{own}"

    def _distance(self, measure: Measure) -> str:
        return self._place_before(measure)

    def _speed(self, measure: Measure) -> str:
        distance = self._place_before(measure)
        when = self.cells.named(f"when{distance[2:]}")
        return f"speed_kmh({distance}, at - st[{when}])"

    def _frauds(self, measure: Measure) -> tuple[Ring, str]:
        if measure.horizon is None:
            raise ValueError(f"{measure.kind} has a horizon")
        ring = self._ring(measure.horizon, measure.buckets, measure.delay)
        if ring not in self.labelled:
            self.labelled.append(ring)
        return ring, ring.field("y", "0")

    def _since_fraud(self, measure: Measure) -> str:
        ring, frauds = self._frauds(measure)
        # Nearly all keys have none: only of the others are the buckets looked through.
        return f"at - {ring.time_of('y', 'newest')} if {frauds} else nan"

    def _fraud_age(self, measure: Measure) -> str:
        ring, frauds = self._frauds(measure)
        return f"at - {ring.time_of('y', 'oldest')} if {frauds} else nan"

    def _risk(self, measure: Measure) -> str:
        ring, frauds = self._frauds(measure)
        count = ring.field("c", "1")
        weight = float(measure.smoothing)
        prior = weight * float(measure.base_rate)
        if not weight:
            return f"{frauds} / {count} if {count} else nan"
        return f"({frauds} + {prior!r}) / ({count} + {weight!r})"


def _two_horizons(measure: Measure) -> tuple[float, float]:
    if measure.horizon is None or measure.long_horizon is None:
        raise ValueError(f"{measure.kind} has two horizons")
    return float(measure.horizon), float(measure.long_horizon)


def _place(value: int | None) -> int:
    if value is None:
        raise ValueError("the measure needs an input")
    return value


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
