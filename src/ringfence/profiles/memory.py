"""What is remembered of one key, as source lines that read and update it.

Three kinds of memory: a *ring* of time buckets for a horizon, a *fading* one with a half-life, and
one *for ever*. Measures that look at the same memory share it. A state is a flat list of cells;
each memory owns some of them. Standard library only.

A ring keeps only the buckets that have events, oldest first: a list of bucket numbers, and beside
it one list per field. Buckets are aligned to absolute time, so that a late event falls into its
own. What lies before the horizon of the newest event is forgotten, and an event that comes so late
changes nothing.
"""

from __future__ import annotations

from math import ceil
from typing import Protocol


class Cells:
    """The cells of a state: how each begins, and which hold integers of more than 64 bits."""

    def __init__(self) -> None:
        self.initial: list[str] = []
        self.wide: list[tuple[int, bool]] = []
        self._named: dict[str, int] = {}

    def add(self, initial: str, *, wide: bool = False) -> int:
        """The place of a new cell that begins as the expression `initial`."""
        place = len(self.initial)
        self.initial.append(initial)
        if wide:
            self.wide.append((place, initial == "[]"))
        return place

    def named(self, name: str) -> int:
        """The place of the cell of that name, which begins as NaN; the same at every call."""
        if name not in self._named:
            self._named[name] = self.add("nan")
        return self._named[name]


class Memory(Protocol):
    """What all kinds of memory can do."""

    def field(self, name: str, added: str, *, merge: str = "+", wide: bool = False) -> str:
        """The local variable that holds what the field was before the event.

        `added` is the expression that an event adds to it, by the operator `merge`; with `max`,
        which only a ring knows, the field holds the largest, and `lowest` where there is none.
        """

    def reads(self) -> list[str]:
        """Lines that read every field for an event at `at`."""

    def updates(self) -> list[str]:
        """Lines that add the event."""


class Ring:
    """Time buckets that cover `horizon` seconds.

    With a `delay` (seconds) the window ends that much before the event, at a bucket that was
    complete by then: nothing younger than the delay is seen.
    """

    def __init__(self, cells: Cells, number: int, horizon: float, buckets: int, delay: float):
        self._cells = cells
        self._id = f"r{number}"
        # In milliseconds, so that a bucket is found without floating-point numbers.
        self._width = max(1, round(horizon * 1000 / buckets))
        self._bucket = f"ms // {self._width}"
        self._window = buckets
        self._delay = round(delay * 1000)
        self.span = buckets + (ceil(self._delay / self._width) + 1 if delay else 0)
        self._buckets_cell = cells.add("[]")
        # Where the delayed window of the last event ended; its sums are kept until it moves. No
        # event falls into it, which is younger than the delay, but a label does.
        self._end_cell = cells.add("-1") if delay else None
        self._sums: dict[str, int] = {}
        # By field: cell, what an event adds, how it is merged, what a sum of none is: wide counters
        # stay integers, all else is summed as floats.
        self._fields: dict[str, tuple[int, str, str, str]] = {}

    def field(self, name: str, added: str, *, merge: str = "+", wide: bool = False) -> str:
        """See `Memory.field`."""
        if name not in self._fields:
            cell = self._cells.add("[]", wide=wide)
            self._fields[name] = (cell, added, merge, "0" if wide else "0.0")
            if self._delay:
                self._sums[name] = self._cells.add("0.0")
        return f"{self._id}{name}"

    def time_of(self, name: str, end: str) -> str:
        """The expression for when, in seconds since 1970, the bucket begins that is the `oldest` or
        the `newest` in the window to have counted something in that field."""
        until = f"st[{self._end_cell}]" if self._delay else f"{self._id}b"
        seen = f"{self._id}B, {self._id}{name}L, {until} - {self._window}, {until}"
        return f"{end}_bucket({seen}) * {self._width} / 1000.0"

    def labels(self, name: str) -> list[str]:
        """Lines that add `change` to a field in the bucket of `ms`, if that is remembered."""
        lines = [
            f"buckets, counts = st[{self._buckets_cell}], st[{self._fields[name][0]}]",
            f"b = {self._bucket}",
            "place = bisect_left(buckets, b)",
            "if place < len(buckets) and buckets[place] == b:",
            "    before = counts[place]",
            "    counts[place] = max(0, before + change)",
        ]
        if self._delay:
            lines += [
                f"    if st[{self._end_cell}] - {self._window} < b <= st[{self._end_cell}]:",
                f"        st[{self._sums[name]}] += counts[place] - before",
            ]
        return lines

    def reads(self) -> list[str]:
        """See `Memory.reads`. Forgets what has left the span."""
        ring = self._id
        lists = [f"{ring}B", *(f"{ring}{name}L" for name in self._fields)]
        cells = [self._buckets_cell, *(field[0] for field in self._fields.values())]
        lines = [f"{name} = st[{cell}]" for name, cell in zip(lists, cells, strict=True)]
        lines += [f"{ring}b = {self._bucket}", f"late = {ring}B and {ring}b < {ring}B[-1]"]
        forget = [f"    if {ring}B and {ring}B[0] <= {ring}b - {self.span}:"]
        forget.append(f"        cut = bisect_right({ring}B, {ring}b - {self.span})")
        forget += [f"        del {name}[:cut]" for name in lists]
        if self._delay:
            lines += ["if not late:", *forget]
            lines += [f"end = (ms - {self._delay}) // {self._width} - 1"]
            lines += [f"if end == st[{self._end_cell}]:"]
            lines += [f"    {ring}{name} = st[{cell}]" for name, cell in self._sums.items()]
            lines += ["else:", *self._part("    "), f"    st[{self._end_cell}] = end"]
            return lines + [f"    st[{cell}] = {ring}{n}" for n, cell in self._sums.items()]
        lines += ["if late:", f"    end = {ring}b", *self._part("    "), "else:", *forget]
        for name, (_, _, merge, none) in self._fields.items():
            lines += _merged(f"{ring}{name}", f"{ring}{name}L", merge, none, "    ")
        return lines

    def updates(self) -> list[str]:
        """See `Memory.updates`."""
        ring = self._id
        added = {f"{ring}{name}L": (f[1], f[2]) for name, f in self._fields.items()}
        lines = [f"if not {ring}B or {ring}b > {ring}B[-1]:", f"    {ring}B.append({ring}b)"]
        lines += [f"    {name}.append({add})" for name, (add, _) in added.items()]
        lines += [f"elif {ring}b == {ring}B[-1]:"]
        lines += [f"    {_merge(f'{name}[-1]', *how)}" for name, how in added.items()]
        lines += [f"elif {ring}b > {ring}B[-1] - {self.span}:"]
        lines += [f"    at_bucket = bisect_left({ring}B, {ring}b)"]
        lines += [f"    if {ring}B[at_bucket] == {ring}b:"]
        lines += [f"        {_merge(f'{name}[at_bucket]', *how)}" for name, how in added.items()]
        lines += ["    else:", f"        {ring}B.insert(at_bucket, {ring}b)"]
        lines += [f"        {name}.insert(at_bucket, {add})" for name, (add, _) in added.items()]
        return lines

    def _part(self, indent: str) -> list[str]:
        ring = self._id
        lines = [
            f"{indent}low = bisect_right({ring}B, end - {self._window})",
            f"{indent}high = bisect_right({ring}B, end)",
        ]
        for name, (_, _, merge, none) in self._fields.items():
            lines += _merged(f"{ring}{name}", f"{ring}{name}L[low:high]", merge, none, indent)
        return lines


