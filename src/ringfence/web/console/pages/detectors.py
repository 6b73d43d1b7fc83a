"""Detectors: what decides, and where to make another."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors import (
    Detector,
    DetectorStatus,
    DetectorVersion,
    list_detector_versions,
    list_detectors,
    put_detector,
)
from ringfence.events import list_event_types
from ringfence.web.console import markup
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import button, console_page, empty, heading, html
from ringfence.web.console.visit import Visit


@console_page("/detectors", title="Detectors", section="detectors", scope=Scope.RULES_READ)
async def detectors(visit: Visit) -> None:
    """The page."""
    heading("Detectors", "A detector version is models and rules; one version decides at a time.")
    found, event_types = await visit.read(_read)
    with ui.element("section").classes("panel flush"):
        if found:
            rows = Markup("").join(_row(detector, versions) for detector, versions in found)
            with ui.element("div").classes("scroll"):
                html(_HEAD + Markup("<tbody>{}</tbody>").format(rows), "table").props(
                    'aria-label="Detectors"'
                )
        else:
            empty("No detector yet", "Make one below, add a rule to it, and publish a version.")
    if visit.allows(Scope.RULES_WRITE):
        _new_detector(visit, event_types)


def _new_detector(visit: Visit, event_types: list[str]) -> None:
    form = Form()

    async def make() -> None:
        async def work() -> None:
            detector = Detector(
                detector_id=form.text("detector_id"),
                event_type=form.text("event_type"),
                description=form.text("description"),
            )
            await visit.write(
                Scope.RULES_WRITE, lambda connection, _: put_detector(connection, detector)
            )
            ui.navigate.to(markup.path("detectors", detector.detector_id))

        await form.submit(work)

    with ui.element("section").classes("panel").props('aria-label="New detector"'):
        html("New detector", "h2")
        with ui.element("div").classes("form"):
            form.add("detector_id", text_field("Id", hint="Letters a-z, digits, _ and -"))
            form.add(
                "event_type",
                choice_field("Event type", event_types, event_types[0] if event_types else None),
            )
            form.add("description", text_field("Description"))
        form.place_general_error()
        with ui.element("div").classes("bar"):
            button("Make the detector", make, "primary")


def _read(
    connection: Connection,
) -> tuple[list[tuple[Detector, list[DetectorVersion]]], list[str]]:
    found = [
        (detector, list_detector_versions(connection, detector.detector_id))
        for detector in list_detectors(connection)
    ]
    return found, [event_type.name for event_type in list_event_types(connection)]


_HEAD = Markup(
    "<thead><tr><th>Detector</th><th>Event type</th><th>Decides</th><th>Models</th>"
    "<th class=number>Rules</th><th class=number>Versions</th><th>Since</th></tr></thead>"
)


def _row(detector: Detector, versions: list[DetectorVersion]) -> Markup:
    active = next((v for v in versions if v.status is DetectorStatus.ACTIVE), None)
    return Markup(
        "<tr><td><b>{}</b></td><td>{}</td><td>{}</td><td>{}</td>"
        '<td class="number">{}</td><td class="number">{}</td><td class="tight">{}</td></tr>'
    ).format(
        markup.link(markup.path("detectors", detector.detector_id), detector.detector_id),
        detector.event_type,
        markup.pill(f"version {active.version}", "good")
        if active
        else markup.pill("nothing active", "warn"),
        ", ".join(active.model_names) if active else "",
        len(active.rules) if active else 0,
        len(versions),
        markup.moment(active.activated_at) if active else "",
    )
