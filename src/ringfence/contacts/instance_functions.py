"""Functions that AWS clients have associated with an instance.

A flow finds a function by its name whether it was associated or not; the list is for clients that
ask for what they have said.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, delete, insert, select

from ringfence.contacts import tables
from ringfence.contacts.instances import get_instance
from ringfence.errors import InvalidInput, NotFound
from ringfence.storage import now

_LONGEST_ARN = 256
_ARN = re.compile(
    r"arn:[a-z-]+:lambda:[a-z0-9-]*:[0-9]*:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?"
)


def associate_function(connection: Connection, instance_id: str, function_arn: str) -> None:
    """Associate a function; again it changes nothing. Raises `NotFound`, `InvalidInput`."""
    get_instance(connection, instance_id)
    if len(function_arn) > _LONGEST_ARN or not _ARN.fullmatch(function_arn):
        raise InvalidInput(
            "not the ARN of a function",
            field="function_arn",
            expected="arn:aws:lambda:REGION:ACCOUNT:function:NAME",
        )
    if function_arn not in list_associated(connection, instance_id):
        connection.execute(
            insert(tables.instance_functions).values(
                instance_id=instance_id, function_arn=function_arn, associated_at=now()
            )
        )


def dissociate_function(connection: Connection, instance_id: str, function_arn: str) -> None:
    """Associate a function no longer. Raises `NotFound`."""
    table = tables.instance_functions
    removed = connection.execute(
        delete(table).where(
            table.c.instance_id == instance_id, table.c.function_arn == function_arn
        )
    ).rowcount
    if not removed:
        raise NotFound(f"{function_arn!r} is not associated", field="function_arn")


def list_associated(connection: Connection, instance_id: str) -> list[str]:
    """The ARNs of the functions of an instance, in order."""
    table = tables.instance_functions.c
    return list(
        connection.execute(
            select(table.function_arn)
            .where(table.instance_id == instance_id)
            .order_by(table.function_arn)
        ).scalars()
    )
