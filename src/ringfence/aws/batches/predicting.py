"""Batch prediction: events from CSV files, judged by a detector version, into another CSV file.

Nothing is stored of the events. Parts are judged by processes side by side, each written to a file
of its own, and put together in the end: whoever goes on after a crash does only the parts that are
not there.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue

from ringfence.aws.batches.answers import ADDED
from ringfence.aws.batches.columns import Columns
from ringfence.aws.batches.csv_records import CsvRecord
from ringfence.aws.batches.importing import count_events
from ringfence.aws.batches.outputs import check_output, output_path, upload_output
from ringfence.aws.batches.parts import PART_BYTES, Part, common_columns, header_of, parts_of
from ringfence.aws.batches.remembering import Remembered, remember
from ringfence.aws.batches.sources import Source, sources_at
from ringfence.aws.batches.worker import (
    Beginning,
    PartJudge,
    PartProcess,
    done_parts,
    part_process,
)
from ringfence.aws.jobs.context import JobContext
from ringfence.detectors import get_detector_version
from ringfence.detectors.plans import plans_of
from ringfence.errors import Conflict
from ringfence.events import get_event_type

# More would only wait for the one that reads.
_MOST_PROCESSES = 8
# Parts that wait for each process, so that none is ever idle.
_WAITING = 2
_JUDGED = 0.9
_REMEMBERED = 0.3


def work_on_prediction(context: JobContext) -> None:
    """Do a batch prediction job: what `CreateBatchPredictionJob` asks for."""
    payload = context.job.payload
    context.tell(0.0, "looking for files")
    sources = sources_at(payload["input_path"], "inputPath")
    check_output(context)
    _mind_changes(context, sources)
    with context.database.read() as connection:
        event_type = get_event_type(connection, payload["event_type"])
        version = get_detector_version(connection, payload["detector"], payload["version"])
        models = [(ref.model_id, ref.version) for ref in version.models]
        plans = plans_of(connection, models)
    headers = [header_of(source) for source in sources]
    columns = common_columns(headers, sources, event_type)
    total = count_events(sources)
    remembered = None
    if plans:
        remembered = remember(
            context.database,
            event_type,
            plans,
            sources,
            headers,
            columns,
            context.folder,
            lambda share, stage: context.tell(_REMEMBERED * share, stage),
        )
    beginning = Beginning(
        context.database.url,
        version.detector_id,
        version.version,
        columns.names,
        str(context.folder),
    )
    _judge_all(context, sources, headers, beginning, remembered, total)
    file = _joined(context.folder, columns)
    upload_output(context, file, output_path(context))
    with context.database.write() as connection:
        context.complete(connection)


def _mind_changes(context: JobContext, sources: Sequence[Source]) -> None:
    """Note which files there are; raise `Conflict` if they were others before a crash."""
    files = [[source.name, source.tag] for source in sources]
    place = context.job.place
    if place is None:
        with context.database.write() as connection:
            context.save(connection, {"files": files}, processed=0, failed=0)
    elif place["files"] != files:
        raise Conflict(
            "the files were changed while they were being scored",
            field="inputPath",
            expected="files that stay as they are until the job is done",
        )


def _judge_all(
    context: JobContext,
    sources: Sequence[Source],
    headers: Sequence[CsvRecord],
    beginning: Beginning,
    remembered: Remembered | None,
    total: int | None,
) -> None:
    done = done_parts(context.folder)
    records = sum(file.records for file in done.values())
    failed = sum(file.failed for file in done.values())
    size = sum(source.size for source in sources) or 1
    begun = 0.0 if remembered is None else _REMEMBERED
    read = sum(file.place.end - file.place.start for file in done.values())
    parts = parts_of(sources, headers, {key: file.place for key, file in done.items()})

    def told(part: Part, of_part: tuple[int, int]) -> None:
        nonlocal records, failed, read
        records, failed = records + of_part[0], failed + of_part[1]
        read += len(part.content)
        context.count(records, failed, None if total is None else max(total, records))
        context.tell(begun + (_JUDGED - begun) * min(1.0, read / size), "scoring events")

    context.count(records, failed, total)
    if size <= PART_BYTES:
        judge = PartJudge(beginning)
        try:
            for part in parts:
                file = judge.write(part, {} if remembered is None else remembered.of(part.place))
                told(part, (file.records, file.failed))
        finally:
            judge.close()
    else:
        for part, of_part in _by_processes(parts, beginning, remembered):
            told(part, of_part)
    context.count(records, failed, records)


def _by_processes(
    parts: Iterator[Part], beginning: Beginning, remembered: Remembered | None
) -> Iterator[tuple[Part, tuple[int, int]]]:
    """The parts, each as soon as it and all before it are done."""
    processes = min(os.cpu_count() or 1, _MOST_PROCESSES)
    with ExitStack() as stack:
        idle: SimpleQueue[PartProcess] = SimpleQueue()
        for _ in range(processes):
            idle.put(stack.enter_context(part_process(beginning)))
        threads = stack.enter_context(_threads(processes))

        def write(part: Part) -> tuple[int, int]:
            process = idle.get()
            try:
                return process.write(part, remembered.of(part.place) if remembered else {})
            finally:
                idle.put(process)

        waiting: deque[tuple[Part, Future[tuple[int, int]]]] = deque()
        for part in parts:
            waiting.append((part, threads.submit(write, part)))
            if len(waiting) > _WAITING * processes:
                first, of_first = waiting.popleft()
                yield first, of_first.result()
        while waiting:
            first, of_first = waiting.popleft()
            yield first, of_first.result()


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(count, thread_name_prefix="batch")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _joined(folder: Path, columns: Columns) -> Path:
    """All parts in one file, after the names of their columns."""
    names = io.StringIO()
    csv.writer(names, lineterminator="\n").writerow([*columns.names, *ADDED])
    path = folder / "output.csv"
    with path.open("wb") as out:
        out.write(names.getvalue().encode())
        for file in done_parts(folder).values():
            with file.path.open("rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
    return path
