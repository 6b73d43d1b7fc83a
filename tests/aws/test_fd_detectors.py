from __future__ import annotations

import random
from itertools import count
from typing import Any

import pytest
from api_servers import Server
from aws_clients import ClientOf
from botocore.exceptions import ClientError

from ringfence.detectors.deployments import deploy
from ringfence.events import get_event_type
from ringfence.models import create_model, read_data, store_version, train
from ringfence.storage import Database

NAMES = map("shop_{}".format, count())
ARN = "arn:aws:frauddetector:eu-west-1:"


@pytest.fixture(scope="module")
def client(frauddetector: ClientOf) -> ClientOf:
    """A client of a server with an event type and two outcomes."""
    for variable in ("amount", "items"):
        frauddetector.create_variable(
            name=variable, dataType="FLOAT", dataSource="EVENT", defaultValue="0.0"
        )
    frauddetector.put_entity_type(name="customer")
    frauddetector.put_label(name="fraud")
    frauddetector.put_label(name="legit")
    for event_type in ("payment", "transfer"):
        frauddetector.put_event_type(
            name=event_type,
            eventVariables=["amount", "items"],
            labels=["fraud", "legit"],
            entityTypes=["customer"],
        )
    for outcome in ("approve", "block"):
        frauddetector.put_outcome(name=outcome)
    return frauddetector


@pytest.fixture
def detector(client: ClientOf) -> str:
    """A detector of its own for each test."""
    name = next(NAMES)
    client.put_detector(detectorId=name, eventTypeName="payment", description="first")
    return name


def create_rule(client: ClientOf, detector: str, rule: str = "large", **changes: Any) -> Any:
    return client.create_rule(
        **{
            "ruleId": rule,
            "detectorId": detector,
            "expression": "$amount > 100",
            "language": "DETECTORPL",
            "outcomes": ["block"],
            **changes,
        }
    )["rule"]


def create_version(client: ClientOf, detector: str, *rules: Any, **changes: Any) -> str:
    made = client.create_detector_version(detectorId=detector, rules=list(rules), **changes)
    assert (made["detectorId"], made["status"]) == (detector, "DRAFT")
    return str(made["detectorVersionId"])


def set_status(client: ClientOf, detector: str, version: str, status: str) -> None:
    client.update_detector_version_status(
        detectorId=detector, detectorVersionId=version, status=status
    )


def get_version(client: ClientOf, detector: str, version: str) -> Any:
    return client.get_detector_version(detectorId=detector, detectorVersionId=version)


def statuses(client: ClientOf, detector: str) -> dict[str, str]:
    summaries = client.describe_detector(detectorId=detector)["detectorVersionSummaries"]
    return {summary["detectorVersionId"]: summary["status"] for summary in summaries}


def refused(code: str, request: Any, **members: Any) -> str:
    with pytest.raises(ClientError) as error:
        request(**members)
    assert error.value.response["Error"]["Code"] == code
    return str(error.value.response["Error"]["Message"])


def test_a_detector_is_told_with_its_times_and_described_anew(
    client: ClientOf, detector: str
) -> None:
    [first] = client.get_detectors(detectorId=detector)["detectors"]
    assert first["eventTypeName"] == "payment"
    assert first["description"] == "first"
    assert first["arn"].startswith(ARN)
    assert first["arn"].endswith(f":detector/{detector}")
    assert first["createdTime"] == first["lastUpdatedTime"]
    assert len(first["createdTime"]) == len("2026-11-24T09:30:00.000Z")
    client.put_detector(detectorId=detector, eventTypeName="payment", description="second")
    [second] = client.get_detectors(detectorId=detector)["detectors"]
    assert second["description"] == "second"
    client.put_detector(detectorId=detector, eventTypeName="payment")
    assert client.get_detectors(detectorId=detector)["detectors"][0]["description"] == "second"
    assert second["createdTime"] == first["createdTime"] <= second["lastUpdatedTime"]
    refused("ConflictException", client.put_detector, detectorId=detector, eventTypeName="transfer")
    refused("ValidationException", client.put_detector, detectorId="other", eventTypeName="nothing")
    refused("ResourceNotFoundException", client.get_detectors, detectorId="nobody")
    message = refused("ResourceNotFoundException", client.describe_detector, detectorId="nobody")
    assert message == "detectorId: there is no detector 'nobody'"


