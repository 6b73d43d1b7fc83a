from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError

from ringfence.aws.frauddetector.external_models import address_of
from ringfence.models.external import AwsSignature
from ringfence.settings import Settings
from ringfence.storage import Database, migrate

ROLE = "arn:aws:iam::123456789012:role/AnyRole"


@dataclass
class SageMaker:
    """A stand-in for SageMaker's runtime, and what it was asked."""

    url: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def sagemaker() -> Iterator[SageMaker]:
    remote = SageMaker()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            remote.asked.append((self.path, headers, body))
            content = remote.answers.get(self.path)
            self.send_response(404 if content is None else 200)
            content = content or b"no such endpoint"
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    remote.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield remote
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def client(sagemaker: SageMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientOf]:
    data_dir = tmp_path_factory.mktemp("external") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    environment = {
        "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker.url,
        "AWS_ACCESS_KEY_ID": "AKIATHEBANKSOWNKEY00",
        "AWS_SECRET_ACCESS_KEY": "not-told-to-anybody",
    }
    with running(data_dir, **environment) as server:
        yield _prepared(server)


def _prepared(server: Server) -> ClientOf:
    client = client_of(server.url)
    for name in ("order_amt", "prev_amt"):
        client.create_variable(
            name=name, dataType="FLOAT", dataSource="EVENT", defaultValue="0", variableType="PRICE"
        )
    client.create_variable(
        name="xgb_score",
        dataType="FLOAT",
        dataSource="EXTERNAL_MODEL_SCORE",
        defaultValue="0.0",
    )
    client.put_entity_type(name="customer")
    client.put_event_type(
        name="orders", eventVariables=["order_amt", "prev_amt"], entityTypes=["customer"]
    )
    client.put_outcome(name="review")
    client.put_outcome(name="approve")
    return client


def imported(name: str = "xgb", **changes: Any) -> dict[str, Any]:
    """The members that import an endpoint, as a notebook sends them."""
    return {
        "modelEndpoint": name,
        "modelSource": "SAGEMAKER",
        "invokeModelEndpointRoleArn": ROLE,
        "inputConfiguration": {
            "eventTypeName": "orders",
            "format": "TEXT_CSV",
            "useEventVariables": True,
            "csvInputTemplate": "{{order_amt}}, {{prev_amt}}",
        },
        "outputConfiguration": {
            "format": "TEXT_CSV",
            "csvIndexToVariableMap": {"0": "xgb_score"},
        },
        "modelEndpointStatus": "ASSOCIATED",
        **changes,
    }


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def detector(client: ClientOf, detector_id: str, *endpoints: str, score: str) -> None:
    """A detector that reviews what scores over a half."""
    client.put_detector(detectorId=detector_id, eventTypeName="orders")
    rules = []
    for rule_id, sign, outcome in (("high", ">", "review"), ("low", "<=", "approve")):
        client.create_rule(
            ruleId=rule_id,
            detectorId=detector_id,
            expression=f"${score} {sign} 0.5",
            language="DETECTORPL",
            outcomes=[outcome],
        )
        rules.append({"detectorId": detector_id, "ruleId": rule_id, "ruleVersion": "1"})
    client.create_detector_version(
        detectorId=detector_id, rules=rules, externalModelEndpoints=list(endpoints)
    )
    client.update_detector_version_status(
        detectorId=detector_id, detectorVersionId="1", status="ACTIVE"
    )


def predicted(client: ClientOf, detector_id: str, event_id: str, **more: Any) -> dict[str, Any]:
    """What is said of an order."""
    return dict(
        client.get_event_prediction(
            detectorId=detector_id,
            eventId=event_id,
            eventTypeName="orders",
            entities=[{"entityType": "customer", "entityId": "c1"}],
            eventTimestamp="2026-03-01T10:00:00Z",
            eventVariables={"order_amt": "12.5", "prev_amt": "3"},
            **more,
        )
    )


