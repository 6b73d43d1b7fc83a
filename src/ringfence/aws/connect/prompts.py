"""Prompts: recordings of an instance, made from WAV files in S3."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from ringfence.aws.connect.naming import arn_of, instance_of, last_part, summary
from ringfence.aws.connect.operations import Call, Operations
from ringfence.aws.connect.service import Connect
from ringfence.aws.s3 import S3, S3Path
from ringfence.aws.wire.paging import page
from ringfence.contacts import prompts
from ringfence.contacts.instances import ConnectInstance
from ringfence.contacts.prompts import Prompt
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows.recordings import MOST_BYTES

operations = Operations()


@operations.add("CreatePrompt")
def create(connect: Connect, call: Call) -> dict[str, Any]:
    """A prompt with the sound that is in S3 now."""
    members = call.members
    wav = _sound(members["S3Uri"])
    with connect.write() as connection:
        instance = instance_of(connection, call)
        prompt = prompts.create_prompt(
            connection,
            instance.instance_id,
            members["Name"],
            wav,
            description=members.get("Description", ""),
            tags=members.get("Tags"),
        )
    return _named(call, instance, prompt)


@operations.add("DescribePrompt")
def describe(connect: Connect, call: Call) -> dict[str, Any]:
    """A prompt, without its sound."""
    with connect.read() as connection:
        instance, prompt = _find(connection, call)
    return {
        "Prompt": {
            **_named(call, instance, prompt),
            "Name": prompt.name,
            "Description": prompt.description or None,
            "Tags": dict(prompt.tags),
            "LastModifiedTime": prompt.updated_at,
            "LastModifiedRegion": call.region,
        }
    }


@operations.add("ListPrompts")
def list_all(connect: Connect, call: Call) -> dict[str, Any]:
    """The prompts of an instance."""
    with connect.read() as connection:
        instance = instance_of(connection, call)
        found = prompts.list_prompts(connection, instance.instance_id)
    chosen, token = page(found, call, default=1000, key=lambda each: each.prompt_id)
    return {
        "PromptSummaryList": [
            summary(call, each.prompt_id, _arn(call, instance, each), each) for each in chosen
        ],
        **token,
    }


@operations.add("UpdatePrompt")
def update(connect: Connect, call: Call) -> dict[str, Any]:
    """Another name, description or sound."""
    members = call.members
    wav = _sound(members["S3Uri"]) if "S3Uri" in members else UNSET
    with connect.write() as connection:
        instance, prompt = _find(connection, call)
        prompt = prompts.update_prompt(
            connection,
            prompt.prompt_id,
            name=members.get("Name", UNSET),
            wav=wav,
            description=members.get("Description", UNSET),
        )
    return _named(call, instance, prompt)


@operations.add("DeletePrompt")
def delete(connect: Connect, call: Call) -> dict[str, Any]:
    """Remove a prompt."""
    with connect.write() as connection:
        _, prompt = _find(connection, call)
        prompts.delete_prompt(connection, prompt.prompt_id)
    return {}


def _find(connection: Connection, call: Call) -> tuple[ConnectInstance, Prompt]:
    instance = instance_of(connection, call)
    prompt = prompts.get_prompt(connection, last_part(call.members["PromptId"]))
    if prompt.instance_id != instance.instance_id:
        raise NotFound(f"{prompt.prompt_id!r} is no prompt of this instance", field="prompt_id")
    return instance, prompt


def _sound(uri: str) -> bytes:
    """What is at an address in S3. Raises `InvalidInput` for what is not there, or too large."""
    s3 = S3("s3_uri")
    try:
        found = s3.find(S3Path.read(uri, "s3_uri"))
    except NotFound as error:
        raise InvalidInput(error.message, field="s3_uri") from None
    if found.size > MOST_BYTES:
        raise InvalidInput(
            f"has {found.size} bytes", field="s3_uri", expected=f"at most {MOST_BYTES}"
        )
    with s3.stream(found) as stream:
        return stream.readall() or b""


def _arn(call: Call, instance: ConnectInstance, prompt: Prompt) -> str:
    return arn_of(call, instance, f"prompt/{prompt.prompt_id}")


def _named(call: Call, instance: ConnectInstance, prompt: Prompt) -> dict[str, Any]:
    return {"PromptId": prompt.prompt_id, "PromptARN": _arn(call, instance, prompt)}
