"""The article's whole way, as its readers go it: pandas, boto3 and two Lambda functions.

Nothing here imports Ringfence. The names of AWS's services lead to a server of ours, and to moto's
for S3 and DynamoDB. One function asks Fraud Detector and has Connect call the cardholder, who
presses 2; the flow invokes the other, which blocks the card.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pandas as pd
import pytest
from moto.server import ThreadedMotoServer
from phones import answering

from servers import HEADERS, Address, server

pytestmark = pytest.mark.slow

HANDLERS = Path(__file__).parent / "handlers"
BUCKET, TABLE = "sagemaker-fraud", "customer-table-fraud-detection"
ENTITY, EVENT, MODEL, DETECTOR = "customer", "card_transaction", "transaction_model", "payments"
ROLE = "arn:aws:iam::123456789012:role/notebook"
CUSTOMER, PHONE_NUMBER = "u82-1alz-RI301", "+14155550100"
# What the article's notebook looks at; the rest of the file says who, when and whether.
META = ["EVENT_ID", "EVENT_TIMESTAMP", "ENTITY_TYPE", "ENTITY_ID", "EVENT_LABEL", "LABEL_TIMESTAMP"]


@dataclass
class Place:
    """Where everything is: the server, and the environment that leads to it."""

    server: Address
    environment: dict[str, str]

    def client(self, service: str) -> Any:
        url = self.environment.get(f"AWS_ENDPOINT_URL_{service.upper()}")
        return boto3.client(
            service,
            endpoint_url=url or self.environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def invoke(self, handler: str, event: dict[str, Any]) -> dict[str, Any]:
        """What a handler returns, run in a process of its own as Lambda does."""
        code = (
            f"import json, sys, {handler} as function\n"
            "print(json.dumps(function.lambda_handler(json.load(sys.stdin), None)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(event),
            capture_output=True,
            text=True,
            cwd=HANDLERS,
            env={**os.environ, **self.environment},
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        returned: dict[str, Any] = json.loads(done.stdout)
        return returned


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    aws = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    data_dir = tmp_path_factory.mktemp("article") / "data"
    with server(
        data_dir, {**aws, "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1", "RINGFENCE_DRIFT_CHECK_MINUTES": "0"}
    ) as address:
        yield Place(
            address,
            {
                **aws,
                "AWS_ENDPOINT_URL_FRAUDDETECTOR": address.url,
                "AWS_ENDPOINT_URL_CONNECT": address.url,
                "AWS_ENDPOINT_URL_LAMBDA": address.url,
                "DETECTOR_NAME": DETECTOR,
                "EVENT_TYPE": EVENT,
                "ENTITY_TYPE": ENTITY,
                "TABLE_NAME": TABLE,
                "INSTANCE_ID": "11111111-2222-3333-4444-555555555555",
                "FLOW_ID": "66666666-7777-8888-9999-000000000000",
                "SOURCE_NUMBER": "+15550100000",
            },
        )
    moto.stop()


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("payments") / "payments.csv"
    command = [sys.executable, "-m", "ringfence", "simulate", str(path)]
    subprocess.run([*command, "--transactions", "12000", "--seed", "4"], check=True, timeout=120)
    frame = pd.read_csv(path, dtype={"billing_postal": str, "card_bin": str})
    return frame.drop(columns=["merchant_name", "device_id", "customer_id", "card_id"])


def variable_of(name: str, column: pd.Series) -> dict[str, str]:
    """The variable that a column looks like, by its name and what is in it."""
    known = {
        "ip_address": "IP_ADDRESS",
        "email_address": "EMAIL_ADDRESS",
        "phone_number": "PHONE_NUMBER",
        "billing_postal": "BILLING_ZIP",
        "billing_city": "BILLING_CITY",
        "billing_state": "BILLING_STATE",
        "billing_address": "BILLING_ADDRESS_L1",
        "applicant_name": "BILLING_NAME",
        "currency": "CURRENCY_CODE",
        "card_bin": "CARD_BIN",
    }
    if name in known:
        return {"dataType": "STRING", "variableType": known[name], "defaultValue": "<unknown>"}
    if pd.api.types.is_numeric_dtype(column):
        return {"dataType": "FLOAT", "variableType": "NUMERIC", "defaultValue": "0.0"}
    return {"dataType": "STRING", "variableType": "CATEGORICAL", "defaultValue": "<unknown>"}


def wait_while(find: Callable[[], str], *statuses: str, seconds: float = 180) -> str:
    until = time.monotonic() + seconds
    while (status := find()) in statuses:
        assert time.monotonic() < until, f"still {status}"
        time.sleep(0.2)
    return status


@pytest.fixture(scope="module")
def metrics(place: Place, payments: pd.DataFrame) -> pd.DataFrame:
    """The metric rows of a model that was trained from a file in S3 and made active."""
    s3, client = place.client("s3"), place.client("frauddetector")
    s3.create_bucket(Bucket=BUCKET)
    text = io.StringIO()
    payments.to_csv(text, index=False)
    s3.put_object(Bucket=BUCKET, Key="training/payments.csv", Body=text.getvalue())

    names = [name for name in payments.columns if name not in META]
    for name in names:
        try:
            client.get_variables(name=name)
        except client.exceptions.ResourceNotFoundException:
            client.create_variable(
                name=name, dataSource="EVENT", **variable_of(name, payments[name])
            )
    labels = sorted(payments["EVENT_LABEL"].unique())
    assert labels == ["fraud", "legit"]
    for label in labels:
        client.put_label(name=label)
    client.put_entity_type(name=ENTITY, description="who pays")
    client.put_event_type(name=EVENT, eventVariables=names, entityTypes=[ENTITY], labels=labels)
    client.create_model(modelId=MODEL, modelType="ONLINE_FRAUD_INSIGHTS", eventTypeName=EVENT)
    made = client.create_model_version(
        modelId=MODEL,
        modelType="ONLINE_FRAUD_INSIGHTS",
        trainingDataSource="EXTERNAL_EVENTS",
        trainingDataSchema={
            "modelVariables": names,
            "labelSchema": {"labelMapper": {"FRAUD": ["fraud"], "LEGIT": ["legit"]}},
        },
        externalEventsDetail={
            "dataLocation": f"s3://{BUCKET}/training/payments.csv",
            "dataAccessRoleArn": ROLE,
        },
    )
    assert (made["modelVersionNumber"], made["status"]) == ("1.0", "TRAINING_IN_PROGRESS")
    version = {
        "modelId": MODEL,
        "modelType": "ONLINE_FRAUD_INSIGHTS",
        "modelVersionNumber": "1.0",
    }

    def status() -> str:
        return str(client.get_model_version(**version)["status"])

    assert wait_while(status, "TRAINING_IN_PROGRESS") == "TRAINING_COMPLETE"
    client.update_model_version_status(**version, status="ACTIVE")
    assert wait_while(
        status, "TRAINING_COMPLETE", "ACTIVATE_REQUESTED", "ACTIVATE_IN_PROGRESS"
    ) == ("ACTIVE")
    details = client.describe_model_versions(**version)["modelVersionDetails"][0]
    training = details["trainingResult"]
    assert training["trainingMetrics"]["auc"] > 0.8
    importance = training["variableImportanceMetrics"]["logOddsMetrics"]
    assert {one["variableName"] for one in importance} == set(names)
    return pd.DataFrame(training["trainingMetrics"]["metricDataPoints"])


def test_there_is_a_metric_row_for_each_rate_that_rules_are_written_by(
    metrics: pd.DataFrame,
) -> None:
    assert list(metrics["threshold"]) == [5.0 * step for step in range(len(metrics))]
    first = metrics.iloc[0]
    assert (first["fpr"], first["tpr"]) == (1.0, 1.0)
    assert metrics["fpr"].is_monotonic_decreasing
    rates = set(metrics["fpr"].round(2))
    assert {0.01, 0.02, 0.03, 0.04, 0.05, 0.06} <= rates


@pytest.fixture(scope="module")
def detector(place: Place, metrics: pd.DataFrame) -> pd.DataFrame:
    """The thresholds that the active detector's rules are made of."""
    client = place.client("frauddetector")
    metrics = metrics.assign(rate=metrics["fpr"].round(2))
    chosen = (
        metrics[metrics["rate"].isin([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])]
        .groupby("rate", as_index=False)["threshold"]
        .max()
        .sort_values("rate")
        .reset_index(drop=True)
    )
    outcomes = ["fraud", "investigate", "investigate", "investigate", "approve", "approve"]
    for outcome in sorted(set(outcomes)):
        client.put_outcome(name=outcome)
    client.put_detector(detectorId=DETECTOR, eventTypeName=EVENT)
    score = f"${MODEL}_insightscore"
    rules = []
    for place_in_order, (row, outcome) in enumerate(
        zip(chosen.itertuples(), outcomes, strict=True)
    ):
        last = place_in_order == len(chosen) - 1
        expression = f"{score} {'<=' if last else '>'} {row.threshold}"
        if last:
            expression = f"{score} <= {chosen['threshold'].iloc[-2]}"
        made = client.create_rule(
            ruleId=f"rule_{place_in_order}_{outcome}",
            detectorId=DETECTOR,
            expression=expression,
            language="DETECTORPL",
            outcomes=[outcome],
        )
        rules.append(made["rule"])
    created = client.create_detector_version(
        detectorId=DETECTOR,
        rules=rules,
        modelVersions=[
            {
                "modelId": MODEL,
                "modelType": "ONLINE_FRAUD_INSIGHTS",
                "modelVersionNumber": "1.0",
            }
        ],
        ruleExecutionMode="FIRST_MATCHED",
    )
    assert (created["detectorVersionId"], created["status"]) == ("1", "DRAFT")
    client.update_detector_version_status(
        detectorId=DETECTOR, detectorVersionId="1", status="ACTIVE"
    )
    return chosen


