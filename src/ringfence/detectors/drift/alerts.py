"""Alerts of drift: raised once when something goes beyond its bound, cleared when it is back.

The versions that decide now are checked, all of them or none: of several servers the one whose
turn it is. What a check finds is stored, for pages and gauges.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringfence.detectors import tables
from ringfence.detectors.drift.checks import drift_report, keep_check
from ringfence.detectors.drift.report import DriftReport
from ringfence.detectors.versions import DetectorStatus
from ringfence.errors import NotFound
from ringfence.models import load_baseline
from ringfence.models.stability import Bounds, State
from ringfence.storage import Database, now

_ROUND = "check"
_PSI, _CALIBRATION, _ALERTS = "psi", "calibration", "alerts"
# A check that has taken so long is taken for dead, and another server begins anew.
_LONGEST = timedelta(minutes=30)


class DriftAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went beyond its bound.

    `measure` is `psi` (of the variable or remembered value `subject`, or of `score`), `alerts`
    (high scores by expected ones) or `calibration` (frauds by expected ones). `value` is as last
    seen, in the window from `since` to `until`. An alert is open until `cleared_at`; acknowledging
    it only says that somebody knows.
    """

    alert_id: str
    model_id: str
    version: str
    measure: str
    subject: str
    value: float
    bound: float
    since: datetime
    until: datetime
    raised_at: datetime
    cleared_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None

    @property
    def words(self) -> str:
        """What is wrong, in one sentence."""
        who = f"{self.model_id} {self.version}"
        if self.measure == _CALIBRATION:
            return f"{who}: {self.value:.2f} times as many frauds as its scores let expect"
        if self.measure == _ALERTS:
            return f"{who}: {self.value:.2f} times as many {self.subject} as when it was measured"
        return (
            f"{who}: the distribution of {self.subject} has moved, stability index "
            f"{self.value:.2f}, bound {self.bound:g}"
        )


class Checking(msgspec.Struct, frozen=True, kw_only=True):
    """How a check is done: over the last `window_days`, with `history_days` before for the pages,
    reading about `most_events` at most."""

    bounds: Bounds = Bounds()
    window_days: float = 7.0
    history_days: float = 49.0
    most_events: int | None = 200_000


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check: the reports, and the alerts that are new."""

    reports: tuple[DriftReport, ...]
    raised: tuple[DriftAlert, ...]


def take_turn(database: Database, every: timedelta) -> bool:
    """Whether the next check is due and this caller's to do. `turn_done` is to be called after."""
    at = now()
    rounds = tables.drift_rounds
    try:
        with database.write() as connection:
            taken = connection.execute(
                update(rounds)
                .where(rounds.c.name == _ROUND, rounds.c.next_at <= at)
                .values(next_at=at + max(every, _LONGEST))
            )
            if taken.rowcount:
                return True
            if connection.execute(select(rounds.c.name)).first() is None:
                connection.execute(
                    insert(rounds).values(name=_ROUND, next_at=at + max(every, _LONGEST))
                )
                return True
    except IntegrityError:
        pass  # another server came first
    return False


def turn_done(database: Database, every: timedelta) -> None:
    """Let the next check be due after `every`."""
    rounds = tables.drift_rounds
    with database.write() as connection:
        connection.execute(
            update(rounds).where(rounds.c.name == _ROUND).values(next_at=now() + every)
        )


def check_drift(database: Database, checking: Checking, *, at: datetime | None = None) -> Checked:
    """Check every model version that decides now, up to the time `at`, now by default.

    Versions without a baseline are left out.
    """
    until = at or now()
    since = until - timedelta(days=checking.window_days)
    reports = []
    raised: list[DriftAlert] = []
    with database.read() as connection:
        versions = watched_versions(connection)
    for model_id, version in versions:
        # One reading transaction for each: a long one would keep the log's space from reuse.
        with database.read() as connection:
            report = drift_report(
                connection,
                model_id,
                version,
                since,
                until,
                bounds=checking.bounds,
                history=timedelta(days=checking.history_days),
                most_events=checking.most_events,
            )
        with database.write() as connection:
            keep_check(connection, report)
            raised += settle(connection, report)
        reports.append(report)
    with database.write() as connection:
        _clear_others(connection, versions)
    return Checked(reports=tuple(reports), raised=tuple(raised))


def watched_versions(connection: Connection) -> list[tuple[str, str]]:
    """The model versions that decide now and have a baseline, by model and version."""
    versions = tables.detector_versions.c
    rows = connection.execute(
        select(versions.models).where(versions.status == DetectorStatus.ACTIVE.value)
    )
    used = {(model["model_id"], model["version"]) for row in rows for model in row.models}
    return [pair for pair in sorted(used) if load_baseline(connection, *pair) is not None]