class Fading:
    """What an event counts for halves every `half_life` seconds."""

    def __init__(self, cells: Cells, number: int, half_life: float):
        self._cells = cells
        self._id = f"f{number}"
        self._half_life = half_life
        self._time = cells.add("nan")
        self._fields: dict[str, tuple[int, str]] = {}
        self._slots: dict[str, tuple[int, str, str]] = {}

    def field(self, name: str, added: str, *, merge: str = "+", wide: bool = False) -> str:
        """See `Memory.field`. Only sums fade."""
        if name not in self._fields:
            self._fields[name] = (self._cells.add("0.0"), added)
        return f"{self._id}{name}"

    def slot(self, name: str, number: str, present: str) -> str:
        """The local variable that holds the weight of the slot with that number (an expression);
        `present` is the expression that says whether the event has one."""
        if name not in self._slots:
            self._slots[name] = (self._cells.add("{}"), number, present)
        return f"{self._id}{name}"

    def reads(self) -> list[str]:
        """See `Memory.reads`."""
        own = self._id
        lines = [f"{own}t = st[{self._time}]"]
        fade = f"2.0 ** (({own}t - at) / {self._half_life!r})"
        lines += [f"{own}d = {fade} if at > {own}t else 1.0"]
        lines += [f"{own}{name} = st[{cell}] * {own}d" for name, (cell, _) in self._fields.items()]
        lines += [
            f"{own}{name} = st[{cell}].get({number}, 0.0) * {own}d"
            for name, (cell, number, _) in self._slots.items()
        ]
        return lines

    def updates(self) -> list[str]:
        """See `Memory.updates`. A late event counts for as much as it would by now."""
        own = self._id
        lines = [f"if {own}t > at:", f"    {own}w = 2.0 ** ((at - {own}t) / {self._half_life!r})"]
        lines += ["else:", f"    {own}w = 1.0", f"    st[{self._time}] = at"]
        for cell, _, _ in self._slots.values():
            lines += [f"    st[{cell}] = {{k: w * {own}d for k, w in st[{cell}].items()}}"]
        for name, (cell, added) in self._fields.items():
            lines += [f"st[{cell}] = {own}{name} + {own}w * {added}"]
        for name, (cell, number, present) in self._slots.items():
            lines += [f"if {present}:", f"    st[{cell}][{number}] = {own}{name} + {own}w"]
        return lines


class Lifetime:
    """Everything there ever was."""

    def __init__(self, cells: Cells):
        self._cells = cells
        self._fields: dict[str, tuple[int, str, str]] = {}

    def field(self, name: str, added: str, *, merge: str = "+", wide: bool = False) -> str:
        """See `Memory.field`."""
        if name not in self._fields:
            self._fields[name] = (self._cells.add("0" if wide else "0.0", wide=wide), added, merge)
        return f"e{name}"

    def reads(self) -> list[str]:
        """See `Memory.reads`."""
        return [f"e{name} = st[{cell}]" for name, (cell, _, _) in self._fields.items()]

    def updates(self) -> list[str]:
        """See `Memory.updates`."""
        return [
            f"st[{cell}] = e{name} {merge} {added}"
            for name, (cell, added, merge) in self._fields.items()
        ]


def _merge(held: str, added: str, merge: str) -> str:
    return f"{held} = max({held}, {added})" if merge == "max" else f"{held} {merge}= {added}"


def _merged(name: str, values: str, merge: str, none: str, indent: str) -> list[str]:
    if merge == "|":
        return [
            f"{indent}{name} = 0",
            f"{indent}for bits in {values}:",
            f"{indent}    {name} |= bits",
        ]
    if merge == "max":
        return [f"{indent}{name} = max({values}, default=lowest)"]
    return [f"{indent}{name} = sum({values}, {none})"]
