"""Our copy and the table of others are merged: a block survives, and so do edits on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from moto_tables import ANOTHER, CUSTOMER, NUMBER, Elsewhere, Gate

from ringfence import cards
from ringfence.cards import CardState, CustomerChanges, CustomerDetails
from ringfence.cards.dynamodb import (
    CardNumberForm,
    CustomerTable,
    Pushed,
    push_waiting,
    sync_table,
)
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.cards.writes import writes_due
from ringfence.errors import Conflict, InvalidInput, NotFound, Unavailable
from ringfence.storage import Database, now


class Ours:
    """Our side: what people and programs do here, and the ways to and from the table."""

    def __init__(self, database: Database, vault: cards.Vault, table: CustomerTable):
        self.database, self.vault, self.table = database, vault, table
        self.form = CardNumberForm.CLEAR
        self.threads = ThreadPoolExecutor(4)

    def read(self, customer_id: str = CUSTOMER, number: str | None = None) -> None:
        known = cards.read_card_number(number) if number else None
        read_customer(self.database, self.vault, self.table, customer_id, known)

    def push(self) -> Pushed:
        return push_waiting(self.database, self.vault, self.table, self.form, self.threads)

    def push_later(self, seconds: float = 60) -> Pushed:
        """Push as if everything had been changed that long ago."""
        with self.database.write() as connection:
            connection.exec_driver_sql("UPDATE customer_writes SET next_try_at = 0")
            row = connection.exec_driver_sql("SELECT edits FROM customer_writes").scalar()
            edits = {
                name: {**edit, "at": (now() - timedelta(seconds=seconds)).isoformat()}
                for name, edit in msgspec.json.decode(row).items()
            }
            connection.exec_driver_sql(
                "UPDATE customer_writes SET edits = ?", (msgspec.json.encode(edits),)
            )
        return self.push()

    def edit(self, **changes: str) -> None:
        with self.database.write() as connection:
            cards.update_customer(
                connection, CUSTOMER, CustomerChanges(**changes), by="analyst", at=now()
            )

    def block(self, last4: str = "8788") -> None:
        card_id = self.card(last4).card_id
        with self.database.write() as connection:
            cards.block(connection, card_id, by="analyst", reason="fraud", at=now())

    def release(self, last4: str = "8788") -> None:
        card_id = self.card(last4).card_id
        with self.database.write() as connection:
            cards.release(connection, card_id, by="analyst", reason="was legit", at=now())

    def add(self, *numbers: str, **details: str) -> None:
        told = CustomerDetails(
            **{
                "customer_id": CUSTOMER,
                "phone_number": "+14155552671",
                "last_name": "Rojas",
                **details,
            }
        )
        with self.database.write() as connection:
            cards.put_customer(connection, told, by="test", at=now())
            for number in numbers:
                cards.add_card(connection, self.vault, CUSTOMER, number, by="test", at=now())

    def customer(self) -> cards.Customer:
        with self.database.read() as connection:
            return cards.get_customer(connection, CUSTOMER)

    def card(self, last4: str = "8788") -> cards.Card:
        with self.database.read() as connection:
            (found,) = (c for c in cards.cards_of(connection, CUSTOMER) if c.last4 == last4)
            return found

    def waiting(self) -> int:
        with self.database.read() as connection:
            return cards.writes_waiting(connection).customers


@pytest.fixture
def ours(mastered: Database, vault: cards.Vault, table: CustomerTable) -> Iterator[Ours]:
    made = Ours(mastered, vault, table)
    yield made
    made.threads.shutdown()


@pytest.fixture
def known(ours: Ours, elsewhere: Elsewhere) -> Ours:
    """Our side, which has read the article's item."""
    elsewhere.put()
    ours.read()
    return ours