def test_detectors_come_in_pages(client: ClientOf) -> None:
    made = [f"paged_{number:02}" for number in range(12)]
    for name in made:
        client.put_detector(detectorId=name, eventTypeName="payment")
    found: list[str] = []
    token = ""
    while True:
        page = client.get_detectors(maxResults=5, nextToken=token)
        assert len(page["detectors"]) <= 5
        found += [detector["detectorId"] for detector in page["detectors"]]
        if "nextToken" not in page:
            break
        token = page["nextToken"]
    assert [name for name in found if name in made] == made
    assert len(set(found)) == len(found)


def test_tags_are_given_to_a_new_detector_and_go_with_it(client: ClientOf) -> None:
    name = next(NAMES)
    tags = [{"key": "team", "value": "fraud"}]
    client.put_detector(detectorId=name, eventTypeName="payment", tags=tags)
    client.put_detector(detectorId=name, eventTypeName="payment", tags=[])
    arn = client.get_detectors(detectorId=name)["detectors"][0]["arn"]
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == tags
    rule = create_rule(client, name, tags=tags)
    version = create_version(client, name, rule, tags=tags)
    of_version = get_version(client, name, version)["arn"]
    assert of_version.endswith(f":detector-version/{name}/1")
    assert client.list_tags_for_resource(resourceARN=of_version)["tags"] == tags
    client.delete_detector_version(detectorId=name, detectorVersionId=version)
    client.delete_rule(rule=rule)
    client.delete_detector(detectorId=name)
    client.put_detector(detectorId=name, eventTypeName="payment")
    create_version(client, name, create_rule(client, name))
    for resource in (arn, of_version):
        assert client.list_tags_for_resource(resourceARN=resource)["tags"] == []


def test_a_rule_is_created_edited_described_and_told(client: ClientOf, detector: str) -> None:
    rule = create_rule(client, detector, description="big ones")
    assert rule == {"detectorId": detector, "ruleId": "large", "ruleVersion": "1"}
    edited = client.update_rule_version(
        rule=rule, expression="1 == 5", language="DETECTORPL", outcomes=["approve", "block"]
    )["rule"]
    assert edited == {**rule, "ruleVersion": "2"}
    client.update_rule_metadata(rule=rule, description="the first")
    first, second = client.get_rules(detectorId=detector, ruleId="large")["ruleDetails"]
    assert first["description"] == "the first"
    assert first["expression"] == "$amount > 100"
    assert first["language"] == "DETECTORPL"
    assert first["createdTime"] <= first["lastUpdatedTime"]
    assert first["arn"].endswith(f":rule/{detector}/large/1")
    assert second["outcomes"] == ["approve", "block"]
    one = client.get_rules(detectorId=detector, ruleId="large", ruleVersion="2")
    assert one["ruleDetails"] == [second]
    refused(
        "ResourceNotFoundException",
        client.get_rules,
        detectorId=detector,
        ruleId="large",
        ruleVersion="3",
    )
    refused("ResourceNotFoundException", client.get_rules, detectorId="nobody")
    refused("ValidationException", client.get_rules, detectorId=detector, ruleVersion="1")


def test_clients_ask_by_an_empty_list_whether_a_rule_is_there(
    client: ClientOf, detector: str
) -> None:
    assert client.get_rules(detectorId=detector, ruleId="nothing")["ruleDetails"] == []


def test_a_rule_that_exists_is_refused_in_the_words_that_clients_compare(
    client: ClientOf, detector: str
) -> None:
    create_rule(client, detector)
    with pytest.raises(ClientError) as error:
        create_rule(client, detector, expression="$amount > 1")
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert error.value.response["message"] == "Failed to save rule since it already exists."