def test_an_endpoint_is_asked_as_it_was_imported_and_deleted_with_what_it_gives(
    client: ClientOf, sagemaker: SageMaker
) -> None:
    client.put_external_model(**imported())
    (told,) = client.get_external_models(modelEndpoint="xgb")["externalModels"]
    arn = "arn:aws:frauddetector:eu-west-1:000000000000:external-model/xgb"
    assert told.pop("lastUpdatedTime") >= told.pop("createdTime")
    assert told == {**imported(), "arn": arn}

    sagemaker.answers["/endpoints/xgb/invocations"] = b"0.07167139649391174\n"
    detector(client, "guard", "xgb", score="xgb_score")
    found = predicted(client, "guard", "e1")
    assert found["externalModelOutputs"] == [
        {
            "externalModel": {"modelEndpoint": "xgb", "modelSource": "SAGEMAKER"},
            "outputs": {"xgb_score": "0.07167139649391174\n"},
        }
    ]
    assert found["ruleResults"] == [{"ruleId": "low", "outcomes": ["approve"]}]
    path, headers, body = sagemaker.asked[-1]
    assert (path, body) == ("/endpoints/xgb/invocations", "12.5, 3.0")
    assert headers["content-type"] == "text/csv"
    # Signed with what the server has, not with what its client has.
    assert "Credential=AKIATHEBANKSOWNKEY00/" in headers["authorization"]
    assert "/eu-west-1/sagemaker/aws4_request" in headers["authorization"]

    sagemaker.answers.clear()
    code, message = refused(
        client.get_event_prediction,
        detectorId="guard",
        eventId="e2",
        eventTypeName="orders",
        entities=[{"entityType": "customer", "entityId": "c1"}],
        eventTimestamp="2026-03-01T10:00:00Z",
        eventVariables={"order_amt": "1"},
    )
    assert code == "ResourceUnavailableException"
    assert "xgb" in message

    delete = {"modelEndpoint": "xgb"}
    code, message = refused(client.delete_external_model, **delete)
    assert code == "ConflictException"
    assert "version 1 of detector 'guard'" in message
    client.update_detector_version_status(
        detectorId="guard", detectorVersionId="1", status="INACTIVE"
    )
    client.delete_detector_version(detectorId="guard", detectorVersionId="1")
    client.delete_external_model(**delete)
    client.delete_external_model(**delete)
    missing = "ResourceNotFoundException"
    assert refused(client.get_external_models, **delete)[0] == missing
    assert refused(client.get_variables, name="xgb_score")[0] == missing


def test_json_is_written_and_read_as_the_templates_say(
    client: ClientOf, sagemaker: SageMaker
) -> None:
    members = imported(
        "Json-Model",
        inputConfiguration={
            "eventTypeName": "orders",
            "format": "APPLICATION_JSON",
            "useEventVariables": True,
            "jsonInputTemplate": '{"order": {"amt": {{order_amt}}}}',
        },
        outputConfiguration={
            "format": "APPLICATION_JSONLINES",
            "jsonKeyToVariableMap": {"probability": "json_score"},
        },
    )
    client.put_external_model(**members)
    sagemaker.answers["/endpoints/Json-Model/invocations"] = b'{"probability": 0.75}'
    detector(client, "jsons", "Json-Model", score="json_score")
    found = predicted(client, "jsons", "e1")
    assert found["externalModelOutputs"][0]["outputs"] == {"json_score": "0.75"}
    assert found["ruleResults"] == [{"ruleId": "high", "outcomes": ["review"]}]
    assert json.loads(sagemaker.asked[-1][2]) == {"order": {"amt": 12.5}}
    # A variable that nobody has made is there with the model.
    (variable,) = client.get_variables(name="json_score")["variables"]
    assert variable["dataSource"] == "EXTERNAL_MODEL_SCORE"


def test_one_whose_body_the_client_sends_is_for_events_of_any_type(
    client: ClientOf, sagemaker: SageMaker
) -> None:
    members = imported(
        "passing",
        inputConfiguration={"useEventVariables": False},
        outputConfiguration={"format": "TEXT_CSV", "csvIndexToVariableMap": {"1": "pass_score"}},
    )
    client.put_external_model(**members)
    (told,) = client.get_external_models(modelEndpoint="passing")["externalModels"]
    assert told["inputConfiguration"] == {"useEventVariables": False}
    sagemaker.answers["/endpoints/passing/invocations"] = b"7,0.25,9"
    detector(client, "passes", "passing", score="pass_score")
    blob = {"byteBuffer": b"my own, words", "contentType": "text/plain"}
    found = predicted(client, "passes", "e1", externalModelEndpointDataBlobs={"passing": blob})
    assert found["externalModelOutputs"][0]["outputs"] == {"pass_score": "0.25"}
    _, headers, body = sagemaker.asked[-1]
    assert (body, headers["content-type"]) == ("my own, words", "text/plain")


