"""`ringfence prompt ...`: recordings that flows play by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ringfence.cli.instances import reading, writing
from ringfence.cli.options import DataDir
from ringfence.errors import InvalidInput

app = typer.Typer(help="Prompts: recordings that flows play by name.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the prompt, as flows have it, or its id.")]


@app.command("add")
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A WAV file.")],
    description: Annotated[str | None, typer.Option(help="What is said in it.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Keep a recording under a name, in place of the one that had it.

    Examples:

        ringfence prompt add Beep.wav beep.wav
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import find_thing
    from ringfence.contacts.prompts import create_prompt, update_prompt
    from ringfence.flows.recordings import MOST_BYTES

    try:
        if file.stat().st_size > MOST_BYTES:
            raise InvalidInput("too large", field=str(file), expected=f"at most {MOST_BYTES} bytes")
        wav = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error}", field="file") from None
    about: dict[str, Any] = {} if description is None else {"description": description}
    with writing(data_dir) as (connection, instance_id):
        known = find_thing(connection, instance_id, "prompt", name)
        if known is None:
            create_prompt(connection, instance_id, name, wav, **about)
        else:
            update_prompt(connection, known, wav=wav, **about)
    console.print(f"Prompt {name}.", markup=False)


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """List the prompts.

    Examples:

        ringfence prompt list
    """
    from ringfence.cli.screen import console, table
    from ringfence.contacts.prompts import list_prompts

    with reading(data_dir) as (connection, instance_id):
        found = list_prompts(connection, instance_id)
    if found:
        table(
            ("prompt", "description", "since"),
            ((each.name, each.description, f"{each.updated_at:%Y-%m-%d %H:%M}") for each in found),
        )
    else:
        console.print("No prompt yet. Add one: ringfence prompt add NAME FILE.wav")


@app.command("remove")
def remove(name: Name, data_dir: DataDir = None) -> None:
    """Remove a prompt. Flows that play it take their error branches from then on.

    Examples:

        ringfence prompt remove Beep.wav
    """
    from ringfence.cli.screen import console
    from ringfence.contacts.bindings import require_thing
    from ringfence.contacts.prompts import delete_prompt

    with writing(data_dir) as (connection, instance_id):
        delete_prompt(connection, require_thing(connection, instance_id, "prompt", name))
    console.print(f"Prompt {name} is gone.", markup=False)
