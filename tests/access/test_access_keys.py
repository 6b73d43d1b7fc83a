"""Access keys of AWS clients: recognised by id, sealed at rest, limited, revoked for good."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ringfence.access import (
    AccessKey,
    KeyHolder,
    SigningKeys,
    create_access_key,
    list_access_keys,
    revoke_access_key,
)
from ringfence.cards import Vault
from ringfence.errors import InvalidInput, NotFound, Unavailable
from ringfence.storage import Database, now

VAULT = Vault(b"k" * 32)


def _create(database: Database, **changes: object) -> tuple[AccessKey, str]:
    with database.write() as connection:
        return create_access_key(
            connection,
            VAULT,
            **{  # type: ignore[arg-type]
                "name": "notebook",
                "permissions": ["frauddetector:Get*"],
                "by": "admin",
                "at": now(),
                **changes,
            },
        )


def test_a_new_key_has_the_form_of_awss_and_is_recognised_at_once(database: Database) -> None:
    keys = SigningKeys(database, VAULT)
    key, secret = _create(database)
    assert re.fullmatch(r"RFAK[A-Z2-7]{16}", key.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9]{40}", secret)
    holder = keys.holder(key.access_key_id)
    assert holder == KeyHolder(key.access_key_id, "notebook", ("frauddetector:Get*",), None, secret)
    assert keys.holder(key.access_key_id) is holder  # from memory


@pytest.mark.parametrize("access_key_id", ["", "AKIAIOSFODNN7EXAMPLE", "RFAK" + "A" * 16, "RFAK"])
def test_an_unknown_id_is_nobodys(database: Database, access_key_id: str) -> None:
    _create(database)
    assert SigningKeys(database, VAULT).holder(access_key_id) is None


def test_a_revoked_key_is_nobodys_at_once_and_its_secret_is_gone(database: Database) -> None:
    keys = SigningKeys(database, VAULT)
    key, _ = _create(database)
    keys.holder(key.access_key_id)
    at = now()
    with database.write() as connection:
        revoke_access_key(connection, key.access_key_id, by="admin", at=at)
    assert keys.holder(key.access_key_id) is None
    with database.write() as connection:
        revoke_access_key(connection, key.access_key_id, by="somebody", at=now())
        (listed,) = list_access_keys(connection)
        with pytest.raises(NotFound) as refused:
            revoke_access_key(connection, "RFAK", by="admin", at=at)
        secrets = connection.execute(text("SELECT sealed_secret FROM access_keys")).scalars().all()
    assert refused.value.field == "access_key_id"
    assert (listed.revoked_by, listed.revoked_at) == ("admin", at)
    assert secrets == [None]


def test_what_another_process_revoked_is_refused_when_memory_is_read_again(
    database: Database,
) -> None:
    reading, remembering = (
        SigningKeys(database, VAULT, reread_seconds=seconds) for seconds in (0.0, 3600)
    )
    key, _ = _create(database)
    for keys in (reading, remembering):
        assert keys.holder(key.access_key_id) is not None
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE access_keys SET revoked_at = 1")
    assert reading.holder(key.access_key_id) is None
    assert remembering.holder(key.access_key_id) is not None


def test_no_file_of_the_database_and_no_text_of_a_holder_has_the_secret(
    database: Database, tmp_path: Path
) -> None:
    key, secret = _create(database)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"notebook" in stored
    assert secret.encode() not in stored
    assert secret not in repr(SigningKeys(database, VAULT).holder(key.access_key_id))


def test_a_secret_that_another_vault_sealed_or_that_was_moved_cannot_be_used(
    database: Database,
) -> None:
    key, _ = _create(database)
    with pytest.raises(Unavailable):
        SigningKeys(database, Vault(b"o" * 32)).holder(key.access_key_id)
    other, _ = _create(database)
    with database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE access_keys SET sealed_secret = "
            "(SELECT sealed_secret FROM access_keys WHERE access_key_id = ?)",
            (other.access_key_id,),
        )
    with pytest.raises(Unavailable):
        SigningKeys(database, VAULT).holder(key.access_key_id)


def test_the_last_use_is_written_down_now_and_again(database: Database) -> None:
    keys = SigningKeys(database, VAULT)
    key, _ = _create(database)
    holder = keys.holder(key.access_key_id)
    assert holder is not None
    first = now()
    keys.note_use(holder, first)
    assert _last_used(database, first) == first
    keys.note_use(holder, first + timedelta(minutes=1))
    assert not [one for one in threading.enumerate() if "_write_use" in one.name]
    later = first + timedelta(minutes=6)
    keys.note_use(holder, later)
    assert _last_used(database, later) == later


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\n"}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["frauddetector:Get*"] * 3 + ["frauddetector:*"] * 98}, None),
        ({"permissions": [f"frauddetector:Get{'?' * n}*" for n in range(101)]}, "permissions"),
        ({"expires_at": now() - timedelta(seconds=1)}, "expires_at"),
    ],
)
def test_a_key_needs_a_name_permissions_and_time(
    database: Database, changes: dict[str, object], field: str | None
) -> None:
    if field is None:
        assert len(_create(database, **changes)[0].permissions) == 2
        return
    with pytest.raises(InvalidInput) as refused:
        _create(database, **changes)
    assert refused.value.field == field


def _last_used(database: Database, wanted: object) -> object:
    """What is written of the only key, once it is `wanted` or after a while."""
    deadline = time.monotonic() + 20
    while True:
        with database.read() as connection:
            (key,) = list_access_keys(connection)
        if key.last_used_at == wanted or time.monotonic() > deadline:
            return key.last_used_at
        time.sleep(0.01)
