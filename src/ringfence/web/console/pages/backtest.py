"""Backtest: what a detector version would have done with stored events, beside another one."""

from __future__ import annotations

import asyncio
from typing import Any

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors import DetectorStatus, list_detector_versions, list_detectors
from ringfence.detectors.backtest.history import Window
from ringfence.detectors.backtest.report import BacktestReport, VersionReport
from ringfence.errors import InvalidInput
from ringfence.web.console import markup
from ringfence.web.console.charts import axis, bars, chart, legend
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, console_page, empty, heading, html
from ringfence.web.console.visit import Visit
from ringfence.web.routes.backtests import BacktestBody, run_backtest

_NONE = "nothing"
_MARKS = (("--good-mark", "--bad-mark"), ("--accent", "--warn-mark"))


@console_page("/backtest", title="Backtest", section="backtest", scope=Scope.RULES_READ)
async def backtest(visit: Visit) -> None:
    """The page."""
    heading(
        "Backtest",
        "What a detector version would have done with past events. Nothing is stored, nobody is "
        "called.",
    )
    versions = await visit.read(_read)
    if not versions:
        with ui.element("section").classes("panel"):
            empty(
                "No detector version yet",
                Markup("Publish one under {}; then test it here.").format(
                    markup.link("/detectors", "Detectors")
                ),
            )
        return
    _Bench(visit, versions)


class _Bench:
    """The form, and below it what came of the last run."""

    def __init__(self, visit: Visit, versions: dict[str, list[str]]):
        self._visit = visit
        self._versions = versions
        self._share = 0.0
        self._form = form = Form()
        first = next(iter(versions))
        with ui.element("section").classes("panel").props('aria-label="What to test"'):
            with ui.element("div").classes("form"):
                self._detector = form.add(
                    "detector", choice_field("Detector", list(versions), first)
                )
                self._version = form.add(
                    "version", choice_field("Version", versions[first], versions[first][0])
                )
                self._against = form.add(
                    "against", choice_field("Against", [_NONE, *versions[first]], _NONE)
                )
                form.add("from", text_field("From", hint="First day, such as 2026-03-01"))
                form.add("to", text_field("To", hint="The day after the last; empty: until now"))
                form.add(
                    "case_hours", text_field("Hours of a case", hint="Empty: until the day ends")
                )
            form.place_general_error()
            with ui.element("div").classes("bar"):
                self._button = button("Run the backtest", self._run, "primary")
                self._progress = ui.linear_progress(0, show_value=False).classes("push")
                self._progress.props('aria-label="Progress" rounded').style("max-width: 240px")
                self._progress.set_visibility(False)
        self._results = ui.element("div").classes("stack").props('aria-live="polite"')
        with self._results, ui.element("section").classes("panel"):
            empty(
                "Nothing tested yet",
                "Choose a version and a window, and run: alerts, calls, money and people appear "
                "here.",
            )
        self._detector.on_value_change(self._choose)

    def _choose(self) -> None:
        self._visit.active()
        of_detector = self._versions[self._detector.value]
        self._version.set_options(of_detector, value=of_detector[0])
        self._against.set_options([_NONE, *of_detector], value=_NONE)

    async def _run(self) -> None:
        self._visit.active()
        self._share = 0.0
        self._button.disable()
        self._progress.set_visibility(True)
        shown = ui.timer(0.3, lambda: self._progress.set_value(round(self._share, 2)))
        try:
            await self._form.submit(self._work)
        finally:
            shown.deactivate()
            self._progress.set_visibility(False)
            self._button.enable()

    async def _work(self) -> None:
        against = self._against.value
        window = Window.read(self._form.text("from") or None, self._form.text("to") or None)
        body = BacktestBody(
            detector=self._detector.value,
            version=self._version.value,
            against=None if against == _NONE else against,
            since=window.since,
            until=window.until,
            case_hours=_hours(self._form.text("case_hours")),
        )

        def note(share: float) -> None:
            self._share = share

        # Refuses a session that is over before it starts.
        await self._visit.read(lambda connection: None)
        report = await asyncio.to_thread(run_backtest, self._visit.services, body, note)
        self._results.clear()
        with self._results:
            _show(report)


def _read(connection: Connection) -> dict[str, list[str]]:
    """The versions of each detector that has one, the active one first, then the latest."""
    found = {}
    for detector in list_detectors(connection):
        versions = list_detector_versions(connection, detector.detector_id)
        versions.sort(key=lambda v: (v.status is DetectorStatus.ACTIVE, v.created_at), reverse=True)
        if versions:
            found[detector.detector_id] = [version.version for version in versions]
    return found


