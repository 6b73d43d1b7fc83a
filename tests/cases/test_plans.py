"""Contact plans: what they refuse, and when they let a telephone ring."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from banks import plan, set_up
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.cases import (
    ContactPlan,
    FollowUp,
    OnMachine,
    QuietHours,
    Verdict,
    get_plan,
    list_plans,
    put_plan,
)
from ringfence.detectors import put_outcome
from ringfence.errors import Conflict, InvalidInput, NotFound
from ringfence.storage import Database

# With clocks that change by an hour, by half an hour, at midnight, never, and a day left out.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "No Name"}, "name"),
        ({"outcomes": ()}, "outcomes"),
        ({"outcomes": ("call_cardholder", "call_cardholder")}, "outcomes"),
        ({"outcomes": ("call_cardholdre",)}, "outcomes"),
        ({"line": ""}, "line"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": 11}, "attempts"),
        ({"spacing_seconds": -1.0}, "spacing_seconds"),
        ({"ring_timeout_seconds": 4.0}, "ring_timeout_seconds"),
        ({"hold_seconds": 10.0}, "hold_seconds"),
        ({"answers": {"12": Verdict.FRAUD}}, "answers"),
        ({"answers": {"1": Verdict.UNREACHED}}, "answers"),
        ({"questions": ("Ask abuot the payment",)}, "questions"),
        ({"quiet_hours": QuietHours(time(21, tzinfo=UTC), time(8))}, "quiet_hours"),
        ({"answers": {"*": Verdict.FRAUD}}, "answers"),
        ({"lines": ("browser",)}, "lines"),
        ({"lines": ("",)}, "lines"),
        ({"lines": tuple(f"line-{n}" for n in range(9))}, "lines"),
        ({"after": {"engaged": FollowUp()}}, "after"),
        ({"after": {"busy": FollowUp(seconds=-1.0)}}, "after.busy.seconds"),
        ({"after": {"busy": FollowUp(most=11)}}, "after.busy.most"),
        ({"jitter": 1.5}, "jitter"),
        ({"attempts_per_day": 0}, "attempts_per_day"),
        ({"messages": 0}, "messages"),
        ({"messages_days": 0.0}, "messages_days"),
        ({"on_machine": OnMachine.LEAVE_MESSAGE}, "on_machine"),
        ({"quiet_hours_override_amount": 0.0}, "quiet_hours_override_amount"),
        ({"quiet_hours_override_amount": float("nan")}, "quiet_hours_override_amount"),
        ({"caller_numbers": {"49": "+4930123456"}}, "caller_numbers.49"),
        ({"caller_numbers": {"+49": "030 123456"}}, "caller_numbers.+49"),
        ({"caller_numbers": {"+49": "+49 30 123456"}}, "caller_numbers.+49"),
        ({"answer_attribute": "a" * 128}, "answer_attribute"),
        ({"trusted_number_days": 91.0}, "trusted_number_days"),
        ({"priority": 101}, "priority"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_by_its_field(
    database: Database, change: dict[str, Any], field: str
) -> None:
    set_up(database)
    with database.write() as connection, pytest.raises(InvalidInput) as refused:
        put_plan(connection, plan(**change))
    assert refused.value.field == field


def test_a_plan_names_a_flow_that_exists(database: Database) -> None:
    set_up(database)
    with database.write() as connection, pytest.raises(NotFound) as refused:
        put_plan(connection, plan(flow="nothing"))
    assert refused.value.field == "flow"


def test_a_message_for_machines_is_a_flow_that_exists(database: Database) -> None:
    set_up(database)
    leaving = plan(detect_machine=True, on_machine=OnMachine.LEAVE_MESSAGE, message_flow="nothing")
    with database.write() as connection, pytest.raises(NotFound) as refused:
        put_plan(connection, leaving)
    assert refused.value.field == "message_flow"


def test_a_plan_that_an_earlier_release_stored_is_read_with_the_defaults_of_this_one() -> None:
    stored = (
        b'{"name":"call","outcomes":["call_cardholder"],"flow":"verify-card-payment",'
        b'"line":"browser","attempts":3,"spacing_seconds":300.0,"ring_timeout_seconds":30.0,'
        b'"quiet_hours":{"start":"21:00:00","end":"08:00:00"},"hold":true,"hold_seconds":86400.0,'
        b'"questions":[],"answers":{"1":"legit","2":"fraud"},"on_unreached":"analyst",'
        b'"on_undecided":"analyst"}'
    )
    read = msgspec.json.decode(stored, type=ContactPlan)
    assert read == ContactPlan(name="call", outcomes=("call_cardholder",))
    read.check()


def test_an_outcome_has_one_plan(database: Database) -> None:
    set_up(database)
    with database.write() as connection, pytest.raises(Conflict) as refused:
        put_plan(connection, plan(name="other"))
    assert refused.value.field == "outcomes"


def test_a_plan_is_replaced_by_the_next_of_its_name(database: Database) -> None:
    set_up(database)
    with database.write() as connection:
        put_outcome(connection, "call_twice")
        put_plan(connection, plan(attempts=2))
        put_plan(connection, plan(name="twice", outcomes=("call_twice",)))
    with database.read() as connection:
        assert get_plan(connection, "call-cardholder").attempts == 2
        assert [stored.name for stored in list_plans(connection)] == ["call-cardholder", "twice"]


def test_a_key_counts_only_in_the_questions_of_the_plan() -> None:
    asked = plan(questions=("Ask about the payment",))
    assert asked.verdict_of("Ask about the payment", "2") is Verdict.FRAUD
    assert asked.verdict_of("Which language", "2") is None
    assert asked.verdict_of("Ask about the payment", "3") is None
    assert plan().verdict_of("any", "1") is Verdict.LEGIT


def _quiet(hours: QuietHours, at: datetime, zone: str) -> bool:
    clock = at.astimezone(ZoneInfo(zone)).time()
    if hours.start <= hours.end:
        return hours.start <= clock < hours.end
    return clock >= hours.start or clock < hours.end


clocks = st.times(timezones=st.none()).map(lambda clock: clock.replace(second=0, microsecond=0))
moments = st.datetimes(
    min_value=datetime(2011, 12, 28), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)
)


@given(start=clocks, end=clocks, at=moments, zone=st.sampled_from(ZONES))
# In Berlin, clocks go back from 3:00 to 2:00 on 2026-10-25: 2:30 comes twice.
@example(time(21), time(2, 30), datetime(2026, 10, 25, 1, 15, tzinfo=UTC), "Europe/Berlin")
# And on from 2:00 to 3:00 on 2026-03-29: 2:30 does not come.
@example(time(21), time(2, 30), datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin")
@example(time(3), time(2, 30), datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin")
def test_the_next_call_is_outside_the_quiet_hours_and_as_early_as_it_may(
    start: time, end: time, at: datetime, zone: str
) -> None:
    hours = QuietHours(start, end)
    allowed = hours.next_allowed(at, zone)
    assert allowed >= at
    assert not _quiet(hours, allowed, zone)
    assert (allowed == at) == (not _quiet(hours, at, zone))
    assert allowed - at < timedelta(days=3)
    # From then on back to `at` it is quiet all the time, but for hours that a clock repeats.
    probe = at
    while probe < allowed:
        assert _quiet(hours, probe, zone) or allowed - probe <= timedelta(days=1)
        probe += timedelta(minutes=17)


def test_a_plan_without_quiet_hours_calls_at_any_time() -> None:
    at = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    assert plan(quiet_hours=None).next_allowed(at, "Europe/Berlin") == at


def test_quiet_hours_are_the_cardholders() -> None:
    at = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    hours = QuietHours(time(21), time(8))
    assert hours.next_allowed(at, "Europe/Berlin") == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert hours.next_allowed(at, "America/New_York") == at
