"""`ringfence models ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of

app = typer.Typer(help="Models and their versions.", no_args_is_help=True)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List all models and versions.

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
        ("model", "version", "event type", "trained", "events>", "AUC>"),
        (
            (
                version.model_id,
                version.version,
                model.event_type,
                f"{version.created_at:%Y-%m-%d %H:%M}",
                f"{version.facts.rows:,}",
                f"{version.metrics.auc:.3f}",
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
    from ringfence.errors import NotFound
    from ringfence.models import get_version, list_versions

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        if version is not None:
            found = get_version(connection, model, version)
        else:
            versions = list_versions(connection, model)
            if not versions:
                raise NotFound(f"model {model!r} has no version yet", field="model")
            found = versions[-1]
    show_version(found)