def predict(client: Any, row: pd.Series) -> dict[str, Any]:
    variables = {
        name: str(value) for name, value in row.items() if name not in META and not pd.isna(value)
    }
    answer: dict[str, Any] = client.get_event_prediction(
        detectorId=DETECTOR,
        eventId=row["EVENT_ID"],
        eventTypeName=EVENT,
        eventTimestamp=row["EVENT_TIMESTAMP"],
        entities=[{"entityType": ENTITY, "entityId": row["ENTITY_ID"]}],
        eventVariables=variables,
    )
    return answer


def test_ten_payments_are_scored_and_the_rules_say_what_the_scores_say(
    place: Place, payments: pd.DataFrame, detector: pd.DataFrame
) -> None:
    client = place.client("frauddetector")
    ten = pd.concat(
        [
            payments[payments["EVENT_LABEL"] == "fraud"].tail(5),
            payments[payments["EVENT_LABEL"] == "legit"].tail(5),
        ]
    )
    scores = []
    for _, row in ten.iterrows():
        answer = predict(client, row)
        (model,) = answer["modelScores"]
        score = model["scores"][f"{MODEL}_insightscore"]
        assert 0 <= score <= 1000
        assert score == int(score)
        outcome = answer["ruleResults"][0]["outcomes"][0]
        if score > detector["threshold"].iloc[0]:
            assert outcome == "fraud"
        elif score <= detector["threshold"].iloc[-2]:
            assert outcome == "approve"
        else:
            assert outcome in ("investigate", "approve")
        scores.append(score)
    assert sum(scores[:5]) > sum(scores[5:])


