"""Far ends that want their provisional answers acknowledged (RFC 3262), and change a call before
and after it is answered (RFC 3311)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sip_children import RtpEnd, child, dial, far_end, missing, trunk
from sipp_scenarios import HUNG_UP, pause, receive, receive_status, reply, respond, scenario, send

from ringfence.lines.sip.messages import Answered, Ended, HangUp, Play, Played, Ringing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_KEPT = {
    "via": ("Via", ".*"),
    "cseq": ("CSeq", ".*"),
    "remote": ("From", ".*"),
    "contact": ("Contact", "sip:[^&gt;]*"),
}


def _invited(*kept: str) -> str:
    """The INVITE, of which these parts are kept: SIPp wants to use all that it keeps."""
    actions = "".join(
        f'<ereg regexp="{_KEPT[name][1]}" search_in="hdr" header="{_KEPT[name][0]}:" '
        f'assign_to="{name}"/>'
        for name in kept
    )
    return f'<recv request="INVITE" crlf="true"><action>{actions}</action></recv>'


def _reliable(status: str, number: int, sdp: bool = False) -> str:
    """A provisional answer to the INVITE, which must be acknowledged."""
    return _to_invite(respond(status, sdp, f"Require: 100rel\nRSeq: {number}\n"))


def _to_invite(answer: str) -> str:
    """An answer to the INVITE, whatever has come since."""
    return answer.replace("[last_Via:]", "Via:[$via]").replace("[last_CSeq:]", "CSeq:[$cseq]")


_RELIABLE = (
    _reliable("180 Ringing", 7),
    receive("PRACK"),
    reply(),
    _reliable("183 Session Progress", 8, sdp=True),
    receive("PRACK"),
    reply(),
)


def test_provisional_answers_are_acknowledged_where_the_far_end_wants_it(tmp_path: Path) -> None:
    answers = scenario(
        _invited("via", "cseq"),
        *_RELIABLE,
        _to_invite(respond("200 OK")),
        receive("ACK"),
        *HUNG_UP,
    )
    sound = RtpEnd()
    with (
        far_end(answers, tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        assert line.hear(Ringing, status=180).early_media is False
        assert line.hear(Ringing, status=183).early_media is True
        line.hear(Answered)
        line.tell(Play("a", 1, bytes(3200)))
        line.hear(Played)
        sound.wait_for_packets(10)
        line.tell(HangUp("a"))
        assert line.hear(Ended).answered
        log = far.saw("BYE ")
        assert log.count("RAck: 7 ") == 1
        assert log.count("RAck: 8 ") == 1
        assert "Supported: " in log
        assert "100rel" in log.split("Supported: ")[1].splitlines()[0]
    sound.close()


def test_a_call_may_be_changed_by_update_before_and_after_its_answer(tmp_path: Path) -> None:
    changes = scenario(
        _invited(*_KEPT),
        *_RELIABLE,
        send("UPDATE", sdp=True),
        receive_status(200),
        _to_invite(respond("200 OK")),
        receive("ACK"),
        pause(200),
        send("UPDATE", sdp=True, direction="sendonly"),
        receive_status(200),
        send("UPDATE", sdp=True),
        receive_status(200),
        send("UPDATE"),
        receive_status(200),
        *HUNG_UP,
    )
    sound = RtpEnd()
    with (
        far_end(changes, tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        far.saw("UPDATE")
        line.drain(1.0)
        line.tell(Play("a", 1, bytes(1600)))
        assert line.hear(Played).heard > 0
        line.tell(HangUp("a"))
        ended = line.hear(Ended)
        assert (ended.answered, ended.by_far_end) == (True, False)
        assert far.log().count("\nUPDATE sip:") == 4
        assert "BYE " in far.saw("BYE ")
    sound.close()
