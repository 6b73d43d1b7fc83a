"""A bank that trains: a server, S3 beside it, and clients of both."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from api_servers import Server, running
from aws_clients import ClientOf, client_of

from ringfence.events import EventType, put_event_type
from ringfence.storage import Database, migrate

ROLE = "arn:aws:iam::123456789012:role/AnyRole"
BUCKET = "training-data"
KEY_ID, SECRET = "AKIATESTTESTTESTTEST", "test-secret-0123456789-0123456789-abcdef"
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Bank:
    """A server, its database, and clients of it and of its S3."""

    server: Server
    database: Database
    frauddetector: ClientOf
    s3: ClientOf

    def upload(self, key: str, content: bytes) -> str:
        """Where the content lies."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def waited(self, model_id: str, model_type: str, version: str, *statuses: str) -> str:
        """The first of these statuses that the version is in."""
        last = ""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            last = self.frauddetector.get_model_version(
                modelId=model_id, modelType=model_type, modelVersionNumber=version
            )["status"]
            if last in statuses:
                return last
            time.sleep(0.2)
        raise AssertionError(f"version {version} of {model_id} is {last}")

    def described(self, model_id: str, model_type: str, version: str) -> dict[str, Any]:
        """All that is told of a version."""
        (found,) = self.frauddetector.describe_model_versions(
            modelId=model_id, modelType=model_type, modelVersionNumber=version
        )["modelVersionDetails"]
        return dict(found)


@contextmanager
def open_bank(
    data_dir: Path, event_types: Iterable[EventType], **environment: str
) -> Iterator[Bank]:
    """A bank with these event types and an empty bucket."""
    data_dir.mkdir(parents=True)
    database = Database(f"sqlite:///{data_dir / 'ringfence.db'}")
    migrate(database)
    with database.write() as connection:
        for event_type in event_types:
            put_event_type(connection, event_type)
    with s3_server() as url:
        s3 = client_of(url, "s3", attempts=5)
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        with running(
            data_dir, **{**of_s3(url), "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1"} | environment
        ) as server:
            yield Bank(server, database, client_of(server.url), s3)
    database.dispose()


def of_s3(url: str) -> Mapping[str, str]:
    """The environment in which S3 is there."""
    return {
        "AWS_ENDPOINT_URL_S3": url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 that forgets everything when it ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx2.get(url, trust_env=False)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()
