"""What becomes of calls that a child places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sip_children import Child, RtpEnd, child, dial, far_end, free_port, missing, setup, trunk
from sipp_scenarios import (
    ANSWER,
    HUNG_UP,
    TALK,
    pause,
    receive,
    receive_status,
    reply,
    respond,
    scenario,
    send,
)

from ringfence.lines.sip.messages import (
    CANNOT_DIAL,
    NO_ROOM,
    NOTHING_HEARD,
    RING_TIMEOUT,
    Answered,
    Digit,
    Ended,
    HangUp,
    Ringing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def _refused(status: str, headers: str = "") -> str:
    return scenario(receive("INVITE"), respond(status, headers=headers), receive("ACK"))


def test_a_call_rings_is_answered_and_hung_up(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port, headers=(("P-Asserted-Identity", "<sip:+1555@bank>"),)))
        assert line.hear(Ringing).status == 180
        assert line.hear(Answered).codec == "PCMA"
        line.tell(HangUp("a"))
        ended = line.hear(Ended)
        assert (ended.answered, ended.by_far_end) == (True, False)
        invite = far.saw("BYE ")
        assert 'From: "Bank" <sip:+15550100000@127.0.0.1>' in invite
        assert "P-Asserted-Identity: <sip:+1555@bank>" in invite


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


def test_early_media_is_told_apart_from_ringing(tmp_path: Path) -> None:
    early = scenario(
        receive("INVITE"),
        respond("183 Session Progress", sdp=True),
        pause(300),
        respond("200 OK", sdp=True),
        receive("ACK"),
        *HUNG_UP,
    )
    sound = RtpEnd()
    with (
        far_end(early, tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        assert line.hear(Ringing, status=183).early_media
        line.hear(Answered)
        sound.wait_for_packets(5)
    sound.close()


def test_the_far_end_hangs_up_and_says_why(tmp_path: Path) -> None:
    leaving = scenario(
        *TALK, pause(300), send("BYE", "Reason: Q.850;cause=16\n"), receive_status(200)
    )
    with (
        far_end(leaving, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        ended = line.hear(Ended)
        assert (ended.answered, ended.by_far_end) == (True, True)
        assert ended.reason_header == "Q.850;cause=16"


def test_a_challenge_is_answered_by_the_trunks_password(tmp_path: Path) -> None:
    challenging = scenario(
        receive("INVITE"),
        respond(
            "407 Proxy Authentication Required",
            headers='Proxy-Authenticate: Digest realm="bank", nonce="n1", algorithm=MD5\n',
        ),
        receive("ACK"),
        '<recv request="INVITE" crlf="true" auth="true"><action>'
        '<verifyauth assign_to="good" username="user" password="secret"/></action></recv>',
        '<nop condexec="good"/>',
        respond("180 Ringing"),
        respond("200 OK", sdp=True),
        receive("ACK"),
        *HUNG_UP,
    )
    with (
        far_end(challenging, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port, username="user", password="secret")) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        assert 'Proxy-Authorization: Digest username="user"' in far.log()


def test_a_call_put_on_hold_and_taken_back_goes_on(tmp_path: Path) -> None:
    held = scenario(
        *TALK,
        pause(300),
        send("INVITE", sdp=True, direction="sendonly"),
        receive_status(200),
        send("ACK"),
        pause(500),
        send("INVITE", sdp=True, direction="sendrecv"),
        receive_status(200),
        send("ACK"),
        *HUNG_UP,
    )
    sound = RtpEnd()
    with (
        far_end(held, tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        far.saw("a=sendonly")
        far.saw("a=recvonly")
        line.drain(1.5)
        sound.press("7")
        assert line.hear(Digit).key == "7"
        before = len(sound.packets)
        sound.wait_for_packets(before + 20)
        line.tell(HangUp("a"))
        assert not line.hear(Ended).by_far_end
    sound.close()


def test_keys_by_sip_info_are_heard(tmp_path: Path) -> None:
    pressing = scenario(
        *TALK,
        pause(300),
        send("INFO", body="Signal=4\nDuration=160\n", kind="application/dtmf-relay"),
        receive_status(200),
        *HUNG_UP,
    )
    with (
        far_end(pressing, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        assert line.hear(Digit).key == "4"


def test_the_far_end_cannot_send_us_elsewhere(tmp_path: Path) -> None:
    referring = scenario(
        *TALK,
        pause(300),
        send("REFER", "Refer-To: <sip:+49900123@127.0.0.1>\n"),
        receive_status(603),
        *HUNG_UP,
    )
    with (
        far_end(referring, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        far.saw("SIP/2.0 603")
        line.tell(HangUp("a"))
        line.hear(Ended)
        assert far.log().count("INVITE sip:") == 1


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


def test_a_far_end_that_is_gone_without_a_word_has_hung_up(tmp_path: Path) -> None:
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port), nothing_heard_seconds=1.0) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        sound.wait_for_packets(1)
        for _ in range(10):
            sound.say([0] * 1600)
        assert not any(isinstance(message, Ended) for message in line.said)
        far.process.kill()
        ended = line.hear(Ended)
        assert (ended.answered, ended.by_far_end) == (True, True)
        assert ended.reason == NOTHING_HEARD
    sound.close()


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_the_codec_of_a_trunk_is_the_only_one_that_is_offered(tmp_path: Path, codec: str) -> None:
    number, name = {"PCMU": (0, "PCMU"), "G722": (9, "G722")}[codec]
    answering = (
        scenario(*ANSWER, *HUNG_UP)
        .replace("RTP/AVP 8 120", f"RTP/AVP {number} 120")
        .replace("rtpmap:8 PCMA", f"rtpmap:{number} {name}")
    )
    with (
        far_end(answering, tmp_path) as far,
        child(tmp_path / "log", trunk(far.port, codecs=(codec,)), rate=16000) as line,
    ):
        line.tell(dial(far.port))
        assert line.hear(Answered).codec == codec
        offer = next(text for text in far.log().split("\n") if text.startswith("m=audio"))
        assert offer.split()[3:4] == [str(number)]
        assert len(offer.split()) == 5  # and telephone-event


def test_a_far_end_that_does_not_answer_our_goodbye_is_not_waited_for(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        far.process.kill()
        line.tell(HangUp("a"))
        ended = line.hear(Ended, within=15)
        assert (ended.answered, ended.by_far_end) == (True, False)


def test_a_far_end_that_answers_nothing_did_not_ring(tmp_path: Path) -> None:
    port = free_port()
    with child(tmp_path / "log", trunk(port)) as line:
        line.tell(dial(port, ring_seconds=0.3))
        ended = line.hear(Ended, within=15)
        assert (ended.status, ended.by_far_end) == (408, False)


@pytest.mark.parametrize(
    ("timer", "there", "not_there"),
    [
        ("off", "INVITE sip:", "Session-Expires"),
        ("supported", "Session-Expires: 900", "Require: timer"),
        ("required", "Require: timer", "Session-Expires: 1800"),
    ],
)
def test_a_session_timer_is_asked_for_as_the_trunk_says(
    tmp_path: Path, timer: str, there: str, not_there: str
) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(
            tmp_path / "log",
            trunk(far.port, session_timer=timer, session_timer_seconds=900),
        ) as line,
    ):
        line.tell(dial(far.port))
        invite = far.saw("SIP/2.0 180")
        assert there in invite
        assert not_there not in invite


def test_lost_packets_are_counted(tmp_path: Path) -> None:
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        sound.wait_for_packets(1)
        for _ in range(5):
            sound.say([0] * 1600)
            sound.lose(2)
        sound.say([0] * 1600)
        line.tell(HangUp("a"))
        ended = line.hear(Ended)
        assert (ended.received_packets, ended.lost_packets) == (60, 10)
    sound.close()
