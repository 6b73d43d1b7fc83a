"""People: passwords, lock-outs, roles, and the sessions that follow from them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringfence import access
from ringfence.access import Role, Scope, Sessions, User, authenticate
from ringfence.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from ringfence.storage import Database, now

_PASSWORD = "correct horse battery"
_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _user(database: Database, name: str = "ada", role: Role = Role.ANALYST) -> User:
    with database.write() as connection:
        return access.create_user(connection, name, _PASSWORD, role, by="test", at=_AT)


def _sign_in(database: Database, name: str = "ada", at: datetime | None = None) -> str:
    at = at or now()
    user = authenticate(database, name, _PASSWORD, at)
    with database.write() as connection:
        return access.open_session(connection, user, at)


def _fail(database: Database, at: datetime, name: str = "ada", password: str = "wrong") -> str:
    with pytest.raises(Unauthenticated) as refused:
        authenticate(database, name, password, at)
    return str(refused.value)


def test_a_viewer_only_reads_an_analyst_acts_and_an_admin_does_everything() -> None:
    assert Role.ADMIN.scopes == frozenset(Scope)
    assert Role.VIEWER.scopes < Role.ANALYST.scopes < Role.ADMIN.scopes
    assert not any(scope.endswith(":write") for scope in Role.VIEWER.scopes)
    assert Role.ANALYST.scopes - Role.VIEWER.scopes == {
        Scope.CASES_WRITE,
        Scope.CARDS_WRITE,
        Scope.PHONES,
    }


def test_a_user_signs_in_with_any_case_of_the_name_and_the_right_password_only(
    database: Database,
) -> None:
    _user(database, "Ada")
    user = authenticate(database, " ADA ", _PASSWORD, _AT)
    assert (user.name, user.role, user.signed_in_at) == ("ada", Role.ANALYST, _AT)
    assert "wrong" in _fail(database, _AT, password=_PASSWORD.upper())
    assert _fail(database, _AT) == _fail(database, _AT, name="nobody")


def test_a_password_is_the_same_composed_and_decomposed(database: Database) -> None:
    with database.write() as connection:
        access.create_user(connection, "ada", "caf\u00e9 au lait!", Role.VIEWER, by="test", at=_AT)
    assert authenticate(database, "ada", "cafe\u0301 au lait!", _AT).name == "ada"


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("", _PASSWORD, "name"),
        ("with blank", _PASSWORD, "name"),
        ("-ada", _PASSWORD, "name"),
        ("x" * 65, _PASSWORD, "name"),
        ("ada", "elevenchars", "password"),
        ("ada", "aaaaaaaaaaaaaaa", "password"),
        ("ada", "x1" * 600, "password"),
        ("ada.lovelace", "Ada.Lovelace", "password"),
    ],
)
def test_a_poor_name_or_password_is_refused_by_field(
    database: Database, name: str, password: str, field: str
) -> None:
    with database.write() as connection, pytest.raises(InvalidInput) as refused:
        access.create_user(connection, name, password, Role.VIEWER, by="test", at=_AT)
    assert refused.value.field == field
    assert password not in str(refused.value)


def test_who_keeps_guessing_waits_longer_each_time_and_the_right_password_waits_too(
    database: Database,
) -> None:
    _user(database)
    at = _AT
    for _ in range(5):
        assert "wrong" in _fail(database, at)
    assert "another attempt in 31 seconds" in _fail(database, at, password=_PASSWORD)
    at += timedelta(seconds=30)
    assert "wrong" in _fail(database, at)
    assert "another attempt in 61 seconds" in _fail(database, at, password=_PASSWORD)
    at += timedelta(seconds=60)
    assert authenticate(database, "ada", _PASSWORD, at).name == "ada"
    for _ in range(4):
        assert "wrong" in _fail(database, at)
    assert authenticate(database, "ada", _PASSWORD, at).name == "ada"


def test_a_lock_tells_nothing_about_whether_there_is_such_a_user(database: Database) -> None:
    _user(database)
    for _ in range(5):
        _fail(database, _AT)
        _fail(database, _AT, name="nobody")
    assert _fail(database, _AT) == _fail(database, _AT, name="nobody")
    _user(database, "grace")
    assert authenticate(database, "grace", _PASSWORD, _AT).name == "grace"


def test_guesses_made_at_the_same_time_count_each(database: Database) -> None:
    _user(database)
    said = []

    def guess() -> None:
        said.append(_fail(database, _AT))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([text for text in said if "too many" in text]) == 3


def test_a_new_password_ends_lock_and_sessions_and_the_old_one_is_wrong(
    database: Database,
) -> None:
    _user(database)
    sessions = Sessions(database)
    token = _sign_in(database)
    assert sessions.principal(token).name == "ada"
    at = now()
    for _ in range(5):
        _fail(database, at)
    with database.write() as connection:
        access.set_password(connection, "ada", "another long password", by="admin", at=at)
    with pytest.raises(Unauthenticated):
        sessions.principal(token)
    assert "wrong" in _fail(database, at, password=_PASSWORD)
    user = authenticate(database, "ada", "another long password", at)
    assert (user.password_changed_at, user.updated_by) == (at, "admin")


def test_a_disabled_user_is_out_at_once_until_enabled_again(database: Database) -> None:
    _user(database)
    sessions = Sessions(database)
    token = _sign_in(database)
    sessions.principal(token)
    with database.write() as connection:
        assert access.disable_user(connection, "ada", by="admin", at=now()).disabled
    with pytest.raises(Unauthenticated):
        sessions.principal(token)
    assert "wrong" in _fail(database, now(), password=_PASSWORD)
    with database.write() as connection:
        access.enable_user(connection, "ada", by="admin", at=now())
    assert sessions.principal(_sign_in(database)).name == "ada"


def test_another_role_counts_from_the_next_sign_in_which_is_due_at_once(
    database: Database,
) -> None:
    _user(database)
    sessions = Sessions(database)
    token = _sign_in(database)
    assert sessions.principal(token).allows(Scope.CARDS_WRITE)
    with database.write() as connection:
        access.set_role(connection, "ada", Role.VIEWER, by="admin", at=now())
    with pytest.raises(Unauthenticated):
        sessions.principal(token)
    principal = sessions.principal(_sign_in(database))
    assert (principal.role, principal.scopes) == (Role.VIEWER, Role.VIEWER.scopes)


def test_the_last_admin_cannot_be_taken_away(database: Database) -> None:
    _user(database, "root", Role.ADMIN)
    _user(database, "ada", Role.ANALYST)
    with database.write() as connection:
        for take_away in (
            lambda: access.disable_user(connection, "root", by="root", at=_AT),
            lambda: access.set_role(connection, "root", Role.VIEWER, by="root", at=_AT),
        ):
            with pytest.raises(Conflict, match="only admin"):
                take_away()
        access.set_role(connection, "ada", Role.ADMIN, by="root", at=_AT)
        access.disable_user(connection, "root", by="ada", at=_AT)
        with pytest.raises(Conflict):
            access.disable_user(connection, "ada", by="ada", at=_AT)


def test_names_are_taken_once_and_unknown_ones_are_not_found(database: Database) -> None:
    _user(database)
    with database.write() as connection:
        with pytest.raises(Conflict):
            access.create_user(connection, "ADA", _PASSWORD, Role.VIEWER, by="x", at=_AT)
        for ask in (
            lambda: access.get_user(connection, "nobody"),
            lambda: access.set_password(connection, "nobody", _PASSWORD, by="x", at=_AT),
            lambda: access.disable_user(connection, "nobody", by="x", at=_AT),
        ):
            with pytest.raises(NotFound):
                ask()
        assert [user.name for user in access.list_users(connection)] == ["ada"]


def test_the_first_admin_is_made_once_with_a_password_given_or_made_up(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as connection:
        made_up = access.ensure_admin(connection, None, _AT)
        assert access.ensure_admin(connection, "a password of another start", _AT) is None
    assert made_up is not None
    assert authenticate(database, "admin", made_up, _AT).role is Role.ADMIN
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    access.tables.metadata.create_all(other.engine)
    with other.write() as connection:
        with pytest.raises(InvalidInput) as refused:
            access.ensure_admin(connection, "short", _AT)
        assert refused.value.field == "admin_password"
        assert access.ensure_admin(connection, _PASSWORD, _AT) is None
    assert authenticate(other, "admin", _PASSWORD, _AT).name == "admin"
    other.dispose()


def test_neither_password_nor_session_token_is_in_the_files(
    database: Database, tmp_path: Path
) -> None:
    _user(database)
    token = _sign_in(database)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"$argon2id$" in stored
    assert _PASSWORD.encode() not in stored
    assert token.encode() not in stored


def test_a_session_ends_after_twelve_hours_however_busy(database: Database) -> None:
    user, began = _user(database), now() - timedelta(hours=12)
    with database.write() as connection:
        old = access.open_session(connection, user, began)
        young = access.open_session(connection, user, began + timedelta(minutes=5))
        connection.execute(access.tables.sessions.update().values(seen_at=now()))
    sessions = Sessions(database)
    with pytest.raises(Unauthenticated):
        sessions.principal(old)
    assert sessions.principal(young).role is Role.ANALYST


def test_a_session_that_nobody_uses_ends_and_use_keeps_it(database: Database) -> None:
    user = _user(database)
    with database.write() as connection:
        idle = access.open_session(connection, user, now() - timedelta(minutes=16))
        used = access.open_session(connection, user, now() - timedelta(minutes=14))
    sessions = Sessions(database, reread_seconds=0.0)
    with pytest.raises(Unauthenticated):
        sessions.principal(idle)
    sessions.principal(used)
    with database.read() as connection:
        seen = connection.execute(
            access.tables.sessions.select().order_by(access.tables.sessions.c.opened_at.desc())
        ).first()
    assert seen is not None
    assert now() - seen.seen_at < timedelta(minutes=1)


def test_a_page_that_refreshes_itself_does_not_keep_a_session(database: Database) -> None:
    user, opened_at = _user(database), now() - timedelta(minutes=14)
    with database.write() as connection:
        token = access.open_session(connection, user, opened_at)
    sessions = Sessions(database, idle=timedelta(minutes=15))
    assert sessions.principal(token, opened_at).name == "ada"
    stricter = Sessions(database, idle=timedelta(minutes=13))
    with pytest.raises(Unauthenticated):
        stricter.principal(token, opened_at)
    with database.read() as connection:
        (row,) = connection.execute(access.tables.sessions.select()).all()
    assert row.seen_at == opened_at


def test_signing_out_ends_one_session_at_once_and_no_other(database: Database) -> None:
    _user(database)
    sessions = Sessions(database)
    here, there = _sign_in(database), _sign_in(database)
    sessions.principal(here)
    sessions.close(here)
    sessions.close(here)
    with pytest.raises(Unauthenticated):
        sessions.principal(here)
    assert sessions.principal(there).name == "ada"
    with database.write() as connection:
        assert access.close_sessions_of(connection, "ada") == 1
    with pytest.raises(Unauthenticated):
        sessions.principal(there)
    for token in ("", "x" * 10_000, here[:-1]):
        with pytest.raises(Unauthenticated):
            sessions.principal(token)


def test_a_change_made_by_another_process_counts_once_memory_is_forgotten(
    database: Database,
) -> None:
    _user(database)
    sessions = Sessions(database, reread_seconds=3600)
    token = _sign_in(database)
    sessions.principal(token)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE users SET disabled = 1")
    assert sessions.principal(token).name == "ada"
    sessions.forget()
    with pytest.raises(Unauthenticated):
        sessions.principal(token)
