"""Trainings: what is under way, when the next ones are due, and what promotes their results."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.retraining.options import RetrainingOptions
from ringfence.detectors.retraining.policies import PromotionPolicy
from ringfence.detectors.retraining.runs import RetrainingRun, RunStatus, list_runs
from ringfence.detectors.retraining.schedules import (
    RetrainingSchedule,
    delete_schedule,
    list_schedules,
    next_time,
    put_schedule,
)
from ringfence.errors import InvalidInput
from ringfence.storage import now
from ringfence.web.console import markup
from ringfence.web.console.dialogs import confirm
from ringfence.web.console.forms import Form, choice_field, text_field
from ringfence.web.console.layout import attempt, button, done, empty, every, html
from ringfence.web.console.tables import actions, row, table
from ringfence.web.console.visit import Visit

_TONES = {
    RunStatus.RUNNING: "info",
    RunStatus.DONE: "good",
    RunStatus.NOTHING_NEW: "plain",
    RunStatus.FAILED: "bad",
    RunStatus.LOST: "warn",
}
_SHOWN_RUNS = 8
_CONDITIONS = (
    ("min_frauds", "Frauds compared on", "At least, such as 50"),
    ("auc_gain_low", "Gain in AUC, low end", "At least, such as 0"),
    ("recall_gain", "Gain in recall", "At least, such as 0.01"),
    ("average_precision_gain", "Gain in average precision", "At least, such as 0.01"),
    ("max_score_psi", "Stability index of scores", "At most, such as 0.25"),
    ("min_shadow_days", "Days as a shadow", "At least, such as 3"),
)


@dataclass(frozen=True, slots=True)
class _Known:
    runs: Sequence[RetrainingRun]
    schedules: Sequence[tuple[RetrainingSchedule, datetime | None]]


class RetrainingPanel:
    """Runs and schedules, refreshed while the page is open."""

    def __init__(self, visit: Visit, models: Sequence[str]):
        self._visit = visit
        self._models = list(models)
        self._form = Form()
        self._shown: tuple[object, ...] = ()

    async def show(self) -> None:
        """Build the panels."""
        may_write = self._visit.allows(Scope.MODELS_WRITE)
        with ui.element("section").classes("panel flush").props('aria-label="Trainings"'):
            with ui.element("div").classes("bar"):
                html("Trainings", "h2")
                if may_write:
                    with ui.element("div").classes("bar push"):
                        self._model = choice_field("Model", self._models, self._models[0])
                        button("Train anew", self._train, "primary")
            self._runs = ui.element("div").props('aria-live="polite"')
        with ui.element("section").classes("panel flush").props('aria-label="Schedules"'):
            html("When models are trained anew", "h2")
            self._schedules = ui.element("div")
        if may_write:
            self._add_form()
        await self._refresh()
        every(self._visit, 2.0, self._refresh)

    async def _refresh(self) -> None:
        known = await self._visit.read(_read)
        shown = (known.runs, known.schedules)
        if shown == self._shown:
            return
        self._shown = shown
        self._runs.clear()
        with self._runs:
            _show_runs(known.runs)
        self._schedules.clear()
        with self._schedules:
            self._show_schedules(known)

    def _show_schedules(self, known: _Known) -> None:
        if not known.schedules:
            empty(
                "Only by hand",
                "A schedule has the server train a model anew, as a process of its own.",
            )
            return
        with table(
            "Model", "When", "Next", "Promoted when", "Set by", "", label="Schedules",
            spare="spare-5",
        ):  # fmt: skip
            for of, planned in known.schedules:
                with (
                    row(
                        Markup("<b>{}</b>").format(of.model_id),
                        _when(of),
                        "only by hand" if planned is None else markup.moment(planned),
                        _policy(of.policy),
                        of.updated_by,
                    ),
                    actions(),
                ):
                    if self._visit.allows(Scope.MODELS_WRITE):
                        button("Remove", lambda of=of: self._ask_removal(of), "danger")  # type: ignore[misc]

    def _add_form(self) -> None:
        form = self._form
        with ui.element("section").classes("panel").props('aria-label="Set a schedule"'):
            html("Set a schedule", "h2")
            with ui.element("div").classes("form"):
                form.add("model_id", choice_field("Model", self._models, self._models[0]))
                form.add("every_days", text_field("Every … days", "7"))
                form.add("cron", text_field("Or cron, UTC", hint="minute hour day month weekday"))
                form.add(
                    "shadow",
                    choice_field(
                        "Challengers", {"no": "wait", "yes": "score live events at once"}, "no"
                    ),
                )
            html(
                "What promotes a challenger without a person. Leave all empty to decide yourself.",
                "p",
            ).classes("soft")
            with ui.element("div").classes("form"):
                for name, label, hint in _CONDITIONS:
                    form.add(name, text_field(label, hint=hint))
            form.place_general_error()
            with ui.element("div").classes("bar"):
                button("Set the schedule", self._set, "primary")

    async def _set(self) -> None:
        async def work() -> None:
            stated = {
                name: _number(self._form.text(name), name)
                for name, _, _ in _CONDITIONS
                if self._form.text(name)
            }
            if "min_frauds" in stated:
                stated["min_frauds"] = round(stated["min_frauds"])
            policy = PromotionPolicy(**stated) if stated else None  # type: ignore[arg-type]
            days, cron = self._form.text("every_days"), self._form.text("cron")
            model_id = str(self._form.fields["model_id"].value)
            shadow = self._form.fields["shadow"].value == "yes"

            def put(connection: Connection, name: str) -> None:
                put_schedule(
                    connection,
                    RetrainingSchedule(
                        model_id=model_id,
                        every_days=_number(days, "every_days") if days else None,
                        cron=cron or None,
                        policy=policy,
                        options=RetrainingOptions(shadow=shadow),
                        updated_by=name,
                        updated_at=now(),
                    ),
                )

            # A policy publishes detector versions.
            scope = Scope.MODELS_WRITE if policy is None else Scope.RULES_WRITE
            await self._visit.write(scope, put)
            done(f"The schedule of {model_id} is set.")
            await self._refresh()

        await self._form.submit(work)

    async def _train(self) -> None:
        async def work() -> None:
            model_id = str(self._model.value)

            def name_of(_connection: Connection, name: str) -> str:
                return name

            by = await self._visit.write(Scope.MODELS_WRITE, name_of)
            await asyncio.to_thread(self._visit.services.retraining.train_now, model_id, by)
            done(f"{model_id} is being trained anew.")
            await self._refresh()

        await attempt(work)

    def _ask_removal(self, of: RetrainingSchedule) -> None:
        async def work() -> None:
            def remove(connection: Connection, _name: str) -> None:
                delete_schedule(connection, of.model_id)

            await self._visit.write(Scope.MODELS_WRITE, remove)
            await self._refresh()

        confirm(
            f"Remove the schedule of {of.model_id}?",
            "It is then trained anew only by hand, and no policy promotes its challengers.",
            "Remove",
            work,
            danger=True,
        )


def _read(connection: Connection) -> _Known:
    return _Known(
        list_runs(connection, limit=_SHOWN_RUNS),
        [
            (schedule, next_time(schedule, list_runs(connection, schedule.model_id)))
            for schedule in list_schedules(connection)
        ],
    )


def _show_runs(runs: Sequence[RetrainingRun]) -> None:
    if not runs:
        empty(
            "No model was trained anew yet",
            "Labels come from calls, from analysts and from imports.",
        )
        return
    with table(
        "Started", "Model", "What", "State", "Version", "", "By", label="Trainings",
        spare="spare-3 spare-7",
    ):  # fmt: skip
        for of in runs:
            version: object = of.version or ""
            if of.version and of.status is RunStatus.DONE:
                version = markup.link(
                    markup.path("challengers", of.model_id, of.version), of.version
                )
            row(
                markup.moment(of.started_at),
                of.model_id,
                "train anew" if of.kind.value == "retrain" else "compare anew",
                markup.pill(of.status.value, _TONES[of.status]),
                version,
                _progress(of) if of.status is RunStatus.RUNNING else of.message,
                of.started_by,
            )


def _progress(of: RetrainingRun) -> Markup:
    return Markup(
        '<span class="score"><b>{:.0%}</b><span class="track" aria-hidden="true">'
        '<i style="width:{:.1f}%"></i></span></span> <span class="soft">{}</span>'
    ).format(of.share, of.share * 100, of.stage)


def _when(of: RetrainingSchedule) -> str:
    if not of.enabled:
        return "only by hand"
    return f"cron {of.cron}" if of.cron else f"every {of.every_days:g} days"


def _policy(policy: PromotionPolicy | None) -> str:
    if policy is None:
        return "a person decides"
    stated = (
        (label, hint.partition(",")[0].lower(), getattr(policy, name))
        for name, label, hint in _CONDITIONS
        if name != "min_shadow_days" or policy.min_shadow_days
    )
    return "; ".join(
        f"{label} {bound} {value:g}" for label, bound, value in stated if value is not None
    )


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("not a number", field=field, expected="such as 0.01") from None
