"""Verdicts: the first wins, fraud always blocks, legit lifts no hold but its own."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from banks import Bank, deciding, payment, set_up
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ringfence import cards
from ringfence.cases import EntryKind, Verdict, get_case, record_answer
from ringfence.cases.opening import CaseOpening
from ringfence.cases.workflow import CASE_WORKFLOW
from ringfence.detectors import DecisionEngine
from ringfence.errors import InvalidInput, NotFound
from ringfence.events import get_event_type, put_event_type, stored_event
from ringfence.storage import Database, migrate, now


def answer(database: Database, case_id: str, verdict: Verdict, by: str = "cardholder") -> bool:
    with database.write() as connection:
        return record_answer(
            connection,
            case_id,
            verdict,
            by=by,
            source="phone" if by == "cardholder" else "analyst",
            at=now(),
        )


@pytest.fixture
def bank(database: Database) -> Bank:
    return Bank(database, set_up(database))


@pytest.fixture
def case_id(database: Database, bank: Bank) -> str:
    with deciding(database) as (decide, _):
        opened = decide(payment("e1", bank.card_id)).case_id
    assert opened is not None
    return str(opened)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(Verdict.FRAUD, cards.CardState.BLOCKED), (Verdict.LEGIT, cards.CardState.ACTIVE)],
)
@pytest.mark.parametrize(("by", "source"), [("cardholder", "phone"), ("anna", "analyst")])
def test_an_answer_acts_on_the_card_closes_the_case_and_labels_the_event(
    bank: Bank, case_id: str, verdict: Verdict, state: cards.CardState, by: str, source: str
) -> None:
    assert answer(bank.database, case_id, verdict, by)
    case = bank.case(case_id)
    assert (case.verdict, case.verdict_by, case.open) == (verdict, by, False)
    assert case.verdict_at == case.closed_at
    assert bank.card().state is state
    with bank.database.read() as connection:
        event = stored_event(connection, "card_payment", "e1")
        history = cards.card_history(connection, bank.card_id)
    assert (event.label, event.label_source) == (verdict.value, source)
    assert (history[-1].by, history[-1].case_id, history[-1].at) == (by, case_id, case.verdict_at)


def test_the_first_answer_wins(bank: Bank, case_id: str) -> None:
    assert answer(bank.database, case_id, Verdict.FRAUD)
    assert not answer(bank.database, case_id, Verdict.LEGIT, "anna")
    assert bank.case(case_id).verdict is Verdict.FRAUD
    assert bank.card().state is cards.CardState.BLOCKED
    assert bank.told(case_id, EntryKind.VERDICT)[-1] == "legit (anna) after fraud"


def test_fraud_after_legit_still_blocks_and_corrects_the_label(bank: Bank, case_id: str) -> None:
    assert answer(bank.database, case_id, Verdict.LEGIT)
    assert not answer(bank.database, case_id, Verdict.FRAUD, "anna")
    assert bank.case(case_id).verdict is Verdict.LEGIT
    assert bank.card().state is cards.CardState.BLOCKED
    with bank.database.read() as connection:
        event = stored_event(connection, "card_payment", "e1")
    assert event.label == "fraud"
    corrected_at = event.label_at
    assert not answer(bank.database, case_id, Verdict.FRAUD, "anna")
    with bank.database.read() as connection:
        assert stored_event(connection, "card_payment", "e1").label_at == corrected_at


def test_legit_never_lifts_a_block_nor_the_hold_of_another(bank: Bank, case_id: str) -> None:
    at = now()
    with bank.database.write() as connection:
        cards.hold(
            connection,
            bank.card_id,
            "other",
            by="test",
            reason="another",
            case_id="other",
            at=at,
            expires_at=at + timedelta(hours=1),
        )
    answer(bank.database, case_id, Verdict.LEGIT)
    assert bank.card().hold_case_id == "other"
    with bank.database.write() as connection:
        cards.block(connection, bank.card_id, by="anna", reason="stolen", at=now())
    answer(bank.database, case_id, Verdict.LEGIT)
    assert bank.card().state is cards.CardState.BLOCKED


def test_a_case_without_an_answer_takes_a_later_one(bank: Bank, case_id: str) -> None:
    CASE_WORKFLOW.bind(bank.database, None, None)  # type: ignore[arg-type]
    assert CASE_WORKFLOW._conclude(case_id) == Verdict.UNREACHED
    assert bank.case(case_id).for_analyst
    assert answer(bank.database, case_id, Verdict.FRAUD, "anna")
    case = bank.case(case_id)
    assert (case.verdict, case.for_analyst) == (Verdict.FRAUD, False)
    assert bank.card().state is cards.CardState.BLOCKED


def test_an_unknown_case_has_no_verdict(bank: Bank) -> None:
    with pytest.raises(NotFound):
        answer(bank.database, "case_unknown", Verdict.FRAUD)


def test_no_person_answers_unreached(bank: Bank, case_id: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        answer(bank.database, case_id, Verdict.UNREACHED)
    assert refused.value.field == "verdict"
    assert bank.case(case_id).open


class Answers(RuleBasedStateMachine):
    """Payments, answers, conclusions and holds of one card in any order, against a model."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{self._folder.name}/ringfence.db")
        migrate(self.database)
        with self.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        self.bank = Bank(self.database, set_up(self.database))
        CASE_WORKFLOW.bind(self.database, None, None)  # type: ignore[arg-type]
        self.engine = DecisionEngine(self.database, CaseOpening("Bank", lambda _case_id: None))
        self.events = 0
        self.open: str | None = None
        self.verdicts: dict[str, Verdict] = {}
        self.labels: dict[str, Verdict] = {}
        self.holds: set[str] = set()
        self.blocked = False

    @rule()
    def pays(self) -> None:
        self.events += 1
        decision = asyncio.run(self.engine.decide(payment(f"e{self.events}", self.bank.card_id)))
        if self.open is not None:
            assert decision.case_id == self.open
        elif self.blocked:
            assert decision.case_id is None
        else:
            assert decision.case_id not in (None, *self.verdicts)
            self.open = decision.case_id
            self.holds.add(str(self.open))

    @precondition(lambda self: self.open)
    @rule(verdict=st.sampled_from((Verdict.FRAUD, Verdict.LEGIT)))
    def answers(self, verdict: Verdict) -> None:
        assert answer(self.database, str(self.open), verdict)
        self._settle(str(self.open), verdict)
        self.verdicts[str(self.open)] = verdict
        self.open = None

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data(), verdict=st.sampled_from((Verdict.FRAUD, Verdict.LEGIT)))
    def answers_late(self, data: Any, verdict: Verdict) -> None:
        case_id = data.draw(st.sampled_from(sorted(self.verdicts)))
        settled = self.verdicts[case_id] in (Verdict.FRAUD, Verdict.LEGIT)
        assert answer(self.database, case_id, verdict, "anna") is not settled
        if not settled:
            self.verdicts[case_id] = verdict
        if not settled or verdict is Verdict.FRAUD:
            self._settle(case_id, verdict)

    @precondition(lambda self: self.open)
    @rule()
    def nobody_answers(self) -> None:
        assert CASE_WORKFLOW._conclude(str(self.open)) == Verdict.UNREACHED
        self.verdicts[str(self.open)] = Verdict.UNREACHED
        self.open = None

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data())
    def concludes_again(self, data: Any) -> None:
        case_id = data.draw(st.sampled_from(sorted(self.verdicts)))
        assert CASE_WORKFLOW._conclude(case_id) == self.verdicts[case_id]

    @rule()
    def is_released_by_a_person(self) -> None:
        with self.database.write() as connection:
            cards.release(connection, self.bank.card_id, by="anna", reason="found", at=now())
        self.blocked = False
        self.holds.clear()

    def _settle(self, case_id: str, verdict: Verdict) -> None:
        self.labels[case_id] = verdict
        if verdict is Verdict.FRAUD:
            self.blocked = True
            self.holds.clear()
        else:
            self.holds.discard(case_id)

    @invariant()
    def the_card_is_as_the_answers_say(self) -> None:
        state = self.bank.card().state
        if self.blocked:
            assert state is cards.CardState.BLOCKED
        else:
            assert state is (cards.CardState.HELD if self.holds else cards.CardState.ACTIVE)

    @invariant()
    def every_case_keeps_its_verdict(self) -> None:
        with self.database.read() as connection:
            for case_id, verdict in self.verdicts.items():
                case = get_case(connection, case_id)
                assert (case.verdict, case.open) == (verdict, False)
                label = stored_event(connection, case.event_type, case.event_id).label
                said = self.labels.get(case_id)
                assert label == (said.value if said else None)

    def teardown(self) -> None:
        self.engine.close()
        self.database.dispose()
        self._folder.cleanup()


TestAnswers = Answers.TestCase
TestAnswers.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_verdict_labels_nothing_where_no_label_says_so(bank: Bank, case_id: str) -> None:
    with bank.database.write() as connection:
        event_type = get_event_type(connection, "card_payment")
        put_event_type(
            connection, msgspec.structs.replace(event_type, fraud_label=None, legit_label=None)
        )
    assert answer(bank.database, case_id, Verdict.FRAUD)
    assert bank.card().state is cards.CardState.BLOCKED
    with bank.database.read() as connection:
        assert stored_event(connection, "card_payment", "e1").label is None
    assert "not labelled" in bank.told(case_id, EntryKind.LABEL)[-1]
