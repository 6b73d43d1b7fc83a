from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from drifting import LEARNED_DAYS, MODEL, START, decide, later, learned, publish, simulated
from drifting import trained_on as trained_on_payments
from sqlalchemy import update

from ringfence.detectors import tables
from ringfence.detectors.drift.alerts import (
    Checking,
    DriftAlert,
    acknowledge_alert,
    check_drift,
    counts_of_alerts,
    list_alerts,
    settle,
    take_turn,
    turn_done,
    watched_versions,
)
from ringfence.detectors.drift.checks import drift_notes, last_check, list_checks
from ringfence.detectors.drift.report import DriftReport
from ringfence.detectors.drift.worker import DriftProcess
from ringfence.errors import NotFound, Unavailable
from ringfence.models import Trained
from ringfence.models.stability import State
from ringfence.storage import Database

SINCE = START + timedelta(days=LEARNED_DAYS)
UNTIL = START + timedelta(days=105)
CHECKING = Checking(window_days=35, history_days=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_on_payments(learned(simulated()), tmp_path_factory.mktemp("learned"))


@pytest.fixture
def drifted(database: Database, trained: Trained) -> Database:
    """A database whose payments come from another world than those that were learned from."""
    with database.write() as connection:
        publish(connection, trained)
        decide(connection, later(simulated(seed=9)), trained)
    return database


def opened(database: Database) -> list[DriftAlert]:
    with database.read() as connection:
        return list_alerts(connection, open_only=True)


def report_of(database: Database) -> DriftReport:
    with database.read() as connection:
        check = last_check(connection, MODEL, "1.0")
    assert check is not None
    return check.report


def seen(report: DriftReport, state: State) -> DriftReport:
    """The same report, had everything been in that state."""

    def put(of: object) -> object:
        return msgspec.structs.replace(of, state=state)  # type: ignore[type-var]

    return msgspec.structs.replace(
        report,
        score=put(report.score),
        alerts=put(report.alerts),
        calibration=put(report.calibration),
        variables=tuple(map(put, report.variables)),
    )


def test_an_alert_is_raised_once_for_each_breach_and_kept_with_the_report(
    drifted: Database,
) -> None:
    checked = check_drift(drifted, CHECKING, at=UNTIL)
    assert [report.version for report in checked.reports] == ["1.0"]
    subjects = {alert.subject for alert in checked.raised if alert.measure == "psi"}
    assert {"merchant_id", "merchant_name"} <= subjects
    assert all(alert.value >= alert.bound for alert in checked.raised)
    again = check_drift(drifted, CHECKING, at=UNTIL)
    assert again.raised == ()
    assert {a.alert_id for a in opened(drifted)} == {a.alert_id for a in checked.raised}
    with drifted.read() as connection:
        assert list_checks(connection)[0].report == again.reports[0]
        assert counts_of_alerts(connection) == {(MODEL, "1.0"): len(checked.raised)}
        assert any(
            "merchant_id has moved" in note for note in drift_notes(connection, MODEL, "1.0")
        )


def test_an_alert_is_cleared_when_it_is_back_and_raised_anew_after_that(drifted: Database) -> None:
    first = check_drift(drifted, CHECKING, at=UNTIL).raised
    back = seen(report_of(drifted), State.STABLE)
    with drifted.write() as connection:
        assert settle(connection, back) == []
    assert opened(drifted) == []
    with drifted.read() as connection:
        kept = list_alerts(connection)
    assert {a.alert_id for a in kept} == {a.alert_id for a in first}
    assert all(a.cleared_at is not None for a in kept)
    second = check_drift(drifted, CHECKING, at=UNTIL).raised
    assert {a.subject for a in second} == {a.subject for a in first}
    assert not {a.alert_id for a in second} & {a.alert_id for a in first}


def test_too_few_events_neither_raise_nor_clear(drifted: Database) -> None:
    check_drift(drifted, CHECKING, at=UNTIL)
    before = opened(drifted)
    with drifted.write() as connection:
        assert settle(connection, seen(report_of(drifted), State.TOO_FEW)) == []
    assert opened(drifted) == before


def test_who_acknowledges_first_is_remembered(drifted: Database) -> None:
    alert = check_drift(drifted, CHECKING, at=UNTIL).raised[0]
    with drifted.write() as connection:
        known = acknowledge_alert(connection, alert.alert_id, by="ann")
        again = acknowledge_alert(connection, alert.alert_id, by="bob")
        with pytest.raises(NotFound):
            acknowledge_alert(connection, "drift_0", by="ann")
    assert known.acknowledged_by == again.acknowledged_by == "ann"
    assert alert.alert_id in {a.alert_id for a in opened(drifted)}


def test_alerts_of_a_version_that_decides_no_longer_are_cleared(drifted: Database) -> None:
    check_drift(drifted, CHECKING, at=UNTIL)
    with drifted.write() as connection:
        connection.execute(update(tables.detector_versions).values(status="INACTIVE"))
    checked = check_drift(drifted, CHECKING, at=UNTIL)
    assert checked.reports == ()
    assert opened(drifted) == []
    with drifted.read() as connection:
        assert watched_versions(connection) == []


def test_of_many_servers_one_looks_and_the_next_looks_when_it_is_time(database: Database) -> None:
    every = timedelta(hours=1)
    others = [Database(database.url) for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        turns = list(pool.map(lambda n: take_turn([database, *others][n % 4], every), range(16)))
    for other in others:
        other.dispose()
    assert turns.count(True) == 1
    turn_done(database, every)
    assert not take_turn(database, every)
    turn_done(database, timedelta(0))
    assert take_turn(database, every)


def test_a_process_of_its_own_finds_the_same(drifted: Database) -> None:
    process = DriftProcess(drifted)
    checking = Checking(window_days=35, history_days=0, most_events=None)
    made = process.report(MODEL, "1.0", SINCE, UNTIL, checking)
    check_drift(drifted, checking, at=UNTIL)
    assert made == report_of(drifted)
    with pytest.raises(NotFound, match="no version"):
        process.report(MODEL, "7.0", SINCE, UNTIL, checking)
    process.close()
    with pytest.raises(Unavailable, match="stopping"):
        process.check(checking)
