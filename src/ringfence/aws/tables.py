"""Tables of the aws room: what the protocols name and no other room knows."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table

from ringfence.storage import Instant, Json, metadata

# By the part of an ARN that names the resource, such as `label/fraud`.
tags = Table(
    "aws_tags",
    metadata,
    Column("resource", String(256), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
)

# `claim` names the attempt that a job belongs to: whoever has lost it stores nothing.
jobs = Table(
    "aws_jobs",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("job_id", String(192), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_by", String(128), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("heartbeat_at", Instant),
    Column("processed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("total", Integer),
    Column("share", Float, nullable=False),
    Column("stage", String(256), nullable=False),
    Column("failure", String(1024)),
    Column("place", Json),
    Column("attempts", Integer, nullable=False),
    Column("claim", String(32)),
    Index("ix_aws_jobs_status", "status"),
)

# What a job has to write to a file in the end, kept in the transactions that it comes from.
job_outputs = Table(
    "aws_job_outputs",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("job_id", String(192), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# The key that a client named for what it sends to be encrypted with; at most one row.
encryption = Table(
    "aws_encryption",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("key_arn", String(256), nullable=False),
)
