"""Cases as they are worked: called, called again, settled, concluded. DBOS at work, real tables."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from banks import CUSTOMER, Telephone, act, open_bank, payment, plan, set_up
from dbos import DBOS

from ringfence import cards
from ringfence.cases import CardAction, EntryKind, Verdict, desk, put_plan, record_answer
from ringfence.cases.plans import QuietHours
from ringfence.errors import Unavailable
from ringfence.events import stored_event
from ringfence.lines import CallEnd
from ringfence.storage import Database, now


async def test_2_blocks_the_card_settles_the_case_and_labels_the_event(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("2")
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.verdict_by) == (Verdict.FRAUD, "cardholder")
        assert bank.card().state is cards.CardState.BLOCKED
        assert bank.ends(case_id) == [CallEnd.COMPLETED]
        assert case.reference in telephone.heard[-1]
        with database.read() as connection:
            event = stored_event(connection, "card_payment", "e1")
        assert (event.label, event.label_source) == ("fraud", "phone")
        assert [entry.kind for entry in bank.timeline(case_id)] == [
            EntryKind.OPENED,
            EntryKind.HELD,
            EntryKind.DIALLED,
            EntryKind.RINGING,
            EntryKind.ANSWERED,
            EntryKind.SAID,
            EntryKind.DIGIT,
            EntryKind.VERDICT,
            EntryKind.CARD,
            EntryKind.LABEL,
            EntryKind.FUNCTION,
            EntryKind.SAID,
            EntryKind.ENDED,
        ]


@pytest.mark.parametrize(
    ("key", "verdict", "last"),
    [("1", Verdict.LEGIT, "dass Sie es waren"), ("2", Verdict.FRAUD, "Ihre Karte ist jetzt gesp")],
)
async def test_a_cardholder_who_speaks_german_hears_german_and_their_answer_counts(
    database: Database, tmp_path: Path, key: str, verdict: Verdict, last: str
) -> None:
    telephone = Telephone(key)
    card_id = set_up(database)
    with database.write() as connection:
        german = cards.CustomerChanges(language="de-CH", salutation="Frau")
        cards.update_customer(connection, CUSTOMER, german, by="test", at=now())
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case = await bank.closed(await bank.suspect())
        assert [request.language for request in telephone.dialled] == ["de-CH"]
        assert "Guten Tag, Frau Winter" in telephone.heard[0]
        assert "eine Zahlung von EUR 4155.00" in telephone.heard[0]
        assert last in telephone.heard[-1]
        assert (case.flow_name, case.verdict) == ("verify-card-payment.de", verdict)
        with database.read() as connection:
            event = stored_event(connection, "card_payment", "e1")
        assert (event.label, event.label_source) == (verdict, "phone")


async def test_1_lifts_the_hold_of_this_case_and_no_other(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database)
    at = now()
    with database.write() as connection:
        cards.hold(
            connection,
            card_id,
            "other",
            by="test",
            reason="another case",
            case_id="other",
            at=at,
            expires_at=at + timedelta(days=1),
        )
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone("1")}) as bank:
        case = await bank.closed(await bank.suspect())
        assert case.verdict is Verdict.LEGIT
        card = bank.card()
        assert (card.state, card.hold_case_id) == (cards.CardState.HELD, "other")


async def test_a_number_is_dialled_as_often_as_the_plan_says_and_then_the_case_is_unreached(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone(CallEnd.BUSY, CallEnd.REJECTED, CallEnd.UNREACHABLE, "2")
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert case.verdict is Verdict.UNREACHED
        assert bank.ends(case_id) == ["busy", "rejected", "unreachable"]
        assert len({request.call_id for request in telephone.dialled}) == 3


async def test_the_next_attempt_waits_for_the_spacing_of_the_plan(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, plan(spacing_seconds=0.5))
    telephone = Telephone(CallEnd.BUSY, "1")
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.closed(case_id)
        first, second = bank.attempts(case_id)
        assert first.ended_at is not None
        assert second.started_at - first.ended_at >= timedelta(seconds=0.5)
        assert len(bank.told(case_id, EntryKind.WAITING)) == 1


@pytest.mark.parametrize("does", ["", "hangs up", "9"])
async def test_a_call_that_was_answered_without_an_answer_leaves_the_case_undecided(
    database: Database, tmp_path: Path, does: str
) -> None:
    card_id = set_up(database, plan(attempts=1))
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone(does)}) as bank:
        case = await bank.closed(await bank.suspect())
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        assert bank.card().state is cards.CardState.HELD


@pytest.mark.parametrize(
    ("action", "state", "for_analyst"),
    [
        (CardAction.HOLD, cards.CardState.HELD, False),
        (CardAction.BLOCK, cards.CardState.BLOCKED, False),
        (CardAction.RELEASE, cards.CardState.ACTIVE, False),
        (CardAction.ANALYST, cards.CardState.HELD, True),
    ],
)
@pytest.mark.parametrize(
    ("does", "verdict"), [("no_answer", Verdict.UNREACHED), ("hangs up", Verdict.UNDECIDED)]
)
async def test_what_happens_to_the_card_without_an_answer_is_the_plans_choice_and_is_told(
    database: Database,
    tmp_path: Path,
    action: CardAction,
    state: cards.CardState,
    for_analyst: bool,
    does: str,
    verdict: Verdict,
) -> None:
    card_id = set_up(database)
    only = act(action)
    with database.write() as connection:
        put_plan(connection, plan(attempts=1, on_unreached=only.on_unreached,
                                  on_undecided=only.on_undecided))  # fmt: skip
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone(does)}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.for_analyst) == (verdict, for_analyst)
        assert bank.card().state is state
        assert f"{action}: the card is {state}" in bank.timeline(case_id)[-1].text
        with database.read() as connection:
            assert stored_event(connection, "card_payment", "e1").label is None


async def test_an_analysts_verdict_ends_the_ringing_and_no_call_follows(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("rings", "2")
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.RINGING)))
        with database.write() as connection:
            record_answer(
                connection, case_id, Verdict.LEGIT, by="anna", source="analyst", at=now(),
                reason="the customer called",
            )  # fmt: skip
        await bank.closed(case_id)
        assert bank.ends(case_id) == ["settled"]
        assert telephone.released == [None]
        await _workflow_over(case_id)
        assert len(telephone.dialled) == 1


async def test_a_conversation_goes_on_after_an_analysts_verdict_and_may_still_block(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks")
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.SAID)))
        with database.write() as connection:
            record_answer(connection, case_id, Verdict.LEGIT, by="anna", source="analyst", at=now())
        await asyncio.sleep(0.8)  # longer than a ringing telephone would ring on
        telephone.press("2")
        case = await bank.closed(case_id)
        assert (case.verdict, case.verdict_by) == (Verdict.LEGIT, "anna")
        assert bank.ends(case_id) == [CallEnd.COMPLETED]
        assert bank.card().state is cards.CardState.BLOCKED


async def test_no_call_is_placed_for_a_case_that_was_settled_while_it_waited(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone(CallEnd.BUSY, "2")
    card_id = set_up(database, plan(spacing_seconds=0.6))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        with database.write() as connection:
            record_answer(connection, case_id, Verdict.LEGIT, by="anna", source="analyst", at=now())
        await _workflow_over(case_id)
        assert len(telephone.dialled) == 1


async def test_a_card_that_was_blocked_meanwhile_needs_no_more_calls(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone(CallEnd.BUSY, "1")
    card_id = set_up(database, plan(spacing_seconds=0.6))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        with database.write() as connection:
            cards.block(connection, card_id, by="anna", reason="lost", at=now())
        # The attempt that is planned already is the last.
        telephone.does = [CallEnd.BUSY]
        await bank.closed(case_id)
        assert len(telephone.dialled) <= 2
        assert bank.card().state is cards.CardState.BLOCKED


async def test_a_line_that_is_not_here_fails_the_attempt_and_says_so(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, plan(line="sip", attempts=1))
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone()}) as bank:
        case_id = await bank.suspect()
        await bank.closed(case_id)
        [attempt] = bank.attempts(case_id)
        assert (attempt.end, attempt.detail) == (CallEnd.FAILED, "there is no line 'sip' here")


async def test_a_second_suspicion_joins_and_the_phone_rings_once(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks")
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect("e1")
        assert await bank.suspect("e2") == case_id
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.SAID)))
        telephone.press("2")
        await bank.closed(case_id)
        assert len(telephone.dialled) == 1
        with database.read() as connection:
            assert stored_event(connection, "card_payment", "e1").label == "fraud"
            assert stored_event(connection, "card_payment", "e2").label is None
        decision = await bank.engine.decide(payment("e3", card_id))
        assert (decision.case_id, decision.note) == (None, "no case: the card is blocked already")


async def test_keys_outside_a_menu_are_not_kept(database: Database, tmp_path: Path) -> None:
    card_id = set_up(database, plan(attempts=1))
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone("9")}) as bank:
        case_id = await bank.suspect()
        await bank.closed(case_id)
        # The menu that did not know the key tells of it once; the line's own report is dropped.
        assert bank.told(case_id, EntryKind.DIGIT) == ["9"]


async def test_nobody_is_called_in_quiet_hours(database: Database, tmp_path: Path) -> None:
    quiet = QuietHours(
        (now() - timedelta(minutes=30)).time().replace(microsecond=0),
        (now() + timedelta(minutes=30)).time().replace(microsecond=0),
    )
    card_id = set_up(database, plan(quiet_hours=quiet))
    with database.write() as connection:
        cards.update_customer(
            connection, "c1", cards.CustomerChanges(time_zone="UTC"), by="test", at=now()
        )
    telephone = Telephone("2")
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        # A wait that ended while the server was down ends in quiet hours: nothing is dialled.
        assert await bank.desk._attempts.make(case_id, 1) == "postponed"
        assert telephone.dialled == []
        assert bank.attempts(case_id) == []


async def test_a_hold_that_expires_while_the_case_is_open_is_told_on_its_timeline(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone("rings")}) as bank:
        case_id = await bank.suspect()
        with database.write() as connection:
            desk._expire_holds(connection, now() + timedelta(days=2))
        assert bank.told(case_id, EntryKind.CARD) == ["the hold has expired, now active"]
        assert bank.card().state is cards.CardState.ACTIVE
        assert bank.case(case_id).open


async def test_a_case_that_nobody_was_told_of_is_taken_up_by_the_sweep(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database)
    telephone = Telephone("1")
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        bank.desk.opening._announce = lambda _case_id: None  # the process would die here
        case_id = await bank.suspect()
        await bank.desk._sweep()
        assert (await bank.closed(case_id)).verdict is Verdict.LEGIT


async def test_a_case_whose_workflow_has_failed_goes_to_an_analyst(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database, plan(spacing_seconds=600))
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone(CallEnd.BUSY)}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        await DBOS.cancel_workflow_async(case_id)
        await bank.desk._sweep()
        case = bank.case(case_id)
        assert (case.open, case.verdict, case.for_analyst) == (False, Verdict.UNDECIDED, True)
        assert bank.card().state is cards.CardState.HELD


async def test_a_call_under_way_when_the_server_stops_is_not_placed_again(
    database: Database, tmp_path: Path
) -> None:
    card_id = set_up(database)
    first = Telephone("rings")
    async with open_bank(database, tmp_path, card_id, {"browser": first}) as bank:
        case_id = await bank.suspect()
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.RINGING)))
    second = Telephone("1")
    async with open_bank(database, tmp_path, card_id, {"browser": second}) as bank:
        assert (await bank.closed(case_id)).verdict is Verdict.LEGIT
        assert bank.ends(case_id) == ["interrupted", "completed"]
        rung = [request.call_id for request in (*first.dialled, *second.dialled)]
        assert len(set(rung)) == len(rung) == 2
        # What DBOS takes up again it would run on a loop of its own, which no line is on.
        assert second.loops == {asyncio.get_running_loop()}


async def test_a_second_server_on_the_same_data_is_refused(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_PREDECESSOR_SECONDS", 0.1)
    card_id = set_up(database)
    async with open_bank(database, tmp_path, card_id, {}):
        with pytest.raises(Unavailable) as refused:
            desk._alone(tmp_path / "desk.lock")
    assert refused.value.field == "data_dir"
    desk._alone(tmp_path / "desk.lock").close()


async def _workflow_over(case_id: str) -> None:
    async with asyncio.timeout(10):
        while True:
            status = await DBOS.get_workflow_status_async(case_id)
            if status is not None and status.status == "SUCCESS":
                return
            await asyncio.sleep(0.05)
