"""One event that both judged: what the deciding version said of it, and what the shadow did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.carddata import mask_card_numbers
from ringfence.detectors import (
    Decision,
    MatchedRule,
    get_detector,
    list_rules,
    stored_decision,
)
from ringfence.detectors.shadows.reading import ShadowDecision, shadow_decision
from ringfence.events import get_event_type, stored_event
from ringfence.events.log import StoredEvent
from ringfence.web.console import markup
from ringfence.web.console.layout import console_page, heading, html
from ringfence.web.console.shadow_tables import label_pill
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class _Known:
    event: StoredEvent
    decision: Decision
    said: ShadowDecision
    expressions: Mapping[tuple[str, str], str]
    fraud_label: str | None


@console_page(
    "/shadows/{detector_id}/{version}/events/{event_id}",
    title="Event of a shadow",
    section="detectors",
    scope=Scope.RULES_READ,
)
async def shadow_event(visit: Visit) -> None:
    """The page."""
    path = visit.path
    known = await visit.read(
        lambda connection: _read(connection, path["detector_id"], path["version"], path["event_id"])
    )
    heading(f"Event {known.event.event_id}", "What both versions said of it.")
    with ui.element("div").classes("bar"):
        html(
            markup.link(
                markup.path("shadows", path["detector_id"], path["version"]),
                f"Version {path['version']} as a shadow",
            ),
            "span",
        )
        html(label_pill(known.event.label, known.fraud_label), "span")
        if known.decision.case_id is not None:
            html(markup.link(markup.path("cases", known.decision.case_id), "Its case"), "span")
    with ui.element("div").classes("columns"):
        decision, said = known.decision, known.said
        _side(
            f"Version {decision.detector_version}, which decided",
            decision.scores,
            decision.rules,
            known.expressions,
        )
        title = f"Version {path['version']}, the shadow"
        if said.failure is None:
            _side(title, said.scores, said.rules, known.expressions)
        else:
            with ui.element("section").classes("panel").props(f'aria-label="{title}"'):
                html(title, "h2")
                html(f"It failed: {said.failure}", "p").classes("error")
    with ui.element("section").classes("panel").props('aria-label="The event"'):
        html("The event", "h2")
        html(_facts(known))


def _side(
    title: str,
    scores: Mapping[str, float],
    rules: Sequence[MatchedRule],
    expressions: Mapping[tuple[str, str], str],
) -> None:
    with ui.element("section").classes("panel").props(f'aria-label="{title}"'):
        html(title, "h2")
        html(
            markup.facts((name, markup.score_bar(score)) for name, score in scores.items())
            if scores
            else Markup("<p class=soft>No model, no score.</p>")
        )
        if not rules:
            html("No rule matched.", "p").classes("soft")
        for rule in rules:
            html(
                Markup(
                    '<div class="rule"><div class="bar"><h3>{}</h3><span class="soft">version {}'
                    '</span><span class="push">{}</span></div>'
                    '<pre class="expression">{}</pre></div>'
                ).format(
                    rule.rule_id,
                    rule.version,
                    markup.joined(markup.pill(name.replace("_", " ")) for name in rule.outcomes),
                    expressions.get((rule.rule_id, rule.version), ""),
                )
            )


def _facts(known: _Known) -> Markup:
    event = known.event
    pairs: list[tuple[str, object]] = [
        ("Happened", markup.moment(event.at)),
        ("Decided about", markup.moment(known.decision.decided_at)),
    ]
    pairs += [(entity.entity_type, entity.entity_id) for entity in event.entities]
    pairs += [
        (name, "" if value is None else mask_card_numbers(str(value)))
        for name, value in event.variables.items()
    ]
    return markup.facts(pairs)


def _read(connection: Connection, detector_id: str, version: str, event_id: str) -> _Known:
    event_type = get_event_type(connection, get_detector(connection, detector_id).event_type)
    said = shadow_decision(connection, detector_id, version, event_type.name, event_id)
    return _Known(
        event=stored_event(connection, event_type.name, event_id),
        decision=stored_decision(connection, event_type.name, event_id),
        said=said,
        expressions={
            (rule.rule_id, rule.version): rule.expression
            for rule in list_rules(connection, detector_id)
        },
        fraud_label=event_type.fraud_label,
    )
