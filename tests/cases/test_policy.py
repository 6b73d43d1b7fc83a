"""Whom a case may call, and when: consent, the wish to stop, limits, quiet hours, old numbers."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from banks import AT, CUSTOMER, PHONE, Telephone, deciding, open_bank, payment, plan, set_up
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from ringfence import cards
from ringfence.cards import tables as card_tables
from ringfence.cards.do_not_call import add_do_not_call
from ringfence.cards.permissions import ConsentRule, ContactChannel, record_permission
from ringfence.cases import (
    Case,
    ContactPlan,
    EntryKind,
    FollowUp,
    QuietHours,
    Step,
    Verdict,
    get_case,
    put_plan,
)
from ringfence.cases import tables as case_tables
from ringfence.cases.follow_ups import NoAttempt
from ringfence.cases.policy import may_call_from, zones_of
from ringfence.lines import CallEnd
from ringfence.storage import Database, now


def _may_call_from(
    connection: Connection, case: Case, earliest: datetime, at: datetime
) -> datetime | NoAttempt:
    customer = cards.get_customer(connection, case.customer_id)
    return may_call_from(connection, case, customer, earliest, at)


def _opt_out(database: Database, *, given: bool = False, source: str = "branch") -> None:
    with database.write() as connection:
        record_permission(
            connection,
            CUSTOMER,
            ContactChannel.VOICE,
            given=given,
            source=source,
            by="anna",
            at=now(),
        )


async def _refused(database: Database, folder: Path, with_plan: ContactPlan) -> str:
    """What the timeline says of a case whose cardholder must not be called."""
    telephone = Telephone("2")
    card_id = set_up(database, with_plan)
    async with open_bank(database, folder, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert telephone.dialled == []
        assert bank.attempts(case_id) == []
        assert (case.verdict, case.for_analyst) == (Verdict.UNREACHED, True)
        assert bank.card().state is cards.CardState.HELD
        [said] = bank.told(case_id, EntryKind.POLICY)
        return said


async def test_a_number_given_to_the_bank_is_consent_unless_the_plan_asks_for_more(
    database: Database, tmp_path: Path
) -> None:
    said = await _refused(database, tmp_path, plan(consent=ConsentRule.EXPLICIT))
    assert said == ("no call: no consent is recorded but that the number was given to the bank")


async def test_without_a_recorded_consent_nobody_is_called(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("2", "2")
    card_id = set_up(database)
    with database.write() as connection:
        connection.execute(card_tables.contact_permissions.delete())
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        await bank.closed(case_id)
        assert bank.told(case_id, EntryKind.POLICY) == ["no call: no consent is recorded"]
        assert telephone.dialled == []
        with database.write() as connection:
            put_plan(connection, plan(consent=ConsentRule.NOT_NEEDED))
        assert (await bank.closed(await bank.suspect("e2"))).verdict is Verdict.FRAUD


@pytest.mark.parametrize("rule", ConsentRule)
def test_a_withdrawal_counts_whatever_the_plan_says(database: Database, rule: ConsentRule) -> None:
    set_up(database)
    _opt_out(database)
    with database.write() as connection:
        case = _case(plan(consent=rule))
        refused = _may_call_from(connection, case, now(), now())
    assert isinstance(refused, NoAttempt)
    assert refused.because.startswith("consent was withdrawn on ")
    assert refused.because.endswith("(branch)")
    _opt_out(database, given=True, source="application form")
    with database.write() as connection:
        assert not isinstance(_may_call_from(connection, case, now(), now()), NoAttempt)


def test_a_listed_number_is_not_called_whatever_the_plan_says(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        add_do_not_call(connection, PHONE, "wrong number", by="anna", at=now())
        refused = _may_call_from(
            connection, _case(plan(consent=ConsentRule.NOT_NEEDED)), now(), now()
        )
    assert refused == NoAttempt("the number is on the do-not-call list: wrong number")


async def test_a_plan_falls_back_on_its_next_line(database: Database, tmp_path: Path) -> None:
    first, second = Telephone(CallEnd.UNAUTHORIZED), Telephone("2")
    card_id = set_up(database, plan(line="trunk", lines=("spare",), attempts=1))
    async with open_bank(database, tmp_path, card_id, {"trunk": first, "spare": second}) as bank:
        case_id = await bank.suspect()
        assert (await bank.closed(case_id)).verdict is Verdict.FRAUD
        assert [each.line for each in bank.attempts(case_id)] == ["trunk", "spare"]


async def test_what_the_plan_says_to_give_up_after_is_the_end(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone(CallEnd.BUSY, "2")
    card_id = set_up(database, plan(after={"busy": FollowUp(Step.GIVE_UP)}))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        assert (await bank.closed(case_id)).verdict is Verdict.UNREACHED
        assert len(telephone.dialled) == 1
        assert bank.told(case_id, EntryKind.POLICY) == ["no call: none follows after: busy"]


async def test_no_more_calls_are_answered_about_an_event_than_the_plan_allows(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("hangs up", CallEnd.BUSY, "hangs up", "2")
    card_id = set_up(database, plan(attempts=10, messages=2))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        assert (await bank.closed(case_id)).verdict is Verdict.UNDECIDED
        assert len(telephone.dialled) == 3
        assert bank.told(case_id, EntryKind.POLICY) == [
            "no call: 2 calls and messages about it have arrived in 3 days"
        ]


async def test_a_days_attempts_are_counted_over_all_cases_of_a_cardholder(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("2", "2")
    card_id = set_up(database, plan(attempts_per_day=1))
    with database.write() as connection:
        second = cards.add_card(
            connection, cards.Vault(bytes(32)), CUSTOMER, "4000056655665556", by="test", at=AT
        ).card.card_id
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        first_id = await bank.suspect()
        await bank.closed(first_id)
        decision = await bank.engine.decide(payment("e2", second))
        case_id = decision.case_id
        assert case_id is not None
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        [attempt] = bank.attempts(first_id)
        next_day = attempt.started_at + timedelta(days=1)
        [said] = bank.told(case_id, EntryKind.WAITING)
        assert said == f"attempt 1 follows at {next_day:%Y-%m-%d %H:%M:%S} UTC"
        assert len(telephone.dialled) == 1
        # Nor is it placed when its wait ends too soon.
        assert await bank.desk._attempts.make(case_id, 1) == "postponed"


ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC")


def _quiet(hours: QuietHours, at: datetime, zone: str) -> bool:
    clock = at.astimezone(ZoneInfo(zone)).time()
    if hours.start <= hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


@given(
    start=st.integers(0, 23),
    end=st.integers(0, 23),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
)
def test_a_call_is_outside_the_quiet_hours_of_every_zone_where_that_can_be(
    start: int, end: int, at: datetime, zones: list[str]
) -> None:
    hours = QuietHours(time(start), time(end))
    allowed = hours.next_allowed(at, *zones)
    assert allowed >= at
    assert not _quiet(hours, allowed, zones[0])
    quarter = timedelta(minutes=15)
    if any(_quiet(hours, allowed, zone) for zone in zones):
        # Only where there is no common hour, and then the first zone decides.
        assert allowed == hours.next_allowed(at, zones[0])
        probes = (at + quarter * each for each in range(4 * 24))
        assert all(any(_quiet(hours, each, zone) for zone in zones) for each in probes)
    else:
        probe = at
        while probe < allowed - timedelta(hours=2):  # a clock may repeat an hour
            assert any(_quiet(hours, probe, zone) for zone in zones)
            probe += quarter


def test_the_zones_of_the_number_and_of_the_address_count(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        there = cards.CustomerChanges(time_zone="America/New_York")
        cards.update_customer(connection, CUSTOMER, there, by="test", at=now())
        customer = cards.get_customer(connection, CUSTOMER)
        assert zones_of(customer) == ("America/New_York", "Europe/Berlin")
        # 22:00 in Berlin; in New York it is afternoon until 8:00 in Berlin, and then night.
        at = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
        allowed = _may_call_from(connection, _case(plan(quiet_hours=QuietHours())), at, at)
        assert allowed == datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
        # A number of which the prefix says nothing leaves it to the address.
        free_phone = cards.CustomerChanges(phone_number="+18005550123", time_zone="Europe/Berlin")
        cards.update_customer(connection, CUSTOMER, free_phone, by="test", at=now())
        assert zones_of(cards.get_customer(connection, CUSTOMER)) == ("Europe/Berlin",)


@pytest.mark.parametrize(("amount", "calls"), [("4155", True), ("999.99", False), ("", False)])
def test_a_high_amount_is_worth_waking_somebody(
    database: Database, amount: str, calls: bool
) -> None:
    set_up(database)
    at = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    with_plan = plan(quiet_hours=QuietHours(), quiet_hours_override_amount=1000.0)
    with database.write() as connection:
        allowed = _may_call_from(connection, _case(with_plan, amount), at, at)
    assert (allowed == at) is calls


def test_the_number_that_is_shown_is_that_of_the_country_that_is_called() -> None:
    own = plan(caller_numbers={"+4": "+442071234567", "+49": "+4930123456"})
    assert own.caller_number("+4989123456") == "+4930123456"
    assert own.caller_number("+43123456789") == "+442071234567"
    assert own.caller_number("+14155552671") is None


def test_texts_count_as_messages_too(database: Database) -> None:
    card_id = set_up(database, plan(messages=1))
    with deciding(database) as (decide, _announced):
        case_id = decide(payment("e1", card_id)).case_id
    at = now()
    with database.write() as connection:
        case = get_case(connection, case_id)
        assert _may_call_from(connection, case, at, at) == at
        connection.execute(
            case_tables.case_texts.insert().values(
                message_id="m1",
                case_id=case_id,
                to_number=PHONE,
                sent_at=at - timedelta(hours=1),
                expires_at=at + timedelta(days=1),
            )
        )
        assert _may_call_from(connection, case, at, at) == NoAttempt(
            "1 calls and messages about it have arrived in 3 days"
        )
        later = at + timedelta(days=4)
        assert _may_call_from(connection, case, later, later) == later


def _case(with_plan: ContactPlan, amount: str = "41.55") -> Case:
    """A case of our customer that is in no table."""
    return Case(
        case_id="case_1",
        reference="KD7PX",
        event_type="card_payment",
        event_id="e1",
        customer_id=CUSTOMER,
        card_id="card",
        outcomes=("call_cardholder",),
        plan=with_plan,
        flow_name="verify-card-payment",
        flow_version=1,
        attributes={"Amount": amount},
        open=True,
        for_analyst=False,
        verdict=None,
        verdict_by=None,
        verdict_at=None,
        opened_at=AT,
        closed_at=None,
    )
