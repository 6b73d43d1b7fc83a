"""Options that several commands share, and the settings and the database they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.errors import InvalidInput, Unavailable

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
WindowStart = Annotated[
    str | None, typer.Option("--from", help="First moment of the window, ISO 8601, UTC.")
]
WindowEnd = Annotated[
    str | None, typer.Option("--to", help="The moment at which the window ends; exclusive.")
]
AlertOutcomes = Annotated[
    list[str] | None,
    typer.Option(help="Outcome that opens a case; those with a contact plan when left out."),
]
CaseHours = Annotated[
    float | None,
    typer.Option(help="How long a case lasts; until the end of the UTC day when left out."),
]
HERE = "http://127.0.0.1:8750"  # where a server listens unless it is told otherwise
ServerUrl = Annotated[str, typer.Option("--url", help="The server.", envvar="RINGFENCE_URL")]
ServerKey = Annotated[
    str | None,
    typer.Option("--api-key", help="API key for the server.", envvar="RINGFENCE_API_KEY"),
]
EventTypeName = Annotated[str, typer.Option("--event-type", help="Name of the event type.")]


def settings_of(**given: Any) -> Settings:
    """The settings in force, with what was `given` on the command line over everything else.

    Raises `InvalidInput` naming the first setting that does not fit.
    """
    import tomllib

    from pydantic import ValidationError

    from ringfence.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown_setting(name, list(Settings.model_fields)) from None
        raise InvalidInput(first["msg"], field=f"setting {name}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidInput(
            f"cannot be read: {error}", field="ringfence.toml", expected="TOML in UTF-8"
        ) from None


def make_data_dir(settings: Settings) -> None:
    """Make the data directory if it is missing. Raises `Unavailable` when that cannot be done."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the data directory cannot be made: {error}",
            field="setting data_dir",
            expected="a folder that can be written to",
        ) from None


def open_database(settings: Settings) -> Database:
    """The database, brought up to date and furnished."""
    from ringfence.cases import furnish
    from ringfence.storage import Database
    from ringfence.storage.schema import migrate

    make_data_dir(settings)
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


def _unknown_setting(name: str, known: list[str]) -> InvalidInput:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return InvalidInput(
        f"there is no such setting{hint}",
        field=f"setting {name}",
        expected="one of " + ", ".join(known),
    )
