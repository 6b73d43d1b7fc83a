"""`ringfence queue ...`: where contacts wait for an analyst."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir

app = typer.Typer(help="Queues, in which contacts wait for an agent.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the queue, or its id.")]


@app.command("add")
def add(
    name: Name,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    caller_number: Annotated[
        str | None, typer.Option(help="Number that its calls show, with country code.")
    ] = None,
    caller_name: Annotated[str | None, typer.Option(help="Name that its calls show.")] = None,
    hours: Annotated[
        str | None, typer.Option(help="Hours of operation that it keeps, by name.")
    ] = None,
    most: Annotated[int | None, typer.Option(help="How many may wait; any number.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether it takes anybody.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a queue, or change what is given of one that is here.

    Examples:

        ringfence queue add "Fraud analysts" --hours "Office hours" --most 20

        ringfence queue add "Fraud analysts" --disabled
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import find_thing, require_thing
    from ringfence.contacts.queues import create_queue, update_queue

    with writing(data_dir) as (connection, instance_id):
        given = {
            "description": description,
            "caller_number": caller_number,
            "caller_name": caller_name,
            "most_contacts": most,
            "enabled": enabled,
        }
        values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if hours is not None:
            values["hours_id"] = require_thing(connection, instance_id, "hours of operation", hours)
        known = find_thing(connection, instance_id, "queue", name)
        if known is None:
            queue = create_queue(connection, instance_id, name, **values)
        else:
            queue = update_queue(connection, known, **values)
    console.print(f"Queue {queue.name}.", markup=False)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the queues, who waits in them, and who is there to serve them.

    Examples:

        ringfence queue list
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.hours import get_hours, is_open
    from ringfence.contacts.queues import list_queues
    from ringfence.contacts.turns import queue_metrics
    from ringfence.storage import now

    at, rows = now(), []
    with reading(data_dir) as (connection, instance_id):
        for queue in list_queues(connection, instance_id):
            metrics = queue_metrics(connection, queue.queue_id, at)
            hours = get_hours(connection, queue.hours_id) if queue.hours_id else None
            state = "open" if hours is None or is_open(hours, at) else "closed"
            rows.append(
                (
                    queue.name,
                    state if queue.enabled else "disabled",
                    hours.name if hours is not None else "always",
                    metrics.waiting,
                    f"{metrics.oldest_seconds:.0f}",
                    f"{metrics.agents_available} of {metrics.agents_online}",
                )
            )
    if rows:
        table(("queue", "state", "hours", "waiting>", "longest, s>", "agents free>"), rows)
    else:
        console.print("No queue yet. Add one: ringfence queue add NAME")


@app.command("remove")
def remove(name: Name, data_dir: DataDir = None) -> None:
    """Remove a queue in which nobody waits. Agents serve it no longer.

    Examples:

        ringfence queue remove "Fraud analysts"
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import require_thing
    from ringfence.contacts.queues import delete_queue

    with writing(data_dir) as (connection, instance_id):
        delete_queue(connection, require_thing(connection, instance_id, "queue", name))
    console.print(f"Queue {name} is gone.", markup=False)
