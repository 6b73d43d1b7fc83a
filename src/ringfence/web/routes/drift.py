"""Drift of model versions, its alerts, and model cards."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Annotated

import msgspec

from ringfence.access import Scope
from ringfence.detectors.drift.alerts import DriftAlert, acknowledge_alert, list_alerts
from ringfence.detectors.drift.checks import DriftCheck, drift_notes, list_checks, window_of
from ringfence.detectors.drift.report import DriftReport
from ringfence.errors import Unavailable
from ringfence.models import get_model, get_version, load_baseline
from ringfence.models.card import ModelCard, make_card
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("drift")
# One at a time: a report keeps a processor busy for a while, and deciding comes first.
_running = threading.Lock()
_Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class DriftQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The window: from its first moment to the one at which it ends; the last days if left out."""

    since: _Time | None = msgspec.field(default=None, name="from")
    until: _Time | None = msgspec.field(default=None, name="to")


class AlertsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which alerts: of one model, or only those that are open."""

    model: str | None = None
    open: bool = False


@operations.add("GET", "/v1/drift", scope=Scope.MODELS_READ, reply=list[DriftCheck])
def get_drift_checks(services: Services, call: Call) -> list[DriftCheck]:
    """The last check of every model version that was checked."""
    with services.database.read() as connection:
        return list_checks(connection)


@operations.add(
    "GET",
    "/v1/drift/alerts",
    scope=Scope.MODELS_READ,
    query=AlertsQuery,
    reply=list[DriftAlert],
)
def get_drift_alerts(services: Services, call: Call) -> list[DriftAlert]:
    """Alerts of drift, the newest first, 200 at most."""
    with services.database.read() as connection:
        return list_alerts(connection, open_only=call.query.open, model_id=call.query.model)


@operations.add(
    "POST",
    "/v1/drift/alerts/{alert_id}/acknowledgement",
    scope=Scope.MODELS_WRITE,
    reply=DriftAlert,
)
def post_drift_acknowledgement(services: Services, call: Call) -> DriftAlert:
    """Say that somebody knows of an alert; the first to say so stays."""
    with services.database.write() as connection:
        return acknowledge_alert(connection, call.path["alert_id"], by=call.principal.name)


@operations.add(
    "GET",
    "/v1/models/{model_id}/versions/{version}/drift",
    scope=Scope.MODELS_READ,
    query=DriftQuery,
    reply=DriftReport,
)
def get_drift(services: Services, call: Call) -> DriftReport:
    """How stored events stand to what a version was trained on; some seconds of work."""
    days = services.drift.checking.window_days
    since, until = window_of(call.query.since, call.query.until, days)
    return run_drift_report(services, call.path["model_id"], call.path["version"], since, until)


def run_drift_report(
    services: Services, model_id: str, version: str, since: datetime, until: datetime
) -> DriftReport:
    """The report, made beside the server. Blocks.

    Raises `NotFound`, `InvalidInput` naming `from` or `to`, `Unavailable` while another is made.
    """
    with services.database.read() as connection:
        get_version(connection, model_id, version)
    if not _running.acquire(blocking=False):
        raise Unavailable("another report is being made", expected="trying again when it is done")
    try:
        return services.drift.process.report(
            model_id, version, since, until, services.drift.checking
        )
    finally:
        _running.release()


@operations.add(
    "GET",
    "/v1/models/{model_id}/versions/{version}/card",
    scope=Scope.MODELS_READ,
    reply=ModelCard,
)
def get_model_card(services: Services, call: Call) -> ModelCard:
    """The model card of a version: data, metrics by segment, calibration, stability, limits."""
    model_id, version = call.path["model_id"], call.path["version"]
    with services.database.read() as connection:
        return make_card(
            get_model(connection, model_id),
            get_version(connection, model_id, version),
            load_baseline(connection, model_id, version),
            drift_notes(connection, model_id, version),
        )
