"""Backtests over stored history: what a detector version would have done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import msgspec

from ringfence.access import Scope
from ringfence.cases import called_outcomes
from ringfence.detectors.backtest.history import LoggedEvents, Window
from ringfence.detectors.backtest.judging import backtest, check_outcomes, subject
from ringfence.detectors.backtest.report import BacktestReport
from ringfence.errors import TooLarge, Unavailable
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("backtests")

MAX_EVENTS = 200_000
# One at a time: a backtest keeps a processor busy for a while, and deciding comes first.
_running = threading.Lock()


class BacktestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to test, on which events.

    The active version when `version` is left out; `against` is another version of the same
    detector, for a comparison. `from` is the first moment, `to` the one at which the window ends.
    `alert_outcomes` are by default those that have a contact plan; a case lasts `case_hours`, by
    default until the end of the UTC day.
    """

    detector: str
    version: str | None = None
    against: str | None = None
    since: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = msgspec.field(default=None, name="to")
    alert_outcomes: tuple[str, ...] | None = None
    case_hours: float | None = None


@operations.add(
    "POST", "/v1/backtests", scope=Scope.RULES_READ, body=BacktestBody, reply=BacktestReport
)
def post_backtest(services: Services, call: Call) -> BacktestReport:
    """What a detector version would have done with stored events; nothing is changed."""
    return run_backtest(services, call.body)


def run_backtest(
    services: Services, body: BacktestBody, progress: Callable[[float], None] | None = None
) -> BacktestReport:
    """The report, some 10 s for 100,000 events. Blocks.

    Raises `InvalidInput` naming the field, `NotFound`, `TooLarge` for more than 200,000 events,
    `Unavailable` while another backtest runs.
    """
    window = Window.between(body.since, body.until)
    window.check()
    if not _running.acquire(blocking=False):
        raise Unavailable("another backtest is running", expected="trying again when it is done")
    try:
        with services.database.read() as connection:
            catalog = services.engine.catalog
            subjects = [subject(connection, catalog, body.detector, body.version)]
            if body.against is not None:
                subjects.append(subject(connection, catalog, body.detector, body.against))
            outcomes = body.alert_outcomes
            if outcomes is None:
                outcomes = called_outcomes(connection)
            check_outcomes(connection, outcomes)
            past = LoggedEvents(connection, subjects[0].event_type, window)
            # Profiles remember what was before the window, so that has to be read too.
            read = past
            if any(of.runtime.plans for of in subjects):
                read = LoggedEvents(connection, subjects[0].event_type, Window(until=window.until))
            count = read.count()
            if count > MAX_EVENTS:
                raise TooLarge(
                    f"{count:,} events would have to be read",
                    field="from",
                    expected=f"a window with at most {MAX_EVENTS:,}, or: ringfence backtest",
                )
            return backtest(
                past,
                subjects,
                alert_outcomes=outcomes,
                case_hours=body.case_hours,
                database_url=services.database.url,
                progress=progress,
            )
    finally:
        _running.release()
