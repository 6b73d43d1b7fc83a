"""External models on the models page: what they look at and give, and how endpoints answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup
from nicegui import ui

from ringfence.models.external import Counts, ExternalModel
from ringfence.web.console import markup
from ringfence.web.console.layout import html
from ringfence.web.console.tables import row, table


def external_panel(models: Sequence[ExternalModel], counts: Mapping[str, Counts]) -> None:
    """The panel; `counts` are those of this server since it began, by name of the model."""
    with ui.element("section").classes("panel flush"):
        with ui.element("div").classes("bar"):
            html("External models", "h2")
            html("Made elsewhere: files that run here, endpoints that are asked.", "span").classes(
                "soft"
            )
        with table(
            "Model",
            "Kind",
            "For events of type",
            "Looks at",
            "Gives, or else",
            "Since this server began",
            label="External models",
            spare="spare-3 spare-4",
        ):
            for model in models:
                row(
                    _name(model),
                    markup.pill("file" if model.endpoint is None else "endpoint"),
                    model.event_type or "any",
                    ", ".join(given.variable for given in model.inputs) or "what its body says",
                    _gives(model),
                    _answers(model, counts.get(model.name)),
                )


def _name(model: ExternalModel) -> Markup:
    if model.endpoint is None:
        source = f"{model.size_bytes or 0:,} bytes, SHA-256 {(model.sha256 or '')[:12]}"
    else:
        source = model.endpoint.url
    return Markup('<b>{}</b><br><span class="soft clip" title="{}">{}</span>').format(
        model.name, model.description or source, source
    )


def _gives(model: ExternalModel) -> Markup:
    return markup.joined(
        (
            Markup('{} <span class="soft">{}</span>').format(
                output.variable,
                "or nothing" if output.fallback is None else f"or {output.fallback:g}",
            )
            for output in model.outputs
        ),
        ", ",
    )


def _answers(model: ExternalModel, counts: Counts | None) -> Markup:
    if model.endpoint is None:
        return Markup('<span class="soft">runs with each decision</span>')
    if counts is None:
        return Markup('<span class="soft">not asked yet</span>')
    failed = sum(counts.by_result.values()) - counts.by_result["answered"]
    each = f", {counts.seconds / counts.requests * 1000:.0f} ms each" if counts.requests else ""
    said = f"{counts.by_result['answered']:,} answered, {failed:,} failed{each}"
    if counts.state == "closed":
        return Markup("{}").format(said)
    return Markup("{} {}").format(markup.pill("left alone after failures", "bad"), said)
