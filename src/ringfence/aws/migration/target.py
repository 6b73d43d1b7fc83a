"""Where an account moves to: the operations of our own service, called without a wire between.

Requests are read and checked as those of clients are.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import msgspec

from ringfence.aws.frauddetector.fields import name_member
from ringfence.aws.frauddetector.service import FraudDetector, operations
from ringfence.aws.wire.errors import AwsError, aws_error
from ringfence.aws.wire.operations import Call, without_none
from ringfence.aws.wire.reading import read_input
from ringfence.aws.wire.shapes import declared_errors
from ringfence.errors import RingfenceError

_SERVICE = "frauddetector"
_MISSING = "ResourceNotFoundException"


class Target:
    """Our own service. `by` is noted as who made what is made."""

    def __init__(self, host: FraudDetector, region: str, by: str):
        self.host = host
        self._region = region
        self._by = by

    def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """The output of an operation. Members that are None are not sent. Raises `AwsError`."""
        try:
            sent = msgspec.json.encode(without_none(members))
            call = Call(
                read_input(_SERVICE, operation, sent),
                self._region,
                self.host.settings.aws_account_id,
                self._by,
            )
            outcome = operations()[operation](self.host, call)
            if inspect.isawaitable(outcome):
                outcome = asyncio.run(_awaited(outcome))
            output: dict[str, Any] = without_none(outcome)
            return output
        except Exception as error:
            if isinstance(error, RingfenceError):
                name_member(error, operation)
            raise aws_error(error, declared_errors(_SERVICE, operation)) from error

    def find(self, operation: str, member: str, **members: Any) -> dict[str, Any] | None:
        """The one resource that a `Get...` operation finds, None when there is none."""
        try:
            found = self.call(operation, **members).get(member) or [None]
        except AwsError as error:
            if error.code == _MISSING:
                return None
            raise
        first: dict[str, Any] | None = found[0]
        return first

    def has_event(self, event_type: str, event_id: str) -> bool:
        """Whether an event of that id is stored here."""
        try:
            self.call("GetEvent", eventTypeName=event_type, eventId=event_id)
        except AwsError as error:
            if error.code == _MISSING:
                return False
            raise
        return True


async def _awaited(outcome: Any) -> Any:
    return await outcome
