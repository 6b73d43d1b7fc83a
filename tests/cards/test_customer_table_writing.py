"""Changes on their way to the table, and the table as a whole."""

from __future__ import annotations

import pytest
from customer_sides import Ours
from moto_tables import ANOTHER, CUSTOMER, NUMBER, Elsewhere, Gate

from ringfence import cards
from ringfence.cards import CardState, CustomerDetails
from ringfence.cards.dynamodb import CustomerTable, Pushed, sync_table
from ringfence.cards.writes import writes_due
from ringfence.errors import Conflict, InvalidInput, NotFound, Unavailable
from ringfence.storage import Database, now


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
