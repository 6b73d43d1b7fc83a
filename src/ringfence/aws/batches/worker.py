"""The processes that judge parts of a batch prediction: fed by a pipe, writing a file for each.

A file is there whole or not at all, under a name that says which part it is and how many records
it has, so that whoever begins the job again knows what is done.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ringfence.aws.batches.answers import STATUS, SUCCESS
from ringfence.aws.batches.checking import PartChecker
from ringfence.aws.batches.columns import read_header
from ringfence.aws.batches.judging import BulkJudge
from ringfence.aws.batches.parts import Part, PartPlace
from ringfence.detectors import get_detector_version
from ringfence.detectors.backtest.worker import receive, send
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.newcomers import place_of_count
from ringfence.models import load_artifact
from ringfence.models.bulk_scoring import BulkScorer
from ringfence.storage import Database

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FILE = re.compile(r"part-(\d+)-(\d+)-(\d+)-(\d+)-(\d+)\.csv")
_MAIN = "from ringfence.aws.batches.worker import main; main()"


class Beginning(msgspec.Struct, frozen=True):
    """What a process is told first: the detector version, and the header of the files."""

    url: str
    detector_id: str
    version: str
    names: tuple[str, ...]
    folder: str


class _Question(msgspec.Struct, frozen=True):
    source: int
    start: int
    end: int
    content: bytes
    # By plan id, row after row.
    profiles: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part that is done: how many records it has, and how many of them failed."""

    place: PartPlace
    records: int
    failed: int
    path: Path


def done_parts(folder: Path) -> dict[tuple[int, int], PartFile]:
    """The parts that are done, by file and start, in their order."""
    found: dict[tuple[int, int], PartFile] = {}
    for path in sorted(folder.glob("part-*.csv")):
        name = _FILE.fullmatch(path.name)
        if name is not None:
            source, start, end, records, failed = map(int, name.groups())
            place = PartPlace(source, start, end)
            found[source, start] = PartFile(place, records, failed, path)
    return found


class PartJudge:
    """Judges parts and writes them to files, in this process."""

    def __init__(self, beginning: Beginning):
        self._folder = Path(beginning.folder)
        database = Database(beginning.url)
        with database.read() as connection:
            version = get_detector_version(connection, beginning.detector_id, beginning.version)
            runtime = Catalog().version(connection, version.detector_id, version.version)
            scorers = {
                ref.model_id: BulkScorer(load_artifact(connection, ref.model_id, ref.version))
                for ref in version.models
            }
            counts = {
                ref.model_id: place_of_count(connection, ref, scorers[ref.model_id].plan)
                for ref in version.models
            }
        database.dispose()
        self._plans = runtime.plans
        event_type = runtime.reader.event_type
        self._checker = PartChecker(event_type, read_header(beginning.names, event_type))
        self._judge = BulkJudge(runtime, scorers, counts)

    def close(self) -> None:
        """Close the connections to external models."""
        self._judge.close()

    def profiles(self, packed: Mapping[str, bytes]) -> dict[str, NDArray[np.float64]]:
        """Values of plans, by their ids, from their bytes."""
        if not packed:
            return {}
        import numpy as np

        return {
            plan_id: np.frombuffer(values).reshape(-1, len(self._plans[plan_id].aggregates))
            for plan_id, values in packed.items()
        }

    def write(self, part: Part, profiles: Mapping[str, NDArray[np.float64]]) -> PartFile:
        """Judge a part and write its lines."""
        checked = self._checker.check(list(part.records()))
        lines = self._judge.judge(checked, profiles)
        status = lines[STATUS]
        failed = int((status != SUCCESS).sum())
        place = part.place
        name = f"part-{place.source:04}-{place.start:015}-{place.end:015}-{len(status)}-{failed}"
        unfinished = self._folder / f".{name}-{os.getpid()}"
        with unfinished.open("wb") as file:
            lines.write_csv(file, include_header=False)
            file.flush()
            os.fsync(file.fileno())
        path = self._folder / f"{name}.csv"
        unfinished.rename(path)
        return PartFile(place, len(status), failed, path)


class PartProcess:
    """A process that judges parts. One at a time."""

    def __init__(self, process: subprocess.Popen[bytes], beginning: Beginning):
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._to, self._from = process.stdin, process.stdout
        send(self._to, beginning)

    def write(self, part: Part, profiles: Mapping[str, NDArray[np.float64]]) -> tuple[int, int]:
        """Have a part judged and written; how many records it has, and how many of them failed.

        Raises `RuntimeError` when the process has died: nothing is wrong with the job then.
        """
        place = part.place
        question = _Question(
            place.source,
            place.start,
            place.end,
            part.content,
            {plan_id: values.tobytes() for plan_id, values in profiles.items()},
        )
        try:
            send(self._to, question)
            reply = receive(self._from)
        except OSError as error:
            raise RuntimeError("a process that judges events has died") from error
        if reply is None:
            raise RuntimeError("a process that judges events has died")
        return msgspec.msgpack.decode(reply, type=tuple[int, int])


@contextmanager
def part_process(beginning: Beginning) -> Iterator[PartProcess]:
    """A process that judges parts, ended at the end."""
    # A process of its own module: a fork would copy the locks of LightGBM's and Polars' threads.
    # The URL may hold a password, so it goes through the pipe.
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _MAIN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # There is a process for each core.
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )
    try:
        yield PartProcess(process, beginning)
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    """Judge what comes through standard input, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = receive(sys.stdin.buffer)
    if first is None:
        return
    judge = PartJudge(msgspec.msgpack.decode(first, type=Beginning))
    decoder = msgspec.msgpack.Decoder(_Question)
    while (asked := receive(sys.stdin.buffer)) is not None:
        question = decoder.decode(asked)
        place = PartPlace(question.source, question.start, question.end)
        profiles = judge.profiles(question.profiles)
        file = judge.write(Part(place, question.content), profiles)
        send(sys.stdout.buffer, (file.records, file.failed))
    judge.close()
