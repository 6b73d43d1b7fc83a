"""Programs that call over Amazon Connect's API: their client, and the bank with their flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cardholders import FLOW
from sqlalchemy import select

from ringfence.contacts import tables
from ringfence.contacts.flows import import_flow
from ringfence.settings import Settings
from ringfence.storage import Database, migrate


def bank_with_flow(data_dir: Path) -> tuple[Database, str]:
    """A database with the flow `kills`, and the instance that it is in."""
    database = Database(Settings(data_dir=data_dir).url)
    migrate(database)
    with database.write() as connection:
        import_flow(connection, "kills", FLOW)
        instance_id = connection.execute(select(tables.instances.c.instance_id)).scalar_one()
    return database, instance_id


def connect_client(url: str) -> Any:
    """A client that tries once: when to try again is for the test to say."""
    return boto3.client(
        "connect",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="AKIATESTTESTTESTTEST",
        aws_secret_access_key="test-secret-0123456789-0123456789-abcdef",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=10, proxies={}
        ),
    )
