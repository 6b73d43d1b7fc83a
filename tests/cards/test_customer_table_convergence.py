"""Whatever both sides do, and whatever is lost on the way: in the end both have the same, and a
block that nobody has taken back stands."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto_tables import Elsewhere, Gate

from ringfence import cards
from ringfence.cards import CardState, CustomerChanges
from ringfence.cards.dynamodb import CardNumberForm, CustomerTable, push_waiting
from ringfence.cards.dynamodb.items import MIRRORED
from ringfence.cards.dynamodb.reading import read_customer
from ringfence.storage import Database, now

_NUMBERS = itertools.count(4111111111110000)
_EDITS = st.tuples(st.sampled_from(["here", "there"]), st.sampled_from(["Ada", "Eve", "Mia"]))
_STEPS = st.one_of(
    st.sampled_from(
        ["block here", "release here", "block there", "release there", "push", "push, cut", "read"]
    ),
    _EDITS,
)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=["block here", "push", "release there", "block here"])
@given(steps=st.lists(_STEPS, min_size=2, max_size=10))
def test_both_sides_come_to_the_same_and_no_block_is_lost(
    steps: list[str | tuple[str, str]],
    mastered: Database,
    vault: cards.Vault,
    table: CustomerTable,
    elsewhere: Elsewhere,
    gate: Gate,
) -> None:
    number = str(next(_NUMBERS))
    customer = f"customer-{number[-4:]}"
    elsewhere.put(customer_id=customer, card_number=number)
    read_customer(mastered, vault, table, customer)

    def card() -> cards.Card:
        with mastered.read() as connection:
            (found,) = cards.cards_of(connection, customer)
            return found

    def push() -> None:
        with mastered.write() as connection:
            connection.exec_driver_sql("UPDATE customer_writes SET next_try_at = 0")
        with ThreadPoolExecutor(1) as threads:
            push_waiting(mastered, vault, table, CardNumberForm.CLEAR, threads)

    def cut(operation: str) -> None:
        if operation == "UpdateItem":
            gate.state = "shut"  # what was written was written; the answer is lost

    stands = False
    for step in steps:
        there = elsewhere.get(customer, number)
        with mastered.write() as connection:
            card_id, state = card().card_id, card().state
            if step == "block here":
                cards.block(connection, card_id, by="test", reason="stolen", at=now())
                stands = True
            elif step == "release here":
                cards.release(connection, card_id, by="test", reason="found", at=now())
                # A card that is blocked there alone is not known to be; nothing is taken back.
                stands = stands and state is not CardState.BLOCKED
            elif isinstance(step, tuple) and step[0] == "here":
                cards.update_customer(
                    connection, customer, CustomerChanges(first_name=step[1]), by="test", at=now()
                )
        if step == "block there":
            elsewhere.update(customer, number, is_blocked=True)
            # While a release of ours is on its way, it cannot be told from the block it undoes.
            with mastered.read() as connection:
                waits = cards.writes_waiting(connection).customers > 0
            stands = stands or (not waits and not there["is_blocked"])
        elif step == "release there":
            elsewhere.update(customer, number, is_blocked=False)
            stands = stands and not there["is_blocked"]
        elif isinstance(step, tuple) and step[0] == "there":
            elsewhere.update(customer, number, first_name=step[1])
        elif step == "push":
            push()
        elif step == "push, cut":
            gate.after = cut
            push()
            gate.state, gate.after = "open", lambda operation: None
        elif step == "read":
            read_customer(mastered, vault, table, customer)
    for _ in range(3):
        read_customer(mastered, vault, table, customer)
        push()

    there = elsewhere.get(customer, number)
    with mastered.read() as connection:
        here = msgspec.to_builtins(cards.get_customer(connection, customer))
        assert cards.writes_waiting(connection).customers == 0
    assert {name: here[name] for name in MIRRORED} == {name: there[name] for name in MIRRORED}
    assert (card().state is CardState.BLOCKED) == there["is_blocked"]
    if stands:
        assert there["is_blocked"] is True
