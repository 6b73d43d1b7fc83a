"""S3 on loopback, by moto's server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUCKET = "bench"
REGION = "eu-west-1"


@contextmanager
def s3() -> Iterator[None]:
    """A running S3 with one bucket, which this process and those that it starts use."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    environment = {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        # Signatures are measured where single requests are.
        "RINGFENCE_AWS_ACCEPT_ANY_KEY": "1",
    }
    try:
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("moto's server does not start")
            time.sleep(0.1)
        before = dict(os.environ)
        os.environ.update(environment)
        client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield
        os.environ.clear()
        os.environ.update(before)
    finally:
        process.kill()
        process.wait()


def client(service: str, port: int | None = None) -> Any:
    """boto3's client of a service, at that port of this machine where one is given."""
    import boto3

    url = None if port is None else f"http://127.0.0.1:{port}"
    return boto3.client(service, endpoint_url=url, region_name=REGION)