def register(place: Place, name: str) -> None:
    """Have flows find a handler's file under the name that ARNs give it."""
    definition = {
        "kind": "python",
        "file": str(HANDLERS / f"{name.replace('-', '_')}.py"),
        "environment": {
            key: value for key, value in place.environment.items() if key.startswith(("AWS", "TA"))
        },
        "timeout_seconds": 30,
    }
    with httpx2.Client(headers=HEADERS, trust_env=False, timeout=60) as ours:
        put = ours.put(f"{place.server.url}/v1/functions/{name}", json=definition)
    assert put.status_code == 200, put.text


def bind(place: Place, kind: str, reference: str, target: str) -> None:
    body = {"kind": kind, "reference": reference, "target": target}
    with httpx2.Client(headers=HEADERS, trust_env=False) as ours:
        put = ours.put(f"{place.server.url}/v1/bindings", json=body)
    assert put.status_code == 200, put.text


def test_the_cardholder_is_called_and_pressing_two_has_the_function_block_the_card(
    place: Place, payments: pd.DataFrame, detector: pd.DataFrame
) -> None:
    table = boto3.resource(
        "dynamodb",
        endpoint_url=place.environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "customer_id", "KeyType": "HASH"},
            {"AttributeName": "card_number", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "customer_id", "AttributeType": "S"},
            {"AttributeName": "card_number", "AttributeType": "S"},
        ],
    )
    table.put_item(
        Item={
            "customer_id": CUSTOMER,
            "card_number": "2442230821108788",
            "is_blocked": False,
            "last_name": "Miller",
            "first_name": "Ann",
            "phone_number": PHONE_NUMBER,
            "salutation": "Mrs",
        }
    )
    client = place.client("frauddetector")
    frauds = payments[payments["EVENT_LABEL"] == "fraud"]
    caught = next(
        row
        for _, row in frauds.iloc[::-1].iterrows()
        if predict(client, row)["ruleResults"][0]["outcomes"] == ["fraud"]
    )
    transaction = {
        name: str(value)
        for name, value in caught.items()
        if name not in META and not pd.isna(value)
    }
    register(place, "block-credit-card")
    connect = place.client("connect")
    (instance,) = connect.list_instances()["InstanceSummaryList"]
    # What the function was configured with at AWS means the instance and the flow that are here.
    bind(place, "instance", place.environment["INSTANCE_ID"], instance["InstanceAlias"])
    bind(place, "contact flow", place.environment["FLOW_ID"], "credit-card-fraud")

    event = {"customer": CUSTOMER, "card_number": "912387564224", "transaction": transaction}
    with answering(place.server, PHONE_NUMBER, "2") as heard:
        returned = place.invoke("fraud_detection", event)
        assert (returned["statusCode"], returned["outcome"]) == (200, "fraud")
        contact = {"InstanceId": instance["Id"], "ContactId": returned["contact_id"]}

        def state() -> str:
            described = connect.describe_contact(**contact)["Contact"]
            return "over" if "DisconnectTimestamp" in described else "going on"

        assert wait_while(state, "going on", seconds=60) == "over"
    assert connect.get_contact_attributes(
        InstanceId=instance["Id"], InitialContactId=returned["contact_id"]
    )["Attributes"] == {
        "Salutation": "Mrs",
        "Name": "Miller",
        "CardNo": "8788",
        "Amount": transaction["transaction_amt"],
        "Customer": CUSTOMER,
    }
    said = " ".join(heard)
    assert "Mrs Miller" in said
    assert transaction["transaction_amt"] in said
    assert "blocked" in said
    item = table.get_item(Key={"customer_id": CUSTOMER, "card_number": "2442230821108788"})["Item"]
    assert item["is_blocked"] is True
    assert item["last_name"] == "Miller"


def test_what_was_asked_is_not_kept_where_nobody_wanted_events_to_be_stored(
    place: Place, payments: pd.DataFrame, detector: pd.DataFrame
) -> None:
    client = place.client("frauddetector")
    row = payments.iloc[0]
    predict(client, row)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_event(eventId=row["EVENT_ID"], eventTypeName=EVENT)
    with httpx2.Client(headers=HEADERS, trust_env=False) as ours:
        found = ours.get(f"{place.server.url}/v1/event-types/{EVENT}/decisions/{row['EVENT_ID']}")
    assert found.status_code == 404
