"""Prompts: recordings that flows play, by name; and sound files that flows name by address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, delete, insert, select

from ringfence.contacts import tables
from ringfence.contacts.naming import (
    change,
    given,
    new_id,
    rename,
    require_free,
    require_name,
    require_text,
)
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import PromptFailed, Recording
from ringfence.flows.recordings import MOST_BYTES, check_recording
from ringfence.storage import now

_LONGEST_NAME = 256
_FETCH_SECONDS = 5.0


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A recording, without its sound."""

    prompt_id: str
    instance_id: str
    name: str
    description: str = ""
    tags: Mapping[str, str] = {}
    updated_at: datetime


def create_prompt(
    connection: Connection,
    instance_id: str,
    name: str,
    wav: bytes,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> Prompt:
    """Keep a WAV file under a name.

    Raises `InvalidInput` for a name or a sound that does not fit, `Conflict` for a name that is
    taken, `NotFound` for an instance that is not there.
    """
    require_free(
        connection, tables.prompts, instance_id, require_name(name, _LONGEST_NAME), "prompt"
    )
    prompt = Prompt(
        prompt_id=new_id(),
        instance_id=instance_id,
        name=name,
        description=require_text(description, "description"),
        tags=dict(tags or {}),
        updated_at=now(),
    )
    values = msgspec.structs.asdict(prompt)
    connection.execute(insert(tables.prompts).values(**values, wav=_checked(name, wav)))
    return prompt


def get_prompt(connection: Connection, prompt_id: str) -> Prompt:
    """The prompt of that id. Raises `NotFound`."""
    table = tables.prompts
    row = connection.execute(select(*_columns()).where(table.c.prompt_id == prompt_id)).first()
    if row is None:
        raise NotFound(f"there is no prompt {prompt_id!r}", field="prompt_id")
    return _prompt(row)


def recording_of(connection: Connection, prompt_id: str) -> Recording:
    """The sound of a prompt. Raises `NotFound`."""
    table = tables.prompts
    row = connection.execute(
        select(table.c.name, table.c.wav).where(table.c.prompt_id == prompt_id)
    ).first()
    if row is None:
        raise NotFound(f"there is no prompt {prompt_id!r}", field="prompt_id")
    return Recording(row.name, row.wav)


def list_prompts(connection: Connection, instance_id: str) -> list[Prompt]:
    """The prompts of an instance by name."""
    table = tables.prompts
    rows = connection.execute(
        select(*_columns()).where(table.c.instance_id == instance_id).order_by(table.c.name)
    )
    return [_prompt(row) for row in rows]


def update_prompt(
    connection: Connection,
    prompt_id: str,
    *,
    name: str | UnsetType = UNSET,
    wav: bytes | UnsetType = UNSET,
    description: str | UnsetType = UNSET,
    tags: Mapping[str, str] | UnsetType = UNSET,
) -> Prompt:
    """Change what is given; raises as `create_prompt` does."""
    prompt, table = get_prompt(connection, prompt_id), tables.prompts
    rename(connection, table, prompt.instance_id, prompt.name, name, "prompt", _LONGEST_NAME)
    if not isinstance(description, UnsetType):
        require_text(description, "description")
    if not isinstance(wav, UnsetType):
        wav = _checked(prompt.name, wav)
    values = given(name=name, wav=wav, description=description, tags=tags)
    change(connection, table, "prompt_id", prompt_id, "prompt", values)
    return get_prompt(connection, prompt_id)


def delete_prompt(connection: Connection, prompt_id: str) -> None:
    """Remove a prompt. Raises `NotFound`."""
    get_prompt(connection, prompt_id)
    connection.execute(delete(tables.prompts).where(tables.prompts.c.prompt_id == prompt_id))


def fetch_recording(address: str, folder: Path | None) -> Recording:
    """The sound at an address: `s3://`, `https://`, or `file://` below `folder`.

    Blocks for a few seconds at most. Raises `PromptFailed` for what cannot be had or played.
    """
    parts = urlsplit(address)
    name = parts.path.rpartition("/")[2] or address
    try:
        if parts.scheme == "s3":
            wav = _from_s3(parts.netloc, parts.path.lstrip("/"))
        elif parts.scheme == "https":
            wav = _from_web(address)
        elif parts.scheme == "file":
            wav = _from_folder(parts.path, folder)
        else:
            raise PromptFailed(f"{address[:100]!r} is no address of a sound file")
    except PromptFailed:
        raise
    except Exception as error:  # whatever a client library raises, the prompt cannot be had
        raise PromptFailed(f"{name!r} cannot be fetched: {type(error).__name__}") from error
    recording = Recording(name, wav)
    check_recording(recording)
    return recording


def _from_s3(bucket: str, key: str) -> bytes:
    import boto3

    found = boto3.client("s3").get_object(Bucket=bucket, Key=key)
    wav: bytes = found["Body"].read(MOST_BYTES + 1)
    return wav


def _from_web(address: str) -> bytes:
    import httpx2

    with httpx2.stream("GET", address, timeout=_FETCH_SECONDS, trust_env=False) as answer:
        answer.raise_for_status()
        wav = b""
        for piece in answer.iter_bytes():
            wav += piece
            if len(wav) > MOST_BYTES:
                break
    return wav


def _from_folder(path: str, folder: Path | None) -> bytes:
    if folder is None:
        raise PromptFailed("there is no folder of sound files (setting prompts_folder)")
    file = Path(url2pathname(path)).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise PromptFailed(f"{file.name!r} is outside of the folder of sound files")
    return file.read_bytes()


def _checked(name: str, wav: bytes) -> bytes:
    try:
        check_recording(Recording(name, wav))
    except PromptFailed as error:
        raise InvalidInput(str(error), field="wav", expected="a WAV file") from None
    return wav


def _columns() -> list[Any]:
    return [column for column in tables.prompts.c if column.name != "wav"]


def _prompt(row: Row[tuple[Any, ...]]) -> Prompt:
    return Prompt(**row._mapping)
