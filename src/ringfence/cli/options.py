"""Options that several commands share, and the settings and the database they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.settings import Settings
    from ringfence.storage import Database

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Where the database lives; `ringfence-data` when not given.",
        envvar="RINGFENCE_DATA_DIR",
    ),
]
EventTypeName = Annotated[str, typer.Option("--event-type", help="Name of the event type.")]


def settings_of(**given: Any) -> Settings:
    """The settings in force, with what was `given` on the command line over everything else.

    Raises `InvalidInput` naming the first setting that does not fit.
    """
    from pydantic import ValidationError

    from ringfence.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(first["msg"], field=f"setting {name}") from None


def open_database(settings: Settings) -> Database:
    """The database, brought up to date and furnished."""
    from ringfence.cases import furnish
    from ringfence.storage import Database
    from ringfence.storage.schema import migrate

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.url)
    migrate(database)
    with database.write() as connection:
        furnish(connection)
    return database


def read_text(path: Path) -> str:
    """The text of a file. Raises `InvalidInput` naming the file when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="file") from None
