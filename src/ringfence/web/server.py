"""Running the server: one process, one event loop, one port."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable

import structlog
import uvicorn

from ringfence.access import KeyRing, Scope, ensure_admin
from ringfence.cases import furnish
from ringfence.errors import RingfenceError, Unavailable
from ringfence.settings import Settings
from ringfence.storage import Database, now
from ringfence.storage.schema import migrate
from ringfence.web.app import build_application

_log = structlog.get_logger(__name__)
_GRACE_SECONDS = 10
_SWITCH_SECONDS = 0.0005
_NEW_OBJECTS_BEFORE_COLLECTION = 10_000


def serve(settings: Settings, *, show: Callable[[str], None]) -> None:
    """Serve until told to stop (SIGINT or SIGTERM).

    `show` is told what a person must see once: the address, and the first admin's password when
    none was set. Raises `Unavailable` when the address cannot be listened on, and whatever keeps
    the server from starting.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # Whoever writes gives the interpreter away at each statement, and holds the database until it
    # has it back: Python's 5 ms for each would keep all other writers waiting.
    sys.setswitchinterval(_SWITCH_SECONDS)
    database = Database(settings.url)
    migrate(database)
    _first_access(settings, database, show)
    failures: list[RingfenceError] = []
    config = uvicorn.Config(
        build_application(settings, database, failures.append),
        host=settings.host,
        port=settings.port,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=65_536,
    )
    server = uvicorn.Server(config)
    loop_factory = config.get_loop_factory()
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_run(server, show))
    except SystemExit as error:
        if failures:
            raise failures[0] from error
        if server.lifespan.should_exit:
            raise Unavailable(
                "the server could not start", expected="its reason in the log above"
            ) from error
        raise Unavailable(
            f"cannot listen on {settings.host}:{settings.port}", field="port"
        ) from error
    finally:
        database.dispose()


async def _run(server: uvicorn.Server, show: Callable[[str], None]) -> None:
    announcing = asyncio.create_task(_announce(server, show))
    await server.serve()
    announcing.cancel()


async def _announce(server: uvicorn.Server, show: Callable[[str], None]) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    _quieten_collector()
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    _log.info("serving", url=url)
    show(f"Ringfence is at {url}  (console /, phone /phone, API /docs)")


def _quieten_collector() -> None:
    # What has been loaded by now stays. Were it looked through again and again for garbage, every
    # request would now and then wait a tenth of a second.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_BEFORE_COLLECTION)
    gc.enable()


def _first_access(settings: Settings, database: Database, show: Callable[[str], None]) -> None:
    """The first admin, the first API key, and what an empty database starts with."""
    at = now()
    with database.write() as connection:
        furnish(connection)
        given = settings.admin_password.get_secret_value() if settings.admin_password else None
        generated = ensure_admin(connection, given, at)
        if settings.api_key:
            KeyRing(database).ensure_key(
                connection,
                settings.api_key.get_secret_value(),
                name="first key",
                scopes=frozenset(Scope),
                at=at,
            )
    if generated:
        show(f"First start: sign in as admin with the password {generated}  (shown only now)")
