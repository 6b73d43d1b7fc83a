"""`ringfence models ...`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of
from ringfence.cli.results import write_whole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.models import ModelVersion

app = typer.Typer(help="Models and their versions.", no_args_is_help=True)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List all models and versions, with how well each separates what it looks for: the AUC of
    frauds and legitimate events, or the anomaly separation index (ASI) of strangers and owners.

    Examples:

        ringfence models list
    """
    from ringfence.cli.screen import console, table
    from ringfence.models import list_models, list_versions

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        versions = [
            (model, version)
            for model in list_models(connection)
            for version in list_versions(connection, model.model_id)
        ]
    if not versions:
        console.print("No model version yet. Make one: ringfence train FILE")
        return
    table(
        ("model", "version", "event type", "trained", "events>", "separates>"),
        (
            (
                version.model_id,
                version.version,
                model.event_type,
                f"{version.created_at:%Y-%m-%d %H:%M}",
                f"{version.facts.rows:,}",
                _separation(version),
            )
            for model, version in versions
        ),
    )


@app.command("show")
def show(
    model: Annotated[str, typer.Argument(help="Id of the model.")],
    version: Annotated[
        str | None, typer.Argument(help="Version; the latest when left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Show a model version: data, metrics, thresholds, importance, findings.

    Examples:

        ringfence models show card_fraud

        ringfence models show card_fraud 1.0
    """
    from ringfence.cli.training import show_version

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        found = _chosen(connection, model, version)
    show_version(found)


@app.command("card")
def card(
    model: Annotated[str, typer.Argument(help="Id of the model.")],
    version: Annotated[
        str | None, typer.Argument(help="Version; the latest when left out.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="File to write, .html, .md or .json; Markdown on the screen if left out."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """The model card of a version: what it is for, its data, how good it is, where not, and drift.

    The HTML is one file that needs nothing beside it, for light and dark screens and for paper.

    Examples:

        ringfence models card card_fraud --output card.html

        ringfence models card card_fraud 1.0 --output card.json
    """
    from ringfence.detectors.drift.checks import drift_notes
    from ringfence.models import get_model, load_baseline
    from ringfence.models.card import make_card
    from ringfence.models.card_files import CardFormat, card_file, format_of

    kind = CardFormat.MARKDOWN if output is None else format_of(output)
    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        found = _chosen(connection, model, version)
        made = make_card(
            get_model(connection, model),
            found,
            load_baseline(connection, model, found.version),
            drift_notes(connection, model, found.version),
        )
    content = card_file(made, kind)
    if output is None:
        typer.echo(content, nl=False)
        return
    write_whole(output, lambda part: part.write_text(content, encoding="utf-8"), option="output")
    typer.echo(f"The card of {model} {found.version} is in {output}.")


def _separation(version: ModelVersion) -> str:
    takeover = version.metrics.takeover
    return f"AUC {version.metrics.auc:.3f}" if takeover is None else f"ASI {takeover.asi:.3f}"


def _chosen(connection: Connection, model: str, version: str | None) -> ModelVersion:
    from ringfence.errors import NotFound
    from ringfence.models import get_version, list_versions

    if version is not None:
        return get_version(connection, model, version)
    versions = list_versions(connection, model)
    if not versions:
        raise NotFound(f"model {model!r} has no version yet", field="model")
    return versions[-1]
