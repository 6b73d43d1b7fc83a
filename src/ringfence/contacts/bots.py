"""Bots: what stands in for the Lex bots that flows name. Words mean intents, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from ringfence.contacts import tables
from ringfence.contacts.instances import get_instance
from ringfence.contacts.naming import new_id, require_name
from ringfence.errors import InvalidInput, NotFound
from ringfence.flows import Bot
from ringfence.storage import now

EVERY_LANGUAGE = "*"
_MOST_PHRASES = 200


class StoredBot(msgspec.Struct, frozen=True, kw_only=True):
    """A bot. `intents` has the words or phrases of each intent by language (`de`, or `*` for
    every one); `fallback` is the intent of everything else, empty without one."""

    bot_id: str
    instance_id: str
    name: str
    intents: Mapping[str, Mapping[str, tuple[str, ...]]]
    fallback: str = ""
    updated_at: datetime

    def in_language(self, language: str) -> Bot:
        """What it understands in a language such as `de-CH`."""
        short = language.partition("-")[0]
        intents = {
            intent: tuple(
                dict.fromkeys(
                    phrase
                    for key in (language, short, EVERY_LANGUAGE)
                    for phrase in phrases.get(key, ())
                )
            )
            for intent, phrases in self.intents.items()
        }
        return Bot(self.name, intents, self.fallback)

    def in_every_language(self) -> Bot:
        """What it understands in all of its languages together."""
        intents = {
            intent: tuple(dict.fromkeys(each for some in phrases.values() for each in some))
            for intent, phrases in self.intents.items()
        }
        return Bot(self.name, intents, self.fallback)


def put_bot(
    connection: Connection,
    instance_id: str,
    name: str,
    intents: Mapping[str, Mapping[str, tuple[str, ...]]],
    fallback: str = "",
) -> StoredBot:
    """Create or replace the bot of that name. Raises `InvalidInput`, `NotFound`."""
    get_instance(connection, instance_id)
    require_name(name)
    if not intents:
        raise InvalidInput("there is no intent", field="intents", expected="at least one")
    for intent, phrases in intents.items():
        require_name(intent)
        count = sum(len(each) for each in phrases.values())
        if not 1 <= count <= _MOST_PHRASES or any(
            not phrase.strip() for each in phrases.values() for phrase in each
        ):
            raise InvalidInput(
                f"{intent!r} has {count} phrases, or an empty one",
                field="intents",
                expected=f"1 to {_MOST_PHRASES} phrases for each intent",
            )
    if fallback and fallback in intents:
        raise InvalidInput("this intent has phrases", field="fallback", expected="one without")
    table = tables.bots
    values = {"intents": intents, "fallback": fallback, "updated_at": now()}
    changed = connection.execute(
        update(table)
        .where(table.c.instance_id == instance_id, table.c.name == name)
        .values(**values)
    )
    if not changed.rowcount:
        connection.execute(
            insert(table).values(bot_id=new_id(), instance_id=instance_id, name=name, **values)
        )
    return next(each for each in list_bots(connection, instance_id) if each.name == name)


def get_bot(connection: Connection, bot_id: str) -> StoredBot:
    """The bot of that id. Raises `NotFound`."""
    table = tables.bots
    row = connection.execute(select(table).where(table.c.bot_id == bot_id)).first()
    if row is None:
        raise NotFound(f"there is no bot {bot_id!r}", field="bot_id")
    return _bot(row)


def list_bots(connection: Connection, instance_id: str) -> list[StoredBot]:
    """The bots of an instance by name."""
    table = tables.bots
    rows = connection.execute(
        select(table).where(table.c.instance_id == instance_id).order_by(table.c.name)
    )
    return [_bot(row) for row in rows]


def delete_bot(connection: Connection, bot_id: str) -> None:
    """Remove a bot. Raises `NotFound`."""
    get_bot(connection, bot_id)
    connection.execute(delete(tables.bots).where(tables.bots.c.bot_id == bot_id))


def _bot(row: Row[tuple[Any, ...]]) -> StoredBot:
    intents = msgspec.convert(row.intents, dict[str, dict[str, tuple[str, ...]]])
    return StoredBot(**{**row._mapping, "intents": intents})
