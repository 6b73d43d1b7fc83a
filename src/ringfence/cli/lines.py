"""`ringfence line ...`: the telephone lines of a running server."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from ringfence.cli.options import HERE, ServerKey, ServerUrl

app = typer.Typer(
    help="Telephone lines of a server: how they stand, and whether they work.",
    no_args_is_help=True,
)

_MARKS = {True: "[green]ok  [/green]", False: "[red]no  [/red]", None: "[yellow]?   [/yellow]"}


@app.command("list")
def list_all(url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """List the lines, their limits, and how their trunks stand.

    Examples:

        ringfence line list
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import table

    with Client(url, api_key) as client:
        found = client.get("/v1/lines")
    table(
        ("line", "calls at once", "a second", "numbers", "state"),
        (
            (
                each["name"],
                str(each["calls_at_once"] or "any"),
                f"{each['calls_per_second']:g}" if each["calls_per_second"] else "any",
                "any" if each["numbers"] is None else ", ".join(each["numbers"]) or "none",
                _state(each["state"]),
            )
            for each in found
        ),
    )


@app.command("test")
def prove(
    name: Annotated[str, typer.Argument(help="The line, as the settings name it.")],
    to: Annotated[str, typer.Option(help="A telephone that you can answer, with country code.")],
    caller: Annotated[
        str | None, typer.Option("--from", help="The number to call from; the server's own.")
    ] = None,
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """Prove a line: look at its trunks, call a telephone, and see that sound and keys arrive.

    Answer the call, listen, and press a key. What went wrong is told in plain words; the exit
    code is 1 then.

    Examples:

        ringfence line test carrier --to +4930901820

        ringfence line test carrier --to +4930901820 --from +4930123456
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    console.print(f"Calling {to} on line {name}: answer, and press a key ...", markup=False)
    body: dict[str, object] = {"to_number": to}
    if caller is not None:
        body["from_number"] = caller
    with Client(url, api_key, timeout_seconds=180.0) as client:
        steps = client.post(f"/v1/lines/{quote(name, safe='')}/proofs", body)
    for step in steps:
        console.print(f"  {_MARKS[step['ok']]}", end="")
        console.print(f"{step['name']:14} {step['text']}", markup=False)
    if any(step["ok"] is False for step in steps):
        raise typer.Exit(1)


def _state(state: Any) -> str:
    if not state:
        return ""
    if state.get("problem"):
        return str(state["problem"])
    trunks = state.get("trunks")
    if trunks is None:
        return ", ".join(f"{key} {value}" for key, value in state.items() if value)
    words = {True: "up", False: "down", None: "not known yet"}
    return ", ".join(
        f"{trunk['name']} {words[trunk['up']]}{': ' + trunk['detail'] if trunk['detail'] else ''}"
        for trunk in trunks
    )
