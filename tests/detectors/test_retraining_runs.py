"""Retrainings come due, run one at a time, and leave nothing half done when their process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from challenged_models import MODEL, changed_times, deciding, trained
from hypothesis import given
from hypothesis import strategies as st
from publishing import PAYMENT, prepare

from ringfence.detectors.retraining.challengers import list_challengers
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.runs import (
    LEASE,
    Heart,
    RetrainingRun,
    RunKind,
    RunStatus,
    begin_run,
    finish_run,
    get_run,
    list_runs,
)
from ringfence.detectors.retraining.schedules import (
    RetrainingSchedule,
    claim_due,
    delete_schedule,
    get_schedule,
    list_schedules,
    next_time,
    put_schedule,
    stated_policy,
)
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.models import Trained, create_model, list_versions
from ringfence.storage import Database, migrate, now

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def schedule(**changes: object) -> RetrainingSchedule:
    made = RetrainingSchedule(model_id=MODEL, every_days=7, updated_by="ada", updated_at=AT)
    return msgspec.structs.replace(made, **changes)


def run(status: RunStatus, started_at: datetime, kind: RunKind = RunKind.RETRAIN) -> RetrainingRun:
    return RetrainingRun(
        run_id="run_1",
        model_id=MODEL,
        kind=kind,
        status=status,
        started_by="ada",
        started_at=started_at,
        heartbeat_at=started_at,
        ended_at=started_at + timedelta(minutes=5),
        share=1.0,
        stage="",
        version=None,
        message="",
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, new_database: Callable[[str], Database]) -> Database:
    """Two models without a version."""
    opened = new_database(request.param)
    with opened.write() as connection:
        prepare(connection)
        for model_id in (MODEL, "other"):
            create_model(connection, model_id, PAYMENT.name)
    return opened


def test_a_model_is_due_so_many_days_after_its_last_training() -> None:
    assert next_time(schedule(), []) == AT + 7 * DAY
    assert next_time(schedule(), [run(RunStatus.DONE, AT + 3 * DAY)]) == AT + 10 * DAY
    # By hand before there was a schedule counts as well.
    assert next_time(schedule(), [run(RunStatus.DONE, AT - 3 * DAY)]) == AT + 4 * DAY
    assert next_time(schedule(), [run(RunStatus.FAILED, AT)]) == AT + 7 * DAY
    assert next_time(schedule(), [run(RunStatus.DONE, AT + DAY, RunKind.EVALUATE)]) == AT + 7 * DAY
    assert next_time(schedule(enabled=False), []) is None


def test_a_time_table_is_that_of_cron_in_utc() -> None:
    sundays = schedule(every_days=None, cron="0 3 * * 0")
    assert next_time(sundays, []) == datetime(2026, 7, 5, 3, tzinfo=UTC)
    done = [run(RunStatus.DONE, datetime(2026, 7, 5, 3, 0, 4, tzinfo=UTC))]
    assert next_time(sundays, done) == datetime(2026, 7, 12, 3, tzinfo=UTC)


@given(st.floats(0.01, 365), st.integers(-400, 400))
def test_a_training_is_never_due_before_the_one_before_it(days: float, offset: int) -> None:
    last = run(RunStatus.DONE, AT + offset * DAY)
    planned = next_time(schedule(every_days=days), [last])
    assert planned is not None
    assert planned > last.started_at


def test_what_was_lost_is_due_again_at_once_but_not_for_ever() -> None:
    lost = run(RunStatus.LOST, AT + DAY)
    assert next_time(schedule(), [lost]) == lost.ended_at
    assert next_time(schedule(), [lost] * 2) == lost.ended_at
    assert next_time(schedule(), [lost] * 3) == AT + 8 * DAY


def test_a_schedule_is_kept_and_replaced_and_removed(database: Database) -> None:
    policy = PromotionPolicy(auc_gain_low=0.0)
    stated = schedule(policy=policy, options=RetrainingOptions(shadow=True, alert_share=0.02))
    with database.write() as connection:
        assert stated_policy(connection, MODEL) is None
        put_schedule(connection, schedule())
        put_schedule(connection, stated)
    with database.write() as connection:
        assert list_schedules(connection) == [stated]
        assert stated_policy(connection, MODEL) == policy
        delete_schedule(connection, MODEL)
        with pytest.raises(NotFound):
            get_schedule(connection, MODEL)
        with pytest.raises(NotFound):
            put_schedule(connection, schedule(model_id="nothing"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"every_days": None}, "every_days"),
        ({"every_days": 0.0}, "every_days"),
        ({"cron": "0 3 * * *"}, "cron"),
        ({"every_days": None, "cron": "0 3 * *"}, "cron"),
        ({"every_days": None, "cron": "61 3 * * *"}, "cron"),
        ({"every_days": None, "cron": "@weekly"}, "cron"),
        ({"policy": PromotionPolicy()}, "promote_when"),
        ({"options": RetrainingOptions(alert_share=2.0)}, "alert_share"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_by_name(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        schedule(**changes).check()
    assert refused.value.field == field


def test_what_is_due_first_is_claimed_once(database: Database) -> None:
    with database.write() as connection:
        put_schedule(connection, schedule())
        put_schedule(connection, schedule(model_id="other", every_days=6))
    assert claim_due(database, AT + 5 * DAY) is None
    claimed = claim_due(database, AT + 8 * DAY)
    assert claimed is not None
    assert (claimed.model_id, claimed.started_by) == ("other", "schedule")
    assert claim_due(database, AT + 8 * DAY) is None
    with database.write() as connection:
        finish_run(connection, claimed.run_id, RunStatus.FAILED, at=AT + 8 * DAY, message="why")
    second = claim_due(database, AT + 8 * DAY)
    assert second is not None
    assert second.model_id == MODEL


def test_one_runs_at_a_time_until_it_has_been_silent_for_too_long(database: Database) -> None:
    with database.write() as connection:
        first = begin_run(connection, MODEL, RunKind.RETRAIN, by="ada", at=AT)
    with database.write() as connection, pytest.raises(Conflict, match="is being worked on"):
        begin_run(connection, "other", RunKind.RETRAIN, by="bo", at=AT + LEASE)
    later = AT + LEASE + timedelta(seconds=1)
    with database.write() as connection:
        second = begin_run(connection, "other", RunKind.RETRAIN, by="bo", at=later)
    with database.write() as connection:
        assert get_run(connection, first.run_id).status is RunStatus.LOST
        assert [of.run_id for of in list_runs(connection)] == [second.run_id, first.run_id]
        with pytest.raises(Conflict, match="given up"):
            finish_run(connection, first.run_id, RunStatus.DONE, at=later)
        finish_run(connection, second.run_id, RunStatus.DONE, at=later, version="2.0")
        assert get_run(connection, second.run_id).share == 1.0


def test_a_heart_tells_how_far_it_is_and_stops_work_that_was_given_up(database: Database) -> None:
    with database.write() as connection:
        begun = begin_run(connection, MODEL, RunKind.RETRAIN, by="ada", at=now())

    def stored() -> RetrainingRun:
        with database.read() as connection:
            return get_run(connection, begun.run_id)

    with Heart(database, begun.run_id, beat_seconds=0.01) as heart:
        heart.tell(0.25, "growing trees")
        _until(lambda: stored().stage == "growing trees")
        assert stored().share == 0.25
        assert stored().heartbeat_at > begun.heartbeat_at
        with database.write() as connection:
            finish_run(connection, begun.run_id, RunStatus.LOST, at=now())

        def refused() -> bool:
            try:
                heart.tell(0.5, "growing trees")
            except Conflict:
                return True
            return False

        _until(refused)


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a champion, news, and a schedule."""
    data_dir = tmp_path_factory.mktemp("waiting")
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    champion: Trained = trained()
    deciding(database, champion)
    changed_times(database, 1_500)
    with database.write() as connection:
        put_schedule(connection, schedule(updated_at=now() - 8 * DAY))
    database.dispose()
    return data_dir


