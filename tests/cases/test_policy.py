"""Whom a case may call, and when: consent, the wish to stop, limits, quiet hours, old numbers."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from banks import (
    AT,
    CUSTOMER,
    PHONE,
    Telephone,
    add_customer,
    deciding,
    open_bank,
    payment,
    plan,
    set_up,
)
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from ringfence import cards
from ringfence.cards import tables as card_tables
from ringfence.cards.do_not_call import add_do_not_call
from ringfence.cards.permissions import (
    ConsentRule,
    ContactChannel,
    permissions_of,
    record_permission,
)
from ringfence.cases import (
    Case,
    ContactPlan,
    EntryKind,
    FollowUp,
    OnMachine,
    QuietHours,
    Step,
    Verdict,
    get_case,
    put_plan,
)
from ringfence.cases import tables as case_tables
from ringfence.cases.follow_ups import NoAttempt
from ringfence.cases.policy import may_call_from, zones_of
from ringfence.contacts.flows import import_flow
from ringfence.flows import AnsweredBy
from ringfence.lines import (
    CallEnd,
    CallRequest,
    CallResult,
    Conversation,
    Limits,
    Report,
)
from ringfence.storage import Database, now


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
        refused = may_call_from(connection, case, now(), now())
    assert isinstance(refused, NoAttempt)
    assert refused.because.startswith("consent was withdrawn on ")
    assert refused.because.endswith("(branch)")
    _opt_out(database, given=True, source="application form")
    with database.write() as connection:
        assert not isinstance(may_call_from(connection, case, now(), now()), NoAttempt)


def test_a_listed_number_is_not_called_whatever_the_plan_says(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        add_do_not_call(connection, PHONE, "wrong number", by="anna", at=now())
        refused = may_call_from(
            connection, _case(plan(consent=ConsentRule.NOT_NEEDED)), now(), now()
        )
    assert refused == NoAttempt("the number is on the do-not-call list: wrong number")


@pytest.mark.parametrize("does", ["*", "9*"])
async def test_a_star_stops_such_calls_at_once_also_of_other_cases(
    database: Database, tmp_path: Path, does: str
) -> None:
    telephone = Telephone(does, "2")
    set_up(database)
    other = add_customer(database, "c2", "+4930123457", "5555555555554444")
    with database.write() as connection:
        second = cards.add_card(
            connection, cards.Vault(bytes(32)), CUSTOMER, "4000056655665556", by="test", at=AT
        ).card.card_id
    async with open_bank(database, tmp_path, second, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        said = bank.told(case_id, EntryKind.POLICY)
        assert said[0] == "the cardholder wishes no more such calls"
        assert said[1].startswith("no call: consent was withdrawn on ")
        with database.read() as connection:
            voice, sms = permissions_of(connection, CUSTOMER)
        assert (voice.given, voice.source, voice.by) == (False, "phone key *", "cardholder")
        assert sms.given
        assert len(telephone.dialled) == 1
        decision = await bank.engine.decide(payment("e2", other, customer_id="c2"))
        assert decision.case_id is not None
        assert (await bank.closed(decision.case_id)).verdict is Verdict.FRAUD
        assert [request.to_number for request in telephone.dialled] == [PHONE, "+4930123457"]


async def test_a_call_that_an_answering_machine_takes_is_ended_and_tried_again(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("machine", "2")
    card_id = set_up(database, plan(detect_machine=True))
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        assert (await bank.closed(case_id)).verdict is Verdict.FRAUD
        first, second = bank.attempts(case_id)
        assert (first.end, first.answered_by) == (CallEnd.COMPLETED, "machine_beep")
        assert (second.end, second.answered_by) == (CallEnd.COMPLETED, "human")
        assert "completed, by an answering machine" in bank.told(case_id, EntryKind.ENDED)
        assert all(request.detect_machine for request in telephone.dialled)
        # The machine has heard nothing of the payment.
        assert len(bank.told(case_id, EntryKind.ANSWERED)) == 2
        assert sum("4155" in words for words in telephone.heard) == 1


async def test_a_machine_hears_the_plans_message_once_and_nobody_counts_as_reached(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("machine", "machine")
    card_id = set_up(database)
    with database.write() as connection:
        import_flow(connection, "note", _MESSAGE)
        put_plan(
            connection,
            plan(
                attempts=2,
                detect_machine=True,
                on_machine=OnMachine.LEAVE_MESSAGE,
                message_flow="note",
            ),
        )
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case = await bank.closed(await bank.suspect())
        assert case.verdict is Verdict.UNREACHED
        assert telephone.heard == ["Please call the number on the back of your card."]
        assert len(telephone.dialled) == 2


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


async def test_1_on_a_number_that_was_changed_lately_goes_to_an_analyst(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("1")
    card_id = set_up(database)
    with database.write() as connection:
        moved = cards.CustomerChanges(phone_number="+493099999")
        cards.update_customer(connection, CUSTOMER, moved, by="test", at=now())
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert (case.verdict, case.for_analyst) == (Verdict.UNDECIDED, True)
        assert bank.card().state is cards.CardState.HELD
        [said] = bank.told(case_id, EntryKind.VERDICT)
        assert said.startswith("undecided: 1 does not count: the number was changed on ")
        assert len(telephone.dialled) == 1


@pytest.mark.parametrize(
    ("key", "verdict", "verified", "days"),
    [
        ("2", Verdict.FRAUD, False, 7.0),  # which can only make things safer
        ("1", Verdict.LEGIT, True, 7.0),
        ("1", Verdict.LEGIT, False, 0.0),
    ],
)
async def test_2_counts_on_any_number_and_1_on_one_that_is_verified_or_old_enough(
    database: Database,
    tmp_path: Path,
    key: str,
    verdict: Verdict,
    verified: bool,
    days: float,
) -> None:
    card_id = set_up(database, plan(trusted_number_days=days))
    with database.write() as connection:
        moved = cards.CustomerChanges(phone_number="+493099999", phone_verified=verified or None)
        cards.update_customer(connection, CUSTOMER, moved, by="test", at=now())
    async with open_bank(database, tmp_path, card_id, {"browser": Telephone(key)}) as bank:
        assert (await bank.closed(await bank.suspect())).verdict is verdict


async def test_the_most_valuable_suspicion_is_called_first_and_the_others_say_that_they_wait(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks", "2", "2")
    telephone.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    others = {
        add_customer(database, f"c{n}", f"+493055555{n}", number): amount
        for n, number, amount in (
            (2, "5555555555554444", 2000.0),
            (3, "4000056655665556", 9000.0),
        )
    }
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        waiting = []
        for n, (card, amount) in enumerate(others.items(), 2):
            request = payment(f"e{n}", card, amount, customer_id=f"c{n}")
            decision = await bank.engine.decide(request)
            assert decision.case_id is not None
            waiting.append(decision.case_id)
        for case_id in waiting:
            await bank.until(lambda each=case_id: bool(bank.told(each, EntryKind.WAITING)))
            assert bank.told(case_id, EntryKind.WAITING) == [
                "attempt 1 waits until line browser takes it"
            ]
            assert bank.attempts(case_id) == []
        telephone.press("2")
        for case_id in waiting:
            await bank.closed(case_id)
        assert [request.to_number[-1] for request in telephone.dialled] == ["6", "3", "2"]


async def test_a_case_that_is_settled_while_it_waits_for_a_line_is_not_called(
    database: Database, tmp_path: Path
) -> None:
    telephone = Telephone("talks", "2")
    telephone.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    other = add_customer(database, "c2", "+4930555552", "5555555555554444")
    async with open_bank(database, tmp_path, card_id, {"browser": telephone}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        decision = await bank.engine.decide(payment("e2", other, customer_id="c2"))
        case_id = decision.case_id
        assert case_id is not None
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
        with database.write() as connection:
            connection.execute(
                update(case_tables.cases)
                .where(case_tables.cases.c.case_id == case_id)
                .values(open=False, verdict="legit", verdict_by="anna", verdict_at=now())
            )
        await bank.until(lambda: not bank.desk._attempts._waiting)
        telephone.press("2")
        await bank.closed(first)
        assert len(telephone.dialled) == 1


async def test_a_call_that_waited_for_a_line_when_the_server_stopped_is_placed_once(
    database: Database, tmp_path: Path
) -> None:
    busy = Telephone("talks")
    busy.limits = Limits(calls_at_once=1)
    card_id = set_up(database)
    other = add_customer(database, "c2", "+4930555552", "5555555555554444")
    async with open_bank(database, tmp_path, card_id, {"browser": busy}) as bank:
        first = await bank.suspect()
        await bank.until(lambda: bool(bank.told(first, EntryKind.SAID)))
        case_id = (await bank.engine.decide(payment("e2", other, customer_id="c2"))).case_id
        assert case_id is not None
        await bank.until(lambda: bool(bank.told(case_id, EntryKind.WAITING)))
    assert bank.attempts(case_id) == []
    free = Telephone("2", "2")
    async with open_bank(database, tmp_path, card_id, {"browser": free}) as bank:
        assert (await bank.closed(case_id)).verdict is Verdict.FRAUD
        assert bank.ends(case_id) == [CallEnd.COMPLETED]
        assert (await bank.closed(first)).verdict is Verdict.FRAUD
        assert sorted(request.to_number for request in free.dialled) == [PHONE, "+4930555552"]


class _FarSide:
    """A line whose far side runs the flow, and tells at the end what is in the contact."""

    name = "connect"
    numbers = None
    limits = Limits()

    def __init__(self, **attributes: str) -> None:
        self.attributes = attributes
        self.dialled: list[CallRequest] = []

    async def call(
        self, request: CallRequest, conversation: Conversation, report: Report
    ) -> CallResult:
        self.dialled.append(request)
        at = now()
        return CallResult(
            CallEnd.COMPLETED, at, at, answered_by=AnsweredBy.HUMAN, attributes=self.attributes
        )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("2", Verdict.FRAUD),
        ("1", Verdict.LEGIT),
        ("7", Verdict.UNDECIDED),
        ("", Verdict.UNDECIDED),
        ("*", Verdict.UNDECIDED),
    ],
)
async def test_an_answer_that_the_far_side_kept_in_an_attribute_counts_like_a_key(
    database: Database, tmp_path: Path, answer: str, verdict: Verdict
) -> None:
    line = _FarSide(Answer=answer)
    with_plan = plan(
        line="connect",
        attempts=1,
        answer_attribute="Answer",
        caller_numbers={"+49": "+4930999999"},
    )
    card_id = set_up(database, with_plan)
    async with open_bank(database, tmp_path, card_id, {"connect": line}) as bank:
        case_id = await bank.suspect()
        case = await bank.closed(case_id)
        assert case.verdict is verdict
        assert bank.told(case_id, EntryKind.DIGIT) == (
            [answer] if answer in ("1", "2", "*") else []
        )
        assert [request.from_number for request in line.dialled] == ["+4930999999"]
        with database.read() as connection:
            assert permissions_of(connection, CUSTOMER)[0].given is (answer != "*")


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
        allowed = may_call_from(connection, _case(plan(quiet_hours=QuietHours())), at, at)
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
        allowed = may_call_from(connection, _case(with_plan, amount), at, at)
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
        assert may_call_from(connection, case, at, at) == at
        connection.execute(
            case_tables.case_texts.insert().values(
                message_id="m1",
                case_id=case_id,
                to_number=PHONE,
                sent_at=at - timedelta(hours=1),
                expires_at=at + timedelta(days=1),
            )
        )
        assert may_call_from(connection, case, at, at) == NoAttempt(
            "1 calls and messages about it have arrived in 3 days"
        )
        later = at + timedelta(days=4)
        assert may_call_from(connection, case, later, later) == later


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


_MESSAGE = """{
  "Version": "2019-10-30",
  "StartAction": "Say",
  "Metadata": {},
  "Actions": [
    {
      "Identifier": "Say",
      "Type": "MessageParticipant",
      "Parameters": {"Text": "Please call the number on the back of your card."},
      "Transitions": {
        "NextAction": "End", "Errors": [{"NextAction": "End", "ErrorType": "NoMatchingError"}]
      }
    },
    {"Identifier": "End", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {}}
  ]
}"""