def settle(connection: Connection, report: DriftReport) -> list[DriftAlert]:
    """Raise an alert for all that is beyond its bound and has none, clear those of what is back,
    and leave those alone of which there are too few events. Returns the new ones."""
    alerts = tables.drift_alerts
    opened = {
        (row.measure, row.subject): row.alert_id
        for row in connection.execute(
            select(alerts.c.measure, alerts.c.subject, alerts.c.alert_id).where(
                alerts.c.model_id == report.model_id,
                alerts.c.version == report.version,
                alerts.c.cleared_at.is_(None),
            )
        )
    }
    raised = []
    for measure, subject, state, value, bound in _measures(report):
        known = opened.get((measure, subject))
        if state is State.ALERT and known is None:
            alert = DriftAlert(
                alert_id=f"drift_{uuid.uuid4().hex}",
                model_id=report.model_id,
                version=report.version,
                measure=measure,
                subject=subject,
                value=value,
                bound=bound,
                since=report.since,
                until=report.until,
                raised_at=now(),
            )
            connection.execute(insert(alerts).values(**msgspec.structs.asdict(alert)))
            raised.append(alert)
        elif known is not None and state is not State.TOO_FEW:
            seen = {"value": value, "since": report.since, "until": report.until}
            if state is not State.ALERT:
                seen["cleared_at"] = now()
            connection.execute(update(alerts).where(alerts.c.alert_id == known).values(**seen))
    return raised


def list_alerts(
    connection: Connection,
    *,
    open_only: bool = False,
    model_id: str | None = None,
    limit: int = 200,
) -> list[DriftAlert]:
    """Alerts, the newest first; of those raised together what says most comes first: frauds and
    scores, then the variables that have moved most."""
    alerts = tables.drift_alerts
    order = (
        alerts.c.raised_at.desc(),
        alerts.c.measure == _PSI,
        alerts.c.subject != "score",
        alerts.c.value.desc(),
        alerts.c.subject,
    )
    query = select(alerts).order_by(*order).limit(limit)
    if open_only:
        query = query.where(alerts.c.cleared_at.is_(None))
    if model_id is not None:
        query = query.where(alerts.c.model_id == model_id)
    return [_alert(row) for row in connection.execute(query)]


def counts_of_alerts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many alerts are open, by model and version."""
    alerts = tables.drift_alerts.c
    rows = connection.execute(
        select(alerts.model_id, alerts.version, func.count())
        .where(alerts.cleared_at.is_(None))
        .group_by(alerts.model_id, alerts.version)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def acknowledge_alert(connection: Connection, alert_id: str, *, by: str) -> DriftAlert:
    """Note who knows of an alert; the first to say so stays. Raises `NotFound`."""
    alerts = tables.drift_alerts
    connection.execute(
        update(alerts)
        .where(alerts.c.alert_id == alert_id, alerts.c.acknowledged_at.is_(None))
        .values(acknowledged_by=by, acknowledged_at=now())
    )
    row = connection.execute(select(alerts).where(alerts.c.alert_id == alert_id)).first()
    if row is None:
        raise NotFound(f"there is no alert {alert_id!r}", field="alert_id")
    return _alert(row)


def _measures(report: DriftReport) -> Iterable[tuple[str, str, State, float, float]]:
    bounds = report.bounds
    for of in (report.score, *report.variables):
        yield _PSI, of.name, of.state, of.excess, bounds.alert
    for measure, subject, found in (
        (_ALERTS, f"scores from {report.alerts.threshold:.0f} on", report.alerts),
        (_CALIBRATION, "frauds", report.calibration),
    ):
        yield measure, subject, found.state, found.ratio or 0.0, bounds.calibration


def _clear_others(connection: Connection, watched: Iterable[tuple[str, str]]) -> None:
    """Clear what is open of versions that decide no longer: nobody will look at it again."""
    alerts, kept = tables.drift_alerts, set(watched)
    rows = connection.execute(
        select(alerts.c.alert_id, alerts.c.model_id, alerts.c.version).where(
            alerts.c.cleared_at.is_(None)
        )
    )
    gone = [row.alert_id for row in rows if (row.model_id, row.version) not in kept]
    if gone:
        connection.execute(
            update(alerts).where(alerts.c.alert_id.in_(gone)).values(cleared_at=now())
        )


def _alert(row: Row[tuple[object, ...]]) -> DriftAlert:
    return msgspec.convert(row._mapping, DriftAlert)
