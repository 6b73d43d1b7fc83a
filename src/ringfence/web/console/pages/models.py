"""Models: what is being trained, and what has been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.models import Model, ModelType, ModelVersion, list_models, list_versions
from ringfence.models.external import ExternalModel, list_external_models
from ringfence.web.console import markup
from ringfence.web.console.external_panel import external_panel
from ringfence.web.console.layout import console_page, empty, every, heading, html
from ringfence.web.console.queries import VersionLife, lives_of
from ringfence.web.console.training_panel import TrainingPanel, is_there, state_pill
from ringfence.web.console.visit import Visit


@dataclass(frozen=True, slots=True)
class _Known:
    """Models, each with the lives of its versions."""

    models: Sequence[tuple[Model, Sequence[VersionLife]]]
    external: Sequence[ExternalModel]

    @property
    def shape(self) -> list[object]:
        """What must be another for the tables of versions to be built anew."""
        return [
            (model, [(of.training.version, of.status, of.users) for of in lives if is_there(of)])
            for model, lives in self.models
        ]


@console_page("/models", title="Models", section="models", scope=Scope.MODELS_READ)
async def models(visit: Visit) -> None:
    """The page."""
    heading("Models", "Each version is one training: measured, immutable, reproducible.")
    page = _Models(visit)
    known = await page.refresh()
    if known.external:
        external_panel(known.external, visit.services.engine.external.counts())
    every(visit, 2.0, page.tick)


class _Models:
    """What is being trained, and the versions of each model; both follow what happens."""

    def __init__(self, visit: Visit):
        self._visit = visit
        self._shape: list[object] | None = None
        self._trainings = TrainingPanel(visit)
        self._versions = ui.element("div").classes("stack")

    async def tick(self) -> None:
        """Bring the page up to date."""
        await self.refresh()

    async def refresh(self) -> _Known:
        """The same, and what is known."""
        known = await self._visit.read(_read)
        self._trainings.show(life for _, lives in known.models for life in lives)
        if known.shape != self._shape:
            made = await self._visit.read(_read_versions)
            self._shape = known.shape
            self._versions.clear()
            with self._versions:
                _show(known, made)
        return known


def _read(connection: Connection) -> _Known:
    return _Known(
        [(model, lives_of(connection, model.model_id)) for model in list_models(connection)],
        list_external_models(connection),
    )


def _read_versions(connection: Connection) -> dict[str, list[ModelVersion]]:
    return {
        model.model_id: list_versions(connection, model.model_id)
        for model in list_models(connection)
    }


def _show(known: _Known, made: Mapping[str, Sequence[ModelVersion]]) -> None:
    if not known.models:
        with ui.element("section").classes("panel"):
            empty(
                "No model yet",
                Markup("Train one: <code>ringfence train EVENTS.csv --model card_fraud</code>"),
            )
    for model, lives in known.models:
        states = {of.training.version: state_pill(of) for of in lives}
        versions = [v for v in made.get(model.model_id, ()) if v.version in states]
        with ui.element("section").classes("panel flush"):
            with ui.element("div").classes("bar"):
                html(model.model_id, "h2")
                html(f"for events of type {model.event_type}", "span").classes("soft")
                if model.description:
                    html(model.description, "span").classes("soft")
            if versions:
                of_logins = model.model_type is ModelType.ACCOUNT_TAKEOVER_INSIGHTS
                row = _login_row if of_logins else _row
                rows = Markup("").join(
                    row(version, states[version.version]) for version in reversed(versions)
                )
                head = _LOGIN_HEAD if of_logins else _HEAD
                with ui.element("div").classes("scroll"):
                    html(head + Markup("<tbody>{}</tbody>").format(rows), "table").props(
                        f'aria-label="Versions of {model.model_id}"'
                    )
            else:
                empty("No version yet", "Train it, and its measures appear here.")


_HEAD = Markup(
    "<thead><tr><th>Version</th><th class=number>AUC</th><th>95 % range</th>"
    "<th class=number>Average precision</th><th class=number>Events</th>"
    "<th class=number>Frauds</th><th>Messages</th><th>Source</th><th>Trained</th></tr></thead>"
)
_LOGIN_HEAD = Markup(
    "<thead><tr><th>Version</th>"
    '<th class=number title="Anomaly separation index: the chance that a made-up stranger scores '
    'higher than a held-out login">ASI</th><th>95 % range</th>'
    "<th class=number>Logins</th><th class=number>Labelled takeovers</th>"
    "<th>Messages</th><th>Source</th><th>Trained</th></tr></thead>"
)


def _row(version: ModelVersion, state: Markup) -> Markup:
    metrics = version.metrics
    return Markup(
        '<tr>{}<td class="number">{:.4f}</td><td class="tight">{:.4f} to {:.4f}</td>'
        '<td class="number">{:.4f}</td>{}</tr>'
    ).format(
        _name(version, state),
        metrics.auc,
        metrics.auc_low,
        metrics.auc_high,
        metrics.average_precision,
        _facts(version),
    )


def _login_row(version: ModelVersion, state: Markup) -> Markup:
    takeover = version.metrics.takeover
    measured = Markup('<td class="number">-</td><td class="tight">-</td>')
    if takeover is not None:
        measured = Markup(
            '<td class="number">{:.4f}</td><td class="tight">{:.4f} to {:.4f}</td>'
        ).format(takeover.asi, takeover.asi_low, takeover.asi_high)
    return Markup("<tr>{}{}{}</tr>").format(_name(version, state), measured, _facts(version))


def _name(version: ModelVersion, state: Markup) -> Markup:
    link = markup.path("models", version.model_id, version.version)
    return Markup('<td class="tight"><b>{}</b> {}</td>').format(
        markup.link(link, version.version), state
    )


def _facts(version: ModelVersion) -> Markup:
    made = version.facts
    return Markup(
        '<td class="number">{:,}</td><td class="number">{:,}</td><td>{}</td>'
        '<td><span class="clip" title="{}">{}</span></td><td class="tight">{}</td>'
    ).format(
        made.rows,
        made.frauds,
        len(version.messages),
        made.source,
        made.source.rpartition("/")[2],
        markup.moment(version.created_at),
    )
