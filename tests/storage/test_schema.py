from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from schemas import all_tables, described, missing_migration
from sqlalchemy import text

from ringfence.errors import Unavailable
from ringfence.storage import Database, migrate, schema
from ringfence.storage.schema import MIGRATIONS, NEWEST, VERSION_TABLE, schema_version

Make = Callable[[str], Database]
KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, empty_database: Make) -> Database:
    return empty_database(request.param)


def test_a_migrated_database_has_the_tables_that_the_rooms_declare(empty: Database) -> None:
    migrate(empty)
    with empty.read() as connection:
        code = missing_migration(connection)
    assert code.strip() == "pass", f"the migration that is missing:\n{code}"


@pytest.mark.parametrize("kind", KINDS)
def test_migrating_and_declaring_give_the_same_definitions(kind: str, empty_database: Make) -> None:
    migrated, declared = empty_database(kind), empty_database(kind)
    migrate(migrated)
    all_tables().create_all(declared.engine)
    with migrated.read() as one, declared.read() as other:
        assert described(one) == described(other)


def test_the_newest_version_is_that_of_the_last_script() -> None:
    scripts = sorted(path.stem for path in (MIGRATIONS / "versions").glob("*.py"))
    assert [script[:4] for script in scripts] == [f"{n + 1:04}" for n in range(len(scripts))]
    assert scripts[-1].startswith(f"{NEWEST}_")


def test_migration_scripts_do_not_depend_on_the_code_of_the_day() -> None:
    for path in (MIGRATIONS / "versions").glob("*.py"):
        imported = {
            node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
        }
        assert imported <= {"__future__", "json", "uuid", "sqlalchemy", "alembic"}, path.name


def test_migrating_again_changes_nothing(empty: Database) -> None:
    migrate(empty)
    with empty.read() as connection:
        before = described(connection)
    migrate(empty)
    with empty.read() as connection:
        assert described(connection) == before
        assert schema_version(connection) == NEWEST


def test_a_newer_database_is_refused_and_left_alone(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(Unavailable, match="newer than this program") as refused:
        migrate(empty)
    assert refused.value.field == "database_url"
    with empty.read() as connection:
        assert schema_version(connection) == "9999"


def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    with empty.write() as connection:
        connection.execute(text("CREATE TABLE timeline (mine INTEGER)"))
    with pytest.raises(Unavailable, match="timeline"):
        migrate(empty)
    with empty.read() as connection:
        assert schema_version(connection) is None
        assert not any("event_types" in line for line in described(connection))


def test_the_data_of_an_older_database_stays(
    empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.execute(text("INSERT INTO revisions VALUES ('definitions', 7)"))
    later = tmp_path / "migrations"
    (later / "versions").mkdir(parents=True)
    for script in [MIGRATIONS / "env.py", *(MIGRATIONS / "versions").glob("*.py")]:
        (later / script.relative_to(MIGRATIONS)).write_text(script.read_text())
    (later / "versions" / "9000_later.py").write_text(
        f"from alembic import op\nimport sqlalchemy as sa\n"
        f"revision, down_revision = '9000', {NEWEST!r}\n"
        f"def upgrade():\n"
        f"    op.add_column('revisions', sa.Column('why', sa.String(8)))\n"
    )
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    monkeypatch.setattr(schema, "NEWEST", "9000")
    migrate(empty)
    with empty.read() as connection:
        assert schema_version(connection) == "9000"
        assert connection.execute(text("SELECT * FROM revisions")).all() == [
            ("definitions", 7, None)
        ]


_MIGRATE = """
import sys
from ringfence.storage import Database, migrate
database = Database(sys.argv[1])
sys.stdin.readline()
migrate(database)
"""


def test_processes_that_start_at_once_all_find_a_migrated_database(empty: Database) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _MIGRATE, empty.url], stdin=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait() for process in processes] == [0] * len(processes)
    with empty.read() as connection:
        assert schema_version(connection) == NEWEST
        assert missing_migration(connection).strip() == "pass"


def test_a_start_on_a_current_database_does_not_import_alembic(database: Database) -> None:
    code = _MIGRATE + "assert 'alembic' not in sys.modules, 'alembic was imported'\n"
    subprocess.run([sys.executable, "-c", code, database.url], input=b"\n", check=True)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database at all, and long enough to have a header " * 50)
    with pytest.raises(Unavailable, match="not a database"):
        migrate(Database(f"sqlite:///{path}"))


def test_a_server_that_does_not_answer_is_unavailable_and_its_password_stays_unsaid() -> None:
    with pytest.raises(Unavailable) as refused:
        migrate(Database("postgresql://user:tellnobody@127.0.0.1:9/database"))
    assert "tellnobody" not in str(refused.value)
