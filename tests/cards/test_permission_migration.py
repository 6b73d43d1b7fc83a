"""What an earlier release knew of customers is on record as consent in this one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from ringfence.cards import tables
from ringfence.cards.permissions import NUMBER_GIVEN, permissions_of
from ringfence.storage import Database, migrate, schema
from ringfence.storage.schema import MIGRATIONS

Make = Callable[[str], Database]
GIVEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_number_that_was_known_before_was_given_to_the_bank_then(
    kind: str, empty_database: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = empty_database(kind)
    before = tmp_path / "migrations"
    (before / "versions").mkdir(parents=True)
    scripts = [*(MIGRATIONS / "versions").glob("000[1-4]_*.py"), MIGRATIONS / "env.py"]
    for script in scripts:
        (before / script.relative_to(MIGRATIONS)).write_text(script.read_text())
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", before)
        earlier.setattr(schema, "NEWEST", "0004")
        migrate(database)
    with database.write() as connection:
        connection.execute(
            insert(tables.customers).values(
                customer_id="jdoe",
                salutation="",
                first_name="",
                last_name="Doe",
                phone_number="+14155550123",
                phone_changed_at=GIVEN,
                time_zone="UTC",
                language="en-US",
                created_by="anna",
                created_at=GIVEN,
                updated_by="bert",
                updated_at=GIVEN,
            )
        )
    migrate(database)
    with database.read() as connection:
        found = permissions_of(connection, "jdoe")
    assert [(each.channel, each.given, each.source, each.by, each.at) for each in found] == [
        (channel, True, NUMBER_GIVEN, "bert", GIVEN) for channel in ("voice", "sms")
    ]
