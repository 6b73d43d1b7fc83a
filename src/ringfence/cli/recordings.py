"""`ringfence recording ...`: the recordings of a running server's calls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ringfence.cli.options import HERE, ServerKey, ServerUrl

app = typer.Typer(
    help="Recordings of calls: listed, saved, deleted. They are off unless RINGFENCE_RECORDINGS "
    "says otherwise.",
    no_args_is_help=True,
)

Contact = Annotated[str, typer.Argument(help="The contact whose call was recorded.")]


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=1000)] = 50,
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """List the recordings, the newest first.

    Examples:

        ringfence recording list
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console, table

    with Client(url, api_key) as client:
        found = client.get(f"/v1/recordings?limit={limit}")
    if not found:
        console.print("No recording. Calls are recorded when RINGFENCE_RECORDINGS is all or flows.")
        return
    table(
        ("contact", "recorded", "seconds", "kept until"),
        (
            (
                each["contact_id"],
                each["recorded_at"][:16].replace("T", " "),
                f"{each['seconds']:.0f}",
                f"deleted by {each['deleted_by']}"
                if each["deleted_at"]
                else each["expires_at"][:10],
            )
            for each in found
        ),
    )


@app.command("save")
def save(
    contact: Contact,
    file: Annotated[Path, typer.Argument(help="The WAV file to write.")],
    url: ServerUrl = HERE,
    api_key: ServerKey = None,
) -> None:
    """Save the sound of a call as a WAV file. That you did is logged at the server.

    Examples:

        ringfence recording save 6f7c0a52-9d1f-4f5c-8f9e-0d3a0c1b2e3f call.wav
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console
    from ringfence.errors import InvalidInput

    with Client(url, api_key) as client:
        sound = client.download(f"/v1/recordings/{quote(contact, safe='')}")
    try:
        file.write_bytes(sound)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="file") from None
    console.print(f"{file}: {len(sound)} bytes.", markup=False)


@app.command("delete")
def delete(contact: Contact, url: ServerUrl = HERE, api_key: ServerKey = None) -> None:
    """Delete the sound of a call before its time.

    Examples:

        ringfence recording delete 6f7c0a52-9d1f-4f5c-8f9e-0d3a0c1b2e3f
    """
    from ringfence.cli.client import Client
    from ringfence.cli.screen import console

    with Client(url, api_key) as client:
        client.delete(f"/v1/recordings/{quote(contact, safe='')}")
    console.print(f"The recording of {contact} is deleted.", markup=False)
