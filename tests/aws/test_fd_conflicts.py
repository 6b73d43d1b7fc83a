"""Every operation that declares a conflict gives one where a user can meet it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from fd_payments import define_payments, publish_rules, sent
from training_banks import ROLE

from ringfence.aws.wire.shapes import declared_errors, service_model
from ringfence.detectors.outcomes import OUTCOMES
from ringfence.events.composing import compose_event_type
from ringfence.events.lists import ListChange, change_list
from ringfence.events.names import ENTITY_TYPES, LABELS
from ringfence.models.trainings import DataSource, TrainingRequest, ask_for_retraining
from ringfence.models.trainings import ask_for_version as ask_for_training
from ringfence.storage import Database

DECLARING = sorted(
    name
    for name in service_model("frauddetector").operation_names
    if "ConflictException" in declared_errors("frauddetector", name)
)
RULE = {"detectorId": "guard", "ruleId": "large", "ruleVersion": "1"}
MODEL = {"modelId": "cards", "modelType": "ONLINE_FRAUD_INSIGHTS"}
KEY_ARN = "arn:aws:kms:eu-west-1:000000000000:key/01234567-89ab-cdef-0123-456789abcdef"
REQUEST = TrainingRequest(
    source=DataSource.INGESTED_EVENTS,
    variables=("amount", "merchant"),
    since=datetime(2026, 1, 1, tzinfo=UTC),
    until=datetime(2026, 3, 1, tzinfo=UTC),
)

NEVER = {
    "GetEventPrediction": "an event that is stored is asked about once more, and stays as it is",
    "UpdateDetectorVersionMetadata": "who comes second describes it last",
    "UpdateEventLabel": "who comes second has labelled it last",
    "UpdateList": "who comes second waits, and changes what the first has left",
    "UpdateModel": "who comes second describes it last",
    "UpdateRuleMetadata": "who comes second describes it last",
    "UpdateVariable": "who comes second describes it last",
}


def imported(*, output: str) -> dict[str, Any]:
    """The members that import an endpoint which gives a variable of that name."""
    return {
        "modelEndpoint": "down",
        "modelSource": "SAGEMAKER",
        "invokeModelEndpointRoleArn": ROLE,
        "inputConfiguration": {
            "useEventVariables": True,
            "eventTypeName": "payment",
            "format": "TEXT_CSV",
            "csvInputTemplate": "{{amount}}",
        },
        "outputConfiguration": {"format": "TEXT_CSV", "csvIndexToVariableMap": {"0": output}},
        "modelEndpointStatus": "ASSOCIATED",
    }


# What a user does to things that are in use, or have been changed before.
IN_USE: dict[str, dict[str, Any]] = {
    "DeleteDetector": {"detectorId": "guard"},
    "DeleteDetectorVersion": {"detectorId": "guard", "detectorVersionId": "1"},
    "DeleteEntityType": {"name": "customer"},
    "DeleteEventType": {"name": "payment"},
    "DeleteExternalModel": {"modelEndpoint": "down"},
    "DeleteLabel": {"name": "fraud"},
    "DeleteList": {"name": "odd_shops"},
    "DeleteModel": MODEL,
    "DeleteModelVersion": {**MODEL, "modelVersionNumber": "1.0"},
    "DeleteOutcome": {"name": "block"},
    "DeleteRule": {"rule": RULE},
    "DeleteVariable": {"name": "amount"},
    "PutDetector": {"detectorId": "guard", "eventTypeName": "transfer"},
    "PutExternalModel": imported(output="other_score"),
    "PutKMSEncryptionKey": {"kmsEncryptionKeyArn": KEY_ARN},
    "SendEvent": sent("stored", amount="7"),
    "UpdateDetectorVersion": {
        "detectorId": "guard",
        "detectorVersionId": "1",
        "rules": [RULE],
        "externalModelEndpoints": [],
    },
    "UpdateDetectorVersionStatus": {
        "detectorId": "guard",
        "detectorVersionId": "1",
        "status": "ACTIVE",
    },
    "UpdateModelVersion": {**MODEL, "majorVersionNumber": "1"},
    "UpdateModelVersionStatus": {
        **MODEL,
        "modelVersionNumber": "1.01",
        "status": "TRAINING_CANCELLED",
    },
    "UpdateRuleVersion": {
        "rule": RULE,
        "expression": "$amount > 200",
        "language": "DETECTORPL",
        "outcomes": ["block"],
    },
}
TWICE_AT_ONCE = {"DeleteEventsByEventType"}
COLLIDING = {"PutEntityType", "PutEventType", "PutLabel", "PutOutcome"}


def called(client: ClientOf, operation: str, members: dict[str, Any]) -> str:
    """What was answered: the name of an error, empty when there was none."""
    (method,) = (py for py, api in client.meta.method_to_api_mapping.items() if api == operation)
    try:
        getattr(client, method)(**members)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@contextmanager
def nobody_there() -> Iterator[str]:
    """The address of a port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes any access key, and whose endpoints are down."""
    data_dir = tmp_path_factory.mktemp("conflicts") / "data"
    data_dir.mkdir()
    with nobody_there() as url:
        settings = {
            "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url,
        }
        with running(data_dir, **settings) as started:
            yield started


@pytest.fixture(scope="module")
def client(server: Server) -> ClientOf:
    """A client where everything is in use: a detector that decides by a rule, a list and an
    external model about events that are stored, and a model that is in training."""
    client = client_of(server.url)
    define_payments(client, "payment", ingestion="ENABLED")
    define_payments(client, "transfer", ingestion="ENABLED")
    client.create_list(name="odd_shops", elements=["odd"])
    client.put_external_model(**imported(output="far_score"))
    publish_rules(
        client,
        "guard",
        "payment",
        rules=[("large", "$amount > 100", "block"), ("odd", "$merchant in @odd_shops", "block")],
        externalModelEndpoints=["down"],
    )
    assert called(client, "UpdateRuleVersion", IN_USE["UpdateRuleVersion"]) == ""
    client.send_event(
        **sent("stored", amount="5"),
        assignedLabel="fraud",
        labelTimestamp="2026-03-02T00:00:00Z",
    )
    client.create_model(**MODEL, eventTypeName="payment")
    database = Database(f"sqlite:///{server.data_dir / 'ringfence.db'}")
    with database.write() as connection:
        ask_for_training(connection, "cards", REQUEST, by="test")
        for _ in range(99):
            ask_for_retraining(connection, "cards", 1, REQUEST, by="test")
    database.dispose()
    client.update_model_version_status(
        **MODEL, modelVersionNumber="1.01", status="TRAINING_CANCELLED"
    )
    return client


def test_every_declared_conflict_is_known() -> None:
    assert sorted([*IN_USE, *TWICE_AT_ONCE, *COLLIDING, *NEVER]) == DECLARING


@pytest.mark.parametrize("operation", sorted(IN_USE))
def test_what_is_in_use_or_was_changed_before_is_a_conflict(
    client: ClientOf, operation: str
) -> None:
    assert called(client, operation, IN_USE[operation]) == "ConflictException"


def test_a_label_of_a_stored_event_stays(client: ClientOf) -> None:
    for name in ("late", "later"):
        client.put_label(name=name)
    client.put_event_type(
        name="labelled",
        eventVariables=["amount"],
        entityTypes=["customer"],
        labels=["late"],
        eventIngestion="ENABLED",
    )
    client.send_event(
        **sent("labelled", "labelled", amount="5"),
        assignedLabel="late",
        labelTimestamp="2026-03-02T00:00:00Z",
    )
    assert called(client, "DeleteLabel", {"name": "late"}) == "ConflictException"
    assert called(client, "DeleteLabel", {"name": "later"}) == ""


def test_events_are_deleted_by_one_at_a_time(client: ClientOf) -> None:
    members = {"eventTypeName": "transfer"}
    # A deletion that is over before the next is asked for is no conflict.
    answers = [called(client, "DeleteEventsByEventType", members) for _ in range(20)]
    assert answers[0] == ""
    assert set(answers) <= {"", "ConflictException"}
    assert "ConflictException" in answers


def test_a_prediction_needs_the_models_that_its_version_names(client: ClientOf) -> None:
    members = {"detectorId": "guard", **sent("asked", amount="5")}
    assert called(client, "GetEventPrediction", members) == "ResourceUnavailableException"


@dataclass(frozen=True)
class Shared:
    """A server on PostgreSQL, whose tables this process changes too."""

    client: ClientOf
    database: Database

    def collides(
        self, change: Callable[[Any], object], operation: str, members: dict[str, Any]
    ) -> str:
        """What a request is answered that comes while another transaction has made a change, and is
        about to commit it."""
        answers: list[str] = []
        asks = threading.Thread(
            target=lambda: answers.append(called(self.client, operation, members))
        )
        with self.database.write() as connection:
            change(connection)
            asks.start()
            asks.join(1)
            assert asks.is_alive()
        asks.join(20)
        return answers[0]


@pytest.fixture
def shared(new_database: Callable[[str], Database], tmp_path: Path) -> Iterator[Shared]:
    database = new_database("postgresql")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    url = database.engine.url.render_as_string(hide_password=False)
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1", RINGFENCE_DATABASE_URL=url) as server:
        client = client_of(server.url)
        define_payments(client, "payment", ingestion="ENABLED")
        yield Shared(client, database)


def test_two_that_create_the_same_conflict(shared: Shared) -> None:
    for operation, register in (
        ("PutEntityType", ENTITY_TYPES),
        ("PutLabel", LABELS),
        ("PutOutcome", OUTCOMES),
    ):
        answer = shared.collides(
            lambda connection, register=register: register.put(connection, "new", "first"),
            operation,
            {"name": "new"},
        )
        assert answer == "ConflictException", operation
    members = {"name": "new", "eventVariables": ["amount"], "entityTypes": ["customer"]}
    answer = shared.collides(
        lambda connection: compose_event_type(
            connection, "new", variables=["amount"], entity_types=["customer"]
        ),
        "PutEventType",
        members,
    )
    assert answer == "ConflictException"


def test_of_two_that_add_to_the_same_none_is_lost(shared: Shared) -> None:
    client = shared.client
    client.create_list(name="odd_shops", elements=["first"])
    answer = shared.collides(
        lambda connection: change_list(
            connection, "odd_shops", elements=["second"], change=ListChange.APPEND
        ),
        "UpdateList",
        {"name": "odd_shops", "elements": ["third"], "updateMode": "APPEND"},
    )
    assert answer == ""
    assert client.get_list_elements(name="odd_shops")["elements"] == ["first", "second", "third"]

    for name in ("country", "city"):
        client.create_variable(name=name, dataType="STRING", dataSource="EVENT", defaultValue="")
    before = ["amount", "merchant"]
    answer = shared.collides(
        lambda connection: compose_event_type(
            connection, "payment", variables=[*before, "country"], entity_types=["customer"]
        ),
        "PutEventType",
        {
            "name": "payment",
            "eventVariables": [*before, "city"],
            "entityTypes": ["customer"],
        },
    )
    # It would take away what the first has added, which nobody has asked for.
    assert answer == "ValidationException"
    (found,) = client.get_event_types(name="payment")["eventTypes"]
    assert found["eventVariables"] == [*before, "country"]
