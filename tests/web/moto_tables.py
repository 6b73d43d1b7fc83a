"""Real DynamoDB tables: moto's server over HTTP, behind a gate that can be shut."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

NUMBER = "2442230821108788"
ANOTHER = "4111111111111111"
CUSTOMER = "u82-1alz-RI301"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def item(**changes: object) -> dict[str, Any]:
    """The article's item, in typed JSON; None takes an attribute away."""
    plain: dict[str, object] = {
        "customer_id": CUSTOMER,
        "card_number": NUMBER,
        "is_blocked": False,
        "last_name": "Rojas",
        "first_name": "Martha",
        "phone_number": "+14155552671",
        "salutation": "Mrs",
        **changes,
    }
    return {
        name: {"BOOL": value} if isinstance(value, bool) else {"S": value}
        for name, value in plain.items()
        if value is not None
    }


class Gate:
    """A proxy before the server. `state` is `open`, `shut` (connections are cut) or an error code
    that DynamoDB would answer with; `before` and `after` are called around each request that is let
    through, with the name of the operation."""

    def __init__(self, port: int):
        self.state = "open"
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str], None] = lambda operation: None
        self.after: Callable[[str], None] = lambda operation: None
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                operation = self.headers["x-amz-target"].split(".")[1]
                gate.asked.append((operation, msgspec.json.decode(body)))
                if gate.state == "shut":
                    self.close_connection = True
                    return
                if gate.state != "open":
                    said = {"__type": f"com.amazonaws.dynamodb#{gate.state}", "message": "too much"}
                    self._answer(400, msgspec.json.encode(said))
                    return
                gate.before(operation)
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                upstream.request("POST", self.path, body, {**headers, "Host": "dynamodb"})
                reply = upstream.getresponse()
                content = reply.read()
                upstream.close()
                gate.after(operation)
                if gate.state == "shut":
                    self.close_connection = True
                    return
                self._answer(reply.status, content)

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/x-amz-json-1.0")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that was killed, or is to be cut off, is no news."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def operations(self) -> list[str]:
        """The operations asked for so far."""
        return [operation for operation, _ in self.asked]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Elsewhere:
    """The table as the bank's other systems and the article's handlers use it: with boto3."""

    def __init__(self, client: Any, name: str):
        self.client, self.name = client, name

    def make(self) -> None:
        self.client.create_table(
            TableName=self.name,
            KeySchema=[
                {"AttributeName": "customer_id", "KeyType": "HASH"},
                {"AttributeName": "card_number", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "customer_id", "AttributeType": "S"},
                {"AttributeName": "card_number", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    def put(self, **changes: object) -> None:
        self.client.put_item(TableName=self.name, Item=item(**changes))

    def update(
        self, customer_id: str = CUSTOMER, card_number: str = NUMBER, **changes: object
    ) -> None:
        typed = item(**changes)
        for name in changes:
            self.client.update_item(
                TableName=self.name,
                Key={"customer_id": {"S": customer_id}, "card_number": {"S": card_number}},
                UpdateExpression="SET #a = :a",
                ExpressionAttributeNames={"#a": name},
                ExpressionAttributeValues={":a": typed[name]},
            )

    def delete(self, customer_id: str = CUSTOMER, card_number: str = NUMBER) -> None:
        self.client.delete_item(
            TableName=self.name,
            Key={"customer_id": {"S": customer_id}, "card_number": {"S": card_number}},
        )

    def get(self, customer_id: str = CUSTOMER, card_number: str = NUMBER) -> dict[str, Any]:
        """The item with plain values; empty when there is none."""
        found = self.client.get_item(
            TableName=self.name,
            Key={"customer_id": {"S": customer_id}, "card_number": {"S": card_number}},
            ConsistentRead=True,
        ).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def all(self) -> list[dict[str, Any]]:
        items = self.client.scan(TableName=self.name)["Items"]
        return [{n: next(iter(v.values())) for n, v in found.items()} for found in items]


@contextmanager
def moto() -> Iterator[int]:
    """Moto's server in a process of its own; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def table_name() -> str:
    """A name that no other test uses."""
    return f"customers-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    with moto() as port:
        yield port


@pytest.fixture(scope="session")
def client(moto_port: int) -> Any:
    """The way of others to DynamoDB."""
    import boto3

    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{moto_port}",
        region_name=ENVIRONMENT["AWS_DEFAULT_REGION"],
        aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture
def gate(moto_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """The way to DynamoDB, found by boto3 in the environment."""
    opened = Gate(moto_port)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", opened.url)
    yield opened
    opened.close()


@pytest.fixture
def elsewhere(client: Any) -> Elsewhere:
    """An empty table, as others use it, past the gate."""
    made = Elsewhere(client, table_name())
    made.make()
    return made
