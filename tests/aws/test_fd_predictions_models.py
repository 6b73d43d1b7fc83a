"""Predictions of models through boto3: scores, what endpoints say, and why."""

from __future__ import annotations

import csv
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from api_servers import running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from fd_payments import define_payments, publish_rules, sent

from ringfence.events import get_event_type
from ringfence.models import ModelType, create_model, read_data, store_version, train
from ringfence.profiles import Aggregate, Kind, ProfilePlan, Source
from ringfence.storage import Database, migrate

MODEL = {"modelId": "habits", "modelType": "TRANSACTION_FRAUD_INSIGHTS"}
SCORE = "habits_insightscore"
_PATIENCE_SECONDS = 60.0
pytestmark = pytest.mark.slow
ROLE = "arn:aws:iam::123456789012:role/reader"
VARIABLES = ("amount", "merchant")
CUSTOMER = Source(entity="customer")


class Endpoint(BaseHTTPRequestHandler):
    """Answers like a SageMaker endpoint; `heard` are the bodies that came, `says` is the answer."""

    heard: ClassVar[list[tuple[str, bytes]]] = []
    says = b"0.07167139649391174\n"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).heard.append((self.headers["Content-Type"], body))
        self.send_response(200 if self.says else 500)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(self.says)))
        self.end_headers()
        self.wfile.write(self.says)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def sagemaker() -> Iterator[str]:
    """The address of endpoints."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def client(sagemaker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientOf]:
    """A client of a server with a model of payments that remembers customers."""
    data_dir = tmp_path_factory.mktemp("models") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    with running(
        data_dir,
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=sagemaker,
    ) as server:
        opened = client_of(server.url)
        define_payments(opened, "payment", ingestion="ENABLED")
        _train(database, tmp_path_factory.mktemp("past") / "payments.csv")
        version = MODEL | {"modelVersionNumber": "1.0"}
        opened.update_model_version_status(**version, status="ACTIVE")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while opened.get_model_version(**version)["status"] != "ACTIVE":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        publish_rules(
            opened,
            "guard",
            "payment",
            rules=[("high", f"${SCORE} > 500", "block"), ("low", f"${SCORE} <= 500", "approve")],
            modelVersions=[version],
        )
        yield opened
    database.dispose()


def _train(database: Database, path: Path) -> None:
    chance = random.Random(3)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        fields = ("TIMESTAMP", "ID", "LABEL")
        writer.writerow(
            [*(f"EVENT_{field}" for field in fields), "ENTITY_TYPE", "ENTITY_ID", *VARIABLES]
        )
        for number in range(2_000):
            fraud = chance.random() < 0.1
            usual = chance.randrange(1, 30)
            writer.writerow(
                [
                    (begin + timedelta(hours=number)).isoformat(),
                    f"e{number}",
                    "fraud" if fraud else "legit",
                    "customer",
                    f"c{usual}",
                    usual * (chance.randrange(5, 9) if fraud else 1) * 10,
                    chance.choice("abcd"),
                ]
            )
    with database.write() as connection:
        event_type = get_event_type(connection, "payment")
        plan = ProfilePlan(
            "payment",
            (
                Aggregate(name="count", kind=Kind.COUNT, by=(CUSTOMER,)),
                Aggregate(
                    name="ratio", kind=Kind.RATIO, by=(CUSTOMER,), value=Source(variable="amount")
                ),
            ),
        )
        create_model(
            connection, "habits", "payment", model_type=ModelType.TRANSACTION_FRAUD_INSIGHTS
        )
        store_version(connection, "habits", train(read_data(path, event_type), plan=plan))


def asked(client: ClientOf, event_id: str, detector: str = "guard", **members: Any) -> Any:
    variables = members.pop("variables", {"amount": "50", "merchant": "a"})
    return client.get_event_prediction(
        **sent(event_id, "payment", **variables) | {"detectorId": detector} | members
    )


def metadata(client: ClientOf, event_id: str) -> dict[str, Any]:
    found = client.list_event_predictions(eventId={"value": event_id})["eventPredictionSummaries"]
    return dict(
        client.get_event_prediction_metadata(
            eventId=event_id,
            eventTypeName="payment",
            detectorId=found[-1]["detectorId"],
            detectorVersionId=found[-1]["detectorVersionId"],
            predictionTimestamp=found[-1]["predictionTimestamp"],
        )
    )


@pytest.mark.parametrize("stored_before", [False, True])
def test_a_score_comes_with_the_version_that_gave_it_and_with_reasons(
    client: ClientOf, stored_before: bool
) -> None:
    event_id = f"m-{int(stored_before)}"
    for number in range(4):
        asked(client, f"{event_id}-{number}", variables={"amount": "10", "merchant": "a"})
    if stored_before:
        client.send_event(**sent(event_id, "payment", amount="1"))
    answer = asked(client, event_id, variables={"amount": "900", "merchant": "a"})
    ((scores),) = answer["modelScores"]
    assert scores["modelVersion"] == MODEL | {"modelVersionNumber": "1.0"}
    score = scores["scores"][SCORE]
    assert score == int(score)
    assert 500 < score <= 1000
    assert answer["ruleResults"] == [{"ruleId": "high", "outcomes": ["block"]}]
    told = metadata(client, event_id)
    ((version),) = told["evaluatedModelVersions"]
    assert version["modelId"] == "habits"
    assert version["modelVersion"] == "1.0"
    assert version["modelType"] == MODEL["modelType"]
    ((evaluation),) = version["evaluations"]
    assert evaluation["outputVariableName"] == SCORE
    assert evaluation["evaluationScore"] == str(score)
    explained = evaluation["predictionExplanations"]
    single = explained["variableImpactExplanations"]
    together = explained["aggregatedVariablesImpactExplanations"]
    assert {one["eventVariableName"] for one in single} <= {"amount", "merchant"}
    assert ["amount", "customer"] in [one["eventVariableNames"] for one in together]
    for impact in single + together:
        rating = int(impact["relativeImpact"])
        assert abs(rating) <= 5
        assert rating * impact["logOddsImpact"] >= 0
    assert max(together, key=lambda one: one["logOddsImpact"])["logOddsImpact"] > 0


def test_rules_with_values_show_the_score(client: ClientOf) -> None:
    answer = asked(client, "shown")
    score = answer["modelScores"][0]["scores"][SCORE]
    told = metadata(client, "shown")
    assert {rule["expressionWithValues"] for rule in told["rules"]} <= {
        f"{score} > 500",
        f"{score} <= 500",
    }


def put_endpoint(client: ClientOf, name: str, **inputs: Any) -> None:
    variable = f"{name}_score"
    client.create_variable(
        name=variable, dataType="FLOAT", dataSource="EXTERNAL_MODEL_SCORE", defaultValue="0.0"
    )
    client.put_external_model(
        modelEndpoint=name,
        modelSource="SAGEMAKER",
        invokeModelEndpointRoleArn=ROLE,
        inputConfiguration=inputs,
        outputConfiguration={"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": variable}},
        modelEndpointStatus="ASSOCIATED",
    )
    publish_rules(
        client,
        f"{name}_guard",
        "payment",
        rules=[
            ("high", f"${variable} > 0.07", "block"),
            ("low", f"${variable} <= 0.07", "approve"),
        ],
        externalModelEndpoints=[name],
    )


def test_an_endpoint_is_told_what_its_template_says_and_quoted_word_for_word(
    client: ClientOf,
) -> None:
    put_endpoint(
        client,
        "xgb",
        useEventVariables=True,
        eventTypeName="payment",
        format="TEXT_CSV",
        csvInputTemplate="{{amount}}, {{merchant}}",
    )
    outputs = [
        {
            "externalModel": {"modelEndpoint": "xgb", "modelSource": "SAGEMAKER"},
            "outputs": {"xgb_score": "0.07167139649391174\n"},
        }
    ]
    for _ in range(2):  # the second time, the answer is the stored one
        answer = asked(client, "x-1", "xgb_guard", variables={"amount": "12.5", "merchant": "a"})
        assert answer["externalModelOutputs"] == outputs
        assert answer["ruleResults"] == [{"ruleId": "high", "outcomes": ["block"]}]
        assert answer["modelScores"] == []
    content_type, body = Endpoint.heard[-1]
    assert (content_type, body.strip()) == ("text/csv", b"12.5, a")
    (told,) = metadata(client, "x-1")["evaluatedExternalModels"]
    assert told == {
        "modelEndpoint": "xgb",
        "useEventVariables": True,
        "inputVariables": {"amount": "12.5", "merchant": "a"},
        "outputVariables": {"xgb_score": "0.07167139649391174\n"},
    }


def test_an_endpoint_gets_the_body_that_the_client_made(client: ClientOf) -> None:
    put_endpoint(client, "raw", useEventVariables=False)
    blob = {"byteBuffer": b'{"any": 1}', "contentType": "application/json"}
    answer = asked(client, "r-1", "raw_guard", externalModelEndpointDataBlobs={"raw": blob})
    assert Endpoint.heard[-1] == ("application/json", b'{"any": 1}')
    assert answer["externalModelOutputs"][0]["outputs"] == {"raw_score": "0.07167139649391174\n"}


def test_an_endpoint_that_fails_makes_the_prediction_unavailable(
    client: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_endpoint(
        client,
        "down",
        useEventVariables=True,
        eventTypeName="payment",
        format="TEXT_CSV",
        csvInputTemplate="{{amount}}",
    )
    monkeypatch.setattr(Endpoint, "says", b"")
    with pytest.raises(ClientError) as refused:
        asked(client, "f-1", "down_guard")
    assert refused.value.response["Error"]["Code"] == "ResourceUnavailableException"
    with pytest.raises(ClientError) as unknown:
        client.get_event(eventId="f-1", eventTypeName="payment")
    assert unknown.value.response["Error"]["Code"] == "ResourceNotFoundException"
