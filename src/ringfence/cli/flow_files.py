"""`ringfence flow graph`, `convert` and `diff`: one flow's file as something else."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.flow_laboratory import FlowFile, load, suite_of
from ringfence.cli.options import read_text
from ringfence.cli.results import write_whole

if TYPE_CHECKING:
    from ringfence.flows import Flow
    from ringfence.flows.laboratory.coverage import Coverage

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write; shown on standard output when left out."),
]


class TargetFormat(StrEnum):
    """The format that a flow is to be in."""

    LEGACY = "legacy"
    LANGUAGE = "language"


def graph(
    file: FlowFile,
    out: Out = None,
    coverage: Annotated[
        bool,
        typer.Option("--coverage", help="Show what the tests beside the flow have covered."),
    ] = False,
    tests: Annotated[Path | None, typer.Option(help="Other tests to take for --coverage.")] = None,
) -> None:
    """Draw a contact flow as SVG, from left to right.

    The picture has no scripts and follows the dark or light scheme of whoever looks at it. With
    --coverage, blocks and branches that no test comes to are grey.

    Examples:

        ringfence flow graph verify-card-payment -o verify-card-payment.svg

        ringfence flow graph flow.json --coverage -o flow.svg
    """
    from ringfence.flows.laboratory.drawing import draw

    flow, folder = load(file)
    covered = _covered(flow, suite_of(file, tests), folder) if coverage or tests else None
    _put(out, draw(flow, covered))


def convert(
    file: FlowFile,
    to: Annotated[TargetFormat, typer.Option(help="The format that it is to be in.")],
    out: Out = None,
) -> None:
    """Convert a contact flow into Amazon Connect's other format, without loss of behaviour.

    `legacy` is the older export (modules), `language` the Flow language of 2019-10-30. What the
    other format cannot say is refused by name.

    Examples:

        ringfence flow convert credit-card-fraud --to language -o credit-card-fraud.json
    """
    from ringfence.flows.converting import to_language, to_legacy

    write = to_legacy if to is TargetFormat.LEGACY else to_language
    _put(out, write(_text(file)).rstrip() + "\n")


def diff(
    old: Annotated[Path, typer.Argument(help="A flow's file, or the name of a shipped flow.")],
    new: Annotated[Path, typer.Argument(help="The newer one, in either format.")],
    moved: Annotated[
        bool, typer.Option("--moved", help="Tell also what was only moved on the canvas.")
    ] = False,
) -> None:
    """Show what differs between two contact flows, block by block; exit code 1 if anything does.

    Formats make no difference, and neither does the order of blocks.

    Examples:

        ringfence flow diff before.json after.json
    """
    from ringfence.cli.screen import console
    from ringfence.flows.differences import differences

    found = differences(_text(old), _text(new), moved=moved)
    for difference in found:
        console.print(str(difference), markup=False)
    if found:
        raise typer.Exit(1)
    console.print("No differences.")


def _text(file: Path) -> str:
    from ringfence.flows import shipped_flows

    shipped = {} if file.exists() else shipped_flows()
    return shipped.get(str(file)) or read_text(file)


def _covered(flow: Flow, suite: str, folder: Path | None) -> Coverage:
    from ringfence.cli.flow_trials import coverage_of
    from ringfence.flows.laboratory.library import FlowLibrary
    from ringfence.flows.laboratory.suite import judge, read_suite

    library = FlowLibrary(folder)
    return coverage_of([judge(flow, test, library) for test in read_suite(suite).tests])


def _put(out: Path | None, text: str) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_whole(out, lambda part: part.write_text(text, encoding="utf-8"))
        typer.echo(f"{out} written.")
