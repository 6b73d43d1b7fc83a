"""Models: what has been trained."""

from __future__ import annotations

from markupsafe import Markup
from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.models import Model, ModelType, ModelVersion, list_models, list_versions
from ringfence.models.external import ExternalModel, list_external_models
from ringfence.web.console import markup
from ringfence.web.console.external_panel import external_panel
from ringfence.web.console.layout import console_page, empty, heading, html
from ringfence.web.console.visit import Visit


@console_page("/models", title="Models", section="models", scope=Scope.MODELS_READ)
async def models(visit: Visit) -> None:
    """The page."""
    heading("Models", "Each version is one training: measured, immutable, reproducible.")
    found, external = await visit.read(_read)
    if not found:
        with ui.element("section").classes("panel"):
            empty(
                "No model yet",
                Markup("Train one: <code>ringfence train EVENTS.csv --model card_fraud</code>"),
            )
    for model, versions in found:
        with ui.element("section").classes("panel flush"):
            with ui.element("div").classes("bar"):
                html(model.model_id, "h2")
                html(f"for events of type {model.event_type}", "span").classes("soft")
                if model.description:
                    html(model.description, "span").classes("soft")
            if versions:
                of_logins = model.model_type is ModelType.ACCOUNT_TAKEOVER_INSIGHTS
                row = _login_row if of_logins else _row
                rows = Markup("").join(row(version) for version in reversed(versions))
                head = _LOGIN_HEAD if of_logins else _HEAD
                with ui.element("div").classes("scroll"):
                    html(head + Markup("<tbody>{}</tbody>").format(rows), "table").props(
                        f'aria-label="Versions of {model.model_id}"'
                    )
            else:
                empty("No version yet", "Train it, and its measures appear here.")
    if external:
        external_panel(external, visit.services.engine.external.counts())


def _read(
    connection: Connection,
) -> tuple[list[tuple[Model, list[ModelVersion]]], list[ExternalModel]]:
    return [
        (model, list_versions(connection, model.model_id)) for model in list_models(connection)
    ], list_external_models(connection)


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


def _row(version: ModelVersion) -> Markup:
    metrics = version.metrics
    return Markup(
        '<tr>{}<td class="number">{:.4f}</td><td class="tight">{:.4f} to {:.4f}</td>'
        '<td class="number">{:.4f}</td>{}</tr>'
    ).format(
        _name(version),
        metrics.auc,
        metrics.auc_low,
        metrics.auc_high,
        metrics.average_precision,
        _facts(version),
    )


def _login_row(version: ModelVersion) -> Markup:
    takeover = version.metrics.takeover
    measured = Markup('<td class="number">-</td><td class="tight">-</td>')
    if takeover is not None:
        measured = Markup(
            '<td class="number">{:.4f}</td><td class="tight">{:.4f} to {:.4f}</td>'
        ).format(takeover.asi, takeover.asi_low, takeover.asi_high)
    return Markup("<tr>{}{}{}</tr>").format(_name(version), measured, _facts(version))


def _name(version: ModelVersion) -> Markup:
    link = markup.path("models", version.model_id, version.version)
    return Markup("<td><b>{}</b></td>").format(markup.link(link, version.version))


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
