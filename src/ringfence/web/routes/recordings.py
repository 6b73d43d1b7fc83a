"""Recordings of calls: which there are, heard, and deleted before their time."""

from __future__ import annotations

from datetime import datetime

import msgspec

from ringfence.access import Scope
from ringfence.contacts.call_recordings import CallRecording, list_recordings
from ringfence.errors import InvalidInput
from ringfence.web.api import Call, Operations
from ringfence.web.services import Services

operations = Operations("recordings")


class RecordingsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recordings before a time, the newest first."""

    before: datetime | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 1000:
            raise InvalidInput("out of range", field="limit", expected="1 to 1000")
        if self.before is not None and self.before.tzinfo is None:
            raise InvalidInput("no time zone", field="before", expected="such as 2026-03-02T12:00Z")


@operations.add(
    "GET",
    "/v1/recordings",
    scope=Scope.CASES_READ,
    query=RecordingsQuery,
    reply=list[CallRecording],
)
def get_recordings(services: Services, call: Call) -> list[CallRecording]:
    """The recordings of calls, also those that are deleted; without their sound."""
    with services.database.read() as connection:
        return list_recordings(connection, before=call.query.before, limit=call.query.limit)


@operations.add(
    "GET",
    "/v1/recordings/{contact_id}",
    scope=Scope.CASES_WRITE,
    reply=bytes,
    media_type="audio/wav",
)
def get_one_recording(services: Services, call: Call) -> bytes:
    """The sound of a contact's call, a WAV file. Who asks for it is logged."""
    return services.centre.recordings.read(call.path["contact_id"], by=call.principal.name)


@operations.add(
    "DELETE",
    "/v1/recordings/{contact_id}",
    scope=Scope.CASES_WRITE,
    reply=CallRecording,
)
def delete_one_recording(services: Services, call: Call) -> CallRecording:
    """Delete the sound of a contact's call before its time."""
    return services.centre.recordings.delete(call.path["contact_id"], by=call.principal.name)
