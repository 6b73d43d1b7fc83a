"""What profiles remember at the events of a batch: the event log replayed, with these events only
looking.

Each sees the events of the log before its own time, as it would have in service, and none of the
batch; nothing is stored. Events count as known when they happened, whenever they were imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ringfence.aws.batches.checking import PartChecker
from ringfence.aws.batches.columns import EVENT_TIMESTAMP, Columns
from ringfence.aws.batches.csv_records import CsvRecord
from ringfence.aws.batches.parts import PartPlace, parts_of
from ringfence.aws.batches.sources import Source
from ringfence.detectors.backtest.history import logged_history, used_variables
from ringfence.events.definitions import EventType
from ringfence.profiles import History, ProfilePlan, replay
from ringfence.storage import Database

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Tell = Callable[[float, str], None]
_INDEX = "remembered.json"


class _Index(msgspec.Struct, frozen=True):
    """Which rows of the values are of which part, and the files of plans by their ids."""

    parts: list[tuple[int, int, int, int]]  # file, start, first row, row after the last
    files: dict[str, str]


class Remembered:
    """The values of plans for all events that are taken, in files of a job's folder."""

    def __init__(self, folder: Path, index: _Index):
        import numpy as np

        self._rows = {(s, start): slice(one, end) for s, start, one, end in index.parts}
        self._values = {
            plan_id: np.load(folder / file, mmap_mode="r") for plan_id, file in index.files.items()
        }

    def of(self, place: PartPlace) -> dict[str, NDArray[np.float64]]:
        """The values for the events of a part, by plan id."""
        import numpy as np

        rows = self._rows[place.source, place.start]
        return {plan: np.ascontiguousarray(values[rows]) for plan, values in self._values.items()}


def remember(
    database: Database,
    event_type: EventType,
    plans: Mapping[str, ProfilePlan],
    sources: Sequence[Source],
    headers: Sequence[CsvRecord],
    columns: Columns,
    folder: Path,
    tell: Tell,
) -> Remembered:
    """Replay the log for the events of files, or find what was replayed before a crash.

    `tell` is told the share that is done, 0 to 1, and what is being done. Takes about 1 kB of
    memory for each event of the log and of the files.
    """
    path = folder / _INDEX
    if not path.exists():
        index = _replayed(database, event_type, plans, sources, headers, columns, folder, tell)
        unfinished = folder / f".{_INDEX}"
        unfinished.write_bytes(msgspec.json.encode(index))
        unfinished.rename(path)
    return Remembered(folder, msgspec.json.decode(path.read_bytes(), type=_Index))


def _replayed(
    database: Database,
    event_type: EventType,
    plans: Mapping[str, ProfilePlan],
    sources: Sequence[Source],
    headers: Sequence[CsvRecord],
    columns: Columns,
    folder: Path,
    tell: Tell,
) -> _Index:
    import numpy as np

    used = sorted({name for plan in plans.values() for name in used_variables(plan)})
    looks = _Looks(used, event_type.entity_types)
    checker = PartChecker(event_type, columns)
    size = sum(source.size for source in sources) or 1
    done = 0
    parts = []
    for part in parts_of(sources, headers):
        first = len(looks.at)
        looks.add(checker, list(part.records()))
        parts.append((part.place.source, part.place.start, first, len(looks.at)))
        done += len(part.content)
        tell(0.2 * min(1.0, done / size), "reading events")
    files = {}
    for number, (plan_id, plan) in enumerate(plans.items()):
        with database.read() as connection:
            logged = logged_history(connection, event_type, plan, None)

        def told(share: float, number: int = number) -> None:
            tell(0.2 + 0.8 * (number + share) / len(plans), "replaying history into profiles")

        values = replay(plan, looks.before(logged), progress=told)[: len(looks.at)]
        files[plan_id] = f"remembered-{number}.npy"
        np.save(folder / files[plan_id], values)
    return _Index(parts, files)


class _Looks:
    """The events that look, as columns."""

    def __init__(self, used: Sequence[str], entity_types: Sequence[str]):
        self.at: list[float] = []
        self._variables: dict[str, list[Any]] = {name: [] for name in used}
        self._entities: dict[str, list[str | None]] = {kind: [] for kind in entity_types}

    def add(self, checker: PartChecker, records: Sequence[CsvRecord]) -> None:
        """Add those of the records that are taken."""
        part = checker.check(records)
        taken = part.taken
        self.at += (taken[EVENT_TIMESTAMP].dt.epoch("us").cast(float) / 1e6).to_list()
        for name, column in self._variables.items():
            column += taken[name].to_list()
        for kind, ids in self._entities.items():
            found = part.entities.get(kind)
            ids += [None] * taken.height if found is None else found.to_list()

    def before(self, logged: History) -> History:
        """These, and then the events of the log: one that is in both does not see itself."""
        fraud = [None] * len(self.at) + list(logged.fraud or ())
        label_at: list[float | None] = [None] * len(self.at)
        label_at += [None if at != at else at for at in logged.label_at or ()]
        return dataclasses.replace(
            logged,
            at=[*self.at, *logged.at],
            variables={
                name: [*self._variables[name], *column] for name, column in logged.variables.items()
            },
            entities={
                kind: [*self._entities[kind], *column] for kind, column in logged.entities.items()
            },
            received=None,
            fraud=fraud,
            label_at=label_at,
            looks=[True] * len(self.at) + [False] * len(logged.at),
        )
