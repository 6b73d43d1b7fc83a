"""Parts of a child that need no PJSIP: its timers, and what it reads in SIP messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.lines.sip.child_headers import header, identity_verified, status_line, uri
from ringfence.lines.sip.child_timers import Timers

MESSAGE = (
    "SIP/2.0 302 Moved Temporarily\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1\r\n"
    "f: <sip:a@b>;tag=1\r\n"
    "REASON : Q.850;cause=21;\r\n"
    '\ttext="no"\r\n'
    'm: "New, one" <sip:+49@new:5070;transport=tcp>;q=1\r\n'
    "\r\n"
    "Contact: <sip:body@not-a-header>\r\n"
)


def test_headers_are_found_by_any_spelling_of_their_name() -> None:
    assert header(MESSAGE, "reason") == 'Q.850;cause=21; text="no"'
    assert header(MESSAGE, "From") == "<sip:a@b>;tag=1"
    assert uri(header(MESSAGE, "Contact")) == "sip:+49@new:5070;transport=tcp"


def test_what_is_not_there_is_empty() -> None:
    assert header(MESSAGE, "P-Asserted-Identity") == ""
    assert header("", "From") == ""
    assert uri("") == ""
    assert status_line("INVITE sip:a SIP/2.0\r\n") == (0, "")


def test_a_status_line_is_read_with_its_words() -> None:
    assert status_line(MESSAGE) == (302, "Moved Temporarily")
    assert status_line("SIP/2.0 486") == (486, "")


def test_only_a_number_that_the_network_checked_is_verified() -> None:
    head = "INVITE sip:a SIP/2.0\r\n"
    passed = "P-Asserted-Identity: <sip:+1555;verstat=TN-Validation-Passed@bank;user=phone>\r\n"
    assert identity_verified(head + passed)
    assert not identity_verified(head + passed.replace("Passed", "Failed"))
    assert not identity_verified(head + "From: <sip:+1555@bank>\r\n")
    assert not identity_verified(head + "From: <sip:+1@b>\r\n\r\n" + passed)


@given(st.text(max_size=300), st.sampled_from(["From", "Contact", "Reason"]))
def test_any_text_can_be_looked_at(text: str, name: str) -> None:
    assert isinstance(uri(header("SIP/2.0 200 OK\n" + text, name)), str)
    status_line(text)
    identity_verified(text)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20), st.integers(0, 50))
def test_timers_call_what_is_due_in_order_and_nothing_that_was_dropped(
    wanted: list[tuple[int, bool]], now: int
) -> None:
    timers = Timers()
    called: list[int] = []
    numbers = [
        timers.at(float(when), lambda number=number: called.append(number))
        for number, (when, _) in enumerate(wanted)
    ]
    for number, (_, dropped) in zip(numbers, wanted, strict=True):
        if dropped:
            timers.drop(number)
    for moment in (now, 50):
        for call in timers.due(float(moment)):
            call()
    kept = [number for number, (_, dropped) in enumerate(wanted) if not dropped]
    assert called == sorted(kept, key=lambda number: (wanted[number][0], number))
    assert timers.due(100.0) == []
