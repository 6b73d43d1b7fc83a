"""`ringfence orchestration ...`."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.cli.options import settings_of

app = typer.Typer(
    help="Event orchestration: decisions published as they are made.", no_args_is_help=True
)
_SECONDS = 20.0


@app.command("test")
def try_target(
    url: Annotated[
        str | None,
        typer.Argument(help="Where to; the setting orchestration_url when left out."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the message, too.")] = False,
) -> None:
    """Publish one sample message, and say what came of it. The exit code is 1 if it was not taken.

    It is about the event `orchestration-test` of a detector of that name, so that receivers can
    tell it from a decision. Decisions are published for event types with event orchestration:
    `event_orchestration` in their definition, `eventOrchestration` for AWS clients.

    Examples:

        ringfence orchestration test

        ringfence orchestration test file:///tmp/decisions.jsonl --show

        RINGFENCE_ORCHESTRATION_SECRET=whsec_... ringfence orchestration test https://hooks.example/decisions
    """
    import asyncio

    import msgspec

    from ringfence.cli.screen import console
    from ringfence.errors import InvalidInput
    from ringfence.streams import NotTaken, origin_of, target_of
    from ringfence.streams.sample import sample_message

    settings = settings_of(orchestration_url=url)
    target = target_of(settings)
    if target is None:
        raise InvalidInput(
            "is not set, so that decisions are published nowhere",
            field="setting orchestration_url",
            expected="a URL, such as https://hooks.example/decisions",
        )
    message = sample_message(origin_of(settings))
    if show:
        console.print_json(msgspec.json.format(message.body).decode())

    async def send() -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await target.send([message])
        except TimeoutError:
            raise NotTaken(f"it did not take it within {_SECONDS:g} seconds") from None
        finally:
            await target.close()

    try:
        asyncio.run(send())
    except NotTaken as error:
        console.print(f"[red]not taken[/]  {target.name}: {error.reason}")
        raise typer.Exit(1) from None
    console.print(f"[green]taken[/]  {target.name} has the sample message {message.message_id}.")