def test_a_model_that_is_dissociated_is_refused_at_use(
    client: ClientOf, sagemaker: SageMaker
) -> None:
    output = {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": "off_score"}}
    client.put_external_model(**imported("off", outputConfiguration=output))
    sagemaker.answers["/endpoints/off/invocations"] = b"0.1"
    detector(client, "offs", "off", score="off_score")
    assert predicted(client, "offs", "e1")["ruleResults"][0]["ruleId"] == "low"
    off = imported("off", outputConfiguration=output, modelEndpointStatus="DISSOCIATED")
    client.put_external_model(**off)
    (told,) = client.get_external_models(modelEndpoint="off")["externalModels"]
    assert told["modelEndpointStatus"] == "DISSOCIATED"
    with pytest.raises(ClientError, match="dissociated"):
        predicted(client, "offs", "e2")
    rules = [{"detectorId": "offs", "ruleId": "high", "ruleVersion": "1"}]
    code, message = refused(
        client.create_detector_version,
        detectorId="offs",
        rules=rules,
        externalModelEndpoints=["off"],
    )
    assert (code, "dissociated" in message.lower()) == ("ValidationException", True)


def test_models_are_listed_in_pages(client: ClientOf) -> None:
    for number in range(6):
        output = {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": f"listed_{number}"}}
        client.put_external_model(**imported(f"listed{number}", outputConfiguration=output))
    names, members = [], {"maxResults": 5}
    while True:
        page = client.get_external_models(**members)
        names += [model["modelEndpoint"] for model in page["externalModels"]]
        if "nextToken" not in page:
            break
        members["nextToken"] = page["nextToken"]
    assert [name for name in names if name.startswith("listed")] == [f"listed{n}" for n in range(6)]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"modelEndpoint": "no spaces"}, "modelEndpoint"),
        ({"modelSource": "ELSEWHERE"}, "modelSource"),
        ({"modelEndpointStatus": "MAYBE"}, "modelEndpointStatus"),
        ({"input": {"eventTypeName": None}}, "inputConfiguration.eventTypeName"),
        ({"input": {"eventTypeName": "nothing"}}, "inputConfiguration.eventTypeName"),
        ({"input": {"format": None}}, "inputConfiguration.format"),
        ({"input": {"csvInputTemplate": None}}, "inputConfiguration.csvInputTemplate"),
        ({"input": {"csvInputTemplate": "{{nothing}}"}}, "inputConfiguration.csvInputTemplate"),
        ({"output": {"csvIndexToVariableMap": {}}}, "csvIndexToVariableMap"),
        ({"output": {"csvIndexToVariableMap": {"a": "score"}}}, "csvIndexToVariableMap"),
        ({"output": {"csvIndexToVariableMap": {"0": "order_amt"}}}, "outputConfiguration"),
        ({"output": {"format": "APPLICATION_JSONLINES"}}, "jsonKeyToVariableMap"),
    ],
)
def test_what_does_not_fit_is_named(client: ClientOf, changes: dict[str, Any], named: str) -> None:
    members = imported("unfit")
    for part, configuration in (("input", "inputConfiguration"), ("output", "outputConfiguration")):
        given = {**members[configuration], **changes.get(part, {})}
        members[configuration] = {k: v for k, v in given.items() if v is not None}
    members |= {k: v for k, v in changes.items() if k not in ("input", "output")}
    code, message = refused(client.put_external_model, **members)
    assert (code, named in message) == ("ValidationException", True), message
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.get_external_models(modelEndpoint="unfit")


def test_a_model_of_our_own_api_is_associated_as_it_is(
    client: ClientOf, sagemaker: SageMaker
) -> None:
    own = {
        "event_type": "orders",
        "kind": "HTTP",
        "inputs": [{"variable": "order_amt", "input": "amount"}],
        "outputs": [{"variable": "own_score", "key": "p", "scale": "AS_IS"}],
        "endpoint": {"url": f"{sagemaker.url}/own", "timeout_seconds": 5},
    }
    server = Server(client.meta.endpoint_url, Path(), Path())
    with server.client() as http:
        assert http.put("/v1/external-models/own", json=own).status_code == 200
    (told,) = client.get_external_models(modelEndpoint="own")["externalModels"]
    assert told["inputConfiguration"] == {
        "eventTypeName": "orders",
        "useEventVariables": True,
        "format": "APPLICATION_JSON",
        "jsonInputTemplate": '{"amount": {{order_amt}}}',
    }
    assert told["outputConfiguration"]["jsonKeyToVariableMap"] == {"p": "own_score"}
    output = {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": "own_score"}}
    for _ in range(2):
        client.put_external_model(**imported("own", outputConfiguration=output))
    other = {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": "other_score"}}
    code, message = refused(client.put_external_model, **imported("own", outputConfiguration=other))
    assert (code, "other_score" in message) == ("ValidationException", True)
    sagemaker.answers["/own"] = b'{"p": 0.9}'
    detector(client, "owns", "own", score="own_score")
    assert predicted(client, "owns", "e1")["ruleResults"][0]["ruleId"] == "high"
    assert sagemaker.asked[-1][0] == "/own"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("http://10.0.0.5:8080", "http://10.0.0.5:8080/endpoints/xgb/invocations"),
        ("http://10.0.0.5/models/{name}:predict", "http://10.0.0.5/models/xgb:predict"),
    ],
)
def test_endpoints_are_where_the_setting_says(
    place: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_SAGEMAKER_URL", place)
    settings = Settings(data_dir=tmp_path)  # type: ignore[call-arg]
    assert address_of(settings, "eu-west-1", "xgb") == (url, None)


def test_endpoints_are_at_aws_where_nothing_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(data_dir=tmp_path)  # type: ignore[call-arg]
    url, signature = address_of(settings, "us-east-2", "xgb")
    assert url == "https://runtime.sagemaker.us-east-2.amazonaws.com/endpoints/xgb/invocations"
    assert signature == AwsSignature(service="sagemaker", region="us-east-2")
