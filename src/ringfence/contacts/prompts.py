"""Prompts: recordings that flows play, by name. Those that have an address are in `sounds`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
from ringfence.flows.recordings import check_recording
from ringfence.storage import now

_LONGEST_NAME = 256


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
