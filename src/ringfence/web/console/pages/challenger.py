"""One challenger beside its champion, and the decision about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerDecision,
    ChallengerStatus,
    active_users,
    check_candidate,
    get_challenger,
    list_decisions,
    version_in,
)
from ringfence.detectors.retraining.comparison import Evaluation, in_words
from ringfence.detectors.retraining.promotion import promote, reject, shadow_days
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.charts import axis, bars, chart, legend
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.layout import attempt, button, console_page, done, heading, html
from ringfence.web.console.pages.challengers import TONES, gain_range, signed, switched
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class _Known:
    challenger: Challenger
    decisions: list[ChallengerDecision]
    detectors: list[str]
    shadow_days: float


@console_page(
    "/challengers/{model_id}/{version}",
    title="Challenger",
    section="challengers",
    scope=Scope.MODELS_READ,
)
async def challenger(visit: Visit) -> None:
    """The page."""
    model_id, version = visit.path["model_id"], visit.path["version"]
    known = await visit.read(lambda connection: _read(connection, model_id, version))
    of = known.challenger
    heading(
        f"{model_id} {version} against {of.champion_version}",
        in_words(of.evaluation),
    )
    _decision_bar(visit, known)
    with ui.element("section").classes("panel flush").props('aria-label="Comparison"'):
        html("On the same events", "h2")
        with ui.element("div").classes("scroll"):
            html(_comparison(of), "table").props('aria-label="Comparison"')
    if of.evaluation.volumes:
        with ui.element("section").classes("panel"):
            html("Frauds caught with the same number of alerts", "h2")
            chart(
                _by_volume(of), "Frauds caught by champion and challenger, by the number of alerts"
            )
    with ui.element("div").classes("columns"):
        with ui.element("section").classes("panel").props('aria-label="Compared on"'):
            html("Compared on", "h2")
            html(_compared_on(of.evaluation))
            for remark in of.evaluation.remarks:
                html(remark, "p").classes("soft")
        with ui.element("section").classes("panel").props('aria-label="Learned from"'):
            html("Learned from", "h2")
            html(_learned_from(of))
            html(
                markup.joined(
                    (
                        markup.link(markup.path("models", model_id, version), "The challenger"),
                        markup.link(
                            markup.path("models", model_id, of.champion_version), "The champion"
                        ),
                    ),
                    " · ",
                ),
                "p",
            )
    with ui.element("section").classes("panel").props('aria-label="Policy and decisions"'):
        html("Policy and decisions", "h2")
        html(_policy(known))
        for decision in reversed(known.decisions):
            html(
                Markup("{} <b>{}</b>, {}: {} <span class=soft>{}</span>").format(
                    markup.moment(decision.decided_at),
                    decision.action.value,
                    decision.decided_by,
                    decision.reason,
                    switched(decision),
                ),
                "p",
            )


def _read(connection: Connection, model_id: str, version: str) -> _Known:
    of = get_challenger(connection, model_id, version)
    decisions = [d for d in list_decisions(connection, model_id) if d.version == version]
    users = [u for u in active_users(connection, model_id) if version_in(u, model_id) != version]
    return _Known(
        of,
        decisions,
        [f"{u.detector_id} (version {u.version})" for u in users],
        shadow_days(connection, of, now()),
    )


def _decision_bar(visit: Visit, known: _Known) -> None:
    of = known.challenger
    with ui.element("div").classes("bar"):
        html(markup.pill(of.status.value, TONES[of.status]), "span")
        if of.reason and of.decided_by:
            html(
                Markup("{} by {}: {}").format(
                    markup.moment(of.decided_at), of.decided_by, of.reason
                ),
                "span",
            ).classes("soft")
        with ui.element("div").classes("bar push"):
            candidate = of.status is ChallengerStatus.CANDIDATE
            if candidate and visit.allows(Scope.MODELS_WRITE):
                button("Compare anew", lambda: _compare_anew(visit, of))
                button("Reject", lambda: _ask_rejection(visit, of), "danger")
            if of.status is not ChallengerStatus.PROMOTED and visit.allows(Scope.RULES_WRITE):
                made = button("Promote", lambda: _ask_promotion(visit, known), "primary")
                if not known.detectors:
                    made.disable()
                    made.props('title="No active detector version uses this model"')


async def _compare_anew(visit: Visit, of: Challenger) -> None:
    async def work() -> None:
        def begin(connection: Connection, name: str) -> str:
            check_candidate(get_challenger(connection, of.model_id, of.version))
            return name

        by = await visit.write(Scope.MODELS_WRITE, begin)
        clock = visit.services.retraining
        await asyncio.to_thread(clock.compare_now, of.model_id, of.version, by)
        done("It is being compared with all that has come since.")
        ui.navigate.to("/challengers")

    await attempt(work)


def _ask_promotion(visit: Visit, known: _Known) -> None:
    of = known.challenger

    async def work(reason: str) -> None:
        def put(connection: Connection, name: str) -> None:
            promote(connection, of.model_id, of.version, by=name, reason=reason, at=now())

        await visit.write(Scope.RULES_WRITE, put)
        done(f"{of.model_id} {of.version} decides from now on.")
        ui.navigate.reload()

    ask_reason(
        f"Promote {of.model_id} {of.version}?",
        "It takes the champion's place, with the same rules, in "
        f"{', '.join(known.detectors)}. {in_words(of.evaluation)}",
        "Promote",
        work,
        danger=False,
    )


def _ask_rejection(visit: Visit, of: Challenger) -> None:
    async def work(reason: str) -> None:
        def refuse(connection: Connection, name: str) -> None:
            reject(connection, of.model_id, of.version, by=name, reason=reason, at=now())

        await visit.write(Scope.MODELS_WRITE, refuse)
        done(f"{of.model_id} {of.version} is rejected.")
        ui.navigate.reload()

    ask_reason(
        f"Reject {of.model_id} {of.version}?",
        "The champion goes on deciding. The version is kept, and a shadow no longer.",
        "Reject",
        work,
        danger=True,
    )


def _comparison(of: Challenger) -> Markup:
    found = of.evaluation
    first, second = found.champion, found.challenger
    if first is None or second is None:
        return Markup("<tbody><tr><td class=soft>{}</td></tr></tbody>").format(in_words(found))
    rows: list[tuple[str, str, str, str]] = [
        ("AUC", f"{first.auc:.4f}", f"{second.auc:.4f}", signed(found.auc_gain)),
        (
            "95 % range",
            f"{first.auc_low:.4f} to {first.auc_high:.4f}",
            f"{second.auc_low:.4f} to {second.auc_high:.4f}",
            gain_range(found),
        ),
        (
            "Average precision",
            f"{first.average_precision:.4f}",
            f"{second.average_precision:.4f}",
            signed(found.average_precision_gain),
        ),
        (
            f"Frauds caught by {found.alerts:,} alerts",
            f"{first.caught:,}",
            f"{second.caught:,}",
            f"{second.caught - first.caught:+,}",
        ),
        (
            "Recall at that",
            markup.share(first.recall),
            markup.share(second.recall),
            signed(found.recall_gain),
        ),
        (
            "Precision at that",
            "-" if first.precision is None else markup.share(first.precision),
            "-" if second.precision is None else markup.share(second.precision),
            "",
        ),
    ]
    return Markup(
        "<thead><tr><th></th><th class=number>Champion {}</th><th class=number>Challenger {}</th>"
        "<th class=number>Gain</th></tr></thead><tbody>{}</tbody>"
    ).format(
        of.champion_version,
        of.version,
        Markup("").join(
            Markup(
                "<tr><td>{}</td><td class=number>{}</td><td class=number>{}</td>"
                "<td class=number>{}</td></tr>"
            ).format(*cells)
            for cells in rows
        ),
    )


def _by_volume(of: Challenger) -> dict[str, Any]:
    volumes = of.evaluation.volumes
    return {
        "animation": False,
        "grid": {"left": 52, "right": 12, "top": 34, "bottom": 44},
        "legend": legend(),
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            **axis("Alerts", gap=28),
            "type": "category",
            "data": [f"{volume.alerts:,}" for volume in volumes],
        },
        "yAxis": axis("Frauds", gap=36),
        "series": [
            bars(
                f"champion {of.champion_version}",
                [float(volume.champion_caught) for volume in volumes],
                "--soft",
            ),
            bars(
                f"challenger {of.version}",
                [float(volume.challenger_caught) for volume in volumes],
                "--accent",
            ),
        ],
    }


def _compared_on(found: Evaluation) -> Markup:
    return markup.facts(
        (
            ("From", markup.moment(found.since)),
            ("To", markup.moment(found.until)),
            ("Events", f"{found.events:,}"),
            ("With a label", f"{found.labelled:,}"),
            ("Frauds", f"{found.frauds:,}"),
            ("Stability index", f"{found.score_psi:.3f}"),
            ("Compared", markup.moment(found.evaluated_at)),
        )
    )


def _learned_from(of: Challenger) -> Markup:
    labels = of.labels
    sources = ", ".join(f"{count:,} {source}" for source, count in labels.sources.items())
    treatment = labels.unlabelled.treatment.value
    if treatment != "IGNORE":
        treatment += f" after {labels.unlabelled.days:g} days"
    return markup.facts(
        (
            ("Events", labels.source),
            ("Before", markup.moment(of.learned_until)),
            ("Labels by source", sources or "not said"),
            ("Events without a label", treatment),
            ("Made", markup.moment(of.created_at)),
            ("By", of.created_by),
        )
    )


def _policy(known: _Known) -> Markup:
    of = known.challenger
    said = Markup("").join(Markup("<li>{}</li>").format(reason) for reason in of.policy_reasons)
    drafts = ", ".join(f"{draft.detector_id} {draft.version}" for draft in of.drafts)
    tried = Markup("")
    if drafts:
        tried = Markup("<p class=soft>Tried as a shadow: {}, {:.1f} days.</p>").format(
            drafts, known.shadow_days
        )
    return Markup("<ul>{}</ul>{}").format(said, tried)
