"""Lists, tags and the key, through boto3."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from aws_clients import ClientOf
from botocore.exceptions import ClientError

ARN = "arn:aws:frauddetector:eu-west-1:000000000000"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"


def new(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:12]}"


def refused(operation: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as error:
        operation(**members)
    return str(error.value.response["Error"]["Code"])


def elements(client: ClientOf, name: str) -> list[str]:
    return list(client.get_list_elements(name=name)["elements"])


def facts(client: ClientOf, name: str) -> dict[str, Any]:
    (found,) = client.get_lists_metadata(name=name)["lists"]
    return dict(found)


def test_a_list_is_replaced_added_to_and_taken_from(frauddetector: ClientOf) -> None:
    name = new("list")
    frauddetector.create_list(name=name, description="domains")
    assert elements(frauddetector, name) == []
    for mode, given, expected in (
        ("APPEND", ["b.example", "a.example"], ["a.example", "b.example"]),
        ("APPEND", ["b.example", "c.example"], ["a.example", "b.example", "c.example"]),
        ("REMOVE", ["b.example", "x.example"], ["a.example", "c.example"]),
        ("REPLACE", ["d.example"], ["d.example"]),
        ("REPLACE", [], []),
    ):
        frauddetector.update_list(name=name, elements=given, updateMode=mode)
        assert elements(frauddetector, name) == expected
    assert facts(frauddetector, name)["description"] == "domains"


def test_a_list_gets_its_variable_type_once(frauddetector: ClientOf) -> None:
    name = new("list")
    frauddetector.create_list(name=name, elements=["a"])
    assert "variableType" not in facts(frauddetector, name)
    assert refused(frauddetector.update_list, name=name, variableType="PRICE") == (
        "ValidationException"
    )
    frauddetector.update_list(name=name, variableType="EMAIL_ADDRESS")
    frauddetector.update_list(name=name, variableType="EMAIL_ADDRESS", description="mail")
    assert refused(frauddetector.update_list, name=name, variableType="IP_ADDRESS") == (
        "ValidationException"
    )
    found = facts(frauddetector, name)
    assert (found["variableType"], found["description"]) == ("EMAIL_ADDRESS", "mail")
    assert found["arn"] == f"{ARN}:list/{name}"
    assert found["createdTime"] < found["updatedTime"]
    assert elements(frauddetector, name) == ["a"]


@pytest.mark.parametrize("members", [{"elements": ["a"]}, {"updateMode": "REPLACE"}])
def test_elements_and_what_becomes_of_them_are_said_together(
    frauddetector: ClientOf, members: dict[str, Any]
) -> None:
    name = new("list")
    frauddetector.create_list(name=name)
    assert refused(frauddetector.update_list, name=name, **members) == "ValidationException"


def test_a_list_is_created_once_and_found_or_not(frauddetector: ClientOf) -> None:
    name = new("list")
    frauddetector.create_list(name=name)
    assert refused(frauddetector.create_list, name=name) == "ValidationException"
    absent = new("list")
    for operation in (
        frauddetector.get_lists_metadata,
        frauddetector.get_list_elements,
        frauddetector.update_list,
    ):
        assert refused(operation, name=absent) == "ResourceNotFoundException"
    frauddetector.delete_list(name=absent)


def test_many_elements_come_in_pages(frauddetector: ClientOf) -> None:
    name = new("list")
    made = [f"user{number}@mail.example" for number in range(1_205)]
    frauddetector.create_list(name=name, elements=made)
    seen: list[str] = []
    token, pages = "", 0
    while pages == 0 or token:
        answer = frauddetector.get_list_elements(name=name, maxResults=500, nextToken=token)
        seen += answer["elements"]
        token, pages = answer.get("nextToken", ""), pages + 1
    assert (pages, seen) == (3, sorted(made))


def test_a_list_may_be_full_but_not_more(frauddetector: ClientOf) -> None:
    name = new("list")
    frauddetector.create_list(name=name, elements=[f"e{n}" for n in range(100_000)])
    more = {"elements": ["one more"], "updateMode": "APPEND"}
    assert refused(frauddetector.update_list, name=name, **more) == "ValidationException"
    same = {"elements": ["e7"], "updateMode": "APPEND"}
    frauddetector.update_list(name=name, **same)
    frauddetector.delete_list(name=name)


def test_a_list_goes_after_the_rules_that_name_it(frauddetector: ClientOf) -> None:
    name, longer = new("list"), f"{new('list')}"
    variable, entity, event_type, outcome, detector = (
        new(kind) for kind in ("variable", "entity", "type", "outcome", "detector")
    )
    frauddetector.create_variable(
        name=variable, dataType="STRING", dataSource="EVENT", defaultValue=""
    )
    frauddetector.put_entity_type(name=entity)
    frauddetector.put_event_type(name=event_type, eventVariables=[variable], entityTypes=[entity])
    frauddetector.put_outcome(name=outcome)
    frauddetector.put_detector(detectorId=detector, eventTypeName=event_type)
    frauddetector.create_list(name=name, elements=["a"])
    frauddetector.create_list(name=longer, elements=["a"])
    # A list is not used by a rule that names one whose name begins alike.
    prefix = longer[:-1]
    frauddetector.create_list(name=prefix, elements=["a"])
    rules = [
        frauddetector.create_rule(
            ruleId=rule_id,
            detectorId=detector,
            expression=f"${variable} in @{of}",
            language="DETECTORPL",
            outcomes=[outcome],
        )["rule"]
        for rule_id, of in (("one", name), ("two", longer))
    ]
    frauddetector.delete_list(name=prefix)
    assert refused(frauddetector.delete_list, name=name) == "ConflictException"
    frauddetector.delete_rule(rule=rules[0])
    frauddetector.delete_list(name=name)
    assert refused(frauddetector.get_lists_metadata, name=name) == "ResourceNotFoundException"


def test_tags_stay_when_a_resource_is_put_again_and_go_with_it(frauddetector: ClientOf) -> None:
    name = new("label")
    arn = f"{ARN}:label/{name}"
    frauddetector.put_label(name=name, tags=[{"key": "team", "value": "cards"}])
    frauddetector.put_label(name=name, tags=[{"key": "team", "value": "other"}])
    frauddetector.tag_resource(
        resourceARN=arn, tags=[{"key": "cost", "value": ""}, {"key": "team", "value": "fraud"}]
    )
    assert frauddetector.list_tags_for_resource(resourceARN=arn)["tags"] == [
        {"key": "cost", "value": ""},
        {"key": "team", "value": "fraud"},
    ]
    frauddetector.untag_resource(resourceARN=arn, tagKeys=["cost", "absent"])
    frauddetector.delete_label(name=name)
    assert refused(frauddetector.list_tags_for_resource, resourceARN=arn) == (
        "ResourceNotFoundException"
    )
    frauddetector.put_label(name=name)
    assert frauddetector.list_tags_for_resource(resourceARN=arn)["tags"] == []


def test_a_resource_has_at_most_200_tags_and_shows_50_at_once(frauddetector: ClientOf) -> None:
    name = new("outcome")
    arn = f"{ARN}:outcome/{name}"
    frauddetector.put_outcome(name=name)
    tags = [{"key": f"k{n:03}", "value": str(n)} for n in range(200)]
    frauddetector.tag_resource(resourceARN=arn, tags=tags)
    one_more = [{"key": "k200", "value": "x"}]
    assert refused(frauddetector.tag_resource, resourceARN=arn, tags=one_more) == (
        "ValidationException"
    )
    frauddetector.tag_resource(resourceARN=arn, tags=[{"key": "k000", "value": "changed"}])
    seen: list[dict[str, str]] = []
    token = ""
    while token or not seen:
        answer = frauddetector.list_tags_for_resource(resourceARN=arn, nextToken=token)
        assert len(answer["tags"]) == 50
        seen += answer["tags"]
        token = answer.get("nextToken", "")
    assert seen == [{"key": "k000", "value": "changed"}, *tags[1:]]
    twice = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    assert refused(frauddetector.tag_resource, resourceARN=arn, tags=twice) == (
        "ValidationException"
    )


@pytest.mark.parametrize(
    "resource",
    [
        "batch-import/absent",
        "batch-prediction/absent",
        "detector/absent",
        "detector-version/absent/1",
        "entity-type/absent",
        "event-type/absent",
        "external-model/absent",
        "label/absent",
        "list/absent",
        "model/ONLINE_FRAUD_INSIGHTS/absent",
        "model-version/ONLINE_FRAUD_INSIGHTS/absent/1.0",
        "model-version/ONLINE_FRAUD_INSIGHTS/absent/first",
        "outcome/absent",
        "rule/absent/absent/1",
        "variable/absent",
        "label/absent/more",
        "nothing/absent",
        "label",
    ],
)
def test_what_is_not_there_has_no_tags(frauddetector: ClientOf, resource: str) -> None:
    arn = f"{ARN}:{resource}"
    assert refused(frauddetector.list_tags_for_resource, resourceARN=arn) == (
        "ResourceNotFoundException"
    )
    given = [{"key": "a", "value": "b"}]
    assert refused(frauddetector.tag_resource, resourceARN=arn, tags=given) == (
        "ResourceNotFoundException"
    )
    assert refused(frauddetector.untag_resource, resourceARN=arn, tagKeys=["a"]) == (
        "ResourceNotFoundException"
    )


def test_the_parts_of_a_detector_lose_their_tags_with_it(frauddetector: ClientOf) -> None:
    variable, entity, event_type = (new(kind) for kind in ("variable", "entity", "type"))
    frauddetector.create_variable(
        name=variable, dataType="STRING", dataSource="EVENT", defaultValue=""
    )
    frauddetector.put_entity_type(name=entity)
    frauddetector.put_event_type(name=event_type, eventVariables=[variable], entityTypes=[entity])
    detector = new("detector")
    arn = f"{ARN}:detector/{detector}"
    frauddetector.put_detector(
        detectorId=detector, eventTypeName=event_type, tags=[{"key": "a", "value": "b"}]
    )
    assert frauddetector.list_tags_for_resource(resourceARN=arn)["tags"]
    frauddetector.delete_detector(detectorId=detector)
    frauddetector.put_detector(detectorId=detector, eventTypeName=event_type)
    assert frauddetector.list_tags_for_resource(resourceARN=arn)["tags"] == []


def test_the_key_is_the_default_until_one_is_named(frauddetector: ClientOf) -> None:
    assert frauddetector.get_kms_encryption_key()["kmsKey"] == {"kmsEncryptionKeyArn": "DEFAULT"}
    code = refused(frauddetector.put_kms_encryption_key, kmsEncryptionKeyArn="arn:aws:kms:x")
    assert code == "ValidationException"
    frauddetector.put_kms_encryption_key(kmsEncryptionKeyArn=KEY)
    assert frauddetector.get_kms_encryption_key()["kmsKey"] == {"kmsEncryptionKeyArn": KEY}


def test_the_key_stays_once_there_are_events(frauddetector: ClientOf) -> None:
    variable, entity, event_type = (new(kind) for kind in ("variable", "entity", "type"))
    frauddetector.create_variable(
        name=variable, dataType="STRING", dataSource="EVENT", defaultValue=""
    )
    frauddetector.put_entity_type(name=entity)
    frauddetector.put_event_type(
        name=event_type,
        eventVariables=[variable],
        entityTypes=[entity],
        eventIngestion="ENABLED",
    )
    key = frauddetector.get_kms_encryption_key()["kmsKey"]["kmsEncryptionKeyArn"]
    frauddetector.send_event(
        eventId="e-1",
        eventTypeName=event_type,
        eventTimestamp="2026-03-01T12:00:00Z",
        eventVariables={variable: "x"},
        entities=[{"entityType": entity, "entityId": "c-1"}],
    )
    frauddetector.put_kms_encryption_key(kmsEncryptionKeyArn=key)
    other = re.sub("12$", "99", KEY)
    assert refused(frauddetector.put_kms_encryption_key, kmsEncryptionKeyArn=other) == (
        "ConflictException"
    )
    frauddetector.delete_event(eventId="e-1", eventTypeName=event_type)
