"""`ringfence number ...`: the numbers of a running server's lines, and where they lead."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.cli.options import HERE, ServerKey, ServerUrl

app = typer.Typer(
    help="Phone numbers: claimed from the lines of a server, and led to flows.",
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(help="The number, with country code.")]


@app.command("claim")
def claim(
    number: Number,
    flow: Annotated[
        str | None, typer.Option(help="Contact flow that calls to it lead to, by name.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """Claim a number that a line owns, or change where a claimed one leads.

    Examples:

        ringfence number claim +14155550142 --flow verify-card-payment
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        claimed = client.put(_path(number), {"flow": flow, "description": description})
    leads = f", and leads to {flow}" if flow else ""
    console.print(f"{claimed['number']} is claimed{leads}.", markup=False)


@app.command("list")
def list_all(url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """List the numbers that are claimed, and those of the lines that can be.

    Examples:

        ringfence number list
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console, table

    with Client(url, api_key) as client:
        claimed = client.get("/v1/phone-numbers")
        available = client.get("/v1/available-numbers")
        flows = {each["flow_id"]: each["name"] for each in client.get("/v1/stored-flows")}
    rows = [
        (
            each["number"],
            "claimed",
            each["country"],
            flows.get(each["flow_id"], "-"),
            each["description"],
        )
        for each in claimed
    ]
    rows += [(each["number"], "available", each["country"], "-", "") for each in available]
    if rows:
        table(("number", "state", "country", "leads to", "description"), rows)
    else:
        console.print("No number is claimed, and no line owns one.")


@app.command("release")
def release(number: Number, url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """Release a number, which anybody can claim then.

    Examples:

        ringfence number release +14155550142
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        client.delete(_path(number))
    console.print(f"{number} is released.", markup=False)


def _path(number: str) -> str:
    from urllib.parse import quote

    return f"/v1/phone-numbers/{quote(number, safe='')}"
