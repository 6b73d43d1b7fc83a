"""Amazon Connect's service: what its operations are given, and what its errors are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

from sqlalchemy import Connection

from ringfence.aws.wire.operations import Handler
from ringfence.aws.wire.rest_service import ErrorNames
from ringfence.contacts.calls import Calls
from ringfence.errors import RingfenceError
from ringfence.lines import Line
from ringfence.settings import Settings
from ringfence.storage import Database

# One file for each kind of resource, each with its `operations`.
_RESOURCES = (
    "contact_flows",
    "contacts",
    "flow_modules",
    "hours_of_operation",
    "instances",
    "outbound",
    "phone_numbers",
    "prompts",
    "queues",
    "tags",
)

ERROR_NAMES = ErrorNames(
    invalid=("InvalidParameterException", "InvalidRequestException"),
    not_found=("ResourceNotFoundException", "InvalidRequestException"),
    conflict=(
        "DuplicateResourceException",
        "ResourceConflictException",
        "ResourceInUseException",
        "IdempotencyException",
    ),
    forbidden=("AccessDeniedException",),
    # Of the limit of an operation that declares neither, clients hear as of too many requests.
    throttled=("TooManyRequestsException", "ThrottlingException"),
    internal=("InternalServiceException",),
)

# What our fields are called in Amazon Connect's operations, where it is not the same in capitals.
_MEMBERS = {
    "nextToken": "NextToken",
    "wav": "S3Uri",
    "attributes": "Attributes",
    "alias": "InstanceAlias",
    "client_token": "ClientToken",
    "caller_name": "OutboundCallerIdName",
    "caller_number": "OutboundCallerIdNumberId",
    "content": "Content",
    "contact_id": "ContactId",
    "description": "Description",
    "flow": "ContactFlowId",
    "flow_id": "ContactFlowId",
    "hours_id": "HoursOfOperationId",
    "instance_id": "InstanceId",
    "most_contacts": "MaxContacts",
    "name": "Name",
    "number": "PhoneNumber",
    "number_id": "PhoneNumberId",
    "outbound_flow_id": "OutboundFlowId",
    "periods": "Config",
    "prompt_id": "PromptId",
    "queue_id": "QueueId",
    "s3_uri": "S3Uri",
    "time_zone": "TimeZone",
    "version": "ContactFlowVersion",
}


@dataclass(frozen=True, slots=True)
class Connect:
    """What the operations work on. `calls` are on the event loop: only coroutines may use them."""

    settings: Settings
    database: Database
    calls: Calls
    lines: Mapping[str, Line]
    redefined: Callable[[], None]

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that only reads."""
        with self.database.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction."""
        with self.database.write() as connection:
            yield connection


def operations() -> Mapping[str, Handler]:
    """Every operation that is served, by its name."""
    found: dict[str, Handler] = {}
    for name in _RESOURCES:
        found |= import_module(f"ringfence.aws.connect.{name}").operations.all
    return found


def name_member(error: RingfenceError, operation: str) -> None:
    """Let an error name the member of Amazon Connect's operation that its field is."""
    if error.field in _MEMBERS:
        error.field = _MEMBERS[error.field]