def test_a_customer_whom_only_the_table_knows_is_taken_over_with_the_cards(
    ours: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(phone_number="+1 (415) 555-2671")
    elsewhere.put(card_number="4111 1111 1111 1111", is_blocked=True, email="m@example.com")

    ours.read()

    customer = ours.customer()
    assert (customer.salutation, customer.first_name, customer.last_name) == (
        "Mrs",
        "Martha",
        "Rojas",
    )
    assert customer.phone_number == "+14155552671"
    assert customer.created_by == "dynamodb"
    assert ours.card("8788").state is CardState.ACTIVE
    assert ours.card("1111").state is CardState.BLOCKED
    assert ours.waiting() == 0


def test_reading_again_without_a_change_writes_nothing(known: Ours, elsewhere: Elsewhere) -> None:
    with known.database.write():  # whoever wanted to write would wait for us, and not for ever
        known.read()

    assert known.waiting() == 0
    assert len(elsewhere.all()) == 1


def test_a_block_in_the_table_is_a_block_here_and_so_is_its_release(
    known: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.update(is_blocked=True)
    known.read()
    blocked = known.card()
    elsewhere.update(is_blocked=False)
    known.read()

    assert (blocked.state, blocked.state_by) == (CardState.BLOCKED, "dynamodb")
    assert known.card().state is CardState.ACTIVE


def test_the_whole_item_written_anew_with_a_block_is_a_block(
    known: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(is_blocked=True, first_name=None, salutation=None)

    known.read()

    assert known.card().state is CardState.BLOCKED
    assert known.customer().first_name == ""


def test_our_block_and_an_edit_made_elsewhere_at_the_same_time_both_survive(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.block()
    elsewhere.update(phone_number="+442079460000", note="moved")

    assert known.push() == Pushed(1, 0)
    known.read()

    there = elsewhere.get()
    assert (there["is_blocked"], there["phone_number"], there["note"]) == (
        True,
        "+442079460000",
        "moved",
    )
    assert known.customer().phone_number == "+442079460000"
    assert known.card().state is CardState.BLOCKED
    assert known.waiting() == 0


def test_a_block_needs_one_request_and_no_reading(known: Ours, gate: Gate) -> None:
    known.block()
    before = len(gate.asked)

    known.push()

    assert gate.operations()[before:] == ["UpdateItem"]


def test_our_edit_and_a_block_made_elsewhere_at_the_same_time_both_survive(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.edit(last_name="Winter")
    elsewhere.update(is_blocked=True)

    known.push()
    known.read()

    there = elsewhere.get()
    assert (there["last_name"], there["is_blocked"]) == ("Winter", True)
    assert known.card().state is CardState.BLOCKED
    assert known.customer().last_name == "Winter"


def test_an_edit_writes_only_what_it_changes_and_on_every_card(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    elsewhere.put(card_number=ANOTHER, first_name="M.")
    known.read()
    known.edit(last_name="Winter")
    before = len(gate.asked)

    known.push()

    assert [said["UpdateExpression"] for _, said in gate.asked[before:]] == ["SET #0 = :0"] * 2
    assert [elsewhere.get()["last_name"], elsewhere.get(card_number=ANOTHER)["last_name"]] == [
        "Winter",
        "Winter",
    ]
    assert elsewhere.get(card_number=ANOTHER)["first_name"] == "M."


def test_edits_of_different_attributes_on_both_sides_both_survive(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.edit(last_name="Winter")
    elsewhere.update(first_name="Maria")

    known.push()
    known.read()

    assert elsewhere.get()["last_name"] == known.customer().last_name == "Winter"
    assert elsewhere.get()["first_name"] == known.customer().first_name == "Maria"


def test_of_two_edits_of_one_attribute_ours_counts_when_it_comes_at_once(
    known: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.update(last_name="Summer", first_name="Maria")
    known.edit(last_name="Winter")

    assert known.push() == Pushed(1, 0)

    assert elsewhere.get()["last_name"] == known.customer().last_name == "Winter"
    # It was read in passing, and counts as well.
    assert known.customer().first_name == "Maria"


def test_of_two_edits_of_one_attribute_theirs_counts_when_ours_comes_late(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.edit(last_name="Winter", first_name="Maria")
    elsewhere.update(last_name="Summer")

    assert known.push_later() == Pushed(1, 0)

    assert elsewhere.get()["last_name"] == known.customer().last_name == "Summer"
    assert elsewhere.get()["first_name"] == known.customer().first_name == "Maria"
    assert known.waiting() == 0


def test_an_edit_that_arrived_without_our_knowing_is_not_taken_for_one_of_theirs(
    known: Ours, elsewhere: Elsewhere
) -> None:
    """As after a crash between writing and taking note of it: the table has our edit, and we have
    made another since."""
    known.edit(last_name="Winter")
    elsewhere.update(last_name="Winter")
    known.edit(last_name="Spring")

    known.push_later()

    assert elsewhere.get()["last_name"] == known.customer().last_name == "Spring"


def test_our_release_goes_over_to_the_table(known: Ours, elsewhere: Elsewhere) -> None:
    elsewhere.update(is_blocked=True)
    known.read()
    known.release()
    known.read()  # what the table still says is no new block

    assert known.card().state is CardState.ACTIVE
    known.push()
    assert elsewhere.get()["is_blocked"] is False
    assert known.card().state is CardState.ACTIVE


def test_a_release_there_does_not_undo_a_block_here_that_the_table_never_had(
    known: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.update(is_blocked=True)
    known.read()
    known.release()
    known.block()
    elsewhere.update(is_blocked=False)

    known.read()
    known.push()

    assert known.card().state is CardState.BLOCKED
    assert elsewhere.get()["is_blocked"] is True


def test_a_release_there_is_not_undone_by_an_edit_of_ours(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.block()
    known.push()
    known.edit(last_name="Winter")
    elsewhere.update(is_blocked=False, last_name="Summer")

    known.push()
    known.read()

    assert elsewhere.get()["is_blocked"] is False
    assert elsewhere.get()["last_name"] == "Winter"
    assert known.card().state is CardState.ACTIVE


def test_a_reading_that_began_before_our_block_arrived_releases_nothing(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.block()
    known.push()
    known.release()
    known.push()

    def block_meanwhile(operation: str) -> None:
        if operation == "Query":
            gate.after = lambda operation: None
            known.block()
            known.push()

    gate.after = block_meanwhile
    elsewhere.update(first_name="Maria")
    known.read()

    assert known.customer().first_name == "Maria"
    assert known.card().state is CardState.BLOCKED
    assert elsewhere.get()["is_blocked"] is True


def test_what_was_read_while_we_wrote_is_not_forgotten(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.edit(last_name="Winter")

    def block_meanwhile(operation: str) -> None:
        gate.after = lambda operation: None
        elsewhere.update(is_blocked=True)
        known.read()

    gate.after = block_meanwhile
    known.push()
    assert known.card().state is CardState.BLOCKED
    elsewhere.update(is_blocked=False)
    known.read()
    known.push()

    assert known.card().state is CardState.ACTIVE
    assert elsewhere.get()["is_blocked"] is False


def test_a_block_from_before_the_table_was_ours_to_write_is_carried_over(
    database: Database, vault: cards.Vault, table: CustomerTable, elsewhere: Elsewhere
) -> None:
    ours = Ours(database, vault, table)
    ours.add(NUMBER)
    ours.block()
    assert ours.waiting() == 0
    elsewhere.put()
    with database.write() as connection:
        cards.master_in(connection, elsewhere.name, now())

    ours.read()
    ours.push()

    assert elsewhere.get()["is_blocked"] is True
    assert ours.card().state is CardState.BLOCKED


def test_a_new_customer_is_created_there_with_one_item_for_each_card(
    ours: Ours, elsewhere: Elsewhere
) -> None:
    ours.add()
    assert ours.push() == Pushed(1, 0)
    assert elsewhere.all() == []

    ours.add(NUMBER, ANOTHER, salutation="Ms")
    ours.block("1111")
    assert ours.push() == Pushed(1, 0)

    assert elsewhere.get() == {
        "customer_id": CUSTOMER,
        "card_number": NUMBER,
        "is_blocked": False,
        "last_name": "Rojas",
        "first_name": "",
        "phone_number": "+14155552671",
        "salutation": "Ms",
    }
    assert elsewhere.get(card_number=ANOTHER)["is_blocked"] is True


def test_creating_a_customer_who_is_there_already_overwrites_no_block(
    ours: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(is_blocked=True, last_name="Summer", email="m@example.com")
    ours.add(NUMBER)

    assert ours.push() == Pushed(1, 0)

    there = elsewhere.get()
    assert (there["is_blocked"], there["last_name"], there["email"]) == (
        True,
        "Rojas",
        "m@example.com",
    )
    assert there["salutation"] == ours.customer().salutation == "Mrs"
    assert ours.card().state is CardState.BLOCKED


def test_a_card_that_was_deleted_there_is_not_made_again(known: Ours, elsewhere: Elsewhere) -> None:
    elsewhere.delete()
    known.block()

    assert known.push() == Pushed(1, 0)
    assert elsewhere.all() == []
    assert known.card().state is CardState.BLOCKED

    elsewhere.put()
    known.read()
    known.push()
    assert elsewhere.get()["is_blocked"] is True


def test_card_numbers_can_be_tokens_and_are_found_by_the_number_alone(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    ours.form = CardNumberForm.TOKEN
    ours.add(NUMBER)
    ours.push()
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()

    (there,) = elsewhere.all()
    assert there["card_number"] == token
    elsewhere.update(card_number=token, is_blocked=True)
    ours.read()
    assert ours.card().state is CardState.BLOCKED
    ours.release()
    ours.push()
    assert elsewhere.get(card_number=token)["is_blocked"] is False


def test_a_token_becomes_a_card_with_the_payment_that_names_its_number(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()
    elsewhere.put(card_number=token, is_blocked=True)

    ours.read(number=ANOTHER)
    with ours.database.read() as connection:
        assert cards.cards_of(connection, CUSTOMER) == []
    ours.read(number=NUMBER)

    assert ours.card().state is CardState.BLOCKED


def test_a_card_that_is_there_by_number_and_by_token_is_blocked_when_either_is(
    ours: Ours, elsewhere: Elsewhere, vault: cards.Vault
) -> None:
    token = vault.hash_of(cards.read_card_number(NUMBER)).hex()
    elsewhere.put()
    elsewhere.put(card_number=token, is_blocked=True)

    ours.read()
    ours.read()

    assert ours.card().state is CardState.BLOCKED


@pytest.mark.parametrize("phone_number", [None, "call me"])
def test_items_that_make_no_customer_are_refused_naming_the_attribute(
    phone_number: str | None, ours: Ours, elsewhere: Elsewhere
) -> None:
    elsewhere.put(phone_number=phone_number)

    with pytest.raises(InvalidInput) as refused:
        ours.read()

    assert refused.value.field == "phone_number"
    with pytest.raises(NotFound):
        ours.customer()


def test_what_cannot_be_used_of_an_item_leaves_ours_and_keeps_no_card_data(
    known: Ours, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    elsewhere.update(phone_number="call me", last_name=f"Card {NUMBER}", is_blocked=True)
    elsewhere.put(card_number="no card")
    known.read()
    files = list(tmp_path.iterdir())
    assert files
    assert not any(NUMBER.encode() in file.read_bytes() for file in files)
    known.edit(last_name="Winter")

    assert known.push() == Pushed(1, 0)

    assert known.customer().phone_number == "+14155552671"
    assert known.card().state is CardState.BLOCKED
    assert elsewhere.get()["last_name"] == "Winter"
    assert elsewhere.get()["phone_number"] == "call me"


def test_a_card_of_another_customer_is_not_taken_over(known: Ours, elsewhere: Elsewhere) -> None:
    elsewhere.put(customer_id="thief", last_name="Thief")

    known.read("thief")

    with known.database.read() as connection:
        assert cards.cards_of(connection, "thief") == []
        assert [card.last4 for card in cards.cards_of(connection, CUSTOMER)] == ["8788"]


def test_throttling_postpones_a_block_and_loses_none(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.block()
    gate.state = "ProvisionedThroughputExceededException"

    pushed = known.push()

    assert (pushed.written, pushed.failed) == (0, 1)
    assert "asked too much" in str(pushed.failure)
    assert known.waiting() == 1
    assert known.push() == Pushed(0, 0)  # its pause is not over
    gate.state = "open"
    with known.database.write() as connection:
        connection.exec_driver_sql("UPDATE customer_writes SET next_try_at = 0")
    assert known.push() == Pushed(1, 0)
    assert elsewhere.get()["is_blocked"] is True


def test_an_answer_that_is_lost_is_no_lost_block_and_no_conflict(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.block()
    known.edit(last_name="Winter")

    def cut(operation: str) -> None:
        if len(gate.asked) > 1 and gate.operations()[-2:] == ["UpdateItem"] * 2:
            gate.state = "shut"

    gate.after = cut
    assert known.push().failed == 1
    assert elsewhere.get()["last_name"] == "Winter"
    gate.state, gate.after = "open", lambda operation: None

    assert known.push_later() == Pushed(1, 0)

    assert elsewhere.get()["last_name"] == known.customer().last_name == "Winter"
    assert (elsewhere.get()["is_blocked"], known.waiting()) == (True, 0)


def test_pauses_grow_and_a_new_block_does_not_wait_for_their_end(known: Ours, gate: Gate) -> None:
    known.edit(last_name="Winter")
    gate.state = "ThrottlingException"
    pauses = []
    for _ in range(4):
        assert known.push_later(0).failed == 1
        with known.database.read() as connection:
            due = connection.exec_driver_sql("SELECT next_try_at FROM customer_writes").scalar()
        pauses.append(due / 1e6 - now().timestamp())
    gate.state = "open"
    assert known.push() == Pushed(0, 0)

    known.block()

    assert pauses == sorted(pauses)
    assert pauses[-1] > 3 * pauses[0]
    assert known.push() == Pushed(1, 0)


def test_what_is_changed_while_it_is_written_is_written_as_well(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.edit(last_name="Winter")

    def block_meanwhile(operation: str) -> None:
        gate.after = lambda operation: None
        known.block()
        known.edit(last_name="Spring")

    gate.after = block_meanwhile
    known.push()
    assert known.waiting() == 1
    known.push()

    assert (elsewhere.get()["last_name"], elsewhere.get()["is_blocked"]) == ("Spring", True)
    assert known.waiting() == 0


def test_a_table_in_which_others_write_all_the_time_is_tried_again_later(
    known: Ours, elsewhere: Elsewhere, gate: Gate
) -> None:
    known.edit(last_name="Winter")
    names = iter(f"Name {chr(65 + number)}" for number in range(20))
    gate.before = lambda operation: (
        elsewhere.update(last_name=next(names)) if operation == "UpdateItem" else None
    )

    assert known.push().failed == 1
    assert known.waiting() == 1


def test_blocks_go_before_edits(mastered: Database, ours: Ours) -> None:
    ours.add(NUMBER)
    details = CustomerDetails(customer_id="z", phone_number="+14155552671", last_name="Z")
    with mastered.write() as connection:
        cards.put_customer(connection, details, by="test", at=now())
        card = cards.add_card(connection, ours.vault, "z", ANOTHER, by="test", at=now()).card
        cards.block(connection, card.card_id, by="test", reason="fraud", at=now())

    with mastered.read() as connection:
        assert list(writes_due(connection, now(), 10)) == ["z", CUSTOMER]


def test_the_whole_table_is_read_page_by_page(
    ours: Ours, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringfence.cards.dynamodb.syncing._PAGE", 4)
    for number in range(10):
        elsewhere.put(customer_id=f"c{number}", card_number=f"41111111111111{number:02}")
    elsewhere.put(customer_id="wrong", card_number=ANOTHER, phone_number="call me")
    told: list[int] = []

    synced = sync_table(ours.database, ours.vault, ours.table, told.append)

    assert (synced.items, synced.changed) == (11, 11)
    assert [customer_id for customer_id, _ in synced.refused] == ["wrong"]
    assert "phone_number" in synced.refused[0][1]
    assert told == [4, 8, 11]
    with ours.database.read() as connection:
        assert len(cards.list_customers(connection)) == 10
    elsewhere.update(customer_id="c3", card_number="4111111111111103", is_blocked=True)
    assert sync_table(ours.database, ours.vault, ours.table).changed == 2
    with ours.database.read() as connection:
        (card,) = cards.cards_of(connection, "c3")
    assert card.state is CardState.BLOCKED


def test_customers_from_before_are_written_when_asked_for(
    database: Database, vault: cards.Vault, table: CustomerTable, elsewhere: Elsewhere
) -> None:
    ours = Ours(database, vault, table)
    ours.add(NUMBER)
    with database.write() as connection:
        cards.master_in(connection, elsewhere.name, now())
        assert cards.note_unwritten(connection, now()) == 1

    ours.push()

    assert elsewhere.get()["last_name"] == "Rojas"
    with database.write() as connection:
        assert cards.note_unwritten(connection, now()) == 0


def test_the_table_is_made_and_one_with_other_keys_is_refused(
    gate: Gate, elsewhere: Elsewhere
) -> None:
    made = CustomerTable(elsewhere.name + "-new", timeout_seconds=5)
    with pytest.raises(NotFound) as missing:
        made.facts()
    assert "ringfence customers table --create" in str(missing.value)

    assert made.create().status == "ACTIVE"
    described = elsewhere.client.describe_table(TableName=made.name)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    with pytest.raises(Conflict):
        made.create()

    elsewhere.client.create_table(
        TableName=elsewhere.name + "-other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(InvalidInput) as refused:
        CustomerTable(elsewhere.name + "-other", timeout_seconds=5).facts()
    assert refused.value.field == "customers_url"


def test_without_dynamodb_the_table_cannot_be_asked(table: CustomerTable, gate: Gate) -> None:
    gate.state = "shut"
    with pytest.raises(Unavailable):
        table.facts()


def test_another_table_forgets_what_was_seen_in_the_one_before(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.block()
    with known.database.write() as connection:
        assert cards.master_in(connection, "another-table", now()) == elsewhere.name
        assert cards.writes_waiting(connection).customers == 1
        cards.master_here(connection)
        assert cards.writes_waiting(connection).customers == 0
        assert cards.mastered_in(connection) is None
    known.release()
    assert known.waiting() == 0
