"""Tables of the aws room: what the protocols name and no other room knows."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from ringfence.storage import metadata

# By the part of an ARN that names the resource, such as `label/fraud`.
tags = Table(
    "aws_tags",
    metadata,
    Column("resource", String(256), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
)
