"""Drift of one version: score and frauds over time, each variable by week, its distribution."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.drift.checks import DriftCheck, last_check, window_of
from ringfence.detectors.drift.report import Drift, DriftReport
from ringfence.models import get_version
from ringfence.web.console import drift_charts, markup
from ringfence.web.console.charts import chart
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, console_page, empty, heading, html
from ringfence.web.console.visit import Visit
from ringfence.web.routes.drift import run_drift_report

_NAMED = 4


@console_page("/models/{model_id}/{version}/drift", title="Drift", section="drift",
              scope=Scope.MODELS_READ)  # fmt: skip
async def version_drift(visit: Visit) -> None:
    """The page."""
    model_id, number = visit.path["model_id"], visit.path["version"]

    def read(connection: Connection) -> DriftCheck | None:
        get_version(connection, model_id, number)
        return last_check(connection, model_id, number)

    check = await visit.read(read)
    ui.add_head_html(f"<style>{drift_charts.STYLE}</style>")
    heading(f"Drift of {model_id}, version {number}", "Stored events beside those of its training.")
    _Bench(visit, model_id, number, None if check is None else check.report)


class _Bench:
    """The window, and below it the report on it."""

    def __init__(self, visit: Visit, model_id: str, version: str, report: DriftReport | None):
        self._visit, self._model_id, self._version = visit, model_id, version
        self._form = form = Form()
        days = visit.services.drift.checking.window_days
        with ui.element("section").classes("panel").props('aria-label="Window"'):
            with ui.element("div").classes("form"):
                form.add(
                    "from",
                    text_field("From", hint=f"First day. Empty: {days:g} days before the end"),
                )
                form.add("to", text_field("To", hint="The day after the last. Empty: until now"))
            form.place_general_error()
            with ui.element("div").classes("bar"):
                self._button = button("Compare", self._run, "primary")
                model = markup.path("models", model_id, version)
                html(
                    markup.joined(
                        (
                            markup.link(model, "The version"),
                            markup.link(f"{model}/card", "Its model card"),
                            markup.link("/drift", "All versions"),
                        ),
                        " · ",
                    ),
                    "span",
                ).classes("push")
        self._results = ui.element("div").classes("stack").props('aria-live="polite"')
        with self._results:
            if report is None:
                with ui.element("section").classes("panel"):
                    empty(
                        "Not checked yet",
                        "Choose a window and compare, or wait for the next check of the versions "
                        "that decide.",
                    )
            else:
                _show(report)

    async def _run(self) -> None:
        self._visit.active()
        self._button.disable()
        try:
            await self._form.submit(self._work)
        finally:
            self._button.enable()

    async def _work(self) -> None:
        since, until = window_of(
            self._form.text("from") or None,
            self._form.text("to") or None,
            self._visit.services.drift.checking.window_days,
        )
        # Refuses a session that is over before it starts.
        await self._visit.read(lambda connection: None)
        report = await asyncio.to_thread(
            run_drift_report, self._visit.services, self._model_id, self._version, since, until
        )
        self._results.clear()
        with self._results:
            _show(report)


def _show(report: DriftReport) -> None:
    if not any(of.events for of in report.slices):
        with ui.element("section").classes("panel"):
            empty(
                "No event in this window",
                f"The event log has no event of type {report.event_type} there. Widen the window.",
            )
        return
    with ui.element("section").classes("panel").props('aria-label="Summary"'):
        with ui.element("div").classes("bar"):
            html("Summary", "h2")
            html(drift_charts.state_pill(report.state), "span")
        html(_facts(report))
    with ui.element("div").classes("columns"):
        with ui.element("section").classes("panel"):
            html("Score", "h2")
            chart(drift_charts.score_over_time(report), "Stability index of the score over time")
        with ui.element("section").classes("panel"):
            html("Labelled frauds", "h2")
            chart(drift_charts.frauds_over_time(report), "Frauds seen and expected over time")
        with ui.element("section").classes("panel"):
            html("Calibration", "h2")
            if any(of.events for of in report.score_bins):
                chart(drift_charts.calibration(report), "Share of fraud by score")
            else:
                empty("No labelled event", "Verdicts and analysts' decisions will tell.")
        with ui.element("section").classes("panel"):
            _Distribution((report.score, *report.variables))
    with ui.element("section").classes("panel flush").props('aria-label="Variables by week"'):
        with ui.element("div").classes("bar"):
            html("Stability index by variable and time", "h2")
            html(
                f"{report.bounds.watch:g} is watched, {report.bounds.alert:g} is an alert; a dot "
                "means too few events. What chance alone gives is taken off.",
                "span",
            ).classes("soft")
        with ui.element("div").classes("scroll").props('tabindex="0"'):
            html(drift_charts.heat_table(report), "table").props(
                'aria-label="Stability index by variable and time"'
            )


class _Distribution:
    """How one variable was and is distributed; the most moved one first."""

    def __init__(self, of: tuple[Drift, ...]):
        ordered = sorted(of, key=lambda each: (-each.excess, each.name))
        self._by_name: Mapping[str, Drift] = {each.name: each for each in ordered}
        with ui.element("div").classes("bar"):
            html("Distribution", "h2")
            self._choice = choice_field("Of", list(self._by_name), ordered[0].name)
            self._choice.classes("push").style("min-width: 16rem")
        self._chart = chart(
            drift_charts.distribution(ordered[0]), "Shares of events by bin, now and expected"
        )
        self._choice.on_value_change(self._draw)

    def _draw(self) -> None:
        options = drift_charts.distribution(self._by_name[self._choice.value])
        self._chart.options.clear()
        self._chart.options.update(options)
        self._chart.update()


def _facts(report: DriftReport) -> Markup:
    frauds = report.calibration
    ratio = (
        frauds.state.value
        if frauds.ratio is None
        else f"{frauds.ratio:.2f} times as many ({frauds.ratio_low:.2f} to {frauds.ratio_high:.2f})"
    )
    drawn = "" if report.sampled == 1 else f", one of {report.sampled} drawn"
    high = report.alerts
    share = "-" if high.share is None else markup.share(high.share, 2)
    return markup.facts(
        (
            ("From", markup.moment(report.since)),
            ("To", markup.moment(report.until)),
            ("Events", f"{report.events:,}{drawn}"),
            ("Scored by this version", f"{report.scored:,}"),
            ("Beyond bounds", _some(report.beyond)),
            ("Index of the score", f"{report.score.psi:.3f} ({report.score.state})"),
            (f"Scores from {high.threshold:.0f} on", f"{share} ({high.state})"),
            ("Expected of these", markup.share(high.expected, 2)),
            ("Labelled events", f"{frauds.labelled:,}"),
            ("Frauds among them", f"{frauds.frauds:,}, {frauds.expected:,.1f} expected"),
            ("Frauds by expected", ratio),
        )
    )


def _some(names: Sequence[str]) -> str:
    """The first of many names: the table below has them all."""
    if not names:
        return "nothing"
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
