"""Challengers: what was trained anew, what waits for a decision, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.retraining.challengers import (
    Challenger,
    ChallengerDecision,
    ChallengerStatus,
    DecisionAction,
    list_challengers,
    list_decisions,
)
from ringfence.detectors.retraining.comparison import Evaluation, in_words
from ringfence.detectors.retraining.promotion import roll_back
from ringfence.models import list_models
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import ask_reason
from ringfence.web.console.layout import button, console_page, done, empty, heading, html
from ringfence.web.console.retraining_panel import RetrainingPanel
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

TONES = {
    ChallengerStatus.CANDIDATE: "info",
    ChallengerStatus.PROMOTED: "good",
    ChallengerStatus.REJECTED: "bad",
    ChallengerStatus.SUPERSEDED: "plain",
}
_DECISIONS = {
    DecisionAction.PROMOTE: ("promoted", "good"),
    DecisionAction.REJECT: ("rejected", "bad"),
    DecisionAction.ROLL_BACK: ("gone back from", "warn"),
}


@dataclass(frozen=True, slots=True)
class _Known:
    challengers: Sequence[Challenger]
    decisions: Sequence[ChallengerDecision]
    models: Sequence[str]


@console_page("/challengers", title="Challengers", section="challengers", scope=Scope.MODELS_READ)
async def challengers(visit: Visit) -> None:
    """The page."""
    heading(
        "Challengers",
        "Models trained anew from what cardholders and analysts answered, compared with the "
        "version that decides on events that neither has seen.",
    )
    known = await visit.read(_read)
    if not known.models:
        with ui.element("section").classes("panel"):
            empty(
                "No model yet",
                Markup("Train a first version: <code>ringfence train EVENTS.csv</code>"),
            )
        return
    _waiting(known)
    await RetrainingPanel(visit, known.models).show()
    _all(known)
    _history(visit, known)


def _read(connection: Connection) -> _Known:
    return _Known(
        list_challengers(connection),
        list_decisions(connection),
        [model.model_id for model in list_models(connection)],
    )


def _waiting(known: _Known) -> None:
    for of in known.challengers:
        if of.status is not ChallengerStatus.CANDIDATE:
            continue
        where = markup.path("challengers", of.model_id, of.version)
        with (
            ui.element("section")
            .classes("panel")
            .props(f'aria-label="Candidate {of.model_id} {of.version}"')
        ):
            with ui.element("div").classes("bar"):
                html(f"{of.model_id} {of.version} waits for a decision", "h2")
                html(markup.pill("candidate", "info"), "span")
                html(
                    Markup('<a class="button primary" href="{}">Compare and decide</a>').format(
                        where
                    ),
                    "span",
                ).classes("push")
            html(in_words(of.evaluation), "p")


def _all(known: _Known) -> None:
    with ui.element("section").classes("panel flush").props('aria-label="All challengers"'):
        html("All challengers", "h2")
        if not known.challengers:
            empty(
                "No challenger yet",
                Markup("Train a model anew, here or by <code>ringfence retrain MODEL</code>."),
            )
            return
        with table(
            "Version", "Against", "State", ">Frauds", ">Gain in AUC", "95 % range",
            ">Gain in recall", "Made", "By",
            label="All challengers", spare="spare-4 spare-6 spare-9",
        ):  # fmt: skip
            for of in known.challengers:
                found = of.evaluation
                made = row(
                    markup.link(
                        markup.path("challengers", of.model_id, of.version),
                        f"{of.model_id} {of.version}",
                    ),
                    of.champion_version,
                    markup.pill(of.status.value, TONES[of.status]),
                )
                with made:
                    html(f"{found.frauds:,}", "td").classes("number")
                    html(signed(found.auc_gain), "td").classes("number")
                    html(gain_range(found), "td").classes("tight")
                    html(signed(found.recall_gain), "td").classes("number")
                    html(markup.moment(of.created_at), "td").classes("tight")
                    html(of.created_by, "td")


def _history(visit: Visit, known: _Known) -> None:
    with ui.element("section").classes("panel flush").props('aria-label="What was decided"'):
        html("What was decided", "h2")
        if not known.decisions:
            empty("Nothing was decided yet", "Who decides, when and why stays here for good.")
            return
        undoable = _undoable(known.decisions) if visit.allows(Scope.RULES_WRITE) else set()
        with table(
            "When", "Version", "Decision", "By", "Why", "Detectors", "",
            label="What was decided", spare="spare-6",
        ):  # fmt: skip
            for of in known.decisions:
                word, tone = _DECISIONS[of.action]
                with (
                    row(
                        markup.moment(of.decided_at),
                        markup.link(
                            markup.path("challengers", of.model_id, of.version),
                            f"{of.model_id} {of.version}",
                        ),
                        markup.pill(word, tone),
                        of.decided_by,
                        of.reason,
                        switched(of),
                    ),
                    actions(),
                ):
                    if of.decision_id in undoable:
                        button("Go back", lambda of=of: _ask_back(visit, of), "danger")  # type: ignore[misc]


def switched(of: ChallengerDecision) -> str:
    """Which detectors decide with which of their versions since."""
    return ", ".join(f"{s.detector_id} {s.from_version} → {s.to_version}" for s in of.switches)


def _undoable(decisions: Sequence[ChallengerDecision]) -> set[int]:
    """The last decision of each model, where that is a promotion; the latest come first."""
    last: dict[str, ChallengerDecision] = {}
    for of in decisions:
        if of.action is not DecisionAction.REJECT:
            last.setdefault(of.model_id, of)
    return {of.decision_id for of in last.values() if of.action is DecisionAction.PROMOTE}


def _ask_back(visit: Visit, of: ChallengerDecision) -> None:
    async def work(reason: str) -> None:
        def undo(connection: Connection, name: str) -> None:
            roll_back(connection, of.model_id, by=name, reason=reason, at=now())

        await visit.write(Scope.RULES_WRITE, undo)
        done("The version before decides again.")
        ui.navigate.reload()

    back = ", ".join(f"{s.detector_id} with version {s.from_version}" for s in of.switches)
    ask_reason(
        f"Go back from {of.model_id} {of.version}?",
        f"From now on these decide as before: {back}.",
        "Go back",
        work,
        danger=True,
    )


def signed(value: float | None) -> str:
    """A gain with its sign; a dash where it cannot be told."""
    return "-" if value is None else f"{value:+.4f}"


def gain_range(of: Evaluation) -> str:
    """The 95 % range of the gain in AUC."""
    if of.auc_gain_low is None or of.auc_gain_high is None:
        return "-"
    return f"{of.auc_gain_low:+.4f} to {of.auc_gain_high:+.4f}"
