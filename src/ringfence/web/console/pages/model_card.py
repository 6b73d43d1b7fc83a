"""The model card of a version, to read and to take along."""

from __future__ import annotations

from pathlib import Path

from nicegui import ui
from sqlalchemy import Connection

from ringfence.access import Scope
from ringfence.detectors.drift.checks import drift_notes
from ringfence.models import get_model, get_version, load_baseline
from ringfence.models.card import ModelCard, make_card
from ringfence.models.card_files import CardFormat, card_body, card_file, card_style
from ringfence.web.console import markup
from ringfence.web.console.layout import button, console_page, heading, html
from ringfence.web.console.visit import Visit

_NAMES = {CardFormat.HTML: "HTML", CardFormat.MARKDOWN: "Markdown", CardFormat.JSON: "JSON"}


@console_page("/models/{model_id}/{version}/card", title="Model card", section="models",
              scope=Scope.MODELS_READ)  # fmt: skip
async def model_card(visit: Visit) -> None:
    """The page."""
    model_id, number = visit.path["model_id"], visit.path["version"]

    def read(connection: Connection) -> ModelCard:
        return make_card(
            get_model(connection, model_id),
            get_version(connection, model_id, number),
            load_baseline(connection, model_id, number),
            drift_notes(connection, model_id, number),
        )

    card = await visit.read(read)
    heading(
        f"Model card of {model_id}, version {number}",
        f"{card.model_type} for events of type {card.event_type}.",
    )
    ui.add_head_html(f"<style>{card_style()}</style>")
    with ui.element("div").classes("bar"):
        here = markup.path("models", model_id, number)
        html(
            markup.joined(
                (markup.link(here, "The version"), markup.link(f"{here}/drift", "Its drift")), " · "
            ),
            "span",
        )
        html("Download", "span").classes("soft push")
        for kind, name in _NAMES.items():
            button(name, lambda kind=kind: _download(card, kind))  # type: ignore[misc]
    html(card_body(card)).classes("model-card stack")


def _download(card: ModelCard, kind: CardFormat) -> None:
    name = Path(f"{card.model_id}-{card.version}.{kind.value}")
    ui.download.content(card_file(card, kind), name.name)
