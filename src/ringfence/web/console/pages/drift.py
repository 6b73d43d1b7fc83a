"""Drift: whether events still look as they did in training, of every version that decides."""

from __future__ import annotations

import asyncio

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.drift.alerts import DriftAlert, acknowledge_alert, list_alerts
from ringfence.detectors.drift.checks import DriftCheck, list_checks
from ringfence.errors import Unavailable
from ringfence.web.console import markup
from ringfence.web.console.charts import chart
from ringfence.web.console.drift_charts import score_over_time, state_pill
from ringfence.web.console.layout import attempt, button, console_page, done, empty, heading, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_SHOWN_ALERTS = 50


@console_page("/drift", title="Drift", section="drift", scope=Scope.MODELS_READ)
async def drift(visit: Visit) -> None:
    """The page."""
    _Watch(visit).place(*await visit.read(_read))


class _Watch:
    """Alerts and checks, made anew after each change."""

    def __init__(self, visit: Visit):
        self._visit = visit
        heading(
            "Drift",
            "Whether events still look as they did when the models were trained.",
        )
        self._body = ui.element("div").classes("stack")

    def place(self, checks: list[DriftCheck], alerts: list[DriftAlert]) -> None:
        """Show these."""
        self._body.clear()
        with self._body:
            self._bar(checks)
            if checks:
                self._alerts(alerts)
            for check in checks:
                _summary(check)

    def _bar(self, checks: list[DriftCheck]) -> None:
        every = self._visit.services.settings.drift_check_minutes
        with ui.element("section").classes("panel").props('aria-label="Checks"'):
            with ui.element("div").classes("bar"):
                html(
                    f"The versions that decide now are checked every {every} minutes."
                    if every
                    else "Checks by schedule are off (drift_check_minutes is 0).",
                    "p",
                ).classes("soft")
                if self._visit.allows(Scope.MODELS_WRITE):
                    self._button = button("Check now", self._check).classes("push")
            if not checks:
                empty(
                    "Nothing was checked yet",
                    Markup(
                        "Publish a detector that uses a model; the next check compares what it "
                        "decides about with what it was trained on. On the command line: "
                        "<code>ringfence drift</code>"
                    ),
                )

    def _alerts(self, alerts: list[DriftAlert]) -> None:
        with ui.element("section").classes("panel flush").props('aria-label="Alerts"'):
            opened = sum(1 for alert in alerts if alert.cleared_at is None)
            with ui.element("div").classes("bar"):
                html("Alerts", "h2")
                html(f"{opened} open", "span").classes("soft")
                waiting = [alert.alert_id for alert in alerts if _waits(alert)]
                if len(waiting) > 1 and self._visit.allows(Scope.MODELS_WRITE):
                    button(
                        f"Acknowledge {len(waiting)}", lambda: self._acknowledge(*waiting)
                    ).classes("push")
            if not alerts:
                empty("No alert", "Nothing has been beyond its bounds.")
                return
            with table(
                "Model", "What", ">Value", ">Bound", "Raised", "State", "", label="Alerts",
                spare="spare-4 spare-5",
            ):  # fmt: skip
                for alert in alerts[:_SHOWN_ALERTS]:
                    self._alert(alert)

    def _alert(self, alert: DriftAlert) -> None:
        here = markup.path("models", alert.model_id, alert.version, "drift")
        what = alert.subject if alert.measure == "psi" else f"{alert.subject}, by expected"
        if alert.cleared_at is not None:
            state = markup.pill("cleared", "good")
        elif alert.acknowledged_at is not None:
            state = markup.pill(f"open, known to {alert.acknowledged_by}", "warn")
        else:
            state = markup.pill("open", "bad")
        with (
            row(
                markup.link(here, f"{alert.model_id} {alert.version}"),
                what,
                Markup('<div class="number">{}</div>').format(f"{alert.value:.2f}"),
                Markup('<div class="number">{}</div>').format(f"{alert.bound:g}"),
                markup.moment(alert.raised_at),
                state,
            ),
            actions(),
        ):
            if _waits(alert) and self._visit.allows(Scope.MODELS_WRITE):
                button("Acknowledge", lambda: self._acknowledge(alert.alert_id))

    async def _acknowledge(self, *alert_ids: str) -> None:
        def acknowledge(connection: Connection, name: str) -> None:
            for alert_id in alert_ids:
                acknowledge_alert(connection, alert_id, by=name)

        async def work() -> None:
            await self._visit.write(Scope.MODELS_WRITE, acknowledge)

        if await attempt(work):
            self.place(*await self._visit.read(_read))

    async def _check(self) -> None:
        self._visit.active()
        self._button.disable()

        async def work() -> None:
            # Refuses a session that is over before it starts.
            await self._visit.write(Scope.MODELS_WRITE, lambda connection, name: None)
            checked = await asyncio.to_thread(self._visit.services.drift.look_now)
            if not checked.reports:
                raise Unavailable("no version that decides now can be watched")
            done(f"{len(checked.reports)} checked, {len(checked.raised)} new alerts")

        try:
            if await attempt(work):
                self.place(*await self._visit.read(_read))
        finally:
            self._button.enable()


def _waits(alert: DriftAlert) -> bool:
    return alert.cleared_at is None and alert.acknowledged_at is None


def _read(connection: Connection) -> tuple[list[DriftCheck], list[DriftAlert]]:
    return list_checks(connection), list_alerts(connection, limit=_SHOWN_ALERTS)


def _summary(check: DriftCheck) -> None:
    report = check.report
    name = f"{report.model_id} {report.version}"
    here = markup.path("models", report.model_id, report.version, "drift")
    worst = sorted(report.variables, key=lambda of: -of.excess)[:6]
    with ui.element("section").classes("panel").props(f'aria-label="Drift of {name}"'):
        with ui.element("div").classes("bar"):
            html(markup.link(here, name), "h2")
            html(state_pill(report.state), "span")
            html(
                Markup("{} events until {}").format(
                    f"{report.events:,}", markup.moment(report.until)
                ),
                "span",
            ).classes("soft push")
        with ui.element("div").classes("columns"):
            chart(score_over_time(report), f"Stability index of the score of {name} over time")
            rows = Markup("").join(
                Markup(
                    '<tr><td><span class="clip" title="{0}">{0}</span></td><td>{1}</td>'
                    '<td class="number">{2}</td></tr>'
                ).format(of.name, state_pill(of.state), f"{of.psi:.3f}")
                for of in worst
            )
            html(
                Markup(
                    "<thead><tr><th>Moved most</th><th>State</th><th class=number>Index</th></tr>"
                    "</thead><tbody>{}</tbody>"
                ).format(rows),
                "table",
            ).props(f'aria-label="What moved most, {name}"')