@pytest.fixture
def due(waiting: Path, tmp_path: Path) -> tuple[Path, Database, RetrainingRun]:
    """A copy of it, in which what is due has been claimed."""
    (tmp_path / "ringfence.db").write_bytes((waiting / "ringfence.db").read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'ringfence.db'}")
    claimed = claim_due(database, now())
    assert claimed is not None
    return tmp_path, database, claimed


def test_a_process_does_what_is_due_and_says_how_it_went(
    due: tuple[Path, Database, RetrainingRun],
) -> None:
    data_dir, database, claimed = due
    process = _process(data_dir, claimed)
    assert process.wait(120) == 0
    with database.read() as connection:
        done = get_run(connection, claimed.run_id)
        [challenger] = list_challengers(connection, MODEL)
    assert done.status is RunStatus.DONE
    assert done.version == challenger.version == "2.0"
    assert challenger.created_by == "schedule"
    assert claim_due(database, now()) is None
    planned = next_time(schedule(updated_at=now()), [done])
    assert planned == claimed.started_at + 7 * DAY
    database.dispose()


@pytest.mark.parametrize("moments", [0.0, 0.7])
def test_a_process_that_is_killed_leaves_no_half_version_and_is_begun_anew(
    due: tuple[Path, Database, RetrainingRun], moments: float
) -> None:
    data_dir, database, claimed = due
    process = _process(data_dir, claimed)
    _until(lambda: _beaten(database, claimed))
    time.sleep(moments)
    process.kill()
    process.wait(30)
    with database.read() as connection:
        versions = [version.version for version in list_versions(connection, MODEL)]
        challengers = [of.version for of in list_challengers(connection, MODEL)]
        status = get_run(connection, claimed.run_id).status
    if status is RunStatus.DONE:  # it was quicker than the kill
        assert (versions, challengers) == (["1.0", "2.0"], ["2.0"])
        return
    assert (versions, challengers) == (["1.0"], [])
    assert status is RunStatus.RUNNING
    assert claim_due(database, now()) is None
    again = claim_due(database, now() + LEASE + timedelta(seconds=10))
    assert again is not None
    assert again.model_id == MODEL
    with database.read() as connection:
        assert get_run(connection, claimed.run_id).status is RunStatus.LOST
    database.dispose()


def test_a_process_that_is_told_to_end_gives_its_place_back(
    due: tuple[Path, Database, RetrainingRun],
) -> None:
    data_dir, database, claimed = due
    process = _process(data_dir, claimed)
    _until(lambda: _beaten(database, claimed))
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    with database.read() as connection:
        ended = get_run(connection, claimed.run_id)
        assert len(list_versions(connection, MODEL)) == 1 + (ended.status is RunStatus.DONE)
    if ended.status is not RunStatus.DONE:
        assert ended.status is RunStatus.LOST
        assert claim_due(database, now()) is not None
    database.dispose()


def _process(data_dir: Path, claimed: RetrainingRun) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RINGFENCE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "ringfence", "retrain", MODEL, "--run", claimed.run_id],
        cwd=data_dir,
        env={**environment, "RINGFENCE_DATA_DIR": str(data_dir)},
        stdout=subprocess.DEVNULL,
    )


def _beaten(database: Database, claimed: RetrainingRun) -> bool:
    with database.read() as connection:
        return get_run(connection, claimed.run_id).heartbeat_at > claimed.heartbeat_at


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
