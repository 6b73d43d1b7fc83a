"""`ringfence flow ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli import flow_files, flow_laboratory
from ringfence.cli.options import DataDir, open_database, read_text, settings_of

app = typer.Typer(help="Contact flows: what a call says.", no_args_is_help=True)
app.command("test")(flow_laboratory.try_flow)
app.command("graph")(flow_files.graph)
app.command("convert")(flow_files.convert)
app.command("diff")(flow_files.diff)


@app.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(help="Flows exported from Amazon Connect.")],
) -> None:
    """Check contact flows; every problem is shown with its block, and the exit code is 2 then.

    Examples:

        ringfence flow check credit-card-fraud

        ringfence flow check flows/*.json
    """
    from ringfence.cli.screen import console
    from ringfence.flows import FlowInvalid, load_flow

    wrong = 0
    for file in files:
        try:
            flow = load_flow(read_text(file))
        except FlowInvalid as error:
            wrong += 1
            console.print(f"[red]wrong[/]  {file}: {len(error.problems)} problem(s)")
            for problem in error.problems:
                block = f"block {problem.block_id} ({problem.block_type}): "
                console.print(
                    f"  {block if problem.block_id else ''}{problem.message}", markup=False
                )
        else:
            console.print(
                f"[green]right[/]  {file}: {flow.name or 'no name'}, {flow.format}, "
                f"{len(flow.blocks)} blocks"
            )
    if wrong:
        raise typer.Exit(2)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A flow exported from Amazon Connect.")],
    name: Annotated[
        str | None, typer.Option(help="Name to keep it under; the flow's own when left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Import a contact flow, so that contact plans can use it.

    Examples:

        ringfence flow import credit-card-fraud --name credit-card-fraud
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import import_flow
    from ringfence.flows import load_flow

    content = read_text(file)
    chosen = name or load_flow(content).name or file.stem
    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        version = import_flow(connection, chosen, content)
    console.print(f"Flow {chosen} version {version}.")


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the contact flows that can be used.

    Examples:

        ringfence flow list
    """
    from ringfence.cli.screen import table
    from ringfence.contacts.flows import list_flows

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        table(("flow", "version>"), list_flows(connection).items())
