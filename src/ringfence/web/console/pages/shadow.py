"""One shadow beside the version that decides: what it would have done, and what to do about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors import (
    DetectorStatus,
    DetectorVersion,
    Shadow,
    ShadowState,
    activate_detector_version,
    clear_shadow_decisions,
    get_detector_version,
    list_shadows,
    start_shadow,
    stop_shadow,
)
from ringfence.detectors.shadows.report import ShadowReport
from ringfence.detectors.shadows.words import Conclusion
from ringfence.web.console import markup, shadow_charts, shadow_tables
from ringfence.web.console.charts import chart
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import (
    button,
    console_page,
    done,
    empty,
    every,
    heading,
    html,
    rewrite,
)
from ringfence.web.console.visit import Visit
from ringfence.web.routes.shadows import ReportQuery, forget_reports, recent_report

_REFRESH_SECONDS = 3.0
STATE_TONES = {
    ShadowState.SCORING: "good",
    ShadowState.WARMING_UP: "info",
    ShadowState.TROUBLED: "bad",
    ShadowState.STOPPED: "plain",
}
_STATUS_WORDS = {
    DetectorStatus.ACTIVE: "it decides",
    DetectorStatus.DRAFT: "a draft",
    DetectorStatus.INACTIVE: "an inactive version",
}
_CONCLUSION_TONES = {
    Conclusion.BETTER: "good",
    Conclusion.WORSE: "bad",
    Conclusion.MIXED: "warn",
    Conclusion.EQUAL: "plain",
    Conclusion.TOO_FEW: "info",
}


@dataclass(frozen=True, slots=True)
class _Known:
    version: DetectorVersion
    shadow: Shadow | None


@console_page(
    "/shadows/{detector_id}/{version}",
    title="Shadow",
    section="detectors",
    scope=Scope.RULES_READ,
)
async def shadow(visit: Visit) -> None:
    """The page."""
    detector_id, version = visit.path["detector_id"], visit.path["version"]
    known = await visit.read(lambda connection: _read(connection, detector_id, version))
    heading(
        f"Version {version} of {detector_id} as a shadow",
        "It scores the events that the active version decides about, and never acts.",
    )
    _bar(visit, known)
    if known.shadow is None:
        with ui.element("section").classes("panel"):
            empty(
                "This version never ran as a shadow",
                "Start it, and what it would have done appears here beside what was done.",
            )
        return
    comparison = _Comparison(visit, known.shadow)
    await comparison.refresh()
    every(visit, _REFRESH_SECONDS, comparison.refresh)


class _Comparison:
    """What has been compared so far; refreshes itself."""

    def __init__(self, visit: Visit, of: Shadow):
        self._visit = visit
        self._of = of
        self._shown: ShadowReport | None = None
        self._state = html("").props('aria-live="polite"')
        with ui.element("section").classes("panel").props('aria-label="In words"'):
            self._words = html("").props('aria-live="polite"')
        self._results = ui.element("div").classes("stack")
        with self._results:
            with ui.element("section").classes("panel flush").props('aria-label="Totals"'):
                html("Side by side", "h2")
                with ui.element("div").classes("scroll"):
                    self._totals = html("", "table").props('aria-label="Totals"')
            with ui.element("div").classes("columns"):
                with ui.element("section").classes("panel"):
                    html("Scores of all events", "h2")
                    self._scores = chart(
                        shadow_charts.scores(None), "Scores of all events, by version"
                    )
                with ui.element("section").classes("panel"):
                    html("Scores of frauds", "h2")
                    self._frauds = chart(
                        shadow_charts.fraud_scores(None), "Scores of frauds, by version"
                    )
            with ui.element("section").classes("panel"):
                html("Alerts a day", "h2")
                self._alerts = chart(shadow_charts.alerts(()), "Alerts a day, by version")
            with ui.element("section").classes("panel flush").props('aria-label="Outcomes"'):
                html("Where they agree, and where not", "h2")
                with ui.element("div").classes("scroll"):
                    self._agreements = html("", "table").props('aria-label="Outcomes"')
            with ui.element("section").classes("panel").props('aria-label="Compared on"'):
                html("Compared on", "h2")
                self._facts = html("")
        self._results.set_visibility(False)

    async def refresh(self) -> None:
        """Take in what is new."""
        of = self._of
        services = self._visit.services
        # Refuses a session that is over before the work starts.
        known = await self._visit.read(lambda c: _read(c, of.detector_id, of.version))
        report = await asyncio.to_thread(
            recent_report, services, of.detector_id, of.version, ReportQuery()
        )
        if known.shadow is not None:
            rewrite(self._state, _state(known.shadow, report))
        if report == self._shown:
            return
        first, self._shown = self._shown is None, report
        rewrite(self._words, _words(report))
        self._results.set_visibility(report.events > 0)
        if not report.events:
            return
        rewrite(self._totals, shadow_tables.totals(report))
        rewrite(self._agreements, shadow_tables.agreements(report))
        rewrite(self._facts, shadow_tables.compared_on(report))
        for drawn, options in (
            (self._scores, shadow_charts.scores(report.ranking)),
            (self._frauds, shadow_charts.fraud_scores(report.ranking)),
            (self._alerts, shadow_charts.alerts(report.days)),
        ):
            if first or drawn.options != options:
                drawn.options.clear()
                drawn.options.update(options)
                drawn.update()


def _read(connection: Connection, detector_id: str, version: str) -> _Known:
    found = get_detector_version(connection, detector_id, version)
    runs = [of for of in list_shadows(connection, detector_id) if of.version == version]
    return _Known(found, runs[0] if runs else None)


def _bar(visit: Visit, known: _Known) -> None:
    version, of = known.version, known.shadow
    with ui.element("div").classes("bar"):
        html(
            Markup("{} · {}").format(
                markup.link(markup.path("detectors", version.detector_id), "The detector"),
                _STATUS_WORDS[version.status],
            ),
            "span",
        )
        if not visit.allows(Scope.RULES_WRITE):
            return
        running = of is not None and of.stopped_at is None
        with ui.element("div").classes("bar push"):
            if of is not None and not running:
                button("Clear what it said", lambda: _ask_clear(visit, version), "danger")
            if running:
                button("Stop", lambda: _ask_stop(visit, version))
            elif version.status is not DetectorStatus.ACTIVE:
                button("Start as a shadow", lambda: ask_start(visit, version))
            if version.status is not DetectorStatus.ACTIVE:
                button("Activate", lambda: _ask_activate(visit, version), "primary")


def _state(of: Shadow, report: ShadowReport) -> Markup:
    said = [
        Markup("<span>{} since {}, started by {}</span>").format(
            markup.pill(of.state.value, STATE_TONES[of.state]),
            markup.moment(of.started_at),
            of.started_by,
        )
    ]
    if of.stopped_at is not None:
        by = "its activation" if of.stopped_by == "activation" else of.stopped_by
        said.append(
            Markup("<span class=soft>ended {} by {}</span>").format(
                markup.moment(of.stopped_at), by
            )
        )
    elif of.state is ShadowState.WARMING_UP:
        said.append(
            Markup("<span class=soft>{}</span>").format(
                "With the next event a server loads it, and builds the profiles that it lacks "
                "from history; until then it scores nothing."
            )
        )
    troubles = [of.trouble] if of.trouble else []
    if report.failed:
        reasons = "; ".join(f"{why.events:,} × {why.reason}" for why in report.failures[:3])
        troubles.append(f"it failed on {report.failed:,} events, which were decided: {reasons}")
    said += [Markup('<span class="error" role="alert">{}</span>').format(t) for t in troubles]
    return Markup('<div class="bar">{}</div>').format(markup.joined(said))


def _words(report: ShadowReport) -> Markup:
    if not report.events:
        return Markup('<div class="empty"><strong>{}</strong><p>{}</p></div>').format(
            report.words[0],
            "Every event that is decided while it scores appears here within seconds.",
        )
    return Markup("<p>{}</p>{}").format(
        markup.pill(report.conclusion.value, _CONCLUSION_TONES[report.conclusion]),
        Markup("").join(Markup("<p>{}</p>").format(sentence) for sentence in report.words),
    )


def ask_start(visit: Visit, version: DetectorVersion) -> None:
    """Ask before a version is started as a shadow, and show it then."""

    async def work() -> None:
        def start(connection: Connection, name: str) -> None:
            start_shadow(connection, version.detector_id, version.version, by=name)

        await visit.write(Scope.RULES_WRITE, start)
        forget_reports()
        done(f"Version {version.version} scores live events from now on.")
        ui.navigate.to(markup.path("shadows", version.detector_id, version.version))

    confirm(
        f"Start version {version.version} as a shadow?",
        "It scores every event that is decided about, and what it says is stored. It never acts: "
        "no case, no call.",
        "Start",
        work,
        danger=False,
    )


def _ask_stop(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        def stop(connection: Connection, name: str) -> None:
            stop_shadow(connection, version.detector_id, version.version, by=name)

        await visit.write(Scope.RULES_WRITE, stop)
        forget_reports()
        done(f"Version {version.version} scores no further event.")
        ui.navigate.reload()

    confirm(
        f"Stop version {version.version}?",
        "It scores no further event. What it said so far is kept.",
        "Stop",
        work,
        danger=False,
    )


def _ask_activate(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        def activate(connection: Connection, _name: str) -> None:
            activate_detector_version(connection, version.detector_id, version.version)

        await visit.write(Scope.RULES_WRITE, activate)
        forget_reports()
        done(f"Version {version.version} decides from now on.")
        ui.navigate.reload()

    confirm(
        f"Activate version {version.version}?",
        "It decides about every event from now on, and is a shadow no longer; the version that "
        "decides now becomes inactive.",
        "Activate",
        work,
        danger=False,
    )


def _ask_clear(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        await visit.write(Scope.RULES_WRITE, lambda _connection, _name: None)
        deleted = await asyncio.to_thread(
            clear_shadow_decisions,
            visit.services.database,
            version.detector_id,
            version.version,
        )
        forget_reports()
        done(f"Deleted what it said of {deleted:,} events.")
        ui.navigate.reload()

    confirm(
        f"Clear what version {version.version} said?",
        "The comparison cannot be made again. Decisions, events and cases stay as they are.",
        "Clear",
        work,
        danger=True,
    )
