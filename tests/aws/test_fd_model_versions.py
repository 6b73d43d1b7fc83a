from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from training_banks import (
    ATI,
    OFI,
    START,
    TFI,
    Bank,
    csv_of,
    external,
    ingested,
    keep,
    open_bank,
    payments,
)

from ringfence.storage import Database


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with open_bank(tmp_path_factory.mktemp("bank") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def location(bank: Bank) -> str:
    return bank.store.put("payments/first.csv", csv_of(payments(1_500)))


@pytest.fixture(scope="module")
def cards(bank: Bank, location: str) -> str:
    """A model with version 1.0, trained."""
    assert bank.asks("cards", **external(location)) == "1.0"
    assert bank.waits("cards", "1.0", "TRAINING_COMPLETE", "ERROR") == "TRAINING_COMPLETE"
    return "cards"


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_version_is_told_as_it_was_asked_for(bank: Bank, cards: str, location: str) -> None:
    told = bank.told(cards, "1.0")
    assert told.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    arn = f"arn:aws:frauddetector:eu-west-1:000000000000:model-version/{OFI}/cards/1.0"
    assert told == {
        "modelId": cards,
        "modelType": OFI,
        "modelVersionNumber": "1.0",
        "status": "TRAINING_COMPLETE",
        "arn": arn,
        **external(location),
    }


def test_the_result_has_a_row_for_every_fifth_score_in_both_forms(bank: Bank, cards: str) -> None:
    # Some clients write it so.
    described = bank.described(cards, "1.00")
    first, second = described["trainingResult"], described["trainingResultV2"]
    points = first["trainingMetrics"]["metricDataPoints"]
    assert [point["threshold"] for point in points] == [float(n) for n in range(0, 1001, 5)]
    assert (points[0]["fpr"], points[0]["tpr"]) == (1.0, 1.0)
    rates = {round(point["fpr"], 2) for point in points}
    assert rates.issuperset({0.01, 0.02, 0.03, 0.04, 0.05, 0.06})
    measured = second["trainingMetricsV2"]["ofi"]
    assert measured["metricDataPoints"] == points
    performance = measured["modelPerformance"]
    assert performance["auc"] == first["trainingMetrics"]["auc"] > 0.7
    bounds = performance["uncertaintyRange"]
    assert bounds["lowerBoundValue"] < performance["auc"] < bounds["upperBoundValue"]
    # Frauds under either name are frauds: every twelfth.
    assert points[0]["precision"] == pytest.approx(1 / 12, abs=0.03)
    named = {
        row["variableName"]: row["variableType"]
        for row in first["variableImportanceMetrics"]["logOddsMetrics"]
    }
    assert named.items() >= {"amt": "PRICE", "email": "EMAIL_ADDRESS"}.items()
    assert described["lastUpdatedTime"] >= described["createdTime"]


def test_a_version_is_deployed_and_withdrawn(bank: Bank, cards: str) -> None:
    bank.sets(cards, "1.0", "ACTIVE")
    assert bank.told(cards, "1.0")["status"] == "ACTIVE"
    code, message = refused(bank.sets, model_id=cards, version="1.0", status="ACTIVE")
    assert code == "ConflictException"
    assert "is ACTIVE and cannot become ACTIVE" in message
    code, _ = refused(bank.sets, model_id=cards, version="1.0", status="TRAINING_CANCELLED")
    assert code == "ConflictException"
    delete = {"modelId": cards, "modelType": OFI, "modelVersionNumber": "1.0"}
    assert refused(bank.client.delete_model_version, **delete)[0] == "ConflictException"
    bank.sets(cards, "1.0", "INACTIVE")
    assert bank.told(cards, "1.0")["status"] == "TRAINING_COMPLETE"
    assert refused(bank.sets, model_id=cards, version="1.0", status="INACTIVE")[0] == (
        "ConflictException"
    )


def test_retraining_gives_minor_versions_of_the_same_request(bank: Bank, cards: str) -> None:
    bank.store.put("more/one.csv", csv_of(payments(800, seed=2)))
    bank.store.put("more/two.csv", csv_of(payments(800, seed=3)))
    detail = external("s3://bank/more")["externalEventsDetail"]
    update = {"modelId": cards, "modelType": OFI, "majorVersionNumber": "1"}
    again = bank.client.update_model_version(**update, externalEventsDetail=detail)
    assert (again["modelVersionNumber"], again["status"]) == ("1.01", "TRAINING_IN_PROGRESS")
    assert bank.waits(cards, "1.01", "TRAINING_COMPLETE", "ERROR") == "TRAINING_COMPLETE"
    told = bank.told(cards, "1.01")
    assert told["externalEventsDetail"] == detail
    assert told["trainingDataSchema"] == bank.told(cards, "1.0")["trainingDataSchema"]
    # Without a detail it is the one before.
    third = bank.client.update_model_version(**update)
    assert bank.told(cards, third["modelVersionNumber"])["externalEventsDetail"] == detail
    bank.sets(cards, third["modelVersionNumber"], "TRAINING_CANCELLED")
    listed = bank.client.describe_model_versions(modelId=cards)["modelVersionDetails"]
    assert [one["modelVersionNumber"] for one in listed] == ["1.0", "1.01", "1.02"]
    page = bank.client.describe_model_versions(modelId=cards, maxResults=2)
    rest = bank.client.describe_model_versions(
        modelId=cards, maxResults=2, nextToken=page["nextToken"]
    )
    assert [one["modelVersionNumber"] for one in rest["modelVersionDetails"]] == ["1.02"]
    assert "nextToken" not in rest


def test_why_a_training_failed_is_told_by_its_result(bank: Bank) -> None:
    few = bank.store.put("few.csv", csv_of(payments(100)).replace(",1,", ",theft,", 1))
    wrong = bank.asks("failing", **external(few))
    nowhere = bank.asks("failing", **external("s3://bank/nowhere.csv"))
    for version in (wrong, nowhere):
        assert bank.waits("failing", version, "ERROR", "TRAINING_COMPLETE") == "ERROR"
    described = bank.described("failing", wrong)
    found = described["trainingResult"]["dataValidationMetrics"]["fileLevelMessages"]
    titles = {(message["title"], message["type"]) for message in found}
    assert ("Missing or different EVENT_LABEL values", "Error") in titles
    assert described["trainingResultV2"]["dataValidationMetrics"]["fileLevelMessages"] == found
    assert "trainingMetrics" not in described["trainingResult"]
    (message,) = bank.described("failing", nowhere)["trainingResult"]["dataValidationMetrics"][
        "fileLevelMessages"
    ]
    assert (message["title"], message["type"]) == ("Training failed", "Error")
    assert "s3://bank/nowhere.csv" in message["content"]
    with_code = refused(bank.sets, model_id="failing", version=wrong, status="ACTIVE")
    assert with_code[0] == "ConflictException"
    for version in (wrong, nowhere):
        bank.client.delete_model_version(
            modelId="failing", modelType=OFI, modelVersionNumber=version
        )
    assert bank.client.describe_model_versions(modelId="failing")["modelVersionDetails"] == []


def test_a_training_that_is_cancelled_leaves_nothing(bank: Bank, location: str) -> None:
    version = bank.asks("stopped", **external(location))
    bank.sets("stopped", version, "TRAINING_CANCELLED")
    assert bank.told("stopped", version)["status"] == "TRAINING_CANCELLED"
    assert "trainingResult" not in bank.described("stopped", version)
    delete = {"modelId": "stopped", "modelType": OFI, "modelVersionNumber": version}
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:  # its process may not have noticed yet
            bank.client.delete_model_version(**delete)
            break
        except bank.client.exceptions.ConflictException:
            time.sleep(0.5)
    bank.client.delete_model_version(**delete)
    get = {"modelId": "stopped", "modelType": OFI}
    assert refused(bank.client.get_model_version, **get, modelVersionNumber=version)[0] == (
        "ResourceNotFoundException"
    )
    bank.client.delete_model(**get)
    bank.client.delete_model(**get)


def test_stored_events_are_learned_from_with_what_is_remembered_of_their_entities(
    bank: Bank,
) -> None:
    database = Database(f"sqlite:///{bank.server.data_dir / 'ringfence.db'}")
    with database.write() as connection:
        keep(connection, payments(1_500, seed=5), "amt", "email", "merchant")
    until = START + timedelta(hours=1_400)
    version = bank.asks("habits", TFI, **ingested(until=until))
    waited = bank.waits("habits", version, "TRAINING_COMPLETE", "ERROR", model_type=TFI)
    assert waited == "TRAINING_COMPLETE", bank.described("habits", version, TFI)
    result = bank.described("habits", version, TFI)["trainingResultV2"]
    assert set(result["trainingMetricsV2"]) == {"tfi"}
    together = result["aggregatedVariablesImportanceMetrics"]["logOddsMetrics"]
    assert all(one["aggregatedVariablesImportance"] >= 0 for one in together)
    assert {name for one in together for name in one["variableNames"]} >= {"customer"}
    assert bank.told("habits", version, TFI)["ingestedEventsDetail"] == {
        "ingestedEventsTimeWindow": {
            "startTime": "2026-01-05T00:00:00.000Z",
            "endTime": f"{until:%Y-%m-%dT%H:%M:%S}.000Z",
        }
    }
    bank.sets("habits", version, "ACTIVE", TFI)
    steps = ("ACTIVATE_REQUESTED", "ACTIVATE_IN_PROGRESS")
    assert bank.told("habits", version, TFI)["status"] in (*steps, "ACTIVE")
    bank.waits("habits", version, "ACTIVE", model_type=TFI)
    bank.sets("habits", version, "INACTIVE", TFI)
    assert bank.told("habits", version, TFI)["status"] == "TRAINING_COMPLETE"
    # The first label of each kind is what verdicts and profiles go by.
    with database.read() as connection:
        stored = connection.exec_driver_sql(
            "SELECT definition FROM event_types WHERE name = 'payments'"
        ).scalar_one()
    assert b'"fraud_label":"1"' in stored
    database.dispose()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"trainingDataSource": "INGESTED_EVENTS"}, "externalEventsDetail"),
        ({"externalEventsDetail": None}, "externalEventsDetail"),
        ({"variables": []}, "2 to 100 variables"),
        ({"variables": ["amt"]}, "2 to 100 variables"),
        ({"variables": ["amt", "nothing"]}, "no variable 'nothing'"),
        ({"variables": ["amt", "amt"]}, "named twice"),
        ({"variables": ["amt", "untyped"]}, "no variable type"),
        ({"mapper": {"FRAUD": ["1"]}}, "labelMapper.LEGIT"),
        ({"mapper": {"FRAUD": [], "LEGIT": ["0"]}}, "labelMapper.FRAUD"),
        ({"mapper": {"FRAUD": ["1"], "LEGIT": ["2"]}}, "no label '2'"),
        ({"mapper": {"FRAUD": ["1"], "LEGIT": ["1"]}}, "means both"),
        ({"mapper": {"FRAUD": ["1"], "GOOD": ["0"]}}, "'GOOD'"),
        ({"mapper": None}, "labelMapper.FRAUD"),
        ({"modelType": TFI}, "of type TRANSACTION"),
    ],
)
def test_what_can_be_known_before_the_data_is_read_is_refused(
    bank: Bank, cards: str, changes: dict[str, Any], named: str
) -> None:
    members = {"modelId": cards, "modelType": OFI, **external("s3://bank/any.csv")}
    schema = members["trainingDataSchema"]
    if "variables" in changes:
        schema["modelVariables"] = changes["variables"]
    if "mapper" in changes:
        mapper = changes["mapper"]
        schema["labelSchema"] = {} if mapper is None else {"labelMapper": mapper}
    members |= {k: v for k, v in changes.items() if k not in ("variables", "mapper")}
    members = {name: value for name, value in members.items() if value is not None}
    code, message = refused(bank.client.create_model_version, **members)
    wanted = "ResourceNotFoundException" if "modelType" in changes else "ValidationException"
    assert code == wanted
    assert named in message


