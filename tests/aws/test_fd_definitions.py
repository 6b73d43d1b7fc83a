"""Variables, labels, entity types, event types and outcomes, through boto3."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from aws_clients import ClientOf
from botocore.exceptions import ClientError

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ARN = "arn:aws:frauddetector:eu-west-1:000000000000"


def new(kind: str) -> str:
    """A name that nothing has yet."""
    return f"{kind}_{uuid.uuid4().hex[:12]}"


def refused(operation: Any, **members: Any) -> tuple[str, str]:
    """The code and the text of the error that an operation ends with."""
    with pytest.raises(ClientError) as error:
        operation(**members)
    said = error.value.response["Error"]
    return said["Code"], said["Message"]


def variable(client: ClientOf, name: str | None = None, **members: Any) -> str:
    name = name or new("variable")
    given = {"dataType": "STRING", "dataSource": "EVENT", "defaultValue": "<null>"} | members
    assert set(client.create_variable(name=name, **given)) == {"ResponseMetadata"}
    return name


def event_type(client: ClientOf, **members: Any) -> dict[str, Any]:
    """A new event type with one of everything, as it is told."""
    entity, fraud, legit = new("entity"), new("fraud"), new("legit")
    client.put_entity_type(name=entity)
    client.put_label(name=fraud)
    client.put_label(name=legit)
    given = {
        "name": new("type"),
        "eventVariables": [variable(client)],
        "entityTypes": [entity],
        "labels": [fraud, legit],
    } | members
    client.put_event_type(**given)
    return told(client, given["name"])


def told(client: ClientOf, name: str) -> dict[str, Any]:
    (found,) = client.get_event_types(name=name)["eventTypes"]
    return dict(found)


def test_a_variable_is_told_as_it_was_created(frauddetector: ClientOf) -> None:
    name = variable(
        frauddetector, dataType="FLOAT", defaultValue="0.0", variableType="PRICE", description="sum"
    )
    (found,) = frauddetector.get_variables(name=name)["variables"]
    assert TIME.fullmatch(found.pop("createdTime"))
    assert TIME.fullmatch(found.pop("lastUpdatedTime"))
    assert found == {
        "name": name,
        "dataType": "FLOAT",
        "dataSource": "EVENT",
        "defaultValue": "0.0",
        "variableType": "PRICE",
        "description": "sum",
        "arn": f"{ARN}:variable/{name}",
    }


@pytest.mark.parametrize(
    ("data_type", "default"),
    [("FLOAT", ""), ("INTEGER", "0.5"), ("BOOLEAN", "maybe"), ("DATETIME", "tomorrow")],
)
def test_a_default_that_is_no_value_of_the_data_type_is_refused(
    frauddetector: ClientOf, data_type: str, default: str
) -> None:
    name = new("variable")
    code, text = refused(
        frauddetector.create_variable,
        name=name,
        dataType=data_type,
        dataSource="EVENT",
        defaultValue=default,
    )
    assert code == "ValidationException"
    assert "defaultValue" in text
    assert data_type in text
    assert refused(frauddetector.get_variables, name=name)[0] == "ResourceNotFoundException"


def test_a_variable_is_created_once(frauddetector: ClientOf) -> None:
    name = variable(frauddetector)
    again = {"dataType": "FLOAT", "dataSource": "EVENT", "defaultValue": "0.0"}
    code, text = refused(frauddetector.create_variable, name=name, **again)
    assert (code, "already" in text) == ("ValidationException", True)
    assert frauddetector.get_variables(name=name)["variables"][0]["dataType"] == "STRING"


def test_a_variable_type_that_we_do_not_know_is_kept(frauddetector: ClientOf) -> None:
    known = variable(frauddetector, variableType="SOMETHING_NEW")
    without = variable(frauddetector)
    assert told(frauddetector, event_type(frauddetector, eventVariables=[known, without])["name"])
    found = frauddetector.batch_get_variable(names=[known, without])["variables"]
    assert [one["variableType"] for one in found] == ["SOMETHING_NEW", ""]


def test_a_batch_creates_what_it_can_and_says_what_it_cannot(frauddetector: ClientOf) -> None:
    good, double, untyped = new("good"), new("double"), new("untyped")
    entry = {"dataType": "STRING", "dataSource": "EVENT", "defaultValue": ""}
    answer = frauddetector.batch_create_variable(
        variableEntries=[
            {"name": good, **entry},
            {"name": double, **entry},
            {"name": double, **entry},
            {"name": untyped, **entry, "dataType": "TEXT"},
            {"name": new("none"), "dataType": "STRING", "dataSource": "EVENT"},
            {"name": "not a name", **entry},
        ],
        tags=[{"key": "team", "value": "cards"}],
    )
    assert [error["name"] for error in answer["errors"]][:2] == [double, untyped]
    assert len(answer["errors"]) == 4
    assert all(error["code"] == 400 for error in answer["errors"])
    assert "STRING, INTEGER" in answer["errors"][1]["message"]
    found = frauddetector.batch_get_variable(names=[good, untyped, double])
    assert [one["name"] for one in found["variables"]] == [good, double]
    assert [(one["name"], one["code"]) for one in found["errors"]] == [(untyped, 404)]
    arn = found["variables"][0]["arn"]
    tags = frauddetector.list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "team", "value": "cards"}]


def test_an_updated_variable_is_what_its_event_types_have(frauddetector: ClientOf) -> None:
    name = variable(frauddetector, dataType="FLOAT", defaultValue="0.0")
    event_type(frauddetector, eventVariables=[name])
    frauddetector.update_variable(name=name, variableType="PRICE", defaultValue="7.5")
    (found,) = frauddetector.get_variables(name=name)["variables"]
    assert (found["variableType"], found["defaultValue"]) == ("PRICE", "7.5")
    code, text = refused(frauddetector.update_variable, name=name, defaultValue="much")
    assert (code, "defaultValue" in text) == ("ValidationException", True)
    absent = refused(frauddetector.update_variable, name=new("absent"), description="x")
    assert absent[0] == "ResourceNotFoundException"


def test_variables_come_in_pages(frauddetector: ClientOf) -> None:
    made = {variable(frauddetector) for _ in range(55)}
    first = frauddetector.get_variables(maxResults=50, nextToken="")
    assert len(first["variables"]) == 50
    seen, token = list(first["variables"]), first.get("nextToken")
    while token:
        more = frauddetector.get_variables(maxResults=50, nextToken=token)
        seen, token = seen + more["variables"], more.get("nextToken")
    names = [one["name"] for one in seen]
    assert names == sorted(set(names))
    assert made <= set(names)
    code, _ = refused(frauddetector.get_variables, maxResults=50, nextToken="made up")
    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("put", "get", "delete", "member", "kind"),
    [
        ("put_label", "get_labels", "delete_label", "labels", "label"),
        ("put_entity_type", "get_entity_types", "delete_entity_type", "entityTypes", "entity-type"),
        ("put_outcome", "get_outcomes", "delete_outcome", "outcomes", "outcome"),
    ],
)
def test_what_is_no_more_than_a_name_is_put_described_and_deleted(
    frauddetector: ClientOf, put: str, get: str, delete: str, member: str, kind: str
) -> None:
    call = {name: getattr(frauddetector, name) for name in (put, get, delete)}
    name = new(member.lower())
    call[put](name=name, description="first")
    call[put](name=name)
    (found,) = call[get](name=name)[member]
    assert (found["name"], found["description"]) == (name, "first")
    assert found["arn"] == f"{ARN}:{kind}/{name}"
    assert TIME.fullmatch(found["createdTime"])
    assert found["createdTime"] <= found["lastUpdatedTime"]
    assert refused(call[put], name="A B")[0] == "ValidationException"
    call[delete](name=name)
    call[delete](name=name)
    assert refused(call[get], name=name)[0] == "ResourceNotFoundException"


def test_an_outcome_without_a_description_has_an_empty_one(frauddetector: ClientOf) -> None:
    name = new("outcome")
    frauddetector.put_outcome(name=name)
    assert frauddetector.get_outcomes(name=name)["outcomes"][0]["description"] == ""


def test_an_event_type_is_told_with_all_that_clients_read(frauddetector: ClientOf) -> None:
    found = event_type(frauddetector, description="payments")
    assert found["eventIngestion"] == "DISABLED"
    assert found["eventOrchestration"] == {"eventBridgeEnabled": False}
    assert found["ingestedEventStatistics"] == {"numberOfEvents": 0, "eventDataSizeInBytes": 0}
    assert found["description"] == "payments"
    assert found["arn"] == f"{ARN}:event-type/{found['name']}"
    assert TIME.fullmatch(found["createdTime"])
    assert TIME.fullmatch(found["lastUpdatedTime"])
    assert len(found["labels"]) == 2


def test_an_event_type_may_have_no_labels(frauddetector: ClientOf) -> None:
    entity = new("entity")
    frauddetector.put_entity_type(name=entity)
    name = new("type")
    frauddetector.put_event_type(
        name=name, eventVariables=[variable(frauddetector)], entityTypes=[entity]
    )
    assert told(frauddetector, name)["labels"] == []


def test_putting_an_event_type_again_changes_what_is_given(frauddetector: ClientOf) -> None:
    first = event_type(
        frauddetector,
        eventIngestion="ENABLED",
        eventOrchestration={"eventBridgeEnabled": True},
    )
    more = variable(frauddetector)
    given = {name: first[name] for name in ("name", "entityTypes")}
    variables = [*first["eventVariables"], more]
    frauddetector.put_event_type(**given, eventVariables=variables)
    second = told(frauddetector, first["name"])
    assert second["eventVariables"] == variables
    assert second["labels"] == first["labels"]
    assert second["eventIngestion"] == "ENABLED"
    assert second["eventOrchestration"] == {"eventBridgeEnabled": True}
    frauddetector.put_event_type(**given, eventVariables=variables, eventIngestion="DISABLED")
    assert told(frauddetector, first["name"])["eventIngestion"] == "DISABLED"


@pytest.mark.parametrize("what", ["eventVariables", "entityTypes", "labels"])
def test_an_event_type_is_made_of_what_exists(frauddetector: ClientOf, what: str) -> None:
    found = event_type(frauddetector)
    given = {name: found[name] for name in ("eventVariables", "entityTypes", "labels")}
    absent = new("absent")
    code, text = refused(
        frauddetector.put_event_type, **{**given, "name": new("type"), what: [absent]}
    )
    assert code == "ValidationException"
    assert absent in text
    assert what in text


@pytest.mark.parametrize("what", ["eventVariables", "labels"])
def test_what_an_event_type_has_it_keeps(frauddetector: ClientOf, what: str) -> None:
    found = event_type(frauddetector)
    given = {name: found[name] for name in ("name", "eventVariables", "entityTypes", "labels")}
    others = {"eventVariables": [variable(frauddetector)], "labels": found["labels"][:1]}
    code, text = refused(frauddetector.put_event_type, **{**given, what: others[what]})
    assert (code, "cannot be taken away" in text) == ("ValidationException", True)
    assert told(frauddetector, found["name"])[what] == found[what]


def test_a_variable_that_a_model_gives_is_no_variable_of_events(frauddetector: ClientOf) -> None:
    score = variable(
        frauddetector,
        dataType="FLOAT",
        dataSource="EXTERNAL_MODEL_SCORE",
        defaultValue="0.0",
    )
    found = event_type(frauddetector)
    code, text = refused(
        frauddetector.put_event_type,
        name=new("type"),
        eventVariables=[score],
        entityTypes=found["entityTypes"],
    )
    assert (code, score in text) == ("ValidationException", True)
    frauddetector.delete_variable(name=score)


def test_nothing_is_deleted_while_an_event_type_has_it(frauddetector: ClientOf) -> None:
    found = event_type(frauddetector)
    parts = [
        (frauddetector.delete_variable, frauddetector.get_variables, found["eventVariables"][0]),
        (frauddetector.delete_label, frauddetector.get_labels, found["labels"][0]),
        (frauddetector.delete_entity_type, frauddetector.get_entity_types, found["entityTypes"][0]),
    ]
    for delete, _, name in parts:
        code, text = refused(delete, name=name)
        assert code == "ConflictException"
        assert found["name"] in text
    frauddetector.delete_event_type(name=found["name"])
    frauddetector.delete_event_type(name=found["name"])
    code, _ = refused(frauddetector.get_event_types, name=found["name"])
    assert code == "ResourceNotFoundException"
    for delete, get, name in parts:
        delete(name=name)
        assert refused(get, name=name)[0] == "ResourceNotFoundException"


def test_an_event_type_goes_after_its_detector_and_an_outcome_after_its_rule(
    frauddetector: ClientOf,
) -> None:
    found = event_type(frauddetector)
    detector, outcome = new("detector"), new("outcome")
    frauddetector.put_detector(detectorId=detector, eventTypeName=found["name"])
    frauddetector.put_outcome(name=outcome)
    rule = frauddetector.create_rule(
        ruleId="first",
        detectorId=detector,
        expression=f'${found["eventVariables"][0]} == "x"',
        language="DETECTORPL",
        outcomes=[outcome],
    )["rule"]
    code, text = refused(frauddetector.delete_outcome, name=outcome)
    assert (code, detector in text) == ("ConflictException", True)
    code, text = refused(frauddetector.delete_event_type, name=found["name"])
    assert (code, detector in text) == ("ConflictException", True)
    frauddetector.delete_rule(rule=rule)
    frauddetector.delete_outcome(name=outcome)
    frauddetector.delete_detector(detectorId=detector)
    frauddetector.delete_event_type(name=found["name"])


def test_a_model_s_score_is_a_variable_that_goes_with_the_model(frauddetector: ClientOf) -> None:
    found = event_type(frauddetector)
    model = {"modelId": new("model"), "modelType": "ONLINE_FRAUD_INSIGHTS"}
    frauddetector.create_model(**model, eventTypeName=found["name"])
    score = f"{model['modelId']}_insightscore"
    (told_score,) = frauddetector.get_variables(name=score)["variables"]
    assert (told_score["dataType"], told_score["dataSource"], told_score["defaultValue"]) == (
        "FLOAT",
        "MODEL_SCORE",
        "0.0",
    )
    assert refused(frauddetector.delete_variable, name=score)[0] == "ConflictException"
    assert refused(frauddetector.update_variable, name=score, description="x")[0] == (
        "ValidationException"
    )
    again = {"dataType": "FLOAT", "dataSource": "MODEL_SCORE", "defaultValue": "0.0"}
    assert refused(frauddetector.create_variable, name=score, **again)[0] == "ValidationException"
    code, text = refused(frauddetector.delete_event_type, name=found["name"])
    assert (code, model["modelId"] in text) == ("ConflictException", True)
    frauddetector.delete_model(**model)
    assert refused(frauddetector.get_variables, name=score)[0] == "ResourceNotFoundException"


def test_stored_events_are_counted_and_keep_their_type(frauddetector: ClientOf) -> None:
    found = event_type(frauddetector, eventIngestion="ENABLED")
    event = {
        "eventTypeName": found["name"],
        "eventVariables": {found["eventVariables"][0]: "x"},
        "entities": [{"entityType": found["entityTypes"][0], "entityId": "c-1"}],
    }
    times = ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z")
    for number, at in enumerate(times):
        frauddetector.send_event(**event, eventId=f"e-{number}", eventTimestamp=at)
    statistics = told(frauddetector, found["name"])["ingestedEventStatistics"]
    assert statistics["numberOfEvents"] == 2
    assert statistics["eventDataSizeInBytes"] > 0
    assert statistics["leastRecentEvent"] == "2026-03-01T12:00:00.000Z"
    assert statistics["mostRecentEvent"] == "2026-03-02T12:00:00.000Z"
    assert TIME.fullmatch(statistics["lastUpdatedTime"])
    code, text = refused(frauddetector.delete_event_type, name=found["name"])
    assert (code, "stored events" in text) == ("ConflictException", True)
    for number in range(2):
        frauddetector.delete_event(eventId=f"e-{number}", eventTypeName=found["name"])
    frauddetector.delete_event_type(name=found["name"])
