"""The key that a client wants its data to be encrypted with.

It is kept and told, so that programs which set it and look at it go on working. What seals card
numbers is the vault's key, whatever is named here: no key of AWS's key service is ever asked for.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from ringfence.aws.frauddetector.operations import Call, Operations
from ringfence.aws.frauddetector.service import FraudDetector
from ringfence.aws.tables import encryption
from ringfence.errors import Conflict
from ringfence.events.usage import has_events

DEFAULT = "DEFAULT"
_NAME = "events"

operations = Operations()


@operations.add("PutKMSEncryptionKey")
def put_key(service: FraudDetector, call: Call) -> dict[str, Any]:
    """Name the key, as long as no event is stored; naming the same key again is no change."""
    wanted = call.members["kmsEncryptionKeyArn"]
    with service.write() as connection:
        if wanted != _key(connection):
            if has_events(connection):
                raise Conflict(
                    "there are stored events, which are not encrypted anew",
                    field="kmsEncryptionKeyArn",
                    expected="the key that is in use, or no stored events",
                )
            connection.execute(delete(encryption))
            connection.execute(insert(encryption).values(name=_NAME, key_arn=wanted))
    return {}


@operations.add("GetKMSEncryptionKey")
def get_key(service: FraudDetector, call: Call) -> dict[str, Any]:
    """The key that was named last, `DEFAULT` if none was."""
    with service.read() as connection:
        return {"kmsKey": {"kmsEncryptionKeyArn": _key(connection)}}


def _key(connection: Connection) -> str:
    found: str | None = connection.execute(select(encryption.c.key_arn)).scalar()
    return found or DEFAULT
