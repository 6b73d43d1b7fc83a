"""Our copy and the table of others are merged: a block survives, and so do edits on both sides."""

from __future__ import annotations

from customer_sides import Ours
from moto_tables import ANOTHER, NUMBER, Elsewhere, Gate

from ringfence import cards
from ringfence.cards import CardState
from ringfence.cards.dynamodb import CustomerTable, Pushed
from ringfence.storage import Database, now


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


def test_a_customer_of_the_table_speaks_the_language_that_is_given_until_another_is_told(
    mastered: Database, vault: cards.Vault, gate: Gate, elsewhere: Elsewhere
) -> None:
    table = CustomerTable(elsewhere.name, timeout_seconds=5, language="de-CH")
    ours = Ours(mastered, vault, table)
    elsewhere.put()
    ours.read()
    assert ours.customer().language == "de-CH"
    with mastered.write() as connection:
        french = cards.CustomerChanges(language="fr-CH")
        cards.update_customer(connection, ours.customer().customer_id, french, by="x", at=now())
    elsewhere.update(last_name="Winter")
    ours.read()
    assert (ours.customer().language, ours.customer().last_name) == ("fr-CH", "Winter")
    ours.threads.shutdown()


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


def test_a_card_that_is_blocked_again_stays_blocked_though_it_was_released_there_meanwhile(
    known: Ours, elsewhere: Elsewhere
) -> None:
    known.block()
    known.push()
    elsewhere.update(is_blocked=False)
    known.block()
    known.read()
    known.push()

    assert known.card().state is CardState.BLOCKED
    assert elsewhere.get()["is_blocked"] is True

    elsewhere.update(is_blocked=False)
    known.read()
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
