from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.lines import CallEnd
from ringfence.lines.sip.messages import CANNOT_DIAL, NO_ROOM, NOTHING_HEARD, RING_TIMEOUT, Ended
from ringfence.lines.sip.results import outcome_of


def ended(status: int, reason: str = "", **facts: object) -> Ended:
    return Ended(call="c", status=status, reason=reason, by_far_end=True, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "rang", "end"),
    [
        (486, False, CallEnd.BUSY),
        (600, False, CallEnd.BUSY),
        (480, True, CallEnd.UNREACHABLE),
        (404, False, CallEnd.UNREACHABLE),
        (484, False, CallEnd.UNREACHABLE),
        (604, False, CallEnd.UNREACHABLE),
        (410, False, CallEnd.NUMBER_CHANGED),
        (603, True, CallEnd.REJECTED),
        (607, True, CallEnd.REJECTED),
        (608, False, CallEnd.REJECTED),
        (401, False, CallEnd.UNAUTHORIZED),
        (403, False, CallEnd.UNAUTHORIZED),
        (407, False, CallEnd.UNAUTHORIZED),
        (302, False, CallEnd.REDIRECTED),
        (408, False, CallEnd.LINE_DOWN),
        (408, True, CallEnd.NO_ANSWER),
        (487, True, CallEnd.NO_ANSWER),
        (500, False, CallEnd.LINE_DOWN),
        (503, False, CallEnd.LINE_DOWN),
        (0, False, CallEnd.LINE_DOWN),
        (488, False, CallEnd.FAILED),
        (420, False, CallEnd.FAILED),
    ],
)
def test_each_status_has_a_result_of_its_own(status: int, rang: bool, end: CallEnd) -> None:
    assert outcome_of(ended(status, "Words"), rang=rang).end is end


@pytest.mark.parametrize(
    ("status", "cause", "end"),
    [
        (480, 17, CallEnd.BUSY),
        (480, 19, CallEnd.NO_ANSWER),
        (403, 21, CallEnd.REJECTED),
        (404, 1, CallEnd.UNREACHABLE),
        (500, 22, CallEnd.NUMBER_CHANGED),
        (503, 34, CallEnd.LINE_DOWN),
        (503, 41, CallEnd.LINE_DOWN),
        (486, 34, CallEnd.BUSY),  # a status that is plain enough is believed
        (503, 999, CallEnd.LINE_DOWN),
    ],
)
def test_the_cause_of_the_telephone_network_tells_more_than_a_vague_status(
    status: int, cause: int, end: CallEnd
) -> None:
    header = f'Q.850 ;cause={cause} ;text="words"'
    assert outcome_of(ended(status, reason_header=header), rang=False).end is end


def test_what_a_child_says_of_itself_is_understood() -> None:
    timeout = Ended(call="c", status=487, reason=RING_TIMEOUT)
    assert outcome_of(timeout, rang=True).end is CallEnd.NO_ANSWER
    assert outcome_of(timeout, rang=False).end is CallEnd.LINE_DOWN
    assert outcome_of(Ended(call="c", status=503, reason=NO_ROOM), rang=False).end is (
        CallEnd.LINE_DOWN
    )
    dial = outcome_of(Ended(call="c", status=400, reason=CANNOT_DIAL), rang=False)
    assert dial.end is CallEnd.FAILED
    assert CANNOT_DIAL in dial.detail
    assert outcome_of(ended(200, NOTHING_HEARD), rang=True).end is CallEnd.FAILED


def test_a_moved_number_is_told_with_where_it_went() -> None:
    contact = "<sip:+4930999@carrier.example>"
    moved = outcome_of(ended(301, "Moved Permanently", contact=contact), rang=False)
    assert moved.end is CallEnd.NUMBER_CHANGED
    assert "+4930999" in moved.detail


def test_an_operator_is_told_what_to_look_at() -> None:
    forbidden = outcome_of(ended(403, "Forbidden"), rang=False)
    assert "403 Forbidden" in forbidden.detail
    assert "number that is shown" in forbidden.detail
    assert outcome_of(ended(486, "Busy Here"), rang=False).detail == ""


@given(st.integers(-1, 999), st.text(max_size=80), st.text(max_size=120), st.booleans())
def test_whatever_a_trunk_says_the_call_has_a_result(
    status: int, reason: str, header: str, rang: bool
) -> None:
    outcome = outcome_of(ended(status, reason, reason_header=header), rang=rang)
    assert outcome.end in CallEnd
    assert not outcome.end.answered
