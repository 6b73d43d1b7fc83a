"""What differs between two versions of a flow, as people say it; formats make no difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ringfence.flows.kinds import NEXT
from ringfence.flows.parameters import written
from ringfence.flows.sources import Source, Step, read_source

_LONGEST = 120  # characters of a value that is shown
_DEEPEST = 8


class Change(StrEnum):
    """What kind of a difference it is."""

    ADDED = "added"
    REMOVED = "removed"
    TYPE = "type"
    PARAMETER = "parameter"
    BRANCH = "branch"
    START = "start"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `block_id` is empty for what is about the whole flow."""

    change: Change
    block_id: str
    text: str

    def __str__(self) -> str:
        return f"{self.block_id}: {self.text}" if self.block_id else self.text


def differences(old: str, new: str, *, moved: bool = False) -> tuple[Difference, ...]:
    """What has changed from one flow's file to another's, in the order of the newer one.

    Blocks that were only moved on the canvas are told with `moved`. Raises `FlowInvalid` for what
    is no flow at all.
    """
    return tuple(_differences(read_source(old), read_source(new), moved))


def _differences(old: Source, new: Source, moved: bool) -> Iterator[Difference]:
    if old.start != new.start:
        yield Difference(Change.START, "", f"it starts at {new.start!r}, before at {old.start!r}")
    before: dict[str, list[Step]] = {}
    for step in old.steps:
        before.setdefault(step.block_id, []).append(step)  # drafts may have an id twice
    for step in new.steps:
        same = before.get(step.block_id)
        known = same.pop(0) if same else None
        if known is None:
            yield Difference(Change.ADDED, step.block_id, f"added ({_type(step)})")
            continue
        if _type(known) != _type(step):
            text = f"is {_type(step)}, before {_type(known)}"
            yield Difference(Change.TYPE, step.block_id, text)
        yield from _parameters(known, step)
        yield from _branches(known, step)
        if moved and known.canvas != step.canvas:
            yield Difference(Change.MOVED, step.block_id, "moved on the canvas")
    for step in (each for left in before.values() for each in left):
        yield Difference(Change.REMOVED, step.block_id, f"removed ({_type(step)})")


def _parameters(old: Step, new: Step) -> Iterator[Difference]:
    before, after = dict(_flat(old.parameters)), dict(_flat(new.parameters))
    for name in dict.fromkeys((*after, *before)):
        if before.get(name) == after.get(name):
            continue
        if name not in before:
            text = f"{name} is {_shown(after[name])}, which it did not have"
        elif name not in after:
            text = f"{name} is gone; it was {_shown(before[name])}"
        else:
            text = f"{name} is {_shown(after[name])}, before {_shown(before[name])}"
        yield Difference(Change.PARAMETER, new.block_id, text)


def _branches(old: Step, new: Step) -> Iterator[Difference]:
    before, after = dict(_ways(old)), dict(_ways(new))
    for name in dict.fromkeys((*after, *before)):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if one is None:
            text = f"{name} leads to {other!r}, and led nowhere"
        elif other is None:
            text = f"{name} leads nowhere, before to {one!r}"
        else:
            text = f"{name} leads to {other!r}, before to {one!r}"
        yield Difference(Change.BRANCH, new.block_id, text)


def _ways(step: Step) -> Iterator[tuple[str, str]]:
    for way in step.ways:
        name = way.branch or f"{way.operator} {way.operand}"
        yield ("the way on" if name == NEXT else f"the branch {name}"), way.next_id


def _type(step: Step) -> str:
    return step.kind.type if step.kind is not None else step.source_type


def _flat(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every value that is no object, by its path. Numbers and truth values count as their texts."""
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for position, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{position}]", depth + 1)
    elif value is not None:
        text = written(value)
        yield path, text if text is not None else repr(value)


def _shown(value: str) -> str:
    text = value if len(value) <= _LONGEST else value[: _LONGEST - 3] + "..."
    return repr(text)
