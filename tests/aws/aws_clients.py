"""boto3 clients for our servers, and nothing of the machine's own configuration in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import boto3
from botocore.config import Config

ClientOf: TypeAlias = Any  # boto3 makes its clients' classes when it runs

# What a server is told that must not look for anything at AWS: nobody listens there.
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def client_of(
    url: str,
    service: str = "frauddetector",
    *,
    key_id: str = "AKIATESTTESTTESTTEST",
    secret: str = "test-secret-0123456789-0123456789-abcdef",
    attempts: int = 1,
    validates: bool = True,
) -> ClientOf:
    """A client that is pointed at `url`; what it is given goes out unread unless it validates."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            s3={"addressing_style": "path"},
            proxies={},
            parameter_validation=validates,
        ),
    )
