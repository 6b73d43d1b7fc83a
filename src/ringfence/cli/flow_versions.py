"""`ringfence flow import`, `versions`, `rollback` and the like: flows that are kept here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.flow_bindings import show_unbound
from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir, read_text

if TYPE_CHECKING:
    from ringfence.contacts.flows import FlowKind

Name = Annotated[str, typer.Argument(help="Name of the flow.")]
IsModule = Annotated[bool, typer.Option("--module", help="A flow module is meant, not a flow.")]


def import_file(
    file: Annotated[Path, typer.Argument(help="A flow exported from Amazon Connect.")],
    name: Annotated[
        str | None, typer.Option(help="Name to keep it under; the flow's own when left out.")
    ] = None,
    module: Annotated[
        bool, typer.Option("--module", help="It is a flow module, which flows invoke.")
    ] = False,
    description: Annotated[str, typer.Option(help="What this version changes.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Import a contact flow, or a new version of one, which callers hear from the next call on.

    What one should know of its blocks is shown, and what it names that is not here.

    Examples:

        ringfence flow import credit-card-fraud --name credit-card-fraud

        ringfence flow import verify-pin.json --module
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import FlowKind, create_flow, find_flow, publish
    from ringfence.errors import NotFound
    from ringfence.flows import load_flow

    content = read_text(file)
    loaded = load_flow(content)
    chosen = name or loaded.name or file.stem
    kind = FlowKind.MODULE if module else FlowKind.FLOW
    with writing(data_dir) as (connection, instance_id):
        try:
            flow = find_flow(connection, chosen, instance_id=instance_id, kind=kind)
        except NotFound:
            type_ = "CONTACT_FLOW" if module else loaded.type
            flow = create_flow(connection, instance_id, chosen, kind=kind, type=type_)
        version = publish(
            connection, flow.flow_id, content, by=who(), description=description[:500]
        )
        what = "Module" if module else "Flow"
        console.print(f"{what} {chosen} version {version}.", markup=False)
        for notice in loaded.notices:
            console.print(f"  {notice}", markup=False)
        missing = show_unbound(connection, instance_id, loaded)
    if missing:
        console.print(
            "These are not here, and their blocks take the error branch until they are bound."
        )


def list_all(data_dir: DataDir = None) -> None:
    """List the contact flows and flow modules that are here.

    Examples:

        ringfence flow list
    """
    from ringfence.cli.screen import table
    from ringfence.contacts.flows import list_stored_flows

    with reading(data_dir) as (connection, instance_id):
        flows = list_stored_flows(connection, instance_id, kind=None)
    table(
        ("flow", "version>", "kind", "state", "changed"),
        (
            (
                each.name,
                each.published_version or "-",
                each.kind,
                ", ".join(
                    word
                    for word, holds in (
                        ("published", each.published_version is not None),
                        ("draft", each.has_draft),
                        ("archived", each.archived),
                    )
                    if holds
                ),
                f"{each.updated_at:%Y-%m-%d %H:%M}",
            )
            for each in flows
        ),
    )


def show(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Of it; the one that is heard.")] = None,
    module: IsModule = False,
    data_dir: DataDir = None,
) -> None:
    """Print a flow as it was imported.

    Examples:

        ringfence flow show verify-card-payment > flow.json

        ringfence flow show credit-card-fraud --version 2
    """
    from ringfence.contacts.flows import draft_of, find_flow, get_version
    from ringfence.errors import NotFound

    with reading(data_dir) as (connection, instance_id):
        flow = find_flow(connection, name, instance_id=instance_id, kind=_kind(module))
        heard = version or flow.published_version
        if heard is not None:
            content: str | None = get_version(connection, flow.flow_id, heard).content
        else:
            content = draft_of(connection, flow.flow_id)
    if content is None:
        raise NotFound(f"{name!r} has no content yet", field="flow")
    typer.echo(content)


def publish_draft(name: Name, module: IsModule = False, data_dir: DataDir = None) -> None:
    """Let callers hear the draft of a flow, which a client of Amazon Connect's API has saved.

    Examples:

        ringfence flow publish credit-card-fraud
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import draft_of, find_flow, publish
    from ringfence.errors import NotFound

    with writing(data_dir) as (connection, instance_id):
        flow = find_flow(connection, name, instance_id=instance_id, kind=_kind(module))
        content = draft_of(connection, flow.flow_id) if flow.has_draft else None
        if content is None:
            raise NotFound(f"{name!r} has no draft", field="flow")
        version = publish(connection, flow.flow_id, content, by=who())
    console.print(f"Callers hear version {version} of {name} from the next call on.", markup=False)


def versions(name: Name, module: IsModule = False, data_dir: DataDir = None) -> None:
    """List the versions of a flow, with what differs from the one before.

    Examples:

        ringfence flow versions credit-card-fraud
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import find_flow, versions_of
    from ringfence.flows.differences import differences

    with reading(data_dir) as (connection, instance_id):
        flow = find_flow(connection, name, instance_id=instance_id, kind=_kind(module))
        found = versions_of(connection, flow.flow_id)
    if not found:
        console.print(f"{name} has not been published.", markup=False)
    for version, older in zip(found, [*found[1:], None], strict=True):
        heard = "  (heard)" if version.version == flow.published_version else ""
        about = f"  {version.description}" if version.description else ""
        console.print(
            f"version {version.version}{heard}  {version.created_at:%Y-%m-%d %H:%M}  "
            f"{version.created_by}{about}",
            markup=False,
        )
        if older is not None:
            for difference in differences(older.content, version.content):
                console.print(f"  {difference}", markup=False)


def rollback(
    name: Name,
    version: Annotated[int, typer.Argument(help="Number of the version to go back to.")],
    module: IsModule = False,
    data_dir: DataDir = None,
) -> None:
    """Let callers hear another version of a flow again, from the next call on.

    Examples:

        ringfence flow rollback credit-card-fraud 2
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import find_flow, roll_back

    with writing(data_dir) as (connection, instance_id):
        flow = find_flow(connection, name, instance_id=instance_id, kind=_kind(module))
        roll_back(connection, flow.flow_id, version)
    console.print(f"Callers hear version {version} of {name} from the next call on.", markup=False)


def delete(name: Name, module: IsModule = False, data_dir: DataDir = None) -> None:
    """Remove a flow with all of its versions, unless a plan, an open case or a number uses it.

    Examples:

        ringfence flow delete credit-card-fraud
    """
    from ringfence.cases.flow_uses import require_unused
    from ringfence.cli.screen import console
    from ringfence.contacts.flows import delete_flow, find_flow

    with writing(data_dir) as (connection, instance_id):
        flow = find_flow(connection, name, instance_id=instance_id, kind=_kind(module))
        if not module:
            require_unused(connection, flow)
        delete_flow(connection, flow.flow_id)
    console.print(f"{name} is gone.", markup=False)


def _kind(module: bool) -> FlowKind:
    from ringfence.contacts.flows import FlowKind

    return FlowKind.MODULE if module else FlowKind.FLOW
