"""Phone numbers: searched for among those of the lines, claimed, led to a flow, and released."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from ringfence.aws.connect.naming import arn_of, flow_of, instance_of, last_part
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.wire.paging import page
from ringfence.contacts import phone_numbers
from ringfence.contacts.arns import phone_number_arn
from ringfence.contacts.instances import ConnectInstance, get_instance
from ringfence.contacts.phone_numbers import AvailableNumber, PhoneNumber
from ringfence.errors import InvalidInput

Number = TypeVar("Number", AvailableNumber, PhoneNumber)

operations = Operations()


@operations.add("SearchAvailablePhoneNumbers")
def search(connect: Connect, call: Call) -> dict[str, Any]:
    """The numbers of the lines that nobody has claimed.

    A line that may call from any number offers the one that it calls from by itself.
    """
    members = call.members
    usual = frozenset({connect.settings.caller_number})
    lines = {name: line.numbers or usual for name, line in connect.lines.items()}
    with connect.read() as connection:
        _target(connection, call)
        found = phone_numbers.available_numbers(connection, lines)
    chosen, token = page(
        _chosen(
            found,
            call,
            [members["PhoneNumberCountryCode"]],
            [members["PhoneNumberType"]],
        ),
        call,
        default=10,
        key=lambda each: each.number,
    )
    return {
        "AvailableNumbersList": [
            {
                "PhoneNumber": each.number,
                "PhoneNumberCountryCode": each.country,
                "PhoneNumberType": str(each.type),
            }
            for each in chosen
        ],
        **token,
    }


@operations.add("ClaimPhoneNumber")
def claim(connect: Connect, call: Call) -> dict[str, Any]:
    """A number for an instance; again with the same token it is the same claim."""
    members = call.members
    with connect.write() as connection:
        instance = _target(connection, call)
        claimed = phone_numbers.claim_number(
            connection,
            instance.instance_id,
            members["PhoneNumber"],
            phone_numbers.numbers_of_lines(connect.lines),
            description=members.get("PhoneNumberDescription", ""),
            client_token=members.get("ClientToken") or None,
            tags=members.get("Tags"),
        )
    return _named(call, claimed)


@operations.add("DescribePhoneNumber")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """A claimed number."""
    with connect.read() as connection:
        number = _find(connection, call)
        instance = get_instance(connection, number.instance_id)
    return {
        "ClaimedPhoneNumberSummary": {
            **_summary(call, number, instance),
            "Tags": dict(number.tags),
            "PhoneNumberStatus": {"Status": "CLAIMED"},
        }
    }


@operations.add("ListPhoneNumbers")
def list_of_instance(connect: Connect, call: Call) -> dict[str, Any]:
    """The numbers of an instance."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = phone_numbers.list_numbers(connection, instance.instance_id)
    chosen, token = _page(found, call)
    return {
        "PhoneNumberSummaryList": [
            {
                "Id": each.number_id,
                "Arn": _arn(call, each),
                "PhoneNumber": each.number,
                "PhoneNumberType": str(each.type),
                "PhoneNumberCountryCode": each.country,
            }
            for each in chosen
        ],
        **token,
    }


@operations.add("ListPhoneNumbersV2")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """The numbers of an instance, or all."""
    members = call.members
    with connect.read() as connection:
        one = "TargetArn" in members or "InstanceId" in members
        instance_id = _target(connection, call).instance_id if one else None
        found = phone_numbers.list_numbers(connection, instance_id)
        instances = {
            each: get_instance(connection, each) for each in {one.instance_id for one in found}
        }
    chosen, token = _page(found, call)
    return {
        "ListPhoneNumbersSummaryList": [
            _summary(call, each, instances[each.instance_id]) for each in chosen
        ],
        **token,
    }


@operations.add("AssociatePhoneNumberContactFlow")
def associate(connect: Connect, call: Call) -> dict[str, Any]:
    """Lead calls to a number to a flow of its instance."""
    with connect.write() as connection:
        instance = instance_of(connection, call)
        number = _find(connection, call, instance)
        flow, _ = flow_of(connection, instance, call.members["ContactFlowId"])
        phone_numbers.update_number(connection, number.number_id, flow_id=flow.flow_id)
    return {}


