from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from job_processes import kill_worker
from sqlalchemy import text

from ringfence.aws.jobs.claims import claim_next
from ringfence.aws.jobs.context import Cancelled, JobContext, Lost, job_folder
from ringfence.aws.jobs.job import Job, JobKind, JobStatus
from ringfence.aws.jobs.records import add_job, delete_job, get_job, list_jobs, request_cancel
from ringfence.aws.jobs.runner import JobRunner
from ringfence.errors import Conflict, NotFound
from ringfence.settings import Settings
from ringfence.storage import Database, migrate, now

KIND = JobKind.BATCH_IMPORT
PATIENCE_SECONDS = 60.0
Start = Callable[..., JobRunner]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return Settings(data_dir=tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.url)
    migrate(database)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE notes (n INTEGER NOT NULL)"))
    yield database
    database.dispose()


@pytest.fixture
def start(settings: Settings, database: Database) -> Iterator[Start]:
    begun: list[JobRunner] = []

    def make(work: str, *, most: Mapping[JobKind, int] | None = None) -> JobRunner:
        runner = JobRunner(
            settings,
            database,
            most=most,
            work=dict.fromkeys(JobKind, f"job_works:{work}"),
            lease=timedelta(seconds=4),
        )
        runner.start()
        begun.append(runner)
        return runner

    yield make
    for runner in begun:
        runner.close()


def test_a_job_is_done_and_its_row_says_so(database: Database, start: Start) -> None:
    _add(database, "a", steps=25)
    start("notes")
    job = _until(database, "a", lambda job: job.status.is_final)
    assert job.status is JobStatus.COMPLETE
    assert (job.processed, job.failed, job.total, job.share) == (25, 2, 25, 1.0)
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at <= job.started_at <= job.ended_at
    assert _notes(database) == list(range(25))


def test_an_id_is_used_once(database: Database) -> None:
    _add(database, "a")
    with pytest.raises(Conflict, match="already"):
        _add(database, "a")
    with database.read() as connection:
        assert [job.job_id for job in list_jobs(connection, KIND)] == ["a"]
        assert list_jobs(connection, JobKind.TRAINING) == []
        with pytest.raises(NotFound):
            get_job(connection, KIND, "b")


def test_a_process_that_is_killed_is_followed_by_one_that_goes_on(
    settings: Settings, database: Database, start: Start
) -> None:
    _add(database, "a", steps=40, pause=0.05)
    start("notes")
    for done in (5, 20):
        _until(database, "a", lambda job, done=done: job.processed >= done)  # type: ignore[misc]
        kill_worker(settings.data_dir, "a")
        _until(database, "a", lambda job, done=done: job.processed > done + 2)  # type: ignore[misc]
    job = _until(database, "a", lambda job: job.status.is_final)
    assert (job.status, job.attempts, job.failure) == (JobStatus.COMPLETE, 3, None)
    assert _notes(database) == list(range(40))


def test_a_job_that_crashes_three_times_has_failed_with_why(
    database: Database, start: Start
) -> None:
    _add(database, "a")
    start("dies")
    job = _until(database, "a", lambda job: job.status.is_final)
    assert job.status is JobStatus.FAILED
    assert job.failure == "given up after 3 attempts: its process was ended by SIGKILL"
    assert _notes(database) == [1, 2, 3]


def test_a_programming_error_is_told_without_card_numbers(database: Database, start: Start) -> None:
    _add(database, "a")
    start("blunders")
    job = _until(database, "a", lambda job: job.status.is_final)
    assert job.status is JobStatus.FAILED
    assert job.failure is not None
    assert "ZeroDivisionError: card ****" in job.failure
    assert "4111 1111" not in job.failure


def test_an_expected_error_fails_the_job_at_once(database: Database, start: Start) -> None:
    _add(database, "a")
    start("refuses")
    job = _until(database, "a", lambda job: job.status.is_final)
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert job.failure == "inputPath: there is no such bucket (expected a bucket)"


def test_a_running_job_is_cancelled_where_it_is(database: Database, start: Start) -> None:
    _add(database, "a", steps=2000, pause=0.02)
    runner = start("notes")
    _until(database, "a", lambda job: job.processed >= 5)
    with database.write() as connection:  # the runner hears of it when both are done
        for _ in range(2):
            assert request_cancel(connection, KIND, "a").status is JobStatus.CANCELLING
    runner.wake()
    job = _until(database, "a", lambda job: job.status.is_final)
    assert (job.status, job.total) == (JobStatus.CANCELLED, 2000)
    assert _notes(database) == list(range(job.processed))
    with pytest.raises(Conflict, match="is over: cancelled"):
        _cancel(database, "a")


