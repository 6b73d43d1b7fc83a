"""Places that nobody holds any more, because the server that did is gone."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from ringfence.contacts.places import (
    SERVER,
    PlaceKind,
    PlaceState,
    StoredPlace,
    leave_place,
    open_places,
    release_agent,
    retry_callback,
)

LOST_AFTER = timedelta(seconds=60)


def sweep_places(connection: Connection, at: datetime) -> list[StoredPlace]:
    """Leave the places whose server is gone, and free their agents; those places.

    A call-back that was cut off before the customer was on the telephone waits again while it has
    attempts left.
    """
    swept = []
    for place in open_places(connection):
        waits_for_no_server = place.kind is PlaceKind.CALLBACK and place.state is PlaceState.WAITING
        if waits_for_no_server or not _is_lost(place, at):
            continue
        if place.kind is PlaceKind.CALLBACK and place.state is PlaceState.OFFERED:
            release_agent(connection, place, at, 0.0)
            at_once = msgspec.structs.replace(place, retry_seconds=0.0)
            if retry_callback(connection, at_once, at):
                continue
        leave_place(connection, place.place_id, at, 0.0)
        swept.append(place)
    return swept


def _is_lost(place: StoredPlace, at: datetime) -> bool:
    if place.server == SERVER:
        return False
    host, _, rest = SERVER.partition("/")
    its_host, _, its_rest = place.server.partition("/")
    if host == its_host and os.name == "posix":
        # The process before this one may have had the same number, as it has in a container.
        number = its_rest.partition("/")[0]
        if number == rest.partition("/")[0] or not _is_alive(number):
            return True
    return at - place.seen_at > LOST_AFTER


def _is_alive(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
