"""`ringfence call`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.options import DataDir, open_database, read_text, settings_of


def call(
    to: Annotated[str, typer.Option(help="Number to ring, with country code.")] = "+14155550123",
    line: Annotated[
        str, typer.Option(help="`terminal` rings here; any other line rings on the server.")
    ] = "terminal",
    flow: Annotated[
        str, typer.Option(help="Name of an imported flow, or a file.")
    ] = "verify-card-payment",
    attribute: Annotated[
        list[str], typer.Option("--attribute", "-a", help="NAME=VALUE, as the flow speaks it.")
    ] = [],  # noqa: B006 - typer copies it
    language: Annotated[
        str, typer.Option(help="Language tag; the flow of that language is run where there is one.")
    ] = "en-US",
    url: Annotated[
        str, typer.Option(help="The server, for its lines.", envvar="RINGFENCE_URL")
    ] = "http://127.0.0.1:8750",
    api_key: Annotated[
        str | None, typer.Option(help="API key for the server.", envvar="RINGFENCE_API_KEY")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Place a test call: it says everything and acts on nothing.

    Examples:

        ringfence call

        ringfence call --flow credit-card-fraud -a Name=Miller -a CardNo=4071 -a Amount=18

        ringfence call --language de-DE

        ringfence call --line browser --to +14155550123
    """
    from ringfence.cards.phones import read_language

    language = read_language(language, field="--language")
    attributes = _attributes(attribute)
    if line == "terminal":
        _here(to, flow, attributes, language, data_dir)
    else:
        _on_server(to, line, flow, attributes, language, url, api_key)


def _here(
    to: str, flow: str, attributes: dict[str, str], language: str, data_dir: Path | None
) -> None:
    from ringfence.cases.trial_calls import place_test_call
    from ringfence.contacts.flows import flow_in_language
    from ringfence.contacts.published_flows import flow_to_run
    from ringfence.flows import load_flow
    from ringfence.lines import TerminalLine

    settings = settings_of(data_dir=data_dir)
    if Path(flow).is_file():
        talk = load_flow(read_text(Path(flow)))
    else:
        with open_database(settings).read() as connection:
            talk = flow_to_run(connection, flow_in_language(connection, flow, language))
    asyncio.run(
        place_test_call(
            TerminalLine(),
            talk,
            to,
            from_number=settings.caller_number,
            caller_name=settings.bank_name,
            attributes={"Bank": settings.bank_name, **attributes},
            language=language,
        )
    )


def _on_server(
    to: str,
    line: str,
    flow: str,
    attributes: dict[str, str],
    language: str,
    url: str,
    api_key: str | None,
) -> None:
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    console.print(f"Ringing {to} on line {line} ...")
    with Client(url, api_key, timeout_seconds=600.0) as client:
        placed = client.post(
            "/v1/test-calls",
            {
                "to_number": to,
                "line": line,
                "flow": flow,
                "attributes": attributes,
                "language": language,
            },
        )
    for event in placed["events"]:
        console.print(f"  {event['at'][11:19]}  {event['kind']:9} {event['text']}", markup=False)


def _attributes(pairs: list[str]) -> dict[str, str]:
    from ringfence.errors import InvalidInput

    attributes = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{pair!r} is not NAME=VALUE", field="--attribute")
        attributes[name] = value
    return attributes