def test_a_process_that_does_not_hear_is_ended_and_leaves_no_file(
    settings: Settings, database: Database, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.aws.jobs.runner._CANCEL_SECONDS", 0.5)
    _add(database, "a")
    start("is_deaf")
    folder = job_folder(settings, KIND, "a")
    _wait(lambda: (folder / "left.csv").exists())
    _cancel(database, "a")
    assert _until(database, "a", lambda job: job.status.is_final).status is JobStatus.CANCELLED
    _wait(lambda: not folder.exists())


def test_a_waiting_job_is_cancelled_at_once(database: Database) -> None:
    _add(database, "a")
    assert _cancel(database, "a").status is JobStatus.CANCELLED


def test_one_of_a_kind_runs_and_the_next_waits(database: Database, start: Start) -> None:
    _add(database, "a", steps=100, pause=0.02)
    _add(database, "b", steps=1)
    start("notes")
    _until(database, "a", lambda job: job.processed >= 5)
    assert _read(database, "b").status is JobStatus.QUEUED
    _until(database, "b", lambda job: job.status.is_final)
    assert _read(database, "a").status is JobStatus.COMPLETE


def test_as_many_run_at_once_as_are_allowed(database: Database, start: Start) -> None:
    for name in ("a", "b"):
        _add(database, name, steps=3000, pause=0.02)
    start("notes", most={KIND: 2})
    for name in ("a", "b"):
        _until(database, name, lambda job: job.processed >= 1)
    assert _read(database, "a").status is JobStatus.RUNNING
    for name in ("a", "b"):
        _cancel(database, name)
        _until(database, name, lambda job: job.status.is_final)


def test_a_closed_runner_gives_its_job_back_and_another_goes_on(
    database: Database, start: Start
) -> None:
    _add(database, "a", steps=60, pause=0.02)
    first = start("notes")
    _until(database, "a", lambda job: job.processed >= 5)
    first.close()
    given_back = _read(database, "a")
    assert (given_back.status, given_back.attempts) == (JobStatus.QUEUED, 0)
    start("notes")
    assert _until(database, "a", lambda job: job.status.is_final).status is JobStatus.COMPLETE
    assert _notes(database) == list(range(60))


def test_two_runners_share_the_work_and_do_nothing_twice(database: Database, start: Start) -> None:
    for number in range(4):
        _add(database, f"job-{number}", steps=5)
    start("notes", most={KIND: 2})
    start("notes", most={KIND: 2})
    for number in range(4):
        _until(database, f"job-{number}", lambda job: job.status.is_final)
    assert sorted(_notes(database)) == sorted(list(range(5)) * 4)


def test_a_server_that_is_killed_is_followed_by_another(
    settings: Settings, database: Database, start: Start
) -> None:
    _add(database, "a", steps=80, pause=0.02)
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\n"
            "from ringfence.aws.jobs.job import JobKind\n"
            "from ringfence.aws.jobs.runner import JobRunner\n"
            "from ringfence.settings import Settings\n"
            "from ringfence.storage import Database\n"
            "settings = Settings()\n"
            "work = dict.fromkeys(JobKind, 'job_works:notes')\n"
            "JobRunner(settings, Database(settings.url), work=work).start()\n"
            "time.sleep(300)\n",
        ],
        env={**os.environ, "RINGFENCE_DATA_DIR": str(settings.data_dir)},
    )
    _until(database, "a", lambda job: job.processed >= 5)
    server.kill()
    server.wait()
    kill_worker(settings.data_dir, "a")
    start("notes")
    job = _until(database, "a", lambda job: job.status.is_final)
    assert (job.status, job.attempts) == (JobStatus.COMPLETE, 2)
    assert _notes(database) == list(range(80))


def test_who_was_silent_too_long_has_lost_the_job(settings: Settings, database: Database) -> None:
    _add(database, "a")
    with database.write() as connection:
        first = claim_next(connection, KIND, now(), most=1)
        assert first is not None
        assert claim_next(connection, KIND, now(), most=1) is None
        later = now() + timedelta(minutes=1)
        second = claim_next(connection, KIND, later, most=1)
    assert second is not None
    assert second.claim != first.claim
    asleep = JobContext(settings, database, first)
    with pytest.raises(Lost), database.write() as connection:
        asleep.save(connection, {"done": 1}, processed=1, failed=0)
    with pytest.raises(Lost), database.write() as connection:
        asleep.complete(connection)
    assert _read(database, "a").place is None


def test_a_result_is_stored_only_while_nobody_has_cancelled(
    settings: Settings, database: Database
) -> None:
    _add(database, "a")
    with database.write() as connection:
        job = claim_next(connection, KIND, now(), most=1)
    assert job is not None
    _cancel(database, "a")
    with pytest.raises(Cancelled):
        _store_a_result(database, JobContext(settings, database, job))
    assert _notes(database) == []


def test_work_hears_between_two_beats_that_it_is_cancelled(
    settings: Settings, database: Database
) -> None:
    _add(database, "a")
    with database.write() as connection:
        job = claim_next(connection, KIND, now(), most=1)
    assert job is not None
    with JobContext(settings, database, job, beat_seconds=0.01) as context:
        context.tell(0.1, "beginning")
        _cancel(database, "a")
        with pytest.raises(Cancelled):
            _count_on(context)


def test_only_a_job_that_is_over_is_deleted(database: Database) -> None:
    _add(database, "a")
    with database.write() as connection:
        with pytest.raises(Conflict, match="not over"):
            delete_job(connection, KIND, "a")
        request_cancel(connection, KIND, "a")
        delete_job(connection, KIND, "a")
        delete_job(connection, KIND, "a")
        assert list_jobs(connection, KIND) == []
        with pytest.raises(NotFound):
            request_cancel(connection, KIND, "a")


def _store_a_result(database: Database, context: JobContext) -> None:
    with database.write() as connection:
        connection.execute(text("INSERT INTO notes VALUES (1)"))
        context.complete(connection)


def _count_on(context: JobContext) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        context.count(1, 0)
        time.sleep(0.01)


def _add(database: Database, name: str, **payload: float) -> Job:
    with database.write() as connection:
        return add_job(connection, KIND, name, payload, "somebody")


def _read(database: Database, name: str) -> Job:
    with database.read() as connection:
        return get_job(connection, KIND, name)


def _cancel(database: Database, name: str) -> Job:
    with database.write() as connection:
        return request_cancel(connection, KIND, name)


def _notes(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(text("SELECT n FROM notes ORDER BY rowid")).scalars())


def _until(database: Database, name: str, is_so: Callable[[Job], bool]) -> Job:
    _wait(lambda: is_so(_read(database, name)))
    return _read(database, name)


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "waited for too long"
        time.sleep(0.02)