def _show(report: BacktestReport) -> None:
    if report.events == 0 or report.first_at is None:
        with ui.element("section").classes("panel"):
            empty(
                "No event in this window",
                f"The event log has no event of type {report.event_type} there. Widen the window, "
                "or send events first.",
            )
        return
    names = [f"Version {of.version}" for of in report.versions]
    with ui.element("section").classes("panel").props('aria-label="Alerts a day"'):
        html("Alerts a day", "h2")
        for of in report.versions:
            if of.trained_until is not None and report.first_at <= of.trained_until:
                html(
                    Markup(
                        "Version {} has a model that learned from events until {}: up to then "
                        "this flatters it."
                    ).format(of.version, markup.moment(of.trained_until)),
                    "p",
                ).classes("soft")
        chart(_alerts_by_day(report), "Alerts a day, true and false, by version")
    with ui.element("section").classes("panel flush").props('aria-label="Totals"'):
        with ui.element("div").classes("bar"):
            html("Totals", "h2")
            html(
                Markup("{} events, {} to {}; an alert is {}").format(
                    f"{report.events:,}",
                    markup.moment(report.first_at),
                    markup.moment(report.last_at),
                    ", ".join(report.alert_outcomes),
                ),
                "span",
            ).classes("soft")
        with ui.element("div").classes("scroll"):
            html(_totals(report, names), "table").props('aria-label="Totals"')
    for of in report.versions:
        with (
            ui.element("section")
            .classes("panel flush")
            .props(f'aria-label="Rules of version {of.version}"')
        ):
            with ui.element("div").classes("bar"):
                html(f"Rules of version {of.version}", "h2")
            with ui.element("div").classes("scroll"):
                html(_rules(of), "table").props(f'aria-label="Rules of version {of.version}"')


_TOTALS = (
    ("Frauds", "frauds", "count"),
    ("Legitimate events", "legits", "count"),
    ("Events without a label", "unlabelled", "count"),
    ("Alerts", "alerts", "count"),
    ("Frauds caught", "caught", "count"),
    ("False alerts", "false_alerts", "count"),
    ("Precision", "precision", "share"),
    ("Recall", "recall", "share"),
    ("False positive rate", "false_positive_rate", "share"),
    ("Alert rate", "alert_rate", "share"),
    ("Calls placed", "calls", "count"),
    ("Alerts that name no card", "alerts_without_card", "count"),
    ("Customers disturbed", "customers_disturbed", "count"),
    ("Fraud amount", "fraud_amount", "money"),
    ("Saved: caught", "caught_amount", "money"),
    ("Saved: prevented after a call", "prevented_amount", "money"),
    ("Missed", "missed_amount", "money"),
    ("Legitimate amount interrupted", "interrupted_amount", "money"),
)


def _totals(report: BacktestReport, names: list[str]) -> Markup:
    compared = report.comparison
    heads = [*names, "Difference"] if compared else names
    rows = []
    for label, name, kind in _TOTALS:
        cells = [_cell(getattr(of.totals, name), kind) for of in report.versions]
        if compared:
            cells.append(_cell(compared.differences.get(name), kind, signed=True))
        rows.append(_row(label, cells))
    if compared:
        for label, split in (
            ("Alerts of both", compared.both),
            (f"Alerts of {names[0].lower()} only", compared.only_first),
            (f"Alerts of {names[1].lower()} only", compared.only_second),
        ):
            text = f"{split.events:,} ({split.frauds:,} frauds)"
            rows.append(_row(label, ["", "", text]))
    return Markup("<thead><tr><th></th>{}</tr></thead><tbody>{}</tbody>").format(
        Markup("").join(Markup("<th class=number>{}</th>").format(head) for head in heads),
        Markup("").join(rows),
    )


def _rules(of: VersionReport) -> Markup:
    rows = Markup("").join(
        Markup(
            '<tr><td><b>{}</b> <span class="soft">{}</span></td><td>{}</td>'
            '<td class="number">{}</td><td class="number">{}</td><td class="number">{}</td>'
            '<td class="number">{}</td></tr>'
        ).format(
            rule.rule_id,
            rule.version,
            markup.joined(markup.pill(name) for name in rule.outcomes),
            *(f"{n:,}" for n in (rule.matched, rule.frauds, rule.legits, rule.not_evaluated)),
        )
        for rule in of.rules
    )
    return Markup(
        "<thead><tr><th>Rule</th><th>Outcomes</th><th class=number>Matched</th>"
        "<th class=number>Frauds</th><th class=number>Legitimate</th>"
        "<th class=number>Not evaluated</th></tr></thead><tbody>{}</tbody>"
    ).format(rows)


def _row(label: str, cells: list[str]) -> Markup:
    return Markup("<tr><td>{}</td>{}</tr>").format(
        label, Markup("").join(Markup('<td class="number">{}</td>').format(c) for c in cells)
    )


def _cell(value: float | None, kind: str, *, signed: bool = False) -> str:
    if value is None:
        return "-"
    sign = "+" if signed else ""
    if kind == "share":
        return f"{value * 100:{sign}.2f} %"
    return f"{value:{sign},.2f}" if kind == "money" else f"{value:{sign},.0f}"


def _alerts_by_day(report: BacktestReport) -> dict[str, Any]:
    several = len(report.versions) > 1
    series = []
    for place, of in enumerate(report.versions):
        marks = _MARKS[place]
        suffix = f", version {of.version}" if several else ""
        parts = (
            ("caught", [day.caught for day in of.days], marks[0]),
            ("not fraud, or unlabelled", [day.alerts - day.caught for day in of.days], marks[1]),
        )
        for name, values, colour in parts:
            drawn = bars(f"{name}{suffix}", [float(value) for value in values], colour)
            series.append({**drawn, "stack": f"{place}", "barMaxWidth": 22})
    return {
        "animation": False,
        "grid": {"left": 52, "right": 12, "top": 58 if several else 34, "bottom": 30},
        "legend": legend(),
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            **axis("", gap=24),
            "type": "category",
            "data": [day.date.isoformat() for day in report.versions[0].days],
        },
        "yAxis": axis("Alerts", gap=36),
        "series": series,
    }


def _hours(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("not a number", field="case_hours", expected="such as 24") from None