def test_models_that_remember_learn_from_stored_events_alone(bank: Bank) -> None:
    for model_type, model_id in ((TFI, "tfi"), (ATI, "ati")):
        bank.client.create_model(modelId=model_id, modelType=model_type, eventTypeName="payments")
        asked = {"modelId": model_id, "modelType": model_type}
        code, message = refused(
            bank.client.create_model_version, **asked, **external("s3://bank/any.csv")
        )
        assert (code, "INGESTED_EVENTS" in message) == ("ValidationException", True)
    code, message = refused(bank.client.create_model_version, **asked, **ingested())
    assert (code, "IP_ADDRESS" in message) == ("ValidationException", True)
    backwards = ingested(since=START, until=START - timedelta(days=1))
    asked = {"modelId": "tfi", "modelType": TFI}
    code, message = refused(bank.client.create_model_version, **asked, **backwards)
    assert (code, "endTime" in message) == ("ValidationException", True)


def test_what_does_not_exist_is_not_found(bank: Bank, cards: str) -> None:
    missing = "ResourceNotFoundException"
    one = {"modelId": cards, "modelType": OFI, "modelVersionNumber": "77.0"}
    client = bank.client
    assert refused(client.get_model_version, **one)[0] == missing
    assert refused(client.describe_model_versions, **one)[0] == missing
    assert refused(client.update_model_version_status, **one, status="ACTIVE")[0] == missing
    assert refused(client.describe_model_versions, modelId="nobody")[0] == missing
    again = {"modelId": cards, "modelType": OFI, "majorVersionNumber": "77"}
    assert refused(client.update_model_version, **again)[0] == missing
    new = {"modelId": "nobody", "modelType": OFI, **external("s3://bank/any.csv")}
    assert refused(client.create_model_version, **new)[0] == missing
    code, _ = refused(client.describe_model_versions, modelVersionNumber="1.0")
    assert code == "ValidationException"
    client.delete_model_version(**one)
