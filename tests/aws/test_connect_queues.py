"""Amazon Connect's queues and hours of operation, spoken by boto3."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from api_servers import Server
from aws_clients import ClientOf
from botocore.exceptions import ClientError

from ringfence.contacts.hours import get_hours, is_open
from ringfence.storage import Database

NOWHERE = "00000000-0000-0000-0000-000000000000"
WHISPER = (
    '{"Version":"2019-10-30","StartAction":"end","Actions":[{"Identifier":"end",'
    '"Type":"EndFlowExecution","Parameters":{},"Transitions":{}}]}'
)


@pytest.fixture
def hours(connect: ClientOf, instance: str) -> dict[str, str]:
    """Members that name hours of operation, made for the test."""
    made = connect.create_hours_of_operation(
        InstanceId=instance, Name=f"hours {uuid.uuid4()}", TimeZone="Europe/Berlin", Config=[]
    )
    return {"InstanceId": instance, "HoursOfOperationId": made["HoursOfOperationId"]}


@pytest.fixture
def queue(connect: ClientOf, hours: dict[str, str]) -> dict[str, str]:
    """Members that name a queue, made for the test."""
    made = connect.create_queue(**hours, Name=f"queue {uuid.uuid4()}")
    return {"InstanceId": hours["InstanceId"], "QueueId": made["QueueId"]}


def refused(ask: Callable[..., object], **members: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as error:
        ask(**members)
    told = error.value.response
    status = told["ResponseMetadata"]["HTTPStatusCode"]
    return told["Error"]["Code"], status, told["Error"]["Message"]


def period(day: str, start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {
        "Day": day,
        "StartTime": {"Hours": start[0], "Minutes": start[1]},
        "EndTime": {"Hours": end[0], "Minutes": end[1]},
    }


def test_a_queue_is_made_described_and_removed(
    connect: ClientOf, instance: str, hours: dict[str, str]
) -> None:
    made = connect.create_queue(
        **hours, Name="disputes", Description="card disputes", MaxContacts=7, Tags={"desk": "a"}
    )
    named = {"InstanceId": instance, "QueueId": made["QueueId"]}
    told = connect.describe_queue(**named)["Queue"]
    assert told["Name"] == "disputes"
    assert told["Description"] == "card disputes"
    assert told["QueueArn"] == made["QueueArn"]
    assert made["QueueArn"].endswith(f"instance/{instance}/queue/{made['QueueId']}")
    assert told["HoursOfOperationId"] == hours["HoursOfOperationId"]
    assert (told["MaxContacts"], told["Status"]) == (7, "ENABLED")
    assert told["Tags"] == {"desk": "a"}
    assert told["LastModifiedRegion"] == "eu-west-1"
    by_arn = connect.describe_queue(InstanceId=instance, QueueId=made["QueueArn"])["Queue"]
    assert by_arn["QueueId"] == made["QueueId"]
    connect.delete_queue(**named)
    assert refused(connect.describe_queue, **named)[:2] == ("ResourceNotFoundException", 404)
    assert refused(connect.delete_queue, **named)[:2] == ("ResourceNotFoundException", 404)


def test_each_setting_of_a_queue_is_changed_by_itself(
    connect: ClientOf, queue: dict[str, str], hours: dict[str, str]
) -> None:
    other = connect.create_hours_of_operation(
        InstanceId=hours["InstanceId"], Name=f"o {uuid.uuid4()}", TimeZone="UTC", Config=[]
    )["HoursOfOperationId"]
    name = f"renamed {uuid.uuid4()}"
    connect.update_queue_name(**queue, Name=name)
    connect.update_queue_name(**queue, Description="said later")
    connect.update_queue_status(**queue, Status="DISABLED")
    connect.update_queue_hours_of_operation(**queue, HoursOfOperationId=other)
    connect.update_queue_max_contacts(**queue, MaxContacts=0)
    told = connect.describe_queue(**queue)["Queue"]
    assert (told["Name"], told["Description"]) == (name, "said later")
    assert (told["Status"], told["MaxContacts"]) == ("DISABLED", 0)
    assert told["HoursOfOperationId"] == other
    connect.update_queue_status(**queue, Status="ENABLED")
    connect.update_queue_max_contacts(**queue)
    told = connect.describe_queue(**queue)["Queue"]
    assert told["Status"] == "ENABLED"
    assert "MaxContacts" not in told


def test_what_calls_of_a_queue_show_is_a_claimed_number_or_one_as_it_is_dialled(
    connect: ClientOf, instance: str, queue: dict[str, str]
) -> None:
    (free,) = connect.search_available_phone_numbers(
        InstanceId=instance, PhoneNumberCountryCode="US", PhoneNumberType="DID"
    )["AvailableNumbersList"]
    number = connect.claim_phone_number(InstanceId=instance, PhoneNumber=free["PhoneNumber"])
    flow = connect.create_contact_flow(
        InstanceId=instance, Name="whisper", Type="OUTBOUND_WHISPER", Content=WHISPER
    )["ContactFlowId"]
    for written in (number["PhoneNumberId"], number["PhoneNumberArn"], free["PhoneNumber"]):
        config = {
            "OutboundCallerIdName": "Fraud desk",
            "OutboundCallerIdNumberId": written,
            "OutboundFlowId": flow,
        }
        connect.update_queue_outbound_caller_config(**queue, OutboundCallerConfig=config)
        told = connect.describe_queue(**queue)["Queue"]["OutboundCallerConfig"]
        assert told == config | {"OutboundCallerIdNumberId": number["PhoneNumberId"]}
    connect.release_phone_number(PhoneNumberId=number["PhoneNumberId"])
    told = connect.describe_queue(**queue)["Queue"]["OutboundCallerConfig"]
    assert told["OutboundCallerIdNumberId"] == free["PhoneNumber"]

    connect.update_queue_outbound_caller_config(**queue, OutboundCallerConfig={})
    assert connect.describe_queue(**queue)["Queue"]["OutboundCallerConfig"] == {}
    for member in ("OutboundCallerIdNumberId", "OutboundFlowId"):
        code, status, message = refused(
            connect.update_queue_outbound_caller_config,
            **queue,
            OutboundCallerConfig={member: NOWHERE},
        )
        assert (code, status) == ("ResourceNotFoundException", 404)
        assert member in message


def test_a_queue_that_cannot_be_made_is_refused_by_its_member(
    connect: ClientOf, queue: dict[str, str], hours: dict[str, str]
) -> None:
    taken = connect.describe_queue(**queue)["Queue"]["Name"]
    code, _, message = refused(connect.create_queue, **hours, Name=taken)
    assert code == "DuplicateResourceException"
    assert taken in message
    other = connect.create_queue(**hours, Name=f"other {uuid.uuid4()}")["QueueId"]
    code, _, _ = refused(connect.update_queue_name, **queue | {"QueueId": other}, Name=taken)
    assert code == "DuplicateResourceException"

    nowhere = hours | {"HoursOfOperationId": NOWHERE}
    code, _, message = refused(connect.create_queue, **nowhere, Name="no hours")
    assert code == "ResourceNotFoundException"
    assert "HoursOfOperationId" in message
    for member, value in (
        ("QuickConnectIds", ["someone"]),
        ("OutboundEmailConfig", {"OutboundEmailAddressId": "a"}),
        ("MaxContacts", 2**31),
        ("Name", " blank before"),
    ):
        members = {"Name": "refused"} | {member: value}
        code, status, message = refused(connect.create_queue, **hours, **members)
        assert (code, status) == ("InvalidParameterException", 400)
        assert member in message


def test_queues_and_hours_are_listed_in_pages(
    connect: ClientOf, instance: str, queue: dict[str, str], hours: dict[str, str]
) -> None:
    made = {connect.create_queue(**hours, Name=f"q {uuid.uuid4()}")["QueueId"] for _ in range(4)}
    for operation, members, wanted in (
        ("list_queues", "QueueSummaryList", made | {queue["QueueId"]}),
        (
            "list_hours_of_operations",
            "HoursOfOperationSummaryList",
            {hours["HoursOfOperationId"]},
        ),
    ):
        whole = getattr(connect, operation)(InstanceId=instance)[members]
        pages = connect.get_paginator(operation).paginate(
            InstanceId=instance, PaginationConfig={"PageSize": 2}
        )
        paged = [each for one in pages for each in one[members]]
        assert paged == whole
        ids = [each["Id"] for each in paged]
        assert len(set(ids)) == len(ids)
        assert wanted <= set(ids)
    assert connect.list_queues(InstanceId=instance, QueueTypes=["STANDARD"])["QueueSummaryList"]
    assert not connect.list_queues(InstanceId=instance, QueueTypes=["AGENT"])["QueueSummaryList"]
    code, _, _ = refused(connect.list_queues, InstanceId=instance, NextToken="not ours")
    assert code == "InvalidParameterException"
    assert refused(connect.list_queues, InstanceId=NOWHERE)[1] == 404


def test_hours_are_made_changed_and_kept_while_a_queue_has_them(
    connect: ClientOf, instance: str
) -> None:
    week = [period("MONDAY", (8, 30), (17, 0)), period("SATURDAY", (22, 0), (2, 5))]
    made = connect.create_hours_of_operation(
        InstanceId=instance,
        Name="desk",
        Description="of the desk",
        TimeZone="America/New_York",
        Config=week,
        Tags={"x": "1"},
    )
    named = {"InstanceId": instance, "HoursOfOperationId": made["HoursOfOperationId"]}
    told = connect.describe_hours_of_operation(**named)["HoursOfOperation"]
    assert told["HoursOfOperationArn"] == made["HoursOfOperationArn"]
    assert "/operating-hours/" in made["HoursOfOperationArn"]
    assert (told["Name"], told["Description"]) == ("desk", "of the desk")
    assert (told["TimeZone"], told["Config"]) == ("America/New_York", week)
    assert told["Tags"] == {"x": "1"}

    connect.update_hours_of_operation(**named, TimeZone="Asia/Tokyo", Description="")
    told = connect.describe_hours_of_operation(**named)["HoursOfOperation"]
    assert (told["Name"], told["TimeZone"], told["Config"]) == ("desk", "Asia/Tokyo", week)
    assert "Description" not in told
    connect.update_hours_of_operation(**named, Config=[])
    assert connect.describe_hours_of_operation(**named)["HoursOfOperation"]["Config"] == []

    holder = connect.create_queue(**named, Name="holder")["QueueId"]
    code, status, message = refused(connect.delete_hours_of_operation, **named)
    assert (code, status) == ("InvalidParameterException", 400)
    assert "desk" in message
    connect.delete_queue(InstanceId=instance, QueueId=holder)
    connect.delete_hours_of_operation(**named)
    gone = refused(connect.describe_hours_of_operation, **named)
    assert gone[:2] == ("ResourceNotFoundException", 404)


def test_hours_that_cannot_be_are_refused_by_their_member(
    connect: ClientOf, instance: str, hours: dict[str, str]
) -> None:
    taken = connect.describe_hours_of_operation(**hours)["HoursOfOperation"]["Name"]
    right = {"InstanceId": instance, "Name": "right", "TimeZone": "UTC", "Config": []}
    ask = connect.create_hours_of_operation
    assert refused(ask, **right | {"Name": taken})[0] == "DuplicateResourceException"
    for member, value in (
        ("TimeZone", "Mars/Olympus"),
        ("Config", [period("MONDAY", (24, 0), (25, 0))]),
        ("Config", [period("MONDAY", (8, 0), (9, 0))] * 101),
        ("Config", [period("SOMEDAY", (8, 0), (9, 0))]),
        ("ParentHoursOfOperationConfigs", [{"HoursOfOperationId": hours["HoursOfOperationId"]}]),
    ):
        code, status, message = refused(ask, **right | {member: value})
        assert (code, status) == ("InvalidParameterException", 400)
        assert member in message


def test_overrides_are_made_changed_listed_and_removed(
    connect: ClientOf, hours: dict[str, str]
) -> None:
    morning = [period("THURSDAY", (9, 0), (12, 0))]
    holiday = {
        "Name": "Christmas Eve",
        "Description": "half a day",
        "EffectiveFrom": "2026-12-24",
        "EffectiveTill": "2026-12-24",
        "Config": morning,
    }
    create = connect.create_hours_of_operation_override
    made = create(**hours, **holiday)["HoursOfOperationOverrideId"]
    named = hours | {"HoursOfOperationOverrideId": made}
    told = connect.describe_hours_of_operation_override(**named)["HoursOfOperationOverride"]
    assert holiday.items() <= told.items()
    assert told["OverrideType"] == "STANDARD"
    assert told["HoursOfOperationId"] == hours["HoursOfOperationId"]

    shut = {"EffectiveFrom": "2027-01-01", "EffectiveTill": "2027-01-02", "Config": []}
    second = create(**hours, Name="Año Nuevo", **shut)["HoursOfOperationOverrideId"]
    assert refused(create, **hours, Name="Año Nuevo", **shut)[0] == "DuplicateResourceException"
    connect.update_hours_of_operation_override(**named, EffectiveTill="2026-12-25")
    told = connect.describe_hours_of_operation_override(**named)["HoursOfOperationOverride"]
    assert (told["EffectiveTill"], told["Config"]) == ("2026-12-25", morning)
    pages = connect.get_paginator("list_hours_of_operation_overrides").paginate(
        **hours, PaginationConfig={"PageSize": 1}
    )
    listed = [
        each["HoursOfOperationOverrideId"]
        for one in pages
        for each in one["HoursOfOperationOverrideList"]
    ]
    assert sorted(listed) == sorted([made, second])

    connect.delete_hours_of_operation_override(**named)
    gone = refused(connect.delete_hours_of_operation_override, **named)
    assert gone[:2] == ("ResourceNotFoundException", 404)
    (left,) = connect.list_hours_of_operation_overrides(**hours)["HoursOfOperationOverrideList"]
    assert left["HoursOfOperationOverrideId"] == second


def test_overrides_that_cannot_be_are_refused_by_their_member(
    connect: ClientOf, hours: dict[str, str]
) -> None:
    right: dict[str, Any] = {
        "Name": "a day",
        "EffectiveFrom": "2026-12-24",
        "EffectiveTill": "2026-12-24",
        "Config": [],
    }
    yearly = {"RecurrencePattern": {"Frequency": "YEARLY", "Interval": 1}}
    for member, value in (
        ("Name", "a bell \a"),
        ("EffectiveTill", "2026-02-30"),
        ("EffectiveTill", "2026-12-23"),
        ("Config", [{"Day": "MONDAY"}]),
        ("RecurrenceConfig", yearly),
    ):
        code, status, message = refused(
            connect.create_hours_of_operation_override, **hours, **right | {member: value}
        )
        assert (code, status) == ("InvalidParameterException", 400)
        assert member in message or member.lower() in message
    assert not connect.list_hours_of_operation_overrides(**hours)["HoursOfOperationOverrideList"]


def test_of_two_overrides_of_a_date_the_newer_holds_also_when_the_older_is_changed(
    aws_server: Server, connect: ClientOf, hours: dict[str, str]
) -> None:
    day = {"EffectiveFrom": "2026-12-24", "EffectiveTill": "2026-12-24"}
    create = connect.create_hours_of_operation_override
    older = create(**hours, **day, Name="older", Config=[])["HoursOfOperationOverrideId"]
    whole_day = [period("THURSDAY", (0, 0), (0, 0))]
    create(**hours, **day, Name="newer", Config=whole_day)
    connect.update_hours_of_operation_override(
        **hours, HoursOfOperationOverrideId=older, Description="was there before"
    )
    database = Database(f"sqlite:///{aws_server.data_dir / 'ringfence.db'}")
    with database.read() as connection:
        kept = get_hours(connection, hours["HoursOfOperationId"])
    database.dispose()
    assert is_open(kept, datetime(2026, 12, 24, 12, tzinfo=UTC))
