"""`ringfence flow bind`, `unbind`, `bindings`, `unbound`, `map`: what ARNs in flows mean here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir, read_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.flows import Flow

_SHORT = {"flow": "contact flow", "module": "flow module", "hours": "hours of operation"}

Kind = Annotated[
    str,
    typer.Argument(
        help="function, flow, module, queue, hours, prompt, bot, or instance for the whole of one."
    ),
]
Reference = Annotated[
    str, typer.Argument(help="The ARN, the id or the name that flows have for it.")
]


def bind(
    kind: Kind,
    reference: Reference,
    name: Annotated[str, typer.Argument(help="Name or id of what is meant here.")],
    data_dir: DataDir = None,
) -> None:
    """Say what an ARN, or a name, in flows of some other instance means here.

    Flows stay as they were exported. What has the same name here needs no binding.

    Examples:

        ringfence flow bind queue BasicQueue "Fraud analysts"

        ringfence flow bind function
        arn:aws:lambda:eu-west-2:123456789012:function:block-card block-credit-card
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import put_binding

    with writing(data_dir) as (connection, instance_id):
        made = put_binding(connection, instance_id, full_kind(kind), reference, name)
    console.print(f"The {made.kind} {made.reference} is {made.target} here.", markup=False)


def unbind(kind: Kind, reference: Reference, data_dir: DataDir = None) -> None:
    """Forget what an ARN, or a name, means here.

    Examples:

        ringfence flow unbind queue BasicQueue
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import delete_binding

    with writing(data_dir) as (connection, instance_id):
        delete_binding(connection, instance_id, full_kind(kind), reference)
    console.print(f"The {full_kind(kind)} {reference} is bound no longer.", markup=False)


def bindings(
    as_map: Annotated[
        bool, typer.Option("--as-map", help="As a file that `ringfence flow map` reads.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """List what ARNs and names of other instances mean here.

    Examples:

        ringfence flow bindings

        ringfence flow bindings --as-map > production.toml
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.bindings import list_bindings
    from ringfence.contacts.resource_maps import write_resource_map

    with reading(data_dir) as (connection, instance_id):
        found = list_bindings(connection, instance_id)
    if as_map:
        typer.echo(write_resource_map(found), nl=False)
    elif found:
        table(("kind", "in flows", "here"), ((b.kind, b.reference, b.target) for b in found))
    else:
        console.print("Nothing is bound: names mean what has the same name here.")


def map_file(
    file: Annotated[Path, typer.Argument(help="A resource map in TOML or JSON.")],
    data_dir: DataDir = None,
) -> None:
    """Bind everything that a file says, all of it or nothing; what else is bound stays.

    A section for each kind, and a line for each ARN or name in flows:

        [queue]
        "BasicQueue" = "Fraud analysts"

    Examples:

        ringfence flow map production.toml
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.resource_maps import load_resource_map

    text = read_text(file)
    with writing(data_dir) as (connection, instance_id):
        done = load_resource_map(connection, instance_id, text)
    console.print(f"{len(done)} bound.")


def unbound(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of flows; all flows when left out.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """List what flows name that is not here; the exit code is 1 if there is anything.

    The blocks that name it take their error branches.

    Examples:

        ringfence flow unbound

        ringfence flow unbound credit-card-fraud
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import unbound as missing_of
    from ringfence.contacts.flows import find_flow, list_stored_flows
    from ringfence.contacts.published_flows import stored_flow

    missing = 0
    with reading(data_dir) as (connection, instance_id):
        flows = (
            [find_flow(connection, name) for name in names]
            if names
            else list_stored_flows(connection, instance_id)
        )
        for flow in flows:
            if flow.published_version is None:
                continue
            loaded = stored_flow(connection, flow.name, flow.published_version)
            if missing_of(connection, instance_id, loaded):
                console.print(flow.name, style="bold", markup=False)
                missing += show_unbound(connection, instance_id, loaded)
    if missing:
        raise typer.Exit(1)
    console.print("Everything that flows name is here.")


def show_unbound(connection: Connection, instance_id: str, flow: Flow) -> int:
    """Show what a flow names that is not here, and how it is bound; how many things those are."""
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import BINDABLE
    from ringfence.contacts.bindings import unbound as missing_of

    blocks: dict[tuple[str, str, str], list[str]] = {}
    for block_id, wanted in missing_of(connection, instance_id, flow):
        blocks.setdefault((wanted.kind, wanted.arn, wanted.label), []).append(block_id)
    for (kind, arn, label), block_ids in blocks.items():
        said = f"{kind} {label} ({arn})" if label else f"{kind} {arn}"
        console.print(f"  {said}, in {_blocks(block_ids)}", markup=False)
        if kind in BINDABLE:
            console.print(
                f"    ringfence flow bind {_typed(short_kind(kind))} {_typed(label or arn)} NAME",
                markup=False,
            )
    return len(blocks)


def full_kind(kind: str) -> str:
    """The kind that is meant by a word of the command line."""
    return _SHORT.get(kind, kind)


def short_kind(kind: str) -> str:
    """A kind as one writes it on the command line."""
    return next((short for short, full in _SHORT.items() if full == kind), kind)


def _blocks(block_ids: Sequence[str]) -> str:
    more = f" and {len(block_ids) - 3} others" if len(block_ids) > 3 else ""
    return f"block {block_ids[0]}" if len(block_ids) == 1 else f"{', '.join(block_ids[:3])}{more}"


def _typed(text: str) -> str:
    import shlex

    return shlex.quote(text)