def test_clients_find_the_latest_version_of_a_rule_by_editing_one_that_is_not(
    client: ClientOf, detector: str
) -> None:
    rule = create_rule(client, detector)
    client.update_rule_version(
        rule=rule, expression="$amount > 1", language="DETECTORPL", outcomes=["block"]
    )
    for version in ("1", "9999"):
        message = refused(
            "ConflictException",
            client.update_rule_version,
            rule={**rule, "ruleVersion": version},
            expression="$amount > 2",
            language="DETECTORPL",
            outcomes=["block"],
        )
        assert "whereas the most recent version is 2." in message
        assert message.split(".")[0][-1] == "2"


@pytest.mark.parametrize(
    "changes",
    [
        {"expression": "$amount + 1"},
        {"expression": "$nothing > 1"},
        {"expression": "$amount >"},
        {"outcomes": ["nothing"]},
        {"language": "PYTHON"},
        {"detectorId": "nobody"},
        {"ruleId": "Large"},
    ],
)
def test_a_rule_that_does_not_fit_is_refused(
    client: ClientOf, detector: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as error:
        create_rule(client, detector, **changes)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert client.get_rules(detectorId=detector)["ruleDetails"] == []


def test_rules_come_in_pages_in_the_order_of_their_versions(
    client: ClientOf, detector: str
) -> None:
    rule = create_rule(client, detector)
    for _ in range(60):
        rule = client.update_rule_version(
            rule=rule, expression="$amount > 1", language="DETECTORPL", outcomes=["block"]
        )["rule"]
    first = client.get_rules(detectorId=detector, maxResults=50)
    second = client.get_rules(detectorId=detector, maxResults=50, nextToken=first["nextToken"])
    assert "nextToken" not in second
    versions = [rule["ruleVersion"] for rule in first["ruleDetails"] + second["ruleDetails"]]
    assert versions == [str(number) for number in range(1, 62)]


def test_a_detector_version_is_told_as_it_was_made(client: ClientOf, detector: str) -> None:
    rules = [create_rule(client, detector, name) for name in ("b", "a")]
    version = create_version(client, detector, *rules, description="both")
    found = get_version(client, detector, version)
    assert found["rules"] == rules
    assert found["ruleExecutionMode"] == "FIRST_MATCHED"
    assert (found["modelVersions"], found["externalModelEndpoints"]) == ([], [])
    assert (found["status"], found["description"]) == ("DRAFT", "both")
    assert found["createdTime"] == found["lastUpdatedTime"]
    assert found["arn"].endswith(f":detector-version/{detector}/1")
    described = client.describe_detector(detectorId=detector)
    assert described["arn"].endswith(f":detector/{detector}")
    assert described["detectorVersionSummaries"] == [
        {
            "detectorVersionId": "1",
            "status": "DRAFT",
            "description": "both",
            "lastUpdatedTime": found["lastUpdatedTime"],
        }
    ]
    refused(
        "ResourceNotFoundException",
        client.get_detector_version,
        detectorId=detector,
        detectorVersionId="2",
    )


def test_a_draft_is_edited_and_an_active_version_is_not(client: ClientOf, detector: str) -> None:
    rules = [create_rule(client, detector, name) for name in ("a", "b")]
    version = create_version(client, detector, rules[0], description="first")
    change = {
        "detectorId": detector,
        "detectorVersionId": version,
        "externalModelEndpoints": [],
        "rules": rules,
    }
    client.update_detector_version(**change, ruleExecutionMode="ALL_MATCHED")
    found = get_version(client, detector, version)
    assert (found["rules"], found["ruleExecutionMode"]) == (rules, "ALL_MATCHED")
    assert found["description"] == "first"
    client.update_detector_version(**change)
    assert get_version(client, detector, version)["ruleExecutionMode"] == "ALL_MATCHED"
    set_status(client, detector, version, "ACTIVE")
    refused("ConflictException", client.update_detector_version, **change)
    client.update_detector_version_metadata(
        detectorId=detector, detectorVersionId=version, description="second"
    )
    assert get_version(client, detector, version)["description"] == "second"
    refused(
        "ValidationException",
        client.update_detector_version_metadata,
        detectorId=detector,
        detectorVersionId="7",
        description="nothing",
    )


def test_one_version_is_active_and_only_legal_changes_happen(
    client: ClientOf, detector: str
) -> None:
    rule = create_rule(client, detector)
    for _ in range(2):
        create_version(client, detector, rule)
    update = client.update_detector_version_status
    first = {"detectorId": detector, "detectorVersionId": "1"}
    refused("ConflictException", update, **first, status="INACTIVE")
    set_status(client, detector, "1", "ACTIVE")
    set_status(client, detector, "2", "ACTIVE")
    assert statuses(client, detector) == {"1": "INACTIVE", "2": "ACTIVE"}
    refused("ValidationException", update, **first, status="DRAFT")
    refused("ValidationException", update, **first, status="RETIRED")
    refused("ConflictException", update, **first, status="INACTIVE")
    set_status(client, detector, "1", "ACTIVE")
    assert statuses(client, detector) == {"1": "ACTIVE", "2": "INACTIVE"}


def test_a_version_is_deleted_right_after_it_was_deactivated(
    client: ClientOf, detector: str
) -> None:
    rule = create_rule(client, detector)
    version = create_version(client, detector, rule)
    set_status(client, detector, version, "ACTIVE")
    delete = client.delete_detector_version
    of_version = {"detectorId": detector, "detectorVersionId": version}
    message = refused("ConflictException", delete, **of_version)
    assert "You cannot delete detector versions that are in ACTIVE status" in message
    refused("ConflictException", client.delete_rule, rule=rule)
    refused("ConflictException", client.delete_detector, detectorId=detector)
    set_status(client, detector, version, "INACTIVE")
    refused("ConflictException", client.delete_rule, rule=rule)
    delete(**of_version)
    refused("ResourceNotFoundException", delete, **of_version)
    assert create_version(client, detector, rule) == "2"
    delete(detectorId=detector, detectorVersionId="2")
    refused("ConflictException", client.delete_detector, detectorId=detector)
    client.delete_rule(rule=rule)
    client.delete_rule(rule=rule)
    client.delete_detector(detectorId=detector)
    client.delete_detector(detectorId=detector)
    refused("ResourceNotFoundException", client.get_detectors, detectorId=detector)
    client.put_detector(detectorId=detector, eventTypeName="payment")
    assert create_version(client, detector, create_rule(client, detector)) == "1"


def test_versions_of_what_does_not_exist_are_refused(client: ClientOf, detector: str) -> None:
    rule = create_rule(client, detector)
    create = client.create_detector_version
    model = {
        "modelId": "nothing",
        "modelType": "ONLINE_FRAUD_INSIGHTS",
        "modelVersionNumber": "1.0",
    }
    for members in (
        {"rules": []},
        {"rules": [rule, rule]},
        {"rules": [{**rule, "ruleVersion": "2"}]},
        {"rules": [{**rule, "detectorId": "nobody"}]},
        {"rules": [rule], "modelVersions": [model]},
        {"rules": [rule], "externalModelEndpoints": ["nothing"]},
        {"rules": [rule], "ruleExecutionMode": "SOME_MATCHED"},
    ):
        refused("ValidationException", create, detectorId=detector, **members)
    refused(
        "ResourceNotFoundException",
        create,
        detectorId="nobody",
        rules=[{**rule, "detectorId": "nobody"}],
    )
    assert statuses(client, detector) == {}


@pytest.fixture(scope="module")
def model(client: ClientOf, aws_server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model with two versions, of which the first is deployed."""
    path = tmp_path_factory.mktemp("model") / "payments.csv"
    chance = random.Random(1)
    lines = ["EVENT_TIMESTAMP,EVENT_ID,EVENT_LABEL,amount,items"]
    for number in range(400):
        fraud = chance.random() < 0.2
        amount = chance.uniform(300, 900) if fraud else chance.uniform(1, 400)
        at = f"2026-01-{1 + number // 20:02}T{number % 20:02}:00:00Z"
        lines.append(f"{at},e{number},{'fraud' if fraud else 'legit'},{amount:.2f},{number % 7}")
    path.write_text("\n".join(lines))
    database = Database(f"sqlite:///{aws_server.data_dir / 'ringfence.db'}")
    with database.read() as connection:
        event_type = get_event_type(connection, "payment")
    trained = train(read_data(path, event_type))
    with database.write() as connection:
        create_model(connection, "trees", "payment")
        for _ in range(2):
            store_version(connection, "trees", trained)
        deploy(connection, "trees", "1.0")
    database.dispose()
    return "trees"


def test_a_version_takes_active_model_versions_only_and_names_them_in_full(
    client: ClientOf, detector: str, model: str
) -> None:
    rule = create_rule(client, detector, expression="$trees_insightscore > 900")
    first = {
        "modelId": model,
        "modelType": "ONLINE_FRAUD_INSIGHTS",
        "modelVersionNumber": "1.0",
    }
    create = client.create_detector_version
    for named, words in (
        ({**first, "modelVersionNumber": "2.0"}, "is TRAINING_COMPLETE"),
        ({**first, "modelVersionNumber": "3.0"}, "has no version"),
        ({**first, "modelType": "TRANSACTION_FRAUD_INSIGHTS"}, "is of type ONLINE"),
    ):
        message = refused(
            "ValidationException", create, detectorId=detector, rules=[rule], modelVersions=[named]
        )
        assert words in message
    assert "trees_insightscore" in refused(
        "ValidationException", create, detectorId=detector, rules=[rule]
    )
    version = create_version(
        client, detector, rule, modelVersions=[{**first, "modelVersionNumber": "1.00"}]
    )
    [found] = get_version(client, detector, version)["modelVersions"]
    arn = found.pop("arn")
    assert found == first
    assert arn.endswith(":model-version/ONLINE_FRAUD_INSIGHTS/trees/1.0")
    change = {
        "detectorId": detector,
        "detectorVersionId": version,
        "externalModelEndpoints": [],
        "rules": [rule],
    }
    client.update_detector_version(**change)
    assert len(get_version(client, detector, version)["modelVersions"]) == 1
    assert "trees_insightscore" in refused(
        "ValidationException", client.update_detector_version, **change, modelVersions=[]
    )


def test_a_version_takes_associated_external_models_only(client: ClientOf, detector: str) -> None:
    client.create_variable(
        name="strange", dataType="FLOAT", dataSource="EXTERNAL_MODEL_SCORE", defaultValue="0.0"
    )

    def put(status: str) -> None:
        client.put_external_model(
            modelEndpoint="Elsewhere",
            modelSource="SAGEMAKER",
            invokeModelEndpointRoleArn="arn:aws:iam::123456789012:role/reader",
            inputConfiguration={
                "useEventVariables": True,
                "eventTypeName": "payment",
                "format": "TEXT_CSV",
                "csvInputTemplate": "{{amount}}",
            },
            outputConfiguration={
                "format": "TEXT_CSV",
                "csvIndexToVariableMap": {"0": "strange"},
            },
            modelEndpointStatus=status,
        )

    put("DISSOCIATED")
    rule = create_rule(client, detector, expression="$strange > 0.9")
    made = {"detectorId": detector, "rules": [rule], "externalModelEndpoints": ["Elsewhere"]}
    message = refused("ValidationException", client.create_detector_version, **made)
    assert "is DISSOCIATED" in message
    put("ASSOCIATED")
    version = create_version(client, detector, rule, externalModelEndpoints=["Elsewhere"])
    assert get_version(client, detector, version)["externalModelEndpoints"] == ["Elsewhere"]
    message = refused(
        "ValidationException",
        client.update_detector_version,
        detectorId=detector,
        detectorVersionId=version,
        rules=[rule],
        externalModelEndpoints=[],
    )
    assert "needs strange" in message
