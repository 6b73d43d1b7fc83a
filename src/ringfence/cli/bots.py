"""`ringfence bot ...`: what stands in for the Lex bots that flows name."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfence.cli.function_definitions import pairs
from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir

app = typer.Typer(
    help="Bots: words that mean intents, in place of Amazon Lex.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name of the bot, as flows have it.")]


@app.command("add")
def add(
    name: Name,
    intent: Annotated[
        list[str],
        typer.Option(help="INTENT=PHRASE, or INTENT:LANGUAGE=PHRASE; several times."),
    ],
    fallback: Annotated[
        str, typer.Option(help="Intent of everything else; none when left out.")
    ] = "",
    data_dir: DataDir = None,
) -> None:
    """Say which words mean which intent to a bot; what it understood before is forgotten.

    Examples:

        ringfence bot add ConfirmPayment --intent Yes=yes --intent "Yes=that was me"
        --intent No=no --intent Yes:de=ja --fallback Fallback
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bots import EVERY_LANGUAGE, put_bot

    intents: dict[str, dict[str, list[str]]] = {}
    for named, phrase in pairs("--intent", intent, "="):
        name_of_it, _, language = named.partition(":")
        phrases = intents.setdefault(name_of_it, {})
        phrases.setdefault(language or EVERY_LANGUAGE, []).append(phrase)
    whole = {
        name_of_it: {language: tuple(each) for language, each in phrases.items()}
        for name_of_it, phrases in intents.items()
    }
    with writing(data_dir) as (connection, instance_id):
        put_bot(connection, instance_id, name, whole, fallback)
    console.print(f"Bot {name} knows {', '.join(whole)}.", markup=False)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the bots and what they understand.

    Examples:

        ringfence bot list
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.bots import list_bots

    with reading(data_dir) as (connection, instance_id):
        found = list_bots(connection, instance_id)
    if not found:
        console.print("No bot yet. Add one: ringfence bot add NAME --intent Yes=yes")
        return
    table(
        ("bot", "intent", "language", "phrases"),
        (
            (bot.name, intent, language, ", ".join(phrases))
            for bot in found
            for intent, spoken in bot.intents.items()
            for language, phrases in spoken.items()
        ),
    )


@app.command("remove")
def remove(name: Name, data_dir: DataDir = None) -> None:
    """Remove a bot. Flows that ask with it take their error branches from then on.

    Examples:

        ringfence bot remove ConfirmPayment
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import require_thing
    from ringfence.contacts.bots import delete_bot

    with writing(data_dir) as (connection, instance_id):
        delete_bot(connection, require_thing(connection, instance_id, "bot", name))
    console.print(f"Bot {name} is gone.", markup=False)
