"""Drift: whether events still look as they did when a model version was trained.

Beside the way of a transaction: it reads what was stored, and changes nothing. Alerts are raised by
`alerts`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
from sqlalchemy import Connection, delete, insert, select

from ringfence.detectors import tables
from ringfence.detectors.backtest.history import Window
from ringfence.detectors.drift.counting import Counting
from ringfence.detectors.drift.report import Counts, DriftReport, build_report
from ringfence.errors import InvalidInput
from ringfence.models.stability import Bounds, State
from ringfence.storage import now

SLICE = timedelta(days=7)
_MOST_SLICES = 60
DEFAULT_BOUNDS = Bounds()


class DriftCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The last check of a model version."""

    checked_at: datetime
    report: DriftReport


def drift_report(
    connection: Connection,
    model_id: str,
    version: str,
    since: datetime,
    until: datetime,
    *,
    bounds: Bounds = DEFAULT_BOUNDS,
    history: timedelta = timedelta(0),
    most_events: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> DriftReport:
    """How the events from `since` on and before `until` stand to what a version was trained on.

    The report has a slice for each week back from `until` (a day for a window of two weeks or less
    without history, longer ones for more than 60 weeks), and `history` before `since` for
    comparison. Of more than `most_events` in all a part is drawn; the report says which. One
    million events take some 20 s. Raises `NotFound` for an unknown version or one without a
    baseline, `InvalidInput` for a window that is empty or has no offset.
    """
    Window(since, until).check()
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    counting = Counting(connection, model_id, version)
    first = since - history
    every = counting.sampling(first, until, most_events)
    widths = [of.bins.count for of in counting.baseline.watched]
    counted = [
        Counts(start, end, widths, judged=start >= since)
        for start, end in slices_of(first, since, until)
    ]
    for done, of in enumerate(counted):
        counting.count(of, every=every)
        if progress:
            progress((done + 1) / len(counted))
    return build_report(
        model_id,
        version,
        counting.event_type.name,
        counting.baseline,
        counted,
        bounds,
        since=since,
        until=until,
        sampled=every,
    )


def window_of(since: str | None, until: str | None, days: float) -> tuple[datetime, datetime]:
    """A window from two ISO 8601 texts, taken as UTC where they name no offset; without an end it
    ends now, without a beginning it has so many days.

    Raises `InvalidInput` naming `from` or `to`.
    """
    window = Window.read(since, until)
    end = window.until or now()
    try:
        begin = window.since or end - timedelta(days=days)
    except OverflowError:
        raise InvalidInput("out of range", field="to", expected="such as 2026-04-01") from None
    if begin >= end:
        raise InvalidInput("is not after the beginning", field="to", expected="a later time")
    return begin, end


def slices_of(first: datetime, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The slices from `first` to `until`, in order: of equal length counted back from `until` and
    from `since`, so that none lies on both sides of it; the oldest of each may be shorter."""
    length = SLICE if until - first > 2 * SLICE else timedelta(days=1)
    while (until - first) / length > _MOST_SLICES:
        length *= 4
    edges = [until]
    for begin in (since, first):
        while edges[-1] - length > begin:
            edges.append(edges[-1] - length)
        if edges[-1] > begin:
            edges.append(begin)
    edges.reverse()
    return list(pairwise(edges))


def keep_check(connection: Connection, report: DriftReport) -> DriftCheck:
    """Keep a report as the last check of its version."""
    check = DriftCheck(checked_at=now(), report=report)
    checks = tables.drift_checks
    connection.execute(
        delete(checks).where(
            checks.c.model_id == report.model_id, checks.c.version == report.version
        )
    )
    connection.execute(
        insert(checks).values(
            model_id=report.model_id,
            version=report.version,
            checked_at=check.checked_at,
            report=report,
        )
    )
    return check


def list_checks(connection: Connection, model_id: str | None = None) -> list[DriftCheck]:
    """The last check of every version that was checked, or of those of one model, by model and
    version, the latest version first."""
    checks = tables.drift_checks
    query = select(checks)
    if model_id is not None:
        query = query.where(checks.c.model_id == model_id)
    found = [
        DriftCheck(checked_at=row.checked_at, report=msgspec.convert(row.report, DriftReport))
        for row in connection.execute(query)
    ]
    found.sort(key=lambda check: float(check.report.version), reverse=True)
    return sorted(found, key=lambda check: check.report.model_id)


def last_check(connection: Connection, model_id: str, version: str) -> DriftCheck | None:
    """The last check of a version; None when there was none."""
    checks = tables.drift_checks
    row = connection.execute(
        select(checks).where(checks.c.model_id == model_id, checks.c.version == version)
    ).first()
    if row is None:
        return None
    return DriftCheck(checked_at=row.checked_at, report=msgspec.convert(row.report, DriftReport))


def drift_notes(connection: Connection, model_id: str, version: str) -> list[str]:
    """What the last check of a version found, in sentences; empty when there was none, or nothing
    was beyond its bounds."""
    check = last_check(connection, model_id, version)
    if check is None or not check.report.beyond:
        return []
    report = check.report
    window = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    notes = [
        f"{of.name} has moved: stability index {of.psi:.2f} in the events of {window}."
        for of in (report.score, *report.variables)
        if of.state is State.ALERT
    ]
    high = report.alerts
    if high.state is State.ALERT and high.share is not None:
        notes.append(
            f"{high.share:.2%} of the events of {window} scored {high.threshold:.0f} or more, "
            f"where {high.expected:.2%} were expected."
        )
    frauds = report.calibration
    if frauds.state is State.ALERT:
        notes.append(
            f"{frauds.frauds:,} of {frauds.labelled:,} labelled events were fraud where "
            f"{frauds.expected:,.0f} were expected, {window}."
        )
    return notes
