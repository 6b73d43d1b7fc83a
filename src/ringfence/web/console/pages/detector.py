"""One detector: its versions, a rule editor, and publishing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors import (
    Detector,
    DetectorStatus,
    DetectorVersion,
    ModelRef,
    Shadow,
    activate_detector_version,
    clear_before_deletion,
    deactivate_detector_version,
    delete_detector_version,
    get_detector,
    list_detector_versions,
    list_outcomes,
    list_rules,
    list_shadows,
    rule_types,
)
from ringfence.events import DataType
from ringfence.events.lists import get_lists
from ringfence.models import list_models, list_versions
from ringfence.models.external import list_external_models
from ringfence.rules import Rule
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.layout import button, console_page, done, empty, heading, html
from ringfence.web.console.pages.shadow import STATE_TONES, ask_start
from ringfence.web.console.publishing import PublishingPanel
from ringfence.web.console.rule_editor import RuleEditor
from ringfence.web.console.visit import Visit

_TONES = {
    DetectorStatus.ACTIVE: "good",
    DetectorStatus.DRAFT: "info",
    DetectorStatus.INACTIVE: "plain",
}


@dataclass(frozen=True, slots=True)
class _Known:
    detector: Detector
    versions: list[DetectorVersion]
    rules: dict[tuple[str, str], Rule]
    models: list[ModelRef]
    external: list[str]
    outcomes: list[str]
    types: Mapping[str, DataType]
    lists: Mapping[str, frozenset[str]]
    shadows: Mapping[str, Shadow]


@console_page(
    "/detectors/{detector_id}", title="Detector", section="detectors", scope=Scope.RULES_READ
)
async def detector(visit: Visit) -> None:
    """The page."""
    known = await visit.read(lambda connection: _read(connection, visit.path["detector_id"]))
    of = known.detector
    heading(of.detector_id, f"Decides about events of type {of.event_type}. {of.description}")
    may_write = visit.allows(Scope.RULES_WRITE)
    with ui.element("div").classes("columns"):
        with ui.element("div").classes("stack"):
            if not known.versions:
                with ui.element("section").classes("panel"):
                    empty(
                        "No version yet",
                        "Save a rule, or have a model suggest some, then publish a version.",
                    )
            for version in reversed(known.versions):
                _version(visit, known, version)
        with ui.element("div").classes("stack"):
            RuleEditor(
                visit,
                of.detector_id,
                known.outcomes,
                known.types,
                known.lists,
                list(known.rules.values()),
            )
            if may_write and (known.rules or known.models):
                PublishingPanel(
                    visit,
                    of.detector_id,
                    known.versions,
                    list(known.rules.values()),
                    known.models,
                    known.external,
                )


def _version(visit: Visit, known: _Known, version: DetectorVersion) -> None:
    label = f'aria-label="Version {version.version}"'
    with ui.element("section").classes("panel").props(label):
        with ui.element("div").classes("bar"):
            html(f"Version {version.version}", "h2")
            html(markup.pill(version.status.value.lower(), _TONES[version.status]), "span")
            html(
                Markup("{} {}").format(
                    "active since" if version.status is DetectorStatus.ACTIVE else "made",
                    markup.moment(
                        version.activated_at
                        if version.status is DetectorStatus.ACTIVE
                        else version.created_at
                    ),
                ),
                "span",
            ).classes("soft")
            run = known.shadows.get(version.version)
            if run is not None:
                link = markup.path("shadows", version.detector_id, version.version)
                about = "shadow" if run.stopped_at is not None else f"shadow, {run.state}"
                html(markup.pill(about, STATE_TONES[run.state]), "span")
                html(markup.link(link, "Compare"), "span")
            if visit.allows(Scope.RULES_WRITE):
                with ui.element("div").classes("bar push"):
                    if version.status is DetectorStatus.ACTIVE:
                        button("Deactivate", lambda: _ask_deactivate(visit, version))
                    else:
                        if run is None or run.stopped_at is not None:
                            button("Delete", lambda: _ask_delete(visit, version))
                            button("Start as a shadow", lambda: ask_start(visit, version))
                        button("Activate", lambda: _ask_activate(visit, version))
        models = ", ".join(version.model_names)
        html(
            markup.facts(
                (
                    ("Models", models or "none"),
                    ("Rules", version.mode.value.replace("_", " ").lower()),
                    *((("About", version.description),) if version.description else ()),
                )
            )
        )
        rules = Markup("").join(
            _rule(number, known.rules.get((ref.rule_id, ref.version)), ref.rule_id, ref.version)
            for number, ref in enumerate(version.rules, 1)
        )
        if version.status is DetectorStatus.ACTIVE:
            html(rules)
        else:
            html(
                Markup("<details><summary>{} rule{}</summary>{}</details>").format(
                    len(version.rules), "" if len(version.rules) == 1 else "s", rules
                )
            )


def _rule(number: int, rule: Rule | None, rule_id: str, version: str) -> Markup:
    outcomes = markup.joined(markup.pill(name) for name in (rule.outcomes if rule else ()))
    return Markup(
        '<div class="rule"><div class="bar"><h3>{}. {}</h3><span class="soft">version {}</span>'
        '<span class="push">{}</span></div><pre class="expression">{}</pre></div>'
    ).format(number, rule_id, version, outcomes, rule.expression if rule else "")


def _ask_activate(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        def activate(connection: Connection, _name: str) -> None:
            activate_detector_version(connection, version.detector_id, version.version)

        await visit.write(Scope.RULES_WRITE, activate)
        done(f"Version {version.version} decides from now on.")
        ui.navigate.reload()

    confirm(
        f"Activate version {version.version}?",
        "It decides about every event from now on; the version before becomes inactive.",
        "Activate",
        work,
        danger=False,
    )


def _ask_deactivate(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        def deactivate(connection: Connection, _name: str) -> None:
            deactivate_detector_version(connection, version.detector_id, version.version)

        await visit.write(Scope.RULES_WRITE, deactivate)
        done(f"Version {version.version} decides no longer.")
        ui.navigate.reload()

    confirm(
        f"Deactivate version {version.version}?",
        f"Detector {version.detector_id} decides about nothing until a version is activated: "
        "whoever sends it an event gets an error.",
        "Deactivate",
        work,
        danger=True,
    )


def _ask_delete(visit: Visit, version: DetectorVersion) -> None:
    async def work() -> None:
        def delete(connection: Connection, _name: str) -> None:
            delete_detector_version(connection, version.detector_id, version.version)

        await visit.write(Scope.RULES_WRITE, lambda _connection, _name: None)
        await asyncio.to_thread(
            clear_before_deletion,
            visit.services.database,
            version.detector_id,
            version.version,
        )
        await visit.write(Scope.RULES_WRITE, delete)
        done(f"Version {version.version} is deleted.")
        ui.navigate.reload()

    confirm(
        f"Delete version {version.version}?",
        "What it said as a shadow goes with it. Decisions that it made stay, but nobody can say "
        "any more why they were made. Its rules stay.",
        "Delete",
        work,
        danger=True,
    )


def _read(connection: Connection, detector_id: str) -> _Known:
    detector = get_detector(connection, detector_id)
    return _Known(
        detector=detector,
        versions=list_detector_versions(connection, detector_id),
        rules={(r.rule_id, r.version): r for r in list_rules(connection, detector_id)},
        models=[
            ModelRef(model.model_id, version.version)
            for model in list_models(connection)
            if model.event_type == detector.event_type
            for version in reversed(list_versions(connection, model.model_id))
        ],
        external=[
            model.name
            for model in list_external_models(connection)
            if model.is_associated and model.is_for(detector.event_type)
        ],
        outcomes=list(list_outcomes(connection)),
        types=rule_types(connection, detector.event_type),
        lists=get_lists(connection),
        # The latest run of each version is the first in the list.
        shadows={of.version: of for of in reversed(list_shadows(connection, detector_id))},
    )
