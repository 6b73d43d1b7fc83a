"""`ringfence serve`."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from ringfence.cli.options import DataDir, make_data_dir, settings_of


def serve(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8750, or 0 for any that is free.")
    ] = None,
) -> None:
    """Run the server: API, console, browser phone, and the calls.

    The first start makes the user `admin`; its password is RINGFENCE_ADMIN_PASSWORD, or is shown
    once. RINGFENCE_API_KEY sets a first API key. All settings: RINGFENCE_* or `ringfence.toml`.

    Examples:

        ringfence serve

        ringfence serve --data-dir /var/lib/ringfence --host 0.0.0.0 --port 8750

        RINGFENCE_DATABASE_URL=postgresql+psycopg://ringfence@db/ringfence ringfence serve
    """
    settings = settings_of(data_dir=data_dir, host=host, port=port)
    make_data_dir(settings)
    # Nothing that is loaded becomes garbage. The server turns the collector on again.
    gc.disable()
    # Only now: loading the server takes a second or two.
    from ringfence.logs import configure_logs
    from ringfence.web.server import serve as run

    configure_logs(settings.log_level, settings.log_format)
    run(settings, show=lambda text: typer.echo(text))
