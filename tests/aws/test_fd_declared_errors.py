"""Every error that AWS's model declares for an operation, through boto3, on an empty server.

Conflicts need something to conflict with: they are in `test_fd_conflicts.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError
from fd_requests import REQUESTS, RULE

from ringfence.aws.frauddetector.service import operations
from ringfence.aws.wire.shapes import declared_errors, service_model
from ringfence.storage import Database, migrate

ALL = sorted(service_model("frauddetector").operation_names)

# Operations that declare an error which cannot arise, and why.
NOTHING_TO_MISS = {
    "BatchGetVariable": "names that do not exist are told one by one, in a reply that succeeds",
    "GetKMSEncryptionKey": "without a key of one's own there is the default one",
    "PutKMSEncryptionKey": "the keys of AWS are not known here; any name of one is kept",
}


def declaring(error: str) -> list[str]:
    return [name for name in ALL if error in declared_errors("frauddetector", name)]


def send(client: ClientOf, operation: str, members: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request that the client does not check before it sends it."""
    method = client.meta.method_to_api_mapping
    (name,) = (python for python, api in method.items() if api == operation)
    answer: dict[str, Any] = getattr(client, name)(**members)
    return answer


def refused(client: ClientOf, operation: str, members: dict[str, Any]) -> ClientError:
    with pytest.raises(ClientError) as error:
        send(client, operation, members)
    return error.value


def code(error: ClientError) -> str:
    assert error.response["Error"]["Message"]
    # What clients read beside the exception, in lower case.
    assert error.response["message"] == error.response["Error"]["Message"]
    return str(error.response["Error"]["Code"])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a single definition, that lets through very few requests of one key."""
    data_dir = tmp_path_factory.mktemp("empty") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    with running(
        data_dir,
        RINGFENCE_AWS_ACCEPT_ANY_KEY="1",
        RINGFENCE_DRIFT_CHECK_MINUTES="0",
        RINGFENCE_SCHEDULED_RETRAINING="0",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def client(empty: Server) -> ClientOf:
    return client_of(empty.url)


def test_all_operations_are_served_and_a_request_for_each_is_known() -> None:
    assert len(ALL) == 73
    assert sorted(operations()) == ALL
    assert sorted(REQUESTS) == ALL


def _violation(operation: str) -> dict[str, Any] | None:
    """The request with one member that breaks a constraint which clients do not check."""
    shape = service_model("frauddetector").operation_model(operation).input_shape
    members = {} if shape is None else shape.members
    for name, member in members.items():
        facts = member.metadata
        broken: Any = None
        if member.type_name == "string" and getattr(member, "enum", None):
            broken = "NO_SUCH_VALUE"
        elif member.type_name == "string" and "pattern" in facts and facts["pattern"] != ".*":
            broken = "Ä !" * max(1, facts.get("min", 1))
        elif member.type_name == "string" and "max" in facts:
            broken = "a" * (facts["max"] + 1)
        elif member.type_name == "integer" and "max" in facts:
            broken = facts["max"] + 1
        elif member.type_name == "list" and "max" in facts:
            broken = list(REQUESTS[operation].get(name, [{"key": "k", "value": "v"}]))
            broken *= facts["max"] + 1
        if broken is not None:
            return {**REQUESTS[operation], name: broken}
    return None


# What constrains these is in a nested structure, or is ours to say.
OTHERWISE_BROKEN = {
    "DeleteRule": {"rule": {**RULE, "ruleId": "Ä !"}},
    "DeleteVariable": {"name": "1 no name"},
    "GetEvent": {"eventId": "", "eventTypeName": "absent"},
    "UpdateVariable": {"name": "1 no name", "description": "new"},
}


@pytest.mark.parametrize("operation", declaring("ValidationException"))
def test_what_breaks_a_constraint_is_a_validation_error(client: ClientOf, operation: str) -> None:
    members = OTHERWISE_BROKEN.get(operation) or _violation(operation)
    assert members is not None
    error = refused(client, operation, members)
    assert code(error) == "ValidationException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("operation", declaring("ResourceNotFoundException"))
def test_what_does_not_exist_is_not_found(client: ClientOf, operation: str) -> None:
    if operation in NOTHING_TO_MISS:
        send(client, operation, REQUESTS[operation])
        return
    members = REQUESTS[operation]
    if operation == "ListEventPredictions":
        pytest.fail("declares no ResourceNotFoundException")
    assert code(refused(client, operation, members)) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "operation",
    [
        name
        for name in ALL
        if name.startswith("Delete")
        and "ResourceNotFoundException" not in declared_errors("frauddetector", name)
    ],
)
def test_deleting_what_does_not_exist_changes_nothing(client: ClientOf, operation: str) -> None:
    answer = send(client, operation, REQUESTS[operation])
    assert answer.keys() == {"ResponseMetadata"}


def _client_with_key(server: Server, allowed: str) -> ClientOf:
    with server.client() as http:
        made = http.post("/v1/access-keys", json={"name": "test", "permissions": [allowed]})
    assert made.status_code == 201, made.text
    key = made.json()
    return client_of(
        server.url, key_id=key["key"]["access_key_id"], secret=key["secret_access_key"]
    )


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that looks at keys, and lets each send one request in a thousand seconds."""
    data_dir = tmp_path_factory.mktemp("keyed") / "data"
    data_dir.mkdir()
    with running(data_dir, RINGFENCE_AWS_REQUESTS_PER_SECOND="0.001") as server:
        yield server


@pytest.fixture(scope="module")
def slow(keyed: Server) -> ClientOf:
    client = _client_with_key(keyed, "*")
    client.get_labels()
    return client


@pytest.mark.parametrize("operation", ALL)
def test_too_many_requests_are_throttled(slow: ClientOf, operation: str) -> None:
    error = refused(slow, operation, REQUESTS[operation])
    assert code(error) == "ThrottlingException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.fixture(scope="module")
def elsewhere(keyed: Server) -> ClientOf:
    """A client whose key may do nothing with this service."""
    return _client_with_key(keyed, "lambda:*")


@pytest.mark.parametrize("operation", ALL)
def test_a_key_without_permission_is_denied(elsewhere: ClientOf, operation: str) -> None:
    error = refused(elsewhere, operation, REQUESTS[operation])
    assert code(error) == "AccessDeniedException"
    assert f"frauddetector:{operation}" in error.response["message"]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientOf]:
    """A client of a server whose tables are taken away."""
    data_dir: Path = tmp_path_factory.mktemp("broken") / "data"
    data_dir.mkdir()
    path = data_dir / "ringfence.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.dispose()
    with running(data_dir, RINGFENCE_AWS_ACCEPT_ANY_KEY="1") as server:
        client = client_of(server.url)
        client.get_labels()
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            tables = [
                row[0]
                for row in connection.execute(
                    "SELECT name FROM sqlite_master"
                    " WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                )
            ]
            for table in tables:
                connection.execute(f'ALTER TABLE "{table}" RENAME TO "lost_{table}"')
            connection.commit()
        yield client


@pytest.mark.parametrize("operation", declaring("InternalServerException"))
def test_a_fault_of_ours_is_an_internal_error_that_tells_nothing(
    broken: ClientOf, operation: str
) -> None:
    error = refused(broken, operation, REQUESTS[operation])
    assert code(error) == "InternalServerException"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "lost" not in error.response["message"]
    assert "table" not in error.response["message"]
