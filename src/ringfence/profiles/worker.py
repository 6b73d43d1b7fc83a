"""Replays the events of some keys: by a call, or as a process that is fed through a pipe.

Rows come sorted by key and within a key in the order in which things became known. A row is an
event, the arrival of an event's fraud label, or a look at what an event would see. Each key has a
state of its own that begins fresh, so rows can be split wherever the key changes, and no more than
one state is held.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import IO

import msgspec

from ringfence.profiles.arithmetic import State
from ringfence.profiles.plans import CompiledPlan, HashSlot, ProfilePlan, compile_plan

EVENT, LABEL, LOOK = 0, 1, 2
"""What a row is."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one group of a plan: key codes, what each row is (`EVENT`, `LABEL` or `LOOK`),
    seconds since 1970 of the event, and the columns of the group's inputs."""

    group: int
    keys: array[int]
    kinds: array[int]
    ats: array[float]
    columns: tuple[array[int] | array[float], ...]


class _Task(msgspec.Struct):
    group: int
    rows: int


def replay_rows(compiled: CompiledPlan, rows: Rows) -> array[float]:
    """The values of the events and looks among the rows, row after row."""
    group = compiled.groups[rows.group]
    inputs: list[Iterable[float]] = [repeat(0.0)] * len(compiled.slots)
    for place, column in zip(group.inputs, rows.columns, strict=True):
        inputs[place] = column
    of_rows: Iterable[Sequence[float]] = zip(*inputs, strict=False) if group.inputs else repeat(())
    fresh, step, label = group.arithmetic.fresh, group.arithmetic.step, group.arithmetic.label
    values = array("d")
    extend = values.extend
    current, state = -1, fresh()
    for key, kind, at, of_row in zip(rows.keys, rows.kinds, rows.ats, of_rows, strict=False):
        if key != current:
            current, state = key, fresh()
        if kind == EVENT:
            extend(step(state, at, of_row))
        elif kind == LOOK:
            extend(step(_copied(state), at, of_row))
        elif label is not None:
            label(state, at, 1)
    return values


def _copied(state: State) -> State:
    # Lists and dictionaries of numbers are the only cells that a step changes in place.
    return [cell.copy() if isinstance(cell, (list, dict)) else cell for cell in state]


def input_codes(compiled: CompiledPlan, group: int) -> list[str]:
    """The type code of each input column of a group: whole numbers for hashes, else floats."""
    return [
        "q" if isinstance(compiled.slots[place], HashSlot) else "d"
        for place in compiled.groups[group].inputs
    ]


def send_plan(pipe: IO[bytes], plan: ProfilePlan) -> None:
    """Tell a worker which plan it works for."""
    _send(pipe, msgspec.msgpack.encode(plan))


def send_rows(pipe: IO[bytes], rows: Rows) -> None:
    """Give a worker rows to replay."""
    _send(pipe, msgspec.msgpack.encode(_Task(rows.group, len(rows.keys))))
    for column in (rows.keys, rows.kinds, rows.ats, *rows.columns):
        pipe.write(memoryview(column))
    pipe.flush()


def receive_values(pipe: IO[bytes]) -> array[float]:
    """What a worker computed from the rows it was sent. Raises `EOFError` when it has died."""
    values = array("d")
    values.frombytes(_receive(pipe))
    return values


def main() -> None:
    """Work until the pipe is closed."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    compiled = compile_plan(msgspec.msgpack.decode(_receive(source), type=ProfilePlan))
    while True:
        try:
            task = msgspec.msgpack.decode(_receive(source), type=_Task)
        except EOFError:
            return
        codes = ["q", "b", "d", *input_codes(compiled, task.group)]
        keys, kinds, ats, *columns = (_column(source, code, task.rows) for code in codes)
        rows = Rows(task.group, keys, kinds, ats, tuple(columns))
        _send(target, memoryview(replay_rows(compiled, rows)).cast("B"))


def _column(pipe: IO[bytes], code: str, rows: int) -> array:  # type: ignore[type-arg]
    column = array(code)
    column.frombytes(_exactly(pipe, rows * column.itemsize))
    return column


def _send(pipe: IO[bytes], content: bytes | memoryview) -> None:
    pipe.write(len(content).to_bytes(8, "little"))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    return _exactly(pipe, int.from_bytes(_exactly(pipe, 8), "little"))


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) != length:
        raise EOFError("the pipe was closed")
    return content
