"""A block outlasts everything but a release, and a hold is its own case's to lift."""

from __future__ import annotations

import tempfile
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ringfence import cards
from ringfence.cards import CardAction, CardState, Change
from ringfence.errors import InvalidInput, NotFound
from ringfence.storage import Database, metadata

_START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_CASES = ("case_a", "case_b", "case_c")


def _card(database: Database, number: str = "4111111111111111") -> str:
    vault = cards.Vault(bytes(32))
    details = cards.CustomerDetails(
        customer_id="c1", phone_number="+4930123456", last_name="Winter"
    )
    with database.write() as connection:
        cards.put_customer(connection, details, by="test", at=_START)
        return cards.add_card(connection, vault, "c1", number, by="test", at=_START).card.card_id


def _hold(database: Database, card_id: str, case_id: str, seconds: float) -> Change:
    with database.write() as connection:
        return cards.hold(
            connection,
            card_id,
            case_id,
            by="ringfence",
            reason="waiting",
            case_id=case_id,
            at=_START,
            expires_at=_START + timedelta(seconds=seconds),
        )


class CardStates(RuleBasedStateMachine):
    """A card against a model: a flag for the block, and the expiry of each case's hold."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{self._folder.name}/cards.db")
        metadata.create_all(self.database.engine)
        with self.database.engine.connect() as connection:
            # Thousands of commits; what is tested is not their durability.
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        self.card_id = _card(self.database)
        self.at = _START
        self.blocked = False
        self.holds: dict[str, datetime] = {}
        self.changes = 1  # it was added

    def teardown(self) -> None:
        self.database.dispose()
        self._folder.cleanup()

    @property
    def state(self) -> CardState:
        if self.blocked:
            return CardState.BLOCKED
        return CardState.HELD if self.holds else CardState.ACTIVE

    def _expect(self, change: Change, changed: bool) -> None:
        assert change == Change(changed, self.state)
        self.changes += changed

    @rule(case_id=st.sampled_from(_CASES), seconds=st.integers(1, 300))
    def hold(self, case_id: str, seconds: int) -> None:
        expires_at = self.at + timedelta(seconds=seconds)
        longer = not self.blocked and self.holds.get(case_id, _START) < expires_at
        if longer:
            self.holds[case_id] = expires_at
        with self.database.write() as connection:
            change = cards.hold(
                connection,
                self.card_id,
                case_id,
                by="ringfence",
                reason="waiting",
                case_id=case_id,
                at=self.at,
                expires_at=expires_at,
            )
        self._expect(change, longer)

    @rule(case_id=st.sampled_from(_CASES))
    def lift(self, case_id: str) -> None:
        had = self.holds.pop(case_id, None) is not None
        with self.database.write() as connection:
            change = cards.lift_hold(
                connection,
                self.card_id,
                case_id,
                by="cardholder",
                reason="mine",
                case_id=case_id,
                at=self.at,
            )
        self._expect(change, had)

    @rule()
    def block(self) -> None:
        changed = not self.blocked
        self.blocked = True
        self.holds.clear()
        with self.database.write() as connection:
            change = cards.block(
                connection, self.card_id, by="cardholder", reason="fraud", at=self.at
            )
        self._expect(change, changed)

    @rule()
    def release(self) -> None:
        changed = self.state is not CardState.ACTIVE
        self.blocked = False
        self.holds.clear()
        with self.database.write() as connection:
            change = cards.release(
                connection, self.card_id, by="analyst", reason="a mistake", at=self.at
            )
        self._expect(change, changed)

    @rule(seconds=st.integers(0, 200))
    def time_passes(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        due = [case_id for case_id, expiry in self.holds.items() if expiry <= self.at]
        for case_id in due:
            del self.holds[case_id]
        self.changes += len(due)
        with self.database.write() as connection:
            expired = cards.expire_holds(connection, self.at)
        assert list(expired) == ([self.card_id] if due else [])

    @invariant()
    def the_card_and_its_history_agree_with_the_model(self) -> None:
        with self.database.read() as connection:
            card = cards.get_card(connection, self.card_id)
            history = cards.card_history(connection, self.card_id)
        assert card.state is self.state
        assert card.hold_expires_at == max(self.holds.values(), default=None)
        if self.holds:
            assert self.holds[card.hold_case_id or ""] == card.hold_expires_at
        else:
            assert card.hold_case_id is None
        assert len(history) == self.changes
        assert history[-1].state is card.state
        assert (history[-1].at, history[-1].by) == (card.state_at, card.state_by)


CardStates.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestCardStates = CardStates.TestCase


@pytest.mark.parametrize("change", [cards.block, cards.release])
def test_of_many_that_do_the_same_at_once_exactly_one_changes_the_card(
    database: Database, change: object
) -> None:
    card_id = _card(database)
    if change is cards.release:
        with database.write() as connection:
            cards.block(connection, card_id, by="cardholder", reason="fraud", at=_START)
    other = Database(database.url)  # writes without the lock of the first, as a second process
    barrier = threading.Barrier(8)
    changed = []

    def act(number: int) -> None:
        barrier.wait()
        with (database, other)[number % 2].write() as connection:
            done = change(  # type: ignore[operator]
                connection, card_id, by=f"thread {number}", reason="at once", at=_START
            )
        changed.append(done.changed)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.dispose()
    with database.read() as connection:
        history = cards.card_history(connection, card_id)
    assert sorted(changed) == [False] * 7 + [True]
    assert len([entry for entry in history if entry.reason == "at once"]) == 1


def test_a_block_and_a_lift_at_the_same_time_leave_the_card_blocked(database: Database) -> None:
    card_id = _card(database)
    for round_number in range(10):
        case_id = f"case_{round_number}"
        _hold(database, card_id, case_id, 600)
        barrier = threading.Barrier(2)

        def lift(case_id: str = case_id, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            with database.write() as connection:
                cards.lift_hold(
                    connection, card_id, case_id, by="a", reason="mine", case_id=case_id, at=_START
                )

        thread = threading.Thread(target=lift)
        thread.start()
        barrier.wait()
        with database.write() as connection:
            cards.block(connection, card_id, by="b", reason="fraud", at=_START)
        thread.join()
        with database.write() as connection:
            assert cards.get_card(connection, card_id).state is CardState.BLOCKED
            cards.release(connection, card_id, by="c", reason="again", at=_START)


def test_a_second_block_leaves_no_second_entry_and_keeps_who_was_first(
    database: Database,
) -> None:
    card_id = _card(database)
    with database.write() as connection:
        for by in ("cardholder", "analyst"):
            cards.block(connection, card_id, by=by, reason="fraud", case_id="case_a", at=_START)
        card = cards.get_card(connection, card_id)
        history = cards.card_history(connection, card_id)
    assert card.state_by == "cardholder"
    assert [(entry.action, entry.by, entry.case_id) for entry in history] == [
        (CardAction.ADDED, "test", None),
        (CardAction.BLOCKED, "cardholder", "case_a"),
    ]


def test_a_card_held_by_two_cases_stays_held_until_both_are_done(database: Database) -> None:
    card_id = _card(database)
    _hold(database, card_id, "case_a", 600)
    _hold(database, card_id, "case_b", 300)
    with database.write() as connection:
        lifted = cards.lift_hold(
            connection, card_id, "case_a", by="x", reason="mine", case_id="case_a", at=_START
        )
        assert lifted == Change(True, CardState.HELD)
        assert cards.get_card(connection, card_id).hold_case_id == "case_b"
        assert cards.expire_holds(connection, _START + timedelta(seconds=299)) == []
        assert cards.expire_holds(connection, _START + timedelta(seconds=300)) == [card_id]
        assert cards.get_card(connection, card_id).state is CardState.ACTIVE


def test_a_release_needs_a_reason_and_a_block_does_not(database: Database) -> None:
    card_id = _card(database)
    with database.write() as connection:
        assert cards.block(connection, card_id, by="x", reason="", at=_START).changed
        with pytest.raises(InvalidInput) as refused:
            cards.release(connection, card_id, by="x", reason="  ", at=_START)
        assert refused.value.field == "reason"
        assert cards.get_card(connection, card_id).state is CardState.BLOCKED


def test_a_reason_is_kept_without_the_card_number_in_it_and_cut_to_size(
    database: Database,
) -> None:
    card_id = _card(database)
    with database.write() as connection:
        reason = "they said 4111 1111 1111 1111 was stolen " + "x" * 2000
        cards.block(connection, card_id, by="y" * 500, reason=reason, at=_START)
        card = cards.get_card(connection, card_id)
    assert "4111 1111" not in card.state_reason
    assert len(card.state_reason) == 512
    assert len(card.state_by) == 128


def test_an_unknown_card_is_not_found_whatever_is_asked(database: Database) -> None:
    with database.write() as connection:
        for ask in (
            lambda: cards.get_card(connection, "card_x"),
            lambda: cards.card_history(connection, "card_x"),
            lambda: cards.block(connection, "card_x", by="x", reason="x", at=_START),
            lambda: cards.release(connection, "card_x", by="x", reason="x", at=_START),
            lambda: cards.lift_hold(
                connection, "card_x", "a", by="x", reason="x", case_id="a", at=_START
            ),
        ):
            with pytest.raises(NotFound) as missing:
                ask()
            assert missing.value.field == "card_id"


def test_a_change_that_is_rolled_back_leaves_neither_state_nor_history(
    database: Database,
) -> None:
    card_id = _card(database)

    def block_and_fail() -> None:
        with database.write() as connection:
            cards.block(connection, card_id, by="x", reason="fraud", at=_START)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        block_and_fail()
    with database.read() as connection:
        assert cards.get_card(connection, card_id).state is CardState.ACTIVE
        assert len(cards.card_history(connection, card_id)) == 1
        assert cards.counts_of_cards(connection) == {"active": 1, "held": 0, "blocked": 0}
