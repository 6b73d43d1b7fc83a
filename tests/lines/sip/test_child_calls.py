"""What becomes of calls that a child places and somebody answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sip_children import RtpEnd, child, dial, far_end, missing, trunk
from sipp_scenarios import (
    ANSWER,
    HUNG_UP,
    TALK,
    pause,
    receive,
    receive_status,
    respond,
    scenario,
    send,
)

from ringfence.lines.sip.messages import (
    NOTHING_HEARD,
    Answered,
    Digit,
    Ended,
    HangUp,
    Ringing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


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
