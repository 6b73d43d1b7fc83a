"""`ringfence permission ...` and `ringfence do-not-call ...`: whom a running server may contact."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.cli.options import HERE, ServerKey, ServerUrl

app = typer.Typer(
    help="Consent of customers to be called and written to about suspicious payments: shown, "
    "recorded, withdrawn. A number given to the bank is consent unless the plan asks for more.",
    no_args_is_help=True,
)
do_not_call = typer.Typer(
    help="Numbers that nobody contacts, whoever has them.", no_args_is_help=True
)

Customer = Annotated[str, typer.Argument(help="The customer's id.")]
Channel = Annotated[str, typer.Option(help="voice or sms.")]
Source = Annotated[str, typer.Option(help="What it rests on, such as 'application form'.")]
Number = Annotated[str, typer.Argument(help="The number with its country code.")]


@app.command("show")
def show(customer: Customer, url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """Show whether a customer may be contacted, and everything recorded about it.

    Examples:

        ringfence permission show jdoe
    """
    from ringfence.cli.client import Client

    with Client(url, api_key) as client:
        _show(client.get(_path(customer)))


@app.command("give")
def give(
    customer: Customer,
    channel: Channel = "voice",
    source: Source = "command line",
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """Record that a customer agrees to be contacted.

    Examples:

        ringfence permission give jdoe --source "application form of 2026-03-02"

        ringfence permission give jdoe --channel sms --source "branch"
    """
    _record(customer, channel, True, source, url, api_key)


@app.command("withdraw")
def withdraw(
    customer: Customer,
    channel: Channel = "voice",
    source: Source = "command line",
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """Record that a customer wishes to be contacted no more, not even about open cases.

    Examples:

        ringfence permission withdraw jdoe --source "letter of 2026-03-02"
    """
    _record(customer, channel, False, source, url, api_key)


@do_not_call.command("list")
def list_numbers(
    after: Annotated[str, typer.Option(help="Begin after this number.")] = "",
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 100,
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """List the numbers that nobody contacts.

    Examples:

        ringfence do-not-call list
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console, table

    with Client(url, api_key) as client:
        found = client.get(f"/v1/do-not-call?limit={limit}&after={quote(after, safe='')}")
    if not found:
        console.print("No number is listed. Add one with: ringfence do-not-call add NUMBER")
        return
    table(
        ("number", "since", "by", "reason"),
        (
            (each["number"], _time(each["added_at"]), each["added_by"], each["reason"])
            for each in found
        ),
    )


@do_not_call.command("add")
def add(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why.")],
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """List a number; it is contacted no more, not even about open cases.

    Examples:

        ringfence do-not-call add +14155550100 --reason "wrong number"
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        entry = client.put(f"/v1/do-not-call/{quote(number, safe='')}", {"reason": reason})
    console.print(f"{entry['number']} is contacted no more.", markup=False)


@do_not_call.command("remove")
def remove(number: Number, url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """Take a number off the list.

    Examples:

        ringfence do-not-call remove +14155550100
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        client.delete(f"/v1/do-not-call/{quote(number, safe='')}")
    console.print(f"{number} may be contacted again.", markup=False)


def _record(
    customer: str, channel: str, given: bool, source: str, url: str, api_key: str | None
) -> None:
    from ringfence.cli.client import Client

    body = {"channel": channel, "given": given, "source": source}
    with Client(url, api_key) as client:
        _show(client.post(_path(customer), body))


def _path(customer: str) -> str:
    return f"/v1/customers/{quote(customer, safe='')}/permissions"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")


def _show(view: dict[str, Any]) -> None:
    from ringfence.cli.screen import console, table

    for entry in view["in_force"]:
        may = "may be contacted" if entry["given"] else "must not be contacted"
        console.print(f"{entry['channel']}: {may}", markup=False)
    if not view["in_force"]:
        console.print("Nothing is recorded, so a plan that asks for consent does not call.")
        return
    table(
        ("at", "channel", "consent", "source", "by"),
        (
            (
                _time(each["at"]),
                each["channel"],
                "given" if each["given"] else "withdrawn",
                each["source"],
                each["by"],
            )
            for each in view["history"]
        ),
    )
