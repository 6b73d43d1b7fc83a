"""History through the profiles: for every past event the values that serving would have seen.

The same arithmetic as in serving, key by key: the events of a key need no other key's state. Keys
are shared out to processes, since the arithmetic is plain Python.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ringfence.errors import InvalidInput, Unavailable
from ringfence.events.variables import Value
from ringfence.profiles import inputs as reading
from ringfence.profiles.aggregates import Source
from ringfence.profiles.plans import (
    CompiledPlan,
    Group,
    HashSlot,
    NumberSlot,
    ProfilePlan,
    Slot,
    compile_plan,
)
from ringfence.profiles.worker import (
    EVENT,
    LABEL,
    LOOK,
    Rows,
    input_codes,
    receive_values,
    replay_rows,
    send_plan,
    send_rows,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[float], None]

# Rows that are handed to a process at once: enough to be worth it, few enough to share out evenly.
_ROWS = 100_000
# Below this, starting processes takes longer than the work.
_WORTH_PROCESSES = 50_000


@dataclass(frozen=True, slots=True)
class History:
    """Past events as columns of equal length, in any order.

    `at` are times in seconds since 1970. `variables` and `entities` have a column by variable name
    and by entity type; a column that is left out is missing throughout. Where `received` (seconds)
    is given, events became known in that order, else in the order of `at`; events that tie became
    known in the order of `at`, then of the rows.

    `fraud` says which events are confirmed fraud (None: nobody knows), `label_at` when that became
    known, in seconds; where that is None or NaN, or there is no such column, it is taken to be
    `label_delay_seconds` after the event.

    `looks` says which rows only look: they get the values that such an event would see, and leave
    nothing behind, neither themselves nor a label, as `ProfileStore.preview` does.
    """

    at: Sequence[float]
    variables: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    entities: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    received: Sequence[float] | None = None
    fraud: Sequence[bool | None] | None = None
    label_at: Sequence[float | None] | None = None
    label_delay_seconds: float = 7 * 86_400.0
    looks: Sequence[bool] | None = None

    def check(self) -> None:
        """Raise `InvalidInput` for columns of different lengths."""
        columns: dict[str, Sequence[Any] | None] = {
            **{f"variables.{name}": column for name, column in self.variables.items()},
            **{f"entities.{name}": column for name, column in self.entities.items()},
            "received": self.received,
            "fraud": self.fraud,
            "label_at": self.label_at,
            "looks": self.looks,
        }
        for name, column in columns.items():
            if column is not None and len(column) != len(self.at):
                raise InvalidInput(
                    f"the column has {len(column)} rows",
                    field=name,
                    expected=f"{len(self.at)}, as many as there are times",
                )


def replay(
    plan: ProfilePlan,
    history: History,
    *,
    processes: int = 2,
    progress: Progress = lambda done: None,
) -> NDArray[np.float64]:
    """The values of every event, shape `(n_events, n_aggregates)`, rows as in the history and
    columns as in the plan; NaN where there is none.

    Equal, value by value, to what serving gives when the events arrive in the order in which they
    became known and labels when they did. `progress` is told the part that is done, 0 to 1, from
    several threads. Raises `InvalidInput` for a malformed history, `Unavailable` when a process
    dies.
    """
    import numpy as np

    history.check()
    compiled = compile_plan(plan)
    shape = (len(history.at), len(plan.aggregates))
    if 0 in shape:
        return np.empty(shape)
    timeline = _Timeline(history)
    columns = _Columns(compiled, history)
    tasks: SimpleQueue[_Part] = SimpleQueue()
    total = 0
    for number, group in enumerate(compiled.groups):
        ordered = _Ordered(timeline, columns.codes(group), group.arithmetic.label is not None)
        total += len(ordered.rows)
        for start, stop in ordered.parts():
            tasks.put(_Part(number, ordered, start, stop))
    # The texts of keys take more than the values: one goes before the other comes.
    columns.forget_texts()
    matrix = np.full(shape, np.nan)
    done = _Done(total, progress)

    def work(run: Callable[[Rows], array[float]]) -> None:
        while True:
            try:
                part = tasks.get_nowait()
            except Empty:
                return
            group = compiled.groups[part.group]
            values = np.frombuffer(run(part.rows_of(compiled, timeline, columns)), dtype=np.float64)
            block = values.reshape(-1, len(group.positions))
            matrix[part.events(timeline.n_events)[:, None], list(group.positions)] = block
            done.add(part.stop - part.start)

    if processes < 2 or total < _WORTH_PROCESSES:
        work(lambda rows: replay_rows(compiled, rows))
    else:
        _in_processes(plan, min(processes, tasks.qsize()), work)
    return matrix


def _in_processes(
    plan: ProfilePlan, processes: int, work: Callable[[Callable[[Rows], array[float]]], None]
) -> None:
    failures: list[BaseException] = []

    def serve(process: subprocess.Popen[bytes]) -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        to_worker, from_worker = process.stdin, process.stdout

        def run(rows: Rows) -> array[float]:
            send_rows(to_worker, rows)
            return receive_values(from_worker)

        try:
            send_plan(to_worker, plan)
            work(run)
            to_worker.close()
        except BaseException as error:
            failures.append(error)

    with ExitStack() as stack:
        started = [stack.enter_context(_worker()) for _ in range(processes)]
        threads = [threading.Thread(target=serve, args=(process,)) for process in started]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            for process in started:
                process.kill()
            if isinstance(failures[0], (EOFError, OSError)):
                raise Unavailable("a process that replays history has died") from failures[0]
            raise failures[0]


def _worker() -> subprocess.Popen[bytes]:
    # A process of its own module: a fork would copy the locks of LightGBM's and Polars' threads,
    # and `multiprocessing` would run the caller's main module again.
    return subprocess.Popen(
        [sys.executable, "-c", "from ringfence.profiles.worker import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


class _Timeline:
    """In which order events and labels became known. Rows number events from 0; the rows of
    `with_labels` that are at or beyond `n_events` are the arrivals of labels."""

    def __init__(self, history: History):
        import numpy as np

        self.n_events = len(history.at)
        sent = np.array(history.at, dtype=np.float64)
        known = sent if history.received is None else np.array(history.received, dtype=np.float64)
        if not (np.isfinite(sent).all() and np.isfinite(known).all()):
            raise InvalidInput("a time is missing", field="at", expected="seconds since 1970")
        self.at = at = np.where(sent > known + reading.MAX_AHEAD_SECONDS, known, sent)
        self.events = np.lexsort((sent, known))
        fraud = [] if history.fraud is None else history.fraud
        self.frauds = np.array([row for row, is_fraud in enumerate(fraud) if is_fraud], np.int64)
        self.looks = np.zeros(self.n_events, dtype=np.bool_)
        if history.looks is not None:
            self.looks[:] = history.looks
        self.frauds = self.frauds[~self.looks[self.frauds]]
        assumed = at[self.frauds] + history.label_delay_seconds
        if history.label_at is None:
            labelled = assumed
        else:
            given = np.array(history.label_at, dtype=np.float64)[self.frauds]
            labelled = np.where(np.isnan(given), assumed, given)
        # A label cannot be known before its event, and where both come at once the event is first.
        labelled = np.maximum(labelled, known[self.frauds])
        is_label = np.repeat((0, 1), (self.n_events, len(labelled)))
        times = np.concatenate((known, labelled))
        self.with_labels = np.lexsort((np.concatenate((sent, sent[self.frauds])), is_label, times))

    def kinds_of(self, rows: NDArray[Any]) -> NDArray[np.int8]:
        """What each row is, as workers call it."""
        import numpy as np

        is_event = rows < self.n_events
        looks = self.looks[np.where(is_event, rows, 0)]
        return np.where(is_event, np.where(looks, LOOK, EVENT), LABEL).astype(np.int8)

    def events_of(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        """The event that each row is, or is the label of."""
        import numpy as np

        if not len(self.frauds):
            return rows.astype(np.int64)
        labels = self.frauds[np.maximum(rows - self.n_events, 0)]
        return np.where(rows < self.n_events, rows, labels)


class _Columns:
    """The columns that keys and inputs are read from, each read once."""

    def __init__(self, compiled: CompiledPlan, history: History):
        self._history = history
        self._texts: dict[Source, list[str | None]] = {}
        # The input of each slot for every event.
        self.inputs = [self._input(slot) for slot in compiled.slots]

    def codes(self, group: Group) -> NDArray[np.int64]:
        """The key of every event as a number, -1 where it is missing."""
        import numpy as np

        columns = [self._text(source) for source in group.by]
        keys: Iterator[Any] | list[str | None]
        if len(columns) == 1:
            keys = columns[0]
        else:
            keys = (None if None in pair else pair for pair in zip(*columns, strict=True))
        numbers: dict[Any, int] = {None: -1}
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)

    def forget_texts(self) -> None:
        """Give back the memory of what only keys are made of."""
        self._texts.clear()

    def _input(self, slot: Slot) -> NDArray[Any]:
        import numpy as np

        if isinstance(slot, NumberSlot):
            raw: Sequence[Value] = self._history.variables.get(slot.variable, ())
        else:
            raw = self._raw(slot.source)
        read = reading.remembering(reading.slot_reader(slot))
        values = [read(value) for value in raw] or [read(None)] * len(self._history.at)
        return np.array(values, dtype=np.int64 if isinstance(slot, HashSlot) else np.float64)

    def _text(self, source: Source) -> list[str | None]:
        if source not in self._texts:
            read = reading.remembering(reading.text_reader(source))
            texts = [read(value) for value in self._raw(source)]
            self._texts[source] = texts or [None] * len(self._history.at)
        return self._texts[source]

    def _raw(self, source: Source) -> Sequence[Value]:
        if source.entity is not None:
            return self._history.entities.get(source.entity, ())
        return self._history.variables.get(source.variable or "", ())


class _Ordered:
    """The rows of one group, sorted by key and within a key as they became known."""

    def __init__(self, timeline: _Timeline, codes: NDArray[np.int64], labelled: bool):
        import numpy as np

        rows = timeline.with_labels if labelled else timeline.events
        of_rows = codes[timeline.events_of(rows)]
        order = np.argsort(of_rows, kind="stable")[np.count_nonzero(of_rows < 0) :]
        self.rows = rows[order].astype(np.int32)
        self.codes = of_rows[order].astype(np.int32)

    def parts(self) -> Iterator[tuple[int, int]]:
        """Where to split, so that no key is torn apart."""
        import numpy as np

        ends = np.flatnonzero(np.diff(self.codes)) + 1
        start, length = 0, len(self.codes)
        while start < length:
            place = int(np.searchsorted(ends, start + _ROWS))
            stop = int(ends[place]) if place < len(ends) else length
            yield start, stop
            start = stop


@dataclass(frozen=True, slots=True)
class _Part:
    group: int
    ordered: _Ordered
    start: int
    stop: int

    def rows_of(self, compiled: CompiledPlan, timeline: _Timeline, columns: _Columns) -> Rows:
        """The rows as a worker wants them."""
        here = slice(self.start, self.stop)
        events = timeline.events_of(self.ordered.rows[here])
        codes = input_codes(compiled, self.group)
        places = compiled.groups[self.group].inputs
        return Rows(
            self.group,
            array("q", self.ordered.codes[here].astype("int64").tobytes()),
            array("b", timeline.kinds_of(self.ordered.rows[here]).tobytes()),
            array("d", timeline.at[events].tobytes()),
            tuple(
                array(code, columns.inputs[place][events].tobytes())
                for code, place in zip(codes, places, strict=True)
            ),
        )

    def events(self, n_events: int) -> NDArray[np.int32]:
        """The events among the rows, in their order."""
        rows = self.ordered.rows[self.start : self.stop]
        return rows[rows < n_events]


class _Done:
    def __init__(self, total: int, progress: Progress):
        self._lock = threading.Lock()
        self._total = total
        self._progress = progress
        self._done = 0

    def add(self, rows: int) -> None:
        with self._lock:
            self._done += rows
            self._progress(self._done / self._total)
