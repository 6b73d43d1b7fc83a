"""`ringfence flow ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli import flow_bindings, flow_files, flow_laboratory, flow_versions
from ringfence.cli.options import read_text

app = typer.Typer(help="Contact flows: what a call says.", no_args_is_help=True)
app.command("test")(flow_laboratory.try_flow)
app.command("graph")(flow_files.graph)
app.command("convert")(flow_files.convert)
app.command("diff")(flow_files.diff)
app.command("import")(flow_versions.import_file)
app.command("list")(flow_versions.list_all)
app.command("show")(flow_versions.show)
app.command("publish")(flow_versions.publish_draft)
app.command("versions")(flow_versions.versions)
app.command("rollback")(flow_versions.rollback)
app.command("delete")(flow_versions.delete)
app.command("bind")(flow_bindings.bind)
app.command("unbind")(flow_bindings.unbind)
app.command("bindings")(flow_bindings.bindings)
app.command("unbound")(flow_bindings.unbound)
app.command("map")(flow_bindings.map_file)


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
