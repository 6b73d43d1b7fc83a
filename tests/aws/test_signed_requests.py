"""A server and boto3: who signs with one of its keys is served, whoever does not is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx2
import pytest
from api_servers import Server, running
from aws_clients import ClientOf, client_of
from botocore.exceptions import ClientError

from ringfence.access import Scope, create_access_key, revoke_access_key
from ringfence.cards import open_vault
from ringfence.storage import Database, migrate, now


@pytest.fixture(scope="module")
def signing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that verifies signatures, with an empty database."""
    data_dir = tmp_path_factory.mktemp("signing") / "data"
    data_dir.mkdir()
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    database.dispose()
    with running(data_dir) as server:
        yield server


@pytest.fixture
def database(signing_server: Server) -> Iterator[Database]:
    """The database of the running server, as the command line opens it."""
    opened = Database(f"sqlite:///{signing_server.data_dir / 'ringfence.db'}")
    yield opened
    opened.dispose()


def _client(server: Server, database: Database, *permissions: str) -> tuple[ClientOf, str]:
    vault = open_vault(server.data_dir, None, database)
    with database.write() as connection:
        key, secret = create_access_key(connection, vault, "job", permissions, "test", now())
    return client_of(server.url, key_id=key.access_key_id, secret=secret), key.access_key_id


def _code(call: ClientOf) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Code"])


def test_a_key_made_while_the_server_runs_counts_at_once_and_a_revoked_one_soon_no_more(
    signing_server: Server, database: Database
) -> None:
    client, key_id = _client(signing_server, database, "frauddetector:*")
    client.put_label(name="fraud")
    for _ in range(3):  # alike, within a second
        assert "fraud" in [label["name"] for label in client.get_labels()["labels"]]
    with database.write() as connection:
        revoke_access_key(connection, key_id, by="test", at=now())
    deadline = time.monotonic() + 20
    code = None
    while code is None and time.monotonic() < deadline:
        try:
            client.get_labels()
            time.sleep(0.2)
        except ClientError as refused:
            code = refused.response["Error"]["Code"]
    assert code == "UnrecognizedClientException"


def test_a_key_does_no_more_than_it_may(signing_server: Server, database: Database) -> None:
    client, _ = _client(signing_server, database, "frauddetector:Get*")
    client.get_labels()
    assert _code(lambda: client.put_label(name="x")) == "AccessDeniedException"
    assert _code(lambda: client.delete_label(name="x")) == "AccessDeniedException"


def test_who_has_no_key_or_no_secret_is_refused(signing_server: Server, database: Database) -> None:
    assert _code(client_of(signing_server.url).get_labels) == "UnrecognizedClientException"
    _, key_id = _client(signing_server, database, "*")
    forger = client_of(signing_server.url, key_id=key_id, secret="x" * 40)
    assert _code(forger.get_labels) == "InvalidSignatureException"
    with signing_server.client() as api:  # an API key of ours is no signature
        reply = api.post("/", headers={"x-amz-target": "AWSHawksNestServiceFacade.GetLabels"})
    assert reply.status_code == 400
    assert reply.json()["__type"] == "IncompleteSignatureException"


def test_a_request_that_was_overheard_is_of_no_use(
    signing_server: Server, database: Database
) -> None:
    client, _ = _client(signing_server, database, "*")
    heard: list[httpx2.Request] = []

    def overhear(request: ClientOf, **_: object) -> None:
        headers = {name: _text(value) for name, value in request.headers.items()}
        heard.append(httpx2.Request("POST", request.url, headers=headers, content=request.body))

    client.meta.events.register("before-send.frauddetector", overhear)
    client.put_label(name="overheard")
    with httpx2.Client(trust_env=False, timeout=20) as thief:
        replies = [thief.send(heard[0]) for _ in range(2)]
    for reply in replies:
        assert reply.status_code == 400
        assert json.loads(reply.content)["__type"] == "InvalidSignatureException"
        assert "used before" in json.loads(reply.content)["message"]


def test_a_key_that_the_api_made_works_until_the_api_revokes_it(signing_server: Server) -> None:
    with signing_server.client(signing_server.key_with(*Scope)) as api:
        made = api.post("/v1/access-keys", json={"name": "till"}).json()
        key_id = made["key"]["access_key_id"]
        client = client_of(signing_server.url, key_id=key_id, secret=made["secret_access_key"])
        client.get_outcomes()
        assert api.delete(f"/v1/access-keys/{key_id}").status_code == 204
    assert _code(client.get_outcomes) == "UnrecognizedClientException"
    log = signing_server.log.read_text()
    assert made["secret_access_key"] not in log
    assert "Traceback" not in log


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
