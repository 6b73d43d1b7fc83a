"""Shadows: versions that score live events without acting, and how they compare."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ringfence.access import Scope
from ringfence.cases import called_outcomes
from ringfence.detectors import (
    Shadow,
    clear_shadow_decisions,
    get_shadow,
    list_shadows,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors.backtest.history import Window
from ringfence.detectors.backtest.judging import MAX_CASE_HOURS
from ringfence.detectors.shadows.report import ShadowReport, shadow_report
from ringfence.errors import InvalidInput, Unavailable
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("shadows")

_PATH = "/v1/detectors/{detector_id}/versions/{version}/shadow"
# One at a time: a report over a million events keeps a processor busy for a while, and deciding
# comes first.
_making = threading.Lock()
_WAIT_SECONDS = 30.0
# A page may look again as often as it likes: a tenth of the time at most goes into reports.
_PATIENCE = 10.0
_SHELF = 64


class ShadowQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which shadows: those of one detector, and only those that run."""

    detector: str | None = None
    running: bool = False


class ReportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events: those decided about from `from` on, and before `to`; a case lasts `case_hours`,
    by default until the end of the UTC day."""

    since: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = msgspec.field(default=None, name="to")
    case_hours: float | None = None

    def __post_init__(self) -> None:
        if self.case_hours is not None and not 0 < self.case_hours <= MAX_CASE_HOURS:
            raise InvalidInput(
                "out of range", field="case_hours", expected=f"above 0, at most {MAX_CASE_HOURS}"
            )


class Cleared(msgspec.Struct, frozen=True):
    """How many events a shadow's judgement was deleted of."""

    deleted: int


@operations.add("GET", "/v1/shadows", scope=Scope.RULES_READ, query=ShadowQuery, reply=list[Shadow])
def get_shadows(services: Services, call: Call) -> list[Shadow]:
    """Every time that a version ran as a shadow, the latest first."""
    with services.database.read() as connection:
        return list_shadows(connection, call.query.detector, running_only=call.query.running)


@operations.add("POST", _PATH, scope=Scope.RULES_WRITE, reply=Shadow, status=201)
def post_shadow(services: Services, call: Call) -> Shadow:
    """Have a draft or an inactive version score live events from now on, without acting."""
    with services.redefine() as connection:
        return start_shadow(
            connection, call.path["detector_id"], call.path["version"], by=call.principal.name
        )


@operations.add("GET", _PATH, scope=Scope.RULES_READ, reply=Shadow)
def get_one_shadow(services: Services, call: Call) -> Shadow:
    """The last time that a version ran as a shadow, and how it is doing."""
    with services.database.read() as connection:
        return get_shadow(connection, call.path["detector_id"], call.path["version"])


@operations.add("DELETE", _PATH, scope=Scope.RULES_WRITE, reply=Shadow)
def delete_shadow(services: Services, call: Call) -> Shadow:
    """Score no further event with a shadow; what it said is kept."""
    with services.redefine() as connection:
        return stop_shadow(
            connection, call.path["detector_id"], call.path["version"], by=call.principal.name
        )


@operations.add(
    "GET", f"{_PATH}/report", scope=Scope.RULES_READ, query=ReportQuery, reply=ShadowReport
)
def get_shadow_report(services: Services, call: Call) -> ShadowReport:
    """What a shadow and the deciding version said of the same events, side by side."""
    return make_report(services, call.path["detector_id"], call.path["version"], call.query)


@operations.add("DELETE", f"{_PATH}/decisions", scope=Scope.RULES_WRITE, reply=Cleared)
def delete_shadow_decisions(services: Services, call: Call) -> Cleared:
    """Delete what a stopped shadow said; that it ran stays on record."""
    return Cleared(
        clear_shadow_decisions(services.database, call.path["detector_id"], call.path["version"])
    )


def make_report(
    services: Services, detector_id: str, version: str, query: ReportQuery
) -> ShadowReport:
    """The report, some 15 s for a million events. Blocks.

    Raises `InvalidInput` naming the field, `NotFound`, `Unavailable` while others are made.
    """
    window = Window.between(query.since, query.until)
    if not _making.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable("other reports are being made", expected="trying again in a moment")
    try:
        with services.database.read() as connection:
            return shadow_report(
                connection,
                detector_id,
                version,
                window.since,
                window.until,
                alert_outcomes=called_outcomes(connection),
                case_hours=query.case_hours,
            )
    finally:
        _making.release()


@dataclass(frozen=True, slots=True)
class _Made:
    report: ShadowReport
    at: float
    took: float


_shelf: dict[tuple[str, str, str, ReportQuery], _Made] = {}


def recent_report(
    services: Services, detector_id: str, version: str, query: ReportQuery
) -> ShadowReport:
    """Like `make_report`, or the one before, if that is no older than ten times what it took: for
    pages that refresh themselves."""
    key = (services.database.url, detector_id, version, query)
    made = _shelf.get(key)
    if made is not None and time.monotonic() - made.at < _PATIENCE * made.took:
        return made.report
    began = time.monotonic()
    report = make_report(services, detector_id, version, query)
    ended = time.monotonic()
    if len(_shelf) >= _SHELF:
        _shelf.clear()
    _shelf[key] = _Made(report, ended, ended - began)
    return report


def forget_reports() -> None:
    """Make the next report anew: for who has just changed something that it tells of."""
    _shelf.clear()
