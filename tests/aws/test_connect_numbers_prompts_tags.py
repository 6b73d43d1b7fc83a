"""Amazon Connect's phone numbers, prompts and tags, spoken by boto3."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf
from botocore.exceptions import ClientError
from s3_stores import Store, running_store

USUAL = "+15550100000"  # what lines call from that may call from any number
END = (
    '{"Version":"2019-10-30","StartAction":"end","Actions":[{"Identifier":"end",'
    '"Type":"DisconnectParticipant","Parameters":{},"Transitions":{}}]}'
)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


@pytest.fixture(scope="module")
def aws_server(tmp_path_factory: pytest.TempPathFactory, store: Store) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("connect") / "data"
    settings = {"RINGFENCE_AWS_ACCEPT_ANY_KEY": "1"} | store.environment
    with running(data_dir, **settings) as made:
        yield made


def refused(ask: Callable[..., object], **members: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        ask(**members)
    told: dict[str, Any] = error.value.response
    return told


def wav(seconds: float = 0.2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * round(seconds * 8000))
    return file.getvalue()


def test_a_number_is_searched_claimed_led_to_a_flow_and_released(
    connect: ClientOf, instance: str
) -> None:
    wanted = {"PhoneNumberCountryCode": "US", "PhoneNumberType": "DID", "InstanceId": instance}
    found = connect.search_available_phone_numbers(**wanted)["AvailableNumbersList"]
    assert [each["PhoneNumber"] for each in found] == [USUAL]
    assert (
        connect.search_available_phone_numbers(**wanted, PhoneNumberPrefix="+1999")[
            "AvailableNumbersList"
        ]
        == []
    )

    arn = connect.describe_instance(InstanceId=instance)["Instance"]["Arn"]
    claim = {"TargetArn": arn, "PhoneNumber": USUAL, "ClientToken": "t-1", "Tags": {"desk": "a"}}
    claimed = connect.claim_phone_number(**claim)
    assert connect.claim_phone_number(**claim)["PhoneNumberId"] == claimed["PhoneNumberId"]
    assert connect.search_available_phone_numbers(**wanted)["AvailableNumbersList"] == []
    again = refused(connect.claim_phone_number, **(claim | {"ClientToken": "t-2"}))
    assert again["Error"]["Code"] == "IdempotencyException"

    number = claimed["PhoneNumberId"]
    connect.update_phone_number_metadata(PhoneNumberId=number, PhoneNumberDescription="fraud desk")
    told = connect.describe_phone_number(PhoneNumberId=number)["ClaimedPhoneNumberSummary"]
    assert told["PhoneNumber"] == USUAL
    assert told["PhoneNumberDescription"] == "fraud desk"
    assert told["PhoneNumberStatus"]["Status"] == "CLAIMED"
    assert told["TargetArn"] == arn
    (listed,) = connect.list_phone_numbers(InstanceId=instance)["PhoneNumberSummaryList"]
    (listed_too,) = connect.list_phone_numbers_v2()["ListPhoneNumbersSummaryList"]
    assert listed["Id"] == listed_too["PhoneNumberId"] == number
    assert not connect.list_phone_numbers_v2(PhoneNumberCountryCodes=["DE"])[
        "ListPhoneNumbersSummaryList"
    ]

    flow = connect.create_contact_flow(
        InstanceId=instance, Name="called", Type="CONTACT_FLOW", Content=END
    )["ContactFlowId"]
    connect.associate_phone_number_contact_flow(
        PhoneNumberId=number, InstanceId=instance, ContactFlowId=flow
    )
    held = refused(connect.delete_contact_flow, InstanceId=instance, ContactFlowId=flow)
    assert USUAL in held["Error"]["Message"]
    connect.disassociate_phone_number_contact_flow(PhoneNumberId=number, InstanceId=instance)
    connect.delete_contact_flow(InstanceId=instance, ContactFlowId=flow)

    moved = connect.update_phone_number(PhoneNumberId=number, InstanceId=instance)
    assert moved["PhoneNumberArn"] == claimed["PhoneNumberArn"]
    connect.release_phone_number(PhoneNumberId=number)
    gone = refused(connect.describe_phone_number, PhoneNumberId=number)
    assert gone["Error"]["Code"] == "ResourceNotFoundException"
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_number_without_an_instance_is_refused_by_name(connect: ClientOf) -> None:
    told = refused(connect.claim_phone_number, PhoneNumber="+14155550123")
    assert told["Error"]["Code"] == "InvalidParameterException"
    assert "InstanceId" in told["Error"]["Message"]


def test_a_prompt_is_made_of_a_file_in_s3(connect: ClientOf, instance: str, store: Store) -> None:
    uri = store.put("prompts/hello.wav", wav())
    made = connect.create_prompt(
        InstanceId=instance, Name="hello", Description="says hello", S3Uri=uri, Tags={"x": "1"}
    )
    where = {"InstanceId": instance, "PromptId": made["PromptId"]}
    told = connect.describe_prompt(**where)["Prompt"]
    assert (told["Name"], told["Description"], told["Tags"]) == ("hello", "says hello", {"x": "1"})
    assert told["PromptARN"] == made["PromptARN"]
    assert [
        each["Name"] for each in connect.list_prompts(InstanceId=instance)["PromptSummaryList"]
    ] == ["hello"]

    twice = refused(connect.create_prompt, InstanceId=instance, Name="hello", S3Uri=uri)
    assert twice["Error"]["Code"] == "DuplicateResourceException"
    connect.update_prompt(**where, Name="good morning")
    assert connect.describe_prompt(**where)["Prompt"]["Name"] == "good morning"
    connect.delete_prompt(**where)
    assert refused(connect.describe_prompt, **where)["Error"]["Code"] == "ResourceNotFoundException"


def test_what_is_no_sound_or_not_there_makes_no_prompt(
    connect: ClientOf, instance: str, store: Store
) -> None:
    text = store.put("prompts/no.wav", "this is a text")
    for uri in (text, "s3://bank/prompts/nowhere.wav"):
        told = refused(connect.create_prompt, InstanceId=instance, Name="bad", S3Uri=uri)
        assert told["Error"]["Code"] == "InvalidParameterException", told
    assert not connect.list_prompts(InstanceId=instance)["PromptSummaryList"]


def test_tags_are_added_replaced_and_taken_off(connect: ClientOf, instance: str) -> None:
    made = connect.create_contact_flow(
        InstanceId=instance, Name="tagged", Type="CONTACT_FLOW", Content=END, Tags={"a": "1"}
    )
    arn = made["ContactFlowArn"]
    connect.tag_resource(resourceArn=arn, tags={"a": "2", "b": "3"})
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2", "b": "3"}
    connect.untag_resource(resourceArn=arn, tagKeys=["a", "never there"])
    assert connect.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3"}
    many = {f"key{n}": "v" for n in range(50)}
    told = refused(connect.tag_resource, resourceArn=arn, tags=many)
    assert told["Error"]["Code"] == "InvalidParameterException"
    missing = arn.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    gone = refused(connect.list_tags_for_resource, resourceArn=missing)
    assert gone["Error"]["Code"] == "ResourceNotFoundException"
    other = refused(connect.list_tags_for_resource, resourceArn="arn:aws:s3:::bucket")
    assert other["Error"]["Code"] == "InvalidParameterException"
