from __future__ import annotations

from typing import Any

import pytest
from aws_clients import ClientOf
from botocore.exceptions import ClientError

OFI, TFI = "ONLINE_FRAUD_INSIGHTS", "TRANSACTION_FRAUD_INSIGHTS"


@pytest.fixture(scope="module")
def client(frauddetector: ClientOf) -> ClientOf:
    frauddetector.create_variable(
        name="amt", dataType="FLOAT", dataSource="EVENT", defaultValue="0.0", variableType="PRICE"
    )
    frauddetector.put_entity_type(name="customer")
    for name in ("payments", "others"):
        frauddetector.put_event_type(
            name=name, eventVariables=["amt"], entityTypes=["customer"], labels=[]
        )
    return frauddetector


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_model_is_told_as_it_was_made_and_described(client: ClientOf) -> None:
    one = {"modelId": "first", "modelType": OFI}
    assert (
        client.create_model(**one, eventTypeName="payments", description="Before")[
            "ResponseMetadata"
        ]["HTTPHeaders"]["content-length"]
        == "2"
    )
    client.update_model(**one)
    assert client.get_models(**one)["models"][0]["description"] == "Before"
    client.update_model(**one, description="After")
    (told,) = client.get_models(**one)["models"]
    assert told["lastUpdatedTime"] >= told["createdTime"]
    assert told | {"createdTime": "", "lastUpdatedTime": ""} == {
        **one,
        "description": "After",
        "eventTypeName": "payments",
        "createdTime": "",
        "lastUpdatedTime": "",
        "arn": f"arn:aws:frauddetector:eu-west-1:000000000000:model/{OFI}/first",
    }


def test_a_models_score_is_a_variable_for_as_long_as_there_is_the_model(client: ClientOf) -> None:
    one = {"modelId": "scored", "modelType": TFI}
    client.create_model(**one, eventTypeName="payments")
    (variable,) = client.get_variables(name="scored_insightscore")["variables"]
    assert (variable["dataType"], variable["dataSource"]) == ("FLOAT", "MODEL_SCORE")
    client.put_outcome(name="review")
    client.put_detector(detectorId="guard", eventTypeName="payments")
    rule = {
        "detectorId": "guard",
        "expression": "$scored_insightscore > 900",
        "language": "DETECTORPL",
        "outcomes": ["review"],
    }
    client.create_rule(ruleId="before", **rule)
    client.delete_model(**one)
    assert refused(client.create_rule, ruleId="after", **rule)[0] == "ValidationException"
    assert refused(client.get_variables, name="scored_insightscore")[0] == (
        "ResourceNotFoundException"
    )
    # Once it is there anew it counts from the beginning.
    client.create_model(**one, eventTypeName="payments")
    client.create_rule(ruleId="after", **rule)


def test_models_are_listed_in_pages_by_type(client: ClientOf) -> None:
    for number in range(12):
        client.create_model(modelId=f"page_{number:02}", modelType=TFI, eventTypeName="others")
    names, members = [], {"modelType": TFI, "maxResults": 5}
    while True:
        page = client.get_models(**members)
        assert len(page["models"]) <= 5
        names += [model["modelId"] for model in page["models"]]
        if "nextToken" not in page:
            break
        members["nextToken"] = page["nextToken"]
    assert [name for name in names if name.startswith("page")] == [
        f"page_{n:02}" for n in range(12)
    ]
    assert "first" not in names


def test_what_does_not_fit_is_refused(client: ClientOf) -> None:
    new = {"modelId": "fits", "modelType": OFI, "eventTypeName": "payments"}
    client.create_model(**new)
    for changes, named in (
        ({}, "already"),
        ({"modelType": TFI}, "already"),
        ({"modelId": "Fits"}, "modelId"),
        ({"modelId": "fi-ts"}, "modelId"),
        ({"modelType": "MAGIC"}, "modelType"),
        ({"modelId": "more", "eventTypeName": "nothing"}, "nothing"),
        ({"modelId": "more", "description": "x" * 129}, "description"),
    ):
        code, message = refused(client.create_model, **{**new, **changes})
        assert (code, named in message) == ("ValidationException", True), message
    missing = "ResourceNotFoundException"
    assert refused(client.get_models, modelId="nobody")[0] == missing
    assert refused(client.get_models, modelId="fits", modelType=TFI)[0] == missing
    assert refused(client.update_model, modelId="fits", modelType=TFI)[0] == missing
    client.delete_model(modelId="fits", modelType=TFI)
    assert len(client.get_models(modelId="fits")["models"]) == 1


def test_tags_come_and_go_with_the_model(client: ClientOf) -> None:
    one = {"modelId": "tagged", "modelType": OFI}
    arn = f"arn:aws:frauddetector:eu-west-1:000000000000:model/{OFI}/tagged"
    tags = [{"key": "team", "value": "fraud"}]
    client.create_model(**one, eventTypeName="payments", tags=tags)
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == tags
    client.delete_model(**one)
    client.create_model(**one, eventTypeName="payments")
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == []
