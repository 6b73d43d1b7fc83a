"""`ringfence agent ...`: analysts who take contacts on a telephone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ringfence.contacts.agents import StoredAgent

app = typer.Typer(help="Agents: analysts who take contacts on a telephone.", no_args_is_help=True)

_SEEN_EVERY_SECONDS = 20.0

UserName = Annotated[str, typer.Argument(help="Name with which the analyst signs in.")]


@app.command("add")
def add(
    user_name: UserName,
    phone: Annotated[
        str | None, typer.Option(help="Number on which contacts are offered, with country code.")
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(help="Queue that they serve, by name; several times.")
    ] = None,
    first_name: Annotated[str | None, typer.Option(help="Known to flows.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Known to flows.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make an analyst an agent, or change what is given of one.

    Agents say in the console, under Queues, whether they can take a contact.

    Examples:

        ringfence agent add jane --phone +4930901821 --queue "Fraud analysts"

        ringfence agent add jane --queue "Fraud analysts" --queue "Lost cards"
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.agents import create_agent, find_agent, update_agent
    from ringfence.contacts.bindings import require_thing
    from ringfence.errors import InvalidInput

    given = {"phone_number": phone, "first_name": first_name, "last_name": last_name}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    with writing(data_dir) as (connection, instance_id):
        known = find_agent(connection, instance_id, user_name)
        if queue:
            values["queue_ids"] = [
                require_thing(connection, instance_id, "queue", each) for each in queue
            ]
        if known is not None:
            update_agent(connection, known.agent_id, **values)
        elif phone is None:
            raise InvalidInput(
                "an agent needs a telephone", field="--phone", expected="such as +4930901821"
            )
        else:
            create_agent(connection, instance_id, user_name, **values)
    console.print(f"Agent {user_name}.", markup=False)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the agents, what they do now, and the queues that they serve.

    Examples:

        ringfence agent list
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.agents import list_agents
    from ringfence.contacts.queues import list_queues
    from ringfence.storage import now

    with reading(data_dir) as (connection, instance_id):
        agents = list_agents(connection, instance_id)
        names = {each.queue_id: each.name for each in list_queues(connection, instance_id)}
    if not agents:
        console.print("No agent yet. Add one: ringfence agent add NAME --phone NUMBER")
        return
    at = now()
    table(
        ("agent", "status", "telephone", "queues"),
        (
            (
                each.user_name,
                each.status_now(at),
                each.phone_number,
                ", ".join(names.get(queue_id, queue_id) for queue_id in each.queue_ids) or "none",
            )
            for each in agents
        ),
    )


@app.command("status")
def status(
    user_name: UserName,
    chosen: Annotated[
        str, typer.Argument(help="available, 'after contact work', break or offline.")
    ],
    stay: Annotated[
        bool, typer.Option("--stay", help="Hold it until Ctrl+C, then go offline.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Say whether an agent can take a contact, as the console does.

    An agent who has not been seen for a minute is offline: an open page in the console says that
    they are there, and so does --stay.

    Examples:

        ringfence agent status jane available --stay

        ringfence agent status jane offline
    """
    from ringfence.cli.screen import console

    _choose(data_dir, user_name, chosen)
    console.print(f"{user_name} is {chosen}.", markup=False)
    if stay:
        try:
            _stay(data_dir, user_name)
        finally:
            _choose(data_dir, user_name, "offline")
            console.print(f"{user_name} is offline.", markup=False)


@app.command("remove")
def remove(user_name: UserName, data_dir: DataDir = None) -> None:
    """Let somebody be an agent no longer; their user stays.

    Examples:

        ringfence agent remove jane
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.agents import delete_agent

    with writing(data_dir) as (connection, instance_id):
        delete_agent(connection, _agent(connection, instance_id, user_name).agent_id)
    console.print(f"{user_name} is an agent no longer.", markup=False)


def _choose(data_dir: Path | None, user_name: str, chosen: str) -> None:
    from ringfence.contacts.agents import CHOSEN, AgentStatus, choose_status
    from ringfence.errors import InvalidInput
    from ringfence.storage import now

    if chosen not in set(AgentStatus):
        raise InvalidInput(
            f"there is no status {chosen!r}",
            field="status",
            expected="one of " + ", ".join(CHOSEN),
        )
    with writing(data_dir) as (connection, instance_id):
        agent = _agent(connection, instance_id, user_name)
        choose_status(connection, agent.agent_id, AgentStatus(chosen), now())


def _stay(data_dir: Path | None, user_name: str) -> None:
    import time

    from ringfence.contacts.agents import seen
    from ringfence.storage import now

    while True:
        time.sleep(_SEEN_EVERY_SECONDS)
        with writing(data_dir) as (connection, instance_id):
            seen(connection, _agent(connection, instance_id, user_name).agent_id, now())


def _agent(connection: Connection, instance_id: str, user_name: str) -> StoredAgent:
    from ringfence.contacts.agents import find_agent
    from ringfence.errors import NotFound

    agent = find_agent(connection, instance_id, user_name)
    if agent is None:
        raise NotFound(f"there is no agent {user_name!r}", field="user_name")
    return agent
