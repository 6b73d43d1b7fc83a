"""`ringfence keys ...`."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ringfence.cli.options import DataDir, open_database, settings_of
from ringfence.errors import InvalidInput

if TYPE_CHECKING:
    from ringfence.access import AccessKey
    from ringfence.settings import Settings

app = typer.Typer(help="Access keys of AWS clients, which sign with them.", no_args_is_help=True)

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach who listens so


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What signs with it, such as `training-notebook`.")],
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="What it may do, as IAM writes actions; several times. All of Fraud Detector "
            "when left out.",
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="After so long (12h, 90d, 4w), or at that moment (ISO 8601); never when left out.",
        ),
    ] = None,
    region: Annotated[
        str, typer.Option(help="Region that the client is to name; any will do.")
    ] = "us-east-1",
    as_json: _AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Make an access key, and print once what points an AWS client here.

    A running server takes it at once.

    Examples:

        ringfence keys create training-notebook

        ringfence keys create checkout --allow frauddetector:GetEventPrediction --expires 90d

        ringfence keys create report --allow "frauddetector:Get*" --allow "frauddetector:List*"

        eval "$(ringfence keys create me)"; aws frauddetector get-detectors
    """
    from ringfence.access import DEFAULT_PERMISSIONS, create_access_key
    from ringfence.cards import open_vault
    from ringfence.cli.retraining import who
    from ringfence.storage import now

    at = now()
    expires_at = _read_expiry(expires, at) if expires else None
    settings = settings_of(data_dir=data_dir)
    database = open_database(settings)
    vault = open_vault(settings.data_dir, settings.vault_secret, database)
    with database.write() as connection:
        key, secret = create_access_key(
            connection, vault, name, allow or DEFAULT_PERMISSIONS, who(), at, expires_at
        )
    environment = {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL_FRAUDDETECTOR": _endpoint(settings),
    }
    if as_json:
        _print_json({"key": key, "secret_access_key": secret, "environment": environment})
        return
    # On standard error, so that a shell can evaluate the rest.
    typer.echo(
        f"{key.name} may do {', '.join(key.permissions)}{_until(key)}. "
        "The secret is shown only now.",
        err=True,
    )
    for variable, value in environment.items():
        typer.echo(f"export {variable}={shlex.quote(value)}")


@app.command("list")
def list_all(as_json: _AsJson = False, data_dir: DataDir = None) -> None:
    """List the access keys, the revoked ones too, without their secrets.

    Examples:

        ringfence keys list

        ringfence keys list --json
    """
    from ringfence.access import list_access_keys
    from ringfence.cli.screen import console, table
    from ringfence.storage import now

    with open_database(settings_of(data_dir=data_dir)).read() as connection:
        keys = list_access_keys(connection)
    if as_json:
        _print_json(keys)
        return
    if not keys:
        console.print("No access key. Make one: ringfence keys create NAME")
        return
    at = now()
    # Few and narrow columns: an id that is cut short cannot be revoked.
    table(
        ("id", "name", "state", "last used", "may do"),
        (
            (
                key.access_key_id,
                key.name,
                _state(key, at),
                _day(key.last_used_at) or "never",
                "\n".join(key.permissions),
            )
            for key in keys
        ),
    )


@app.command("revoke")
def revoke(
    access_key_id: Annotated[str, typer.Argument(metavar="ID", help="Such as RFAK...")],
    data_dir: DataDir = None,
) -> None:
    """Make an access key useless for good.

    A running server refuses it within two seconds.

    Examples:

        ringfence keys revoke RFAKQ2X5M7ZK4WJ3T6HA
    """
    from ringfence.access import revoke_access_key
    from ringfence.cli.retraining import who
    from ringfence.cli.screen import console
    from ringfence.storage import now

    with open_database(settings_of(data_dir=data_dir)).write() as connection:
        key = revoke_access_key(connection, access_key_id, by=who(), at=now())
    console.print(f"{key.access_key_id} ({key.name}) is revoked.", markup=False)


def _read_expiry(given: str, at: datetime) -> datetime:
    if span := re.fullmatch(r"(\d{1,5})([hdw])", given):
        return at + timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        moment = datetime.fromisoformat(given)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{given!r} is no time",
            field="--expires",
            expected="12h, 90d, 4w, or a moment such as 2027-01-31 or 2027-01-31T12:00:00Z",
        ) from None


def _endpoint(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _until(key: AccessKey) -> str:
    return f" until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""


def _state(key: AccessKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= at else f"until {_day(key.expires_at)}"


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _print_json(document: object) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