@operations.add("DisassociatePhoneNumberContactFlow")
def disassociate(connect: Connect, call: Call) -> dict[str, Any]:
    """Lead calls to a number nowhere."""
    with connect.write() as connection:
        number = _find(connection, call, instance_of(connection, call))
        phone_numbers.update_number(connection, number.number_id, flow_id=None)
    return {}


@operations.add("UpdatePhoneNumber")
def update(connect: Connect, call: Call) -> dict[str, Any]:
    """Give a number to another instance, where it leads nowhere at first."""
    with connect.write() as connection:
        number = _find(connection, call)
        instance = _target(connection, call)
        if instance.instance_id != number.instance_id:
            number = phone_numbers.update_number(
                connection, number.number_id, instance_id=instance.instance_id, flow_id=None
            )
    return _named(call, number)


@operations.add("UpdatePhoneNumberMetadata")
def update_metadata(connect: Connect, call: Call) -> dict[str, Any]:
    """The description."""
    description: str | None = call.members.get("PhoneNumberDescription")
    with connect.write() as connection:
        number = _find(connection, call)
        if description is not None:
            phone_numbers.update_number(connection, number.number_id, description=description)
    return {}


@operations.add("ReleasePhoneNumber")
def release(connect: Connect, call: Call) -> dict[str, Any]:
    """Let anybody claim a number."""
    with connect.write() as connection:
        phone_numbers.release_number(connection, _find(connection, call).number_id)
    return {}


def _target(connection: Connection, call: Call) -> ConnectInstance:
    """The instance of `TargetArn` or `InstanceId`."""
    named: str | None = call.members.get("TargetArn") or call.members.get("InstanceId")
    if named is None:
        raise InvalidInput(
            "is missing", field="instance_id", expected="InstanceId, or TargetArn with its ARN"
        )
    return instance_of(connection, call, named)


def _find(
    connection: Connection, call: Call, instance: ConnectInstance | None = None
) -> PhoneNumber:
    """The number by id, ARN, or as it is dialled; of that instance, where one is given."""
    named = last_part(call.members["PhoneNumberId"])
    found = phone_numbers.find_number(connection, named) or phone_numbers.get_number(
        connection, named
    )
    if instance is not None and found.instance_id != instance.instance_id:
        raise InvalidInput("is a number of another instance", field="number_id")
    return found


def _chosen(
    found: Sequence[Number], call: Call, countries: Sequence[str], types: Sequence[str]
) -> list[Number]:
    prefix: str = call.members.get("PhoneNumberPrefix", "").lstrip("+")
    return [
        each
        for each in found
        if (not countries or each.country in countries)
        and (not types or each.type in types)
        and each.number.removeprefix("+").startswith(prefix)
    ]


def _page(found: Sequence[PhoneNumber], call: Call) -> tuple[list[PhoneNumber], dict[str, str]]:
    members = call.members
    return page(
        _chosen(
            found,
            call,
            members.get("PhoneNumberCountryCodes", ()),
            members.get("PhoneNumberTypes", ()),
        ),
        call,
        default=1000,
        key=lambda each: each.number,
    )


def _arn(call: Call, number: PhoneNumber) -> str:
    return phone_number_arn(call.region, call.account, number.number_id)


def _named(call: Call, number: PhoneNumber) -> dict[str, Any]:
    return {"PhoneNumberId": number.number_id, "PhoneNumberArn": _arn(call, number)}


def _summary(call: Call, number: PhoneNumber, instance: ConnectInstance) -> dict[str, Any]:
    return {
        **_named(call, number),
        "PhoneNumber": number.number,
        "PhoneNumberCountryCode": number.country,
        "PhoneNumberType": str(number.type),
        "PhoneNumberDescription": number.description or None,
        "TargetArn": arn_of(call, instance),
        "InstanceId": instance.instance_id,
    }
