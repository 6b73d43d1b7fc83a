"""States in the database, and those of them that are remembered in memory."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Dialect, Row, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ringfence.profiles.plans import ProfilePlan
from ringfence.profiles.tables import profile_plans, profile_states

# A database takes so many parameters at once: SQLite 32,766, PostgreSQL 65,535.
_AT_ONCE = 10_000


class RememberedStates:
    """States that were used lately, at most `limit` of them; a state takes some 500 bytes."""

    def __init__(self, limit: int):
        self._limit = limit
        self._states: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def get(self, key: bytes) -> bytes | None:
        """The state of a key, None when it is not remembered."""
        found = self._states.get(key)
        if found is not None:
            self._states.move_to_end(key)
        return found

    def keep(self, states: Mapping[bytes, bytes]) -> None:
        """Remember states, and forget those that were not used for longest."""
        kept = self._states
        for key, state in states.items():
            kept[key] = state
            kept.move_to_end(key)
        for key in list(islice(kept, max(0, len(kept) - self._limit))):
            del kept[key]

    def forget(self) -> None:
        """Forget all."""
        self._states.clear()


# Built once: building them anew for every batch would take longer than running them.
_PLAN = (
    select(profile_plans).where(profile_plans.c.plan_id == bindparam("of_plan")).with_for_update()
)
_STATES = select(profile_states.c.key_hash, profile_states.c.state).where(
    profile_states.c.states_id == bindparam("of_states"),
    profile_states.c.key_hash.in_(bindparam("keys", expanding=True)),
)
_CHANGED = (
    update(profile_plans)
    .where(profile_plans.c.plan_id == bindparam("of_plan"))
    .values(stamp=bindparam("new_stamp"))
)


def new_stamp() -> bytes:
    """A stamp that no one else has."""
    return secrets.token_bytes(8)


def new_states_id() -> int:
    """An id for states that nobody uses."""
    return secrets.randbits(62)


def locked_plan(connection: Connection, plan: ProfilePlan) -> Row[Any]:
    """The row of a plan, which is entered when it is new. On PostgreSQL others who ask for it wait
    until this transaction ends; on SQLite there is one writer anyway."""
    found = connection.execute(_PLAN, {"of_plan": plan.plan_id}).first()
    if found is None:
        connection.execute(
            insert(profile_plans).values(
                plan_id=plan.plan_id,
                event_type=plan.event_type,
                definition=plan,
                states_id=new_states_id(),
                stamp=new_stamp(),
            )
        )
        found = connection.execute(_PLAN, {"of_plan": plan.plan_id}).one()
    return found


def change_stamp(connection: Connection, plan_id: str, stamp: bytes) -> None:
    """Note that the states of a plan have changed."""
    connection.execute(_CHANGED, {"of_plan": plan_id, "new_stamp": stamp})


def built_at(connection: Connection, plan: ProfilePlan) -> datetime | None:
    """When the states of a plan were last built from the event log; None when they never were, so
    that they know nothing of the events before the plan was first used."""
    at: datetime | None = connection.execute(
        select(profile_plans.c.built_at).where(profile_plans.c.plan_id == plan.plan_id)
    ).scalar()
    return at


def load_states(
    connection: Connection, states_id: int, keys: Collection[bytes]
) -> dict[bytes, bytes]:
    """The stored states of these keys."""
    found: dict[bytes, bytes] = {}
    left = iter(keys)
    while some := list(islice(left, _AT_ONCE)):
        rows = connection.execute(_STATES, {"of_states": states_id, "keys": some})
        found.update((bytes(row.key_hash), bytes(row.state)) for row in rows)
    return found


def save_states(connection: Connection, states_id: int, states: Mapping[bytes, bytes]) -> None:
    """Store states, in place of those that their keys had."""
    if not states:
        return
    text, by_place = _upsert(connection.dialect)
    # In the order of the keys: neighbours are written together.
    rows = [(states_id, key, states[key]) for key in sorted(states)]
    if by_place:
        connection.exec_driver_sql(text, rows)
    else:
        names = ("states_id", "key_hash", "state")
        connection.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in rows])


def delete_states(connection: Connection, states_id: int, limit: int) -> int:
    """Delete up to `limit` states; how many there were."""
    some = select(profile_states.c.key_hash).where(profile_states.c.states_id == states_id)
    gone = connection.execute(
        delete(profile_states).where(
            profile_states.c.states_id == states_id,
            profile_states.c.key_hash.in_(some.limit(limit)),
        )
    )
    return gone.rowcount


_COMPILED: dict[str, tuple[str, bool]] = {}


def _upsert(dialect: Dialect) -> tuple[str, bool]:
    found = _COMPILED.get(dialect.name)
    if found is None:
        make = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
        statement = make(profile_states)
        statement = statement.on_conflict_do_update(
            index_elements=["states_id", "key_hash"], set_={"state": statement.excluded.state}
        )
        names = ["states_id", "key_hash", "state"]
        compiled = statement.compile(dialect=dialect, column_keys=names)
        found = _COMPILED[dialect.name] = str(compiled), dialect.positional
    return found
