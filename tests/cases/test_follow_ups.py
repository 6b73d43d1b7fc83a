"""What follows an attempt, by how it ended and on which line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.cases import FollowUp, Step
from ringfence.cases.follow_ups import (
    LINE_FAULTS,
    MOST_LINE_FAULTS,
    WAYS,
    Made,
    NextAttempt,
    NoAttempt,
    next_attempt,
    way_of,
)

LINES = ("trunk", "spare", "last")


def after(
    *made: str | tuple[str, str], lines: tuple[str, ...] = LINES, **changes: object
) -> object:
    """What follows attempts on the first line, or on the one named before how they ended."""
    attempts = [
        Made(lines[0], each) if isinstance(each, str) else Made(each[0], each[1]) for each in made
    ]
    terms: dict[str, object] = {"attempts": 3, "spacing_seconds": 300.0, "after": {}, **changes}
    return next_attempt(attempts, lines=lines, **terms)  # type: ignore[arg-type]


def test_the_first_attempt_is_on_the_plans_line_at_once() -> None:
    assert after() == NextAttempt("trunk", 0.0)


@pytest.mark.parametrize(
    ("way", "following"),
    [
        ("busy", NextAttempt("trunk", 60.0)),
        ("no_answer", NextAttempt("trunk", 300.0)),
        ("rejected", NextAttempt("trunk", 300.0)),
        ("unreachable", NextAttempt("trunk", 300.0)),
        ("machine", NextAttempt("trunk", 300.0)),
        ("hung_up", NextAttempt("trunk", 300.0)),
        ("completed", NextAttempt("trunk", 300.0)),
        ("interrupted", NextAttempt("trunk", 2.0)),
        ("unauthorized", NextAttempt("spare", 0.0)),
        ("line_down", NextAttempt("spare", 0.0)),
        ("failed", NextAttempt("spare", 0.0)),
        ("number_changed", NoAttempt("none follows after: number changed")),
        ("redirected", NoAttempt("none follows after: redirected")),
    ],
)
def test_each_way_a_call_can_end_has_a_sequel(way: str, following: object) -> None:
    assert after(way) == following


@pytest.mark.parametrize("way", ["rejected", "unreachable"])
def test_who_rejects_the_call_or_cannot_be_reached_is_asked_once_more(way: str) -> None:
    assert after(way, way, attempts=10) == NoAttempt(f"none follows after: {way}")


def test_a_busy_line_never_waits_longer_than_the_plans_spacing() -> None:
    assert after("busy", spacing_seconds=5.0) == NextAttempt("trunk", 5.0)


def test_the_plan_says_what_follows_in_place_of_the_default() -> None:
    own = {"busy": FollowUp(Step.GIVE_UP), "number_changed": FollowUp(seconds=9.0, most=1)}
    assert isinstance(after("busy", after=own), NoAttempt)
    assert after("number_changed", after=own) == NextAttempt("trunk", 9.0)
    assert isinstance(after("number_changed", "number_changed", after=own), NoAttempt)


def test_the_call_goes_on_where_it_was_last_placed() -> None:
    assert after("failed", ("spare", "busy")) == NextAttempt("spare", 60.0)


def test_after_the_last_line_the_first_is_tried_again_later_each_time_longer() -> None:
    lines = ("trunk", "spare")
    down = [("trunk", "line_down"), ("spare", "line_down")]
    waits = []
    for rounds in (1, 2, 3):
        following = after(*down * rounds, lines=lines)
        assert isinstance(following, NextAttempt)
        assert following.line == "trunk"
        waits.append(following.seconds)
    assert waits == [60.0, 120.0, 240.0]


def test_a_lines_faults_are_not_counted_as_attempts_but_come_to_an_end() -> None:
    assert after(*["line_down"] * 5, attempts=1, lines=("trunk",)) == NextAttempt("trunk", 960.0)
    ended = after(*["line_down"] * MOST_LINE_FAULTS, attempts=1, lines=("trunk",))
    assert ended == NoAttempt(f"the lines took no call {MOST_LINE_FAULTS} times")


def test_an_answering_machine_is_a_way_of_its_own_however_the_call_ended() -> None:
    assert way_of("completed", "machine_beep") == "machine"
    assert way_of("hung_up", "machine_silent") == "machine"
    assert way_of("hung_up", "human") == way_of("hung_up", None) == "hung_up"


@given(
    ways=st.lists(st.sampled_from(WAYS), max_size=40),
    attempts=st.integers(1, 10),
    count=st.integers(1, 3),
    own=st.dictionaries(
        st.sampled_from(WAYS),
        st.builds(
            FollowUp,
            st.sampled_from(Step),
            st.none() | st.floats(0, 604_800),
            st.none() | st.integers(0, 10),
        ),
    ),
)
def test_every_case_comes_to_an_end_on_lines_of_its_plan(
    ways: list[str], attempts: int, count: int, own: dict[str, FollowUp]
) -> None:
    lines = LINES[:count]
    made: list[Made] = []
    for way in ways:
        following = next_attempt(
            made, lines=lines, attempts=attempts, spacing_seconds=300.0, after=own
        )
        if isinstance(following, NoAttempt):
            return
        assert following.line in lines
        assert 0 <= following.seconds <= 604_800
        made.append(Made(following.line, way))
    counted = [each for each in made if each.way not in LINE_FAULTS]
    assert len(counted) <= attempts
    assert len(made) - len(counted) <= MOST_LINE_FAULTS
