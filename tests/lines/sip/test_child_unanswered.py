"""What becomes of calls that a child places and nobody answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sip_children import Child, child, dial, far_end, free_port, missing, setup, trunk
from sipp_scenarios import (
    ANSWER,
    HUNG_UP,
    receive,
    reply,
    respond,
    scenario,
)

from ringfence.lines.sip.messages import (
    CANNOT_DIAL,
    NO_ROOM,
    RING_TIMEOUT,
    Answered,
    Ended,
    HangUp,
    Ringing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def _refused(status: str, headers: str = "") -> str:
    return scenario(receive("INVITE"), respond(status, headers=headers), receive("ACK"))


@pytest.mark.parametrize(
    ("status", "headers", "contact", "reason"),
    [
        ("486 Busy Here", "", "", ""),
        ("603 Decline", "Reason: Q.850;cause=21\n", "", "Q.850;cause=21"),
        ("404 Not Found", "", "", ""),
        ("410 Gone", "Contact: <sip:+4930999@new>\n", "sip:far@127.0.0.1", ""),
        ("503 Service Unavailable", "Retry-After: 5\n", "", ""),
        ("401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"\n', "", ""),
    ],
)
def test_a_call_that_is_refused_says_how(
    tmp_path: Path, status: str, headers: str, contact: str, reason: str
) -> None:
    with (
        far_end(_refused(status, headers), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        ended = line.hear(Ended)
        code, words = status.split(" ", 1)
        assert (ended.status, ended.reason) == (int(code), words)
        assert (ended.answered, ended.by_far_end) == (False, True)
        assert ended.reason_header == reason
        if contact:
            assert ended.contact.startswith(contact)


def test_a_redirect_is_told_and_not_followed(tmp_path: Path) -> None:
    moved = scenario(
        receive("INVITE"),
        respond("302 Moved Temporarily").replace(
            "sip:far@127.0.0.1:[local_port]", "sip:+4930999@127.0.0.1:9"
        ),
        receive("ACK"),
    )
    with (
        far_end(moved, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        ended = line.hear(Ended)
        assert (ended.status, ended.contact) == (302, "sip:+4930999@127.0.0.1:9")


def test_a_redirect_is_followed_when_the_trunk_says_so(tmp_path: Path) -> None:
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as second:
        moved = scenario(
            receive("INVITE"),
            respond("302 Moved Temporarily").replace("[local_port]", str(second.port)),
            receive("ACK"),
        )
        with (
            far_end(moved, tmp_path) as far,
            child(tmp_path / "log", trunk(far.port, redirects=True)) as line,
        ):
            line.tell(dial(far.port))
            line.hear(Answered)


def test_a_call_that_nobody_answers_is_cancelled_when_its_time_is_over(tmp_path: Path) -> None:
    ringing = scenario(
        receive("INVITE"),
        respond("180 Ringing"),
        receive("CANCEL"),
        reply(),
        respond("487 Request Terminated").replace("[last_CSeq:]", "CSeq: [cseq] INVITE"),
        receive("ACK"),
    )
    with (
        far_end(ringing, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port, ring_seconds=0.5))
        ended = line.hear(Ended)
        assert (ended.status, ended.reason) == (487, RING_TIMEOUT)
        assert (ended.answered, ended.by_far_end) == (False, False)


def test_a_call_that_we_give_up_while_it_rings_is_cancelled(tmp_path: Path) -> None:
    ringing = scenario(
        receive("INVITE"),
        respond("180 Ringing"),
        receive("CANCEL"),
        reply(),
        respond("487 Request Terminated").replace("[last_CSeq:]", "CSeq: [cseq] INVITE"),
        receive("ACK"),
    )
    with (
        far_end(ringing, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Ringing)
        line.tell(HangUp("a"))
        ended = line.hear(Ended)
        assert (ended.status, ended.reason) == (487, "Request Terminated")


def test_one_call_more_than_pjsip_holds_never_reaches_it(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        most = line.ready.most_calls
        for number in range(most):
            line.tell(dial(far.port, call=f"c{number}"))
            line.hear(Answered, call=f"c{number}")
        line.tell(dial(far.port, call="more"))
        assert line.hear(Ended, call="more").reason == NO_ROOM
        line.tell(HangUp("c0"))
        line.hear(Ended, call="c0")
        line.tell(dial(far.port, call="again"))
        line.hear(Answered, call="again")


def test_a_port_where_nobody_is_is_no_telephone_that_rang(tmp_path: Path) -> None:
    port = free_port()
    with child(tmp_path / "log", trunk(port, transport="tcp")) as line:
        line.tell(dial(port, to_uri=f"sip:+49301@127.0.0.1:{port};transport=tcp"))
        ended = line.hear(Ended)
        assert ended.status >= 400
        assert (ended.answered, ended.by_far_end) == (False, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"to_uri": "not a uri"},
        {"from_uri": "nobody"},
        {"to_uri": "tel:+4930901820"},
        {"to_uri": "sip:a@127.0.0.1\r\nX: y"},
        {"headers": (("X", "a\r\nY: b"),)},
        {"trunk": "of nobody"},
    ],
)
def test_what_cannot_be_dialled_is_not(tmp_path: Path, changes: dict[str, Any]) -> None:
    # Told at once with its setup, before the child is ready.
    running = Child(setup(trunk(9)), tmp_path / "log")
    try:
        running.tell(dial(9, **changes))
        ended = running.hear(Ended)
        assert ended.status == 400
        assert ended.reason.startswith(CANNOT_DIAL)
    finally:
        running.close()


def test_a_far_end_that_answers_nothing_did_not_ring(tmp_path: Path) -> None:
    port = free_port()
    with child(tmp_path / "log", trunk(port)) as line:
        line.tell(dial(port, ring_seconds=0.3))
        ended = line.hear(Ended, within=15)
        assert (ended.status, ended.by_far_end) == (408, False)
