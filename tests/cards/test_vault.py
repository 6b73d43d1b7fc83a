"""Card numbers cannot be read from what is stored, and are found all the same."""

from __future__ import annotations

import base64
import os
import pickle
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence import cards
from ringfence.cards import CardNumber, Vault, check_vault, open_vault, read_card_number
from ringfence.errors import InvalidInput, Unavailable
from ringfence.storage import Database

_NUMBER = "4929123412345678"
_AT = datetime(2026, 11, 24, tzinfo=UTC)
_DETAILS = cards.CustomerDetails(customer_id="c1", phone_number="+4930123456", last_name="Winter")

digits = st.text("0123456789", min_size=12, max_size=19)


@given(digits, st.binary(min_size=32, max_size=32))
def test_a_sealed_number_opens_for_its_card_and_for_no_other(number: str, key: bytes) -> None:
    vault = Vault(key)
    sealed = vault.seal("card_1", CardNumber(number))
    assert vault.open("card_1", sealed).digits == number
    assert number.encode() not in sealed
    for card_id, content in (
        ("card_2", sealed),
        ("card_1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("card_1", sealed[:5]),
    ):
        with pytest.raises(Unavailable):
            vault.open(card_id, content)


def test_sealing_twice_gives_different_bytes_and_hashing_twice_the_same() -> None:
    vault, number = Vault(bytes(32)), CardNumber(_NUMBER)
    assert vault.seal("card_1", number) != vault.seal("card_1", number)
    assert vault.hash_of(number) == vault.hash_of(CardNumber(_NUMBER))
    other = Vault(bytes(31) + b"1")
    assert vault.hash_of(number) != other.hash_of(number)
    assert vault.key_id != other.key_id


@given(digits)
def test_a_number_is_not_shown_however_it_is_printed(number: str) -> None:
    read = read_card_number(number)
    document = cards.CustomerDocument(details=_DETAILS, card_numbers=(read,))
    shown = f"{read} {read!r} {document!r} {Vault(bytes(32))!r} {list(read.__rich_repr__())}"
    assert number not in shown
    assert read.last4 in shown
    assert len(read.bin) + len(read.last4) <= len(number) - 5
    with pytest.raises(TypeError):
        pickle.dumps(read)


@pytest.mark.parametrize(
    "text", ["", "12345678901", "1" * 20, "4929-1234-1234-567x", "4929  1234", "٤" * 16, 1, None]
)
def test_what_is_not_12_to_19_digits_is_refused_without_being_repeated(text: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_card_number(text)
    assert (refused.value.field, refused.value.expected) == ("card_number", "12 to 19 digits")
    assert len(str(text)) < 4 or str(text) not in str(refused.value)


def test_a_number_may_be_written_in_groups() -> None:
    assert read_card_number(" 4929 1234-1234 5678 ").digits == _NUMBER


def test_no_file_of_the_database_holds_the_number(database: Database, tmp_path: Path) -> None:
    vault = open_vault(tmp_path, None, database)
    with database.write() as connection:
        cards.put_customer(connection, _DETAILS, by="test", at=_AT)
        added = cards.add_card(connection, vault, "c1", _NUMBER, by="test", at=_AT)
        cards.block(connection, added.card.card_id, by="x", reason=f"{_NUMBER} stolen", at=_AT)
        assert cards.card_number(connection, vault, added.card.card_id).digits == _NUMBER

    def files_with(text: bytes) -> list[str]:
        return [path.suffix for path in tmp_path.iterdir() if text in path.read_bytes()]

    assert files_with(b"Winter") == [".db-wal"]  # the look is at the right files
    assert files_with(_NUMBER.encode()) == []
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert files_with(b"Winter") == [".db"]
    assert files_with(_NUMBER.encode()) == []


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = open_vault(folder, None)
    assert open_vault(folder, None).key_id == first.key_id
    assert [path.name for path in folder.iterdir()] == ["vault.key"]
    if os.name == "posix":
        assert (folder / "vault.key").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    key_ids = []

    def start() -> None:
        barrier.wait()
        key_ids.append(open_vault(tmp_path, None).key_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(key_ids) == 8
    assert len(set(key_ids)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]


def test_the_operators_key_goes_before_the_file_and_may_be_url_safe(tmp_path: Path) -> None:
    key = bytes([251, 255] * 16)
    standard = base64.b64encode(key).decode()
    url_safe = base64.urlsafe_b64encode(key).decode()
    assert standard != url_safe
    assert open_vault(tmp_path, standard).key_id == open_vault(tmp_path, url_safe).key_id
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["not base64!", base64.b64encode(bytes(16)).decode(), "ключ"])
def test_a_malformed_key_is_refused_by_name(tmp_path: Path, key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        open_vault(tmp_path, key)
    assert refused.value.field == "vault_key"
    assert "32 bytes" in str(refused.value)
    (tmp_path / "vault.key").write_text(key, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        open_vault(tmp_path, None)
    assert refused.value.field == str(tmp_path / "vault.key")


def test_a_database_whose_cards_were_sealed_with_another_key_is_refused(
    database: Database, tmp_path: Path
) -> None:
    mine = open_vault(tmp_path, None, database)
    other = Vault(bytes(32))
    with database.write() as connection:
        cards.put_customer(connection, _DETAILS, by="test", at=_AT)
        card = cards.add_card(connection, mine, "c1", _NUMBER, by="test", at=_AT).card
        for use in (
            lambda: check_vault(connection, other),
            lambda: cards.add_card(connection, other, "c1", "4111111111111111", by="x", at=_AT),
            lambda: cards.matching(connection, other, "c1", _NUMBER),
            lambda: cards.card_number(connection, other, card.card_id),
        ):
            with pytest.raises(Unavailable) as refused:
                use()
            assert refused.value.field == "vault_key"
            assert "another key" in str(refused.value)
    with pytest.raises(Unavailable):
        open_vault(tmp_path, base64.b64encode(bytes(32)).decode(), database)
    assert open_vault(tmp_path, None, database).key_id == mine.key_id


@given(st.text(max_size=60), st.binary(min_size=32, max_size=32))
def test_a_sealed_text_opens_for_its_purpose_and_for_no_other(text: str, key: bytes) -> None:
    vault = Vault(key)
    sealed = vault.seal_text("access key A", text)
    assert vault.open_text("access key A", sealed) == text
    assert sealed != vault.seal_text("access key A", text)
    for opening, purpose, what in (
        (vault, "access key B", sealed),
        (Vault(bytes(31) + b"x"), "access key A", sealed),
        (vault, "access key A", sealed[:-1]),
        (vault, "access key A", b""),
    ):
        with pytest.raises(Unavailable):
            opening.open_text(purpose, what)


def test_a_card_number_and_a_text_are_sealed_under_different_keys() -> None:
    vault = Vault(bytes(32))
    with pytest.raises(Unavailable):
        vault.open_text("card1", vault.seal("card1", read_card_number(_NUMBER)))
