"""API keys: recognised, limited, revoked; never readable again."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from ringfence.access import KeyRing, Principal, Scope, list_keys
from ringfence.errors import InvalidInput, NotFound, Unauthenticated
from ringfence.storage import Database, now


def _create(database: Database, ring: KeyRing, **changes: object) -> tuple[str, str]:
    with database.write() as connection:
        key, token = ring.create_key(
            connection,
            **{  # type: ignore[arg-type]
                "name": "loader",
                "scopes": {Scope.DECISIONS, Scope.CASES_READ},
                "by": "admin",
                "at": now(),
                **changes,
            },
        )
    return key.key_id, token


def test_a_new_key_is_recognised_with_its_name_and_scopes(database: Database) -> None:
    ring = KeyRing(database)
    key_id, token = _create(database, ring)
    assert re.fullmatch(r"rf_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", token)
    assert token.split("_")[1] == key_id
    principal = ring.principal(token)
    assert principal == Principal("loader", frozenset({Scope.DECISIONS, Scope.CASES_READ}))
    assert principal.allows(Scope.DECISIONS)
    assert not principal.allows(Scope.ACCESS)
    assert ring.principal(token) is principal  # from memory


@pytest.mark.parametrize("change", ["cut", "longer", "other", "empty", "huge", "odd"])
def test_a_token_that_is_not_exactly_the_keys_is_nobodys(database: Database, change: str) -> None:
    ring = KeyRing(database)
    _, token = _create(database, ring)
    wrong = {
        "cut": token[:-1],
        "longer": token + "A",
        "other": token[:-1] + ("B" if token[-1] != "B" else "C"),
        "empty": "",
        "huge": token * 1000,
        "odd": "\ud800",
    }[change]
    with pytest.raises(Unauthenticated):
        ring.principal(wrong)


def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list(database: Database) -> None:
    ring = KeyRing(database)
    key_id, token = _create(database, ring)
    ring.principal(token)
    at = now()
    with database.write() as connection:
        ring.revoke_key(connection, key_id, by="admin", at=at)
    with pytest.raises(Unauthenticated):
        ring.principal(token)
    with database.write() as connection:
        ring.revoke_key(connection, key_id, by="somebody", at=now())
        (listed,) = list_keys(connection)
        with pytest.raises(NotFound):
            ring.revoke_key(connection, "nonesuch", by="admin", at=at)
    assert (listed.revoked_by, listed.revoked_at) == ("admin", at)


def test_a_token_used_while_its_revocation_is_being_committed_is_refused_afterwards(
    database: Database,
) -> None:
    ring = KeyRing(database)
    key_id, token = _create(database, ring)
    with database.write() as connection:
        ring.revoke_key(connection, key_id, by="admin", at=now())
        ring.principal(token)  # not committed yet: it still counts, and must not be remembered
    with pytest.raises(Unauthenticated):
        ring.principal(token)


def test_what_another_process_revoked_is_refused_when_memory_is_read_again(
    database: Database,
) -> None:
    ring = KeyRing(database, reread_seconds=0.0)
    remembering = KeyRing(database, reread_seconds=3600)
    key_id, token = _create(database, ring)
    ring.principal(token)
    remembering.principal(token)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE api_keys SET revoked_at = 1 WHERE key_id = ?", (key_id,))
    with pytest.raises(Unauthenticated):
        ring.principal(token)
    assert remembering.principal(token).name == "loader"


def test_an_expired_key_is_refused_even_from_memory(database: Database) -> None:
    ring = KeyRing(database)
    _, valid = _create(database, ring, expires_at=now() + timedelta(hours=1))
    assert ring.principal(valid).name == "loader"
    past = now() - timedelta(days=2)
    _, expired = _create(database, ring, at=past, expires_at=past + timedelta(days=1))
    with pytest.raises(Unauthenticated):
        ring.principal(expired)
    with pytest.raises(InvalidInput) as refused:
        _create(database, ring, expires_at=now() - timedelta(seconds=1))
    assert refused.value.field == "expires_at"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"name": "a\n"}, "name"), ({"scopes": []}, "scopes")],
)
def test_a_key_needs_a_name_and_a_scope(
    database: Database, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        _create(database, KeyRing(database), **changes)
    assert refused.value.field == field


def test_the_operators_own_key_is_stored_once_and_not_revived(database: Database) -> None:
    ring, token = KeyRing(database), "sixteen-or-more!"
    for _ in range(2):
        with database.write() as connection:
            key = ring.ensure_key(connection, token, "first key", frozenset(Scope))
    assert ring.principal(token).scopes == frozenset(Scope)
    with database.write() as connection:
        ring.revoke_key(connection, key.key_id, by="admin", at=now())
        ring.ensure_key(connection, token, "first key", frozenset(Scope))
        assert len(list_keys(connection)) == 1
    with pytest.raises(Unauthenticated):
        ring.principal(token)


@pytest.mark.parametrize("token", ["seven-7", "sixteen or more!!", "x" * 513, "ключ" * 5])
def test_a_weak_or_unsendable_key_of_the_operator_is_refused(
    database: Database, token: str
) -> None:
    with database.write() as connection, pytest.raises(InvalidInput) as refused:
        KeyRing(database).ensure_key(connection, token, "first key", frozenset(Scope))
    assert refused.value.field == "api_key"
    assert token not in str(refused.value)


def test_no_file_of_the_database_holds_the_token(database: Database, tmp_path: Path) -> None:
    _, token = _create(database, KeyRing(database))
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"loader" in stored
    assert token.encode() not in stored
    assert token[-43:].encode() not in stored


def test_a_scope_of_a_newer_release_is_not_granted_and_breaks_nothing(
    database: Database,
) -> None:
    ring = KeyRing(database)
    _, token = _create(database, ring)
    with database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE api_keys SET scopes = ?", (b'["decisions","telepathy"]',)
        )
    assert ring.principal(token).scopes == {Scope.DECISIONS}
