from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl
import pytest
from drifting import (
    EVENT_TYPE,
    LEARNED_DAYS,
    MODEL,
    START,
    decide,
    later,
    learned,
    publish,
    simulated,
    trained_on,
)
from sqlalchemy import update

from ringfence.detectors import tables
from ringfence.detectors.drift.checks import drift_report, slices_of, window_of
from ringfence.detectors.drift.counting import Counting
from ringfence.detectors.drift.report import Drift, DriftReport, calibrated
from ringfence.errors import InvalidInput, NotFound
from ringfence.models import Trained
from ringfence.models import tables as model_tables
from ringfence.models.baseline import Baseline, ScoreBin
from ringfence.models.stability import Bounds, State
from ringfence.storage import Database

SINCE = START + timedelta(days=LEARNED_DAYS)
UNTIL = START + timedelta(days=105)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return simulated()


@pytest.fixture(scope="module")
def trained(frame: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained_on(learned(frame), tmp_path_factory.mktemp("learned"))


def report_on(
    database: Database, trained: Trained, frame: pl.DataFrame, *, labelled: bool = True
) -> DriftReport:
    with database.write() as connection:
        version = publish(connection, trained)
        decide(connection, frame, trained, labelled=labelled)
    with database.read() as connection:
        return drift_report(connection, MODEL, version, SINCE, UNTIL)


def of(report: DriftReport, name: str) -> Drift:
    return next(each for each in report.variables if each.name == name)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_payments_that_go_on_as_before_have_not_drifted(
    kind: str,
    new_database: Callable[[str], Database],
    trained: Trained,
    frame: pl.DataFrame,
) -> None:
    database = new_database(kind)
    report = report_on(database, trained, later(frame))
    assert report.beyond == ()
    assert report.score.state is State.STABLE
    assert report.calibration.state is State.STABLE
    assert report.events == report.scored == later(frame).height
    assert report.calibration.labelled == report.events
    assert report.sampled == 1


def test_payments_of_another_world_are_found_to_have_drifted(
    database: Database, trained: Trained
) -> None:
    report = report_on(database, trained, later(simulated(seed=9)))
    assert report.state is State.ALERT
    assert {"merchant_id", "merchant_name", "billing_postal"} <= set(report.beyond)
    merchant = of(report, "merchant_id")
    assert merchant.new is not None
    assert merchant.new > 0.9
    assert merchant.new_expected is not None
    assert merchant.new_expected < 0.2
    # How much is paid is no matter of the world.
    assert of(report, "transaction_amt").state is State.STABLE


def test_more_fraud_than_scores_let_expect_shows_in_calibration(
    database: Database, trained: Trained
) -> None:
    report = report_on(database, trained, later(simulated(fraud_share=0.35)))
    assert report.calibration.state in (State.WATCH, State.ALERT)
    assert report.calibration.ratio is not None
    assert report.calibration.ratio > 1.5
    assert report.calibration.ratio_low is not None
    assert report.calibration.ratio_low > 1
    assert report.alerts.state is State.ALERT
    assert "alerts" in report.beyond


def test_a_variable_that_changes_its_unit_and_one_that_goes_missing_are_named(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    changed = later(frame).with_columns(
        pl.col("transaction_amt") * 100, pl.lit(None, pl.String).alias("email_address")
    )
    report = report_on(database, trained, changed)
    assert {"transaction_amt", "email_address"} <= set(report.beyond)
    assert of(report, "email_address").missing == 1.0
    assert of(report, "email_address").missing_expected < 0.1
    assert of(report, "merchant_id").state is State.STABLE


def test_a_day_of_payments_is_too_few_to_tell(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    day = later(frame).filter(pl.col("at") < SINCE + timedelta(days=1))
    report = report_on(database, trained, day)
    assert report.score.state is State.TOO_FEW
    assert report.calibration.state is State.TOO_FEW
    assert report.state is State.TOO_FEW
    assert report.beyond == ()


def test_without_labels_nothing_is_said_of_calibration(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    report = report_on(database, trained, later(frame), labelled=False)
    assert report.calibration.state is State.TOO_FEW
    assert report.calibration.labelled == 0
    assert report.score.state is State.STABLE


def test_an_empty_window_is_a_report_too(database: Database, trained: Trained) -> None:
    with database.write() as connection:
        version = publish(connection, trained)
    with database.read() as connection:
        report = drift_report(connection, MODEL, version, SINCE, UNTIL)
    assert report.events == 0
    assert report.alerts.share is None
    assert report.state is State.TOO_FEW


def test_scores_of_other_versions_count_for_the_variables_only(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    with database.write() as connection:
        version = publish(connection, trained)
        decide(connection, later(frame), trained, detector_version="9")
    with database.read() as connection:
        report = drift_report(connection, MODEL, version, SINCE, UNTIL)
    assert report.scored == 0
    assert report.score.state is State.TOO_FEW
    assert report.events == later(frame).height
    assert of(report, "transaction_amt").state is State.STABLE


def test_the_scores_of_a_shadow_count_for_its_version(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    from sqlalchemy import insert, select

    with database.write() as connection:
        version = publish(connection, trained)
        decide(connection, later(frame), trained, detector_version="9")
        decisions = tables.decisions
        rows = connection.execute(select(decisions)).all()
        connection.execute(
            insert(tables.shadow_decisions),
            [
                {
                    "event_type": row.event_type,
                    "event_id": row.event_id,
                    "detector_id": "guard",
                    "version": "1",
                    "decided_at": row.decided_at,
                    "scores": row.scores,
                    "rule_results": [],
                    "outcomes": [],
                }
                for row in rows
            ],
        )
        connection.execute(
            insert(tables.shadows).values(
                detector_id="guard", version="1", started_at=SINCE, started_by="test"
            )
        )
    with database.read() as connection:
        report = drift_report(connection, MODEL, version, SINCE, UNTIL)
    assert report.scored == report.events == later(frame).height
    assert report.score.state is State.STABLE


def test_what_is_drawn_of_many_events_says_nearly_the_same(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    with database.write() as connection:
        version = publish(connection, trained)
        for copy in range(5):
            moved = later(frame).with_columns(
                pl.col("at") + timedelta(seconds=61 * copy),
                (pl.col("EVENT_ID") + f"-{copy}").alias("EVENT_ID"),
            )
            decide(connection, moved, trained)
    with database.read() as connection:
        whole = drift_report(connection, MODEL, version, SINCE, UNTIL)
        drawn = drift_report(connection, MODEL, version, SINCE, UNTIL, most_events=2_000)
    assert drawn.sampled == 11
    assert 0.8 < drawn.events * drawn.sampled / whole.events < 1.2
    assert drawn.score.psi == pytest.approx(whole.score.psi, abs=0.05)
    assert drawn.beyond == whole.beyond == ()


def test_what_is_remembered_drifts_when_it_is_lost(
    database: Database, frame: pl.DataFrame, tmp_path: Path
) -> None:
    trained = trained_on(learned(frame), tmp_path, remembering=True)
    assert trained.artifact.plan is not None
    assert trained.baseline is not None
    width = len(trained.artifact.plan.aggregates)
    chosen = later(frame)
    # As if every card were new: nothing is remembered of anybody.
    forgotten = [[float("nan")] * width for _ in range(chosen.height)]
    with database.write() as connection:
        version = publish(connection, trained)
        decide(connection, chosen, trained, remembered=forgotten)
    with database.read() as connection:
        report = drift_report(connection, MODEL, version, SINCE, UNTIL)
    remembered = [each for each in report.variables if each.remembered]
    assert len(remembered) == width
    assert all(each.missing == 1.0 for each in remembered)
    assert sum(each.state is State.ALERT for each in remembered) > width / 2
    assert report.score.by_slice[-1] is not None


def test_counting_equals_the_baselines_own_counts(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    baseline = trained.baseline
    assert baseline is not None
    held_out = learned(frame)[-baseline.held_out_events :]
    since = held_out["at"][0]
    with database.write() as connection:
        version = publish(connection, trained)
        decide(connection, held_out, trained)
    with database.read() as connection:
        report = drift_report(connection, MODEL, version, since, SINCE)
    for watched in baseline.watched:
        found = of(report, watched.bins.name)
        shares = [count / sum(watched.held_out) for count in watched.held_out]
        assert [each.actual for each in found.bins] == pytest.approx(shares, abs=1e-5)
    assert report.calibration.frauds == baseline.held_out_frauds


def test_a_version_from_before_baselines_is_refused_in_words(
    database: Database, trained: Trained
) -> None:
    with database.write() as connection:
        version = publish(connection, trained)
        connection.execute(update(model_tables.model_versions).values(baseline=None))
    with database.read() as connection:
        with pytest.raises(NotFound, match="does not say what its data looked like"):
            Counting(connection, MODEL, version)
        with pytest.raises(NotFound):
            drift_report(connection, MODEL, "9.0", SINCE, UNTIL)


def test_windows_that_are_none_name_the_field(database: Database) -> None:
    with database.read() as connection:
        for since, until, field in (
            (UNTIL, SINCE, "to"),
            (SINCE.replace(tzinfo=None), UNTIL, "from"),
        ):
            with pytest.raises(InvalidInput) as refused:
                drift_report(connection, MODEL, "1.0", since, until)
            assert refused.value.field == field
    with pytest.raises(InvalidInput) as refused:
        window_of(None, "0001-01-01", 7)
    assert refused.value.field == "to"
    assert window_of("2026-03-01", "2026-03-02T01:00+01:00", 7) == (
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 2, tzinfo=UTC),
    )


def test_slices_are_whole_weeks_back_from_the_end_and_never_on_both_sides_of_the_beginning() -> (
    None
):
    day = timedelta(days=1)
    until = SINCE + 30 * day
    cut = slices_of(SINCE - 10 * day, SINCE, until)
    assert cut[0][0] == SINCE - 10 * day
    assert cut[-1] == (until - 7 * day, until)
    assert SINCE in [start for start, _ in cut]
    assert all(end == start for (_, end), (start, _) in pairwise(cut))
    assert len(slices_of(SINCE, SINCE, SINCE + 3 * day)) == 3
    assert len(slices_of(SINCE, SINCE, SINCE + 3_000 * day)) <= 61


def test_an_index_that_asking_more_about_suspicious_events_does_not_move() -> None:
    bins = tuple(ScoreBin(1_000, 10 if place < 19 else 600) for place in range(20))
    baseline = Baseline(
        training_events=0, training_frauds=0, held_out_events=20_000, held_out_frauds=790,
        periods=(), watched=(), score=(1_000,) * 20, calibration=bins, threshold=950, alerts=1_000,
    )  # fmt: skip
    selected = calibrated(baseline, [0] * 18 + [100, 900], [0] * 18 + [1, 540], Bounds())
    assert selected.state is State.STABLE
    assert selected.ratio == pytest.approx(1, abs=0.01)
    calm = calibrated(baseline, [0] * 18 + [100, 900], [0] * 18 + [1, 200], Bounds())
    assert calm.state is State.ALERT


def test_a_report_survives_being_stored(
    database: Database, trained: Trained, frame: pl.DataFrame
) -> None:
    report = report_on(database, trained, later(frame))
    assert msgspec.json.decode(msgspec.json.encode(report), type=DriftReport) == report
    assert report.event_type == EVENT_TYPE.name
