"""What detector versions say of past events: in this process, or in one that is fed by a pipe.

Each event is judged as in service, by the same scorers and rules. Nothing is stored. A process of
its own keeps the judging off the processor of a server that decides meanwhile, and several use
every core.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import msgspec
from sqlalchemy import Connection

from ringfence.detectors.catalog import Catalog
from ringfence.detectors.runtime import DetectorRuntime
from ringfence.detectors.versions import ModelRef, get_detector_version
from ringfence.errors import Unavailable
from ringfence.models import Scorer, load_artifact
from ringfence.storage import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH_BYTES = 4
# Scoring works row by row, so larger batches only take more memory.
_SCORED_AT_ONCE = 512
# A server sees one event of a customer at a time, a backtest all of a year: values come again.
_VALUES_REMEMBERED = 65_536


class Questions(msgspec.Struct, frozen=True, array_like=True):
    """Past events: times in microseconds since 1970, their variables as JSON objects, and what was
    remembered at each of them, by plan id."""

    ats: list[int]
    variables: list[bytes]
    profiles: dict[str, list[list[float]]]


class Judgement(msgspec.Struct, frozen=True, array_like=True):
    """What one version says: for each event the places of the rules that matched, and for each
    rule of how many events it could not be evaluated."""

    matched: list[tuple[int, ...]]
    not_evaluated: list[int]


class _Beginning(msgspec.Struct, frozen=True, array_like=True):
    """What a process is told first: the database, and the detector versions by id and version."""

    url: str
    versions: list[tuple[str, str]]


class Judge:
    """Detector versions of one event type, side by side."""

    def __init__(self, runtimes: Sequence[DetectorRuntime]):
        self._runtimes = runtimes

    def judge(self, questions: Questions) -> list[Judgement]:
        """What each version says, in their order."""
        rows = [msgspec.json.decode(of_event) for of_event in questions.variables]
        ats = [_EPOCH + timedelta(microseconds=at) for at in questions.ats]
        scores: dict[Scorer, list[float]] = {}
        for runtime in self._runtimes:
            for scorer in runtime.scorers.values():
                if scorer not in scores:  # versions that differ by their rules share their scores
                    scores[scorer] = _scores(scorer, rows, ats, questions.profiles)
        return [self._judged(runtime, rows, ats, scores) for runtime in self._runtimes]

    def _judged(
        self,
        runtime: DetectorRuntime,
        rows: Sequence[dict[str, Any]],
        ats: Sequence[datetime],
        scores: dict[Scorer, list[float]],
    ) -> Judgement:
        named = [(name, scores[scorer]) for name, scorer in runtime.scorers.items()]
        external = runtime.external.answer(rows) if runtime.external else None
        evaluate = runtime.rule_set.evaluate  # `decide` would score again what versions share
        not_evaluated = [0] * len(runtime.version.rules)
        matched = []
        for number, (row, at) in enumerate(zip(rows, ats, strict=True)):
            values = dict(row)
            for name, of_events in named:
                values[name] = of_events[number]
            if external is not None:
                values.update(external[number].values)
            places = []
            for place, result in enumerate(evaluate(values, at)):
                if result.matched:
                    places.append(place)
                elif not result.evaluated:
                    not_evaluated[place] += 1
            matched.append(tuple(places))
        return Judgement(matched, not_evaluated)


def _scores(
    scorer: Scorer,
    rows: Sequence[dict[str, Any]],
    ats: Sequence[datetime],
    profiles: dict[str, list[list[float]]],
) -> list[float]:
    remembered = None if scorer.plan is None else profiles[scorer.plan.plan_id]
    scores: list[float] = []
    for start in range(0, len(rows), _SCORED_AT_ONCE):
        part = slice(start, start + _SCORED_AT_ONCE)
        scores += scorer.score(
            rows[part], ats[part], None if remembered is None else remembered[part]
        )
    return scores


def _scorers(connection: Connection, versions: Sequence[tuple[str, str]]) -> dict[ModelRef, Scorer]:
    refs = {ref for named in versions for ref in get_detector_version(connection, *named).models}
    return {
        ref: Scorer(
            load_artifact(connection, ref.model_id, ref.version), remembered=_VALUES_REMEMBERED
        )
        for ref in refs
    }


class JudgeProcess:
    """A judge in a process of its own. One question at a time."""

    def __init__(self, process: subprocess.Popen[bytes]):
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._to, self._from = process.stdin, process.stdout

    def judge(self, questions: Questions) -> list[Judgement]:
        """What each version says. Raises `Unavailable` when the process has died."""
        try:
            send(self._to, questions)
            reply = receive(self._from)
        except OSError as error:
            raise Unavailable("a process that judges past events has died") from error
        if reply is None:
            raise Unavailable("a process that judges past events has died")
        return msgspec.msgpack.decode(reply, type=list[Judgement])


@contextmanager
def judge_process(url: str, versions: Sequence[tuple[str, str]]) -> Iterator[JudgeProcess]:
    """A process that judges with these versions of the database at `url`, ended at the end."""
    # A process of its own module: a fork would copy the locks of LightGBM's and Polars' threads,
    # and `multiprocessing` would run the caller's main module again. The URL may hold a password,
    # so it goes through the pipe, where no list of processes shows it.
    process = subprocess.Popen(
        [sys.executable, "-c", "from ringfence.detectors.backtest.worker import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        judge = JudgeProcess(process)
        send(judge._to, _Beginning(url, list(versions)))
        yield judge
    finally:
        process.kill()
        process.communicate()


def send(to: IO[bytes], document: object) -> None:
    """Write a document, preceded by its length."""
    encoded = msgspec.msgpack.encode(document)
    to.write(len(encoded).to_bytes(_LENGTH_BYTES, "big"))
    to.write(encoded)
    to.flush()


def receive(of: IO[bytes]) -> bytes | None:
    """The next document, still encoded; None at the end."""
    head = of.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = of.read(length)
    return body if len(body) == length else None


def main() -> None:
    """Judge what comes through standard input, until it ends."""
    # Who interrupts the command at the terminal means its first process, which then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = receive(sys.stdin.buffer)
    if first is None:
        return
    beginning = msgspec.msgpack.decode(first, type=_Beginning)
    database = Database(beginning.url)
    with database.read() as connection:
        catalog = Catalog(_scorers(connection, beginning.versions))
        judge = Judge([catalog.version(connection, *version) for version in beginning.versions])
    database.dispose()
    while (asked := receive(sys.stdin.buffer)) is not None:
        send(sys.stdout.buffer, judge.judge(msgspec.msgpack.decode(asked, type=Questions)))
