"""`ringfence task ...`: work that flows, or people, give to an analyst."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.function_definitions import pairs
from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir, settings_of

if TYPE_CHECKING:
    from ringfence.contacts.announcements import Announcer

app = typer.Typer(help="Tasks: work for an analyst.", no_args_is_help=True)

TaskId = Annotated[str, typer.Argument(help="Id of the task, as `ringfence task list` shows it.")]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What is to be done.")],
    description: Annotated[str, typer.Option(help="More about it.")] = "",
    queue: Annotated[str | None, typer.Option(help="Queue that it is for, by name.")] = None,
    attribute: Annotated[
        list[str], typer.Option("--attribute", "-a", help="NAME=VALUE; several times.")
    ] = [],  # noqa: B006 - typer copies it
    data_dir: DataDir = None,
) -> None:
    """Put a task before the analysts.

    Examples:

        ringfence task add "Call the merchant" --queue "Fraud analysts" -a Merchant="Air North"
    """
    from ringfence.contacts.bindings import require_thing
    from ringfence.contacts.tasks import open_task
    from ringfence.flows import Task
    from ringfence.storage import now

    task = Task(name, description, attributes=dict(pairs("--attribute", attribute, "=")))
    with writing(data_dir) as (connection, instance_id):
        queue_id = queue and require_thing(connection, instance_id, "queue", queue)
        opened = open_task(
            connection, _announcer(data_dir), instance_id, task, now(), queue_id=queue_id
        )
    typer.echo(opened.contact.contact_id)


@app.command("list")
def list_all(
    done: Annotated[bool, typer.Option("--all", help="Those that are done, too.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the tasks that are to be done, those that have waited for the longest first.

    Examples:

        ringfence task list

        ringfence task list --all
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.tasks import TaskState, list_tasks

    with reading(data_dir) as (connection, instance_id):
        state = None if done else TaskState.OPEN
        found = list_tasks(connection, instance_id, state=state)
    if not found:
        console.print("There is nothing to do.")
        return
    table(
        ("task", "what", "from", "state", "by"),
        (
            (
                each.contact.contact_id,
                each.contact.name,
                f"{each.starts_at:%Y-%m-%d %H:%M}",
                each.state,
                each.done_by or "",
            )
            for each in found
        ),
    )


@app.command("done")
def done(task_id: TaskId, data_dir: DataDir = None) -> None:
    """Say that a task is done.

    Examples:

        ringfence task done 0c3f8e1e-6a0a-4c0e-9e59-6d2a3f2f7b11
    """
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.contacts.tasks import finish_task
    from ringfence.storage import now

    with writing(data_dir) as (connection, _):
        task = finish_task(connection, _announcer(data_dir), task_id, who(), now())
    console.print(f"{task.contact.name}: done by {task.done_by}.", markup=False)


def _announcer(data_dir: Path | None) -> Announcer:
    from ringfence.contacts.announcements import Announcer

    settings = settings_of(data_dir=data_dir)
    return Announcer(
        settings.aws_region,
        settings.aws_account_id,
        on=settings.contact_events_url is not None,
    )
