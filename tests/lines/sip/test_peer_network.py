"""A child on a network as it is: packets get lost and late, and peers say what no peer should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from peers_raw import raw_peer
from peers_sound import RATE, Samples, far_sound, found_in, level_dbov, tones
from sip_children import Child, child, dial, far_end, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, pause, receive, respond, scenario

from ringfence.lines.sip.messages import (
    Answered,
    Digit,
    Ended,
    HangUp,
    Play,
    Played,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PRESSED = "1592*0#3"


@pytest.fixture(scope="module")
def telephone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """One child for all that is said to it: whatever a peer says, the next call must work."""
    with child(tmp_path_factory.mktemp("child") / "log", trunk(9)) as running:
        yield running


def _sweep(seconds: float) -> Samples:
    """A sound that is like itself at no other place."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (9000 * np.sin(2 * np.pi * (300 * at + 250 * at**2))).astype(np.int16)


@pytest.mark.parametrize(
    ("loss", "jitter_ms"), [(0.0, 0.0), (0.05, 0.0), (0.05, 80.0)], ids=["clean", "lossy", "late"]
)
def test_every_key_is_heard_once_and_in_order(
    tmp_path: Path, loss: float, jitter_ms: float
) -> None:
    calls = ["a", "b", "c", "d"]
    with (
        child(tmp_path / "log", trunk(9)) as telephone,
        far_sound(loss, jitter_ms) as sound,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as peer,
    ):
        for call in calls:
            telephone.tell(dial(peer.port, call))
        for call in calls:
            telephone.hear(Answered, call=call)
        sound.stream(3)
        for stream in list(sound.streams.values()):
            for key in PRESSED:
                sound.press(key, stream)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            telephone.drain(0.3)
            digits = [said for said in telephone.said if isinstance(said, Digit)]
            if len(digits) >= len(calls) * len(PRESSED):
                break
        telephone.drain(0.5)  # a key that is told twice would come now
        digits = [said for said in telephone.said if isinstance(said, Digit)]
        heard = {call: "".join(d.key for d in digits if d.call == call) for call in calls}
        for call in calls:
            telephone.tell(HangUp(call))
        ended = [telephone.hear(Ended, call=call) for call in calls]
    assert heard == dict.fromkeys(calls, PRESSED)
    lost = sum(end.lost_packets for end in ended)
    assert (lost > 0) is (loss > 0)


def test_keys_in_the_sound_are_heard_where_they_are_listened_for(
    telephone: Child, tmp_path: Path
) -> None:
    with (
        far_sound() as sound,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as peer,
    ):
        telephone.tell(dial(peer.port, "tones", inband_digits=True))
        telephone.hear(Answered, call="tones")
        stream = sound.stream()
        time.sleep(0.5)
        for key in PRESSED:
            sound.say(tones(key), stream)
        heard = "".join(telephone.hear(Digit, call="tones").key for _ in PRESSED)
        telephone.tell(HangUp("tones"))
        telephone.hear(Ended, call="tones")
    assert heard == PRESSED


def test_what_is_played_arrives_whole_and_as_loud_as_it_is(
    telephone: Child, tmp_path: Path
) -> None:
    prompt = _sweep(2.0)
    with (
        far_sound(loss=0.05, jitter_ms=60.0) as sound,
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as peer,
    ):
        telephone.tell(dial(peer.port, "whole"))
        telephone.hear(Answered, call="whole")
        telephone.tell(Play("whole", 1, prompt.tobytes()))
        assert telephone.hear(Played, call="whole").heard == pytest.approx(2.0, abs=0.001)
        telephone.tell(HangUp("whole"))
        telephone.hear(Ended, call="whole")
        stream = sound.stream()
        heard = stream.heard()
    alike, at = found_in(prompt, heard)
    assert alike > 0.99
    assert level_dbov(heard[at : at + len(prompt)]) == pytest.approx(level_dbov(prompt), abs=0.2)
    assert level_dbov(heard[:at]) < -50
    assert stream.missing() == 0
    steps = {
        (after[2] - before[2]) % 2**32
        for before, after in zip(stream.packets, stream.packets[1:], strict=False)
    }
    assert steps == {160}


def test_a_prompt_goes_on_while_the_far_end_holds_the_call_and_takes_it_back(
    telephone: Child, tmp_path: Path
) -> None:
    again = """<send><![CDATA[
INVITE [next_url] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: [$2]
To: [$1]
Call-ID: [call_id]
CSeq: %d INVITE
Max-Forwards: 70
Contact: <sip:far@127.0.0.1:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=far 1 %d IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [rtp] RTP/AVP 8 120
a=rtpmap:8 PCMA/8000
a=rtpmap:120 telephone-event/8000
a=%s
]]></send>
<recv response="100" optional="true"/>
<recv response="200"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:[local_port];branch=[branch]
From: [$2]
To: [$1]
Call-ID: [call_id]
CSeq: %d ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""
    first = """<recv request="INVITE" rrs="true"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="3"/>
<assignstr assign_to="2" value="[$3];tag=[pid]far[call_number]"/>
</action></recv>"""
    held = scenario(
        first,
        respond("200 OK", sdp=True),
        receive("ACK"),
        pause(500),
        again % (2, 2, "sendonly", 2),
        pause(500),
        again % (3, 3, "sendrecv", 3),
        *HUNG_UP,
    )
    with far_sound() as sound, far_end(held, tmp_path, sound) as peer:
        telephone.tell(dial(peer.port, "held"))
        telephone.hear(Answered, call="held")
        peer.saw("CSeq: 3 ACK")
        prompt = _sweep(1.0)
        telephone.tell(Play("held", 1, prompt.tobytes()))
        telephone.hear(Played, call="held")
        telephone.tell(HangUp("held"))
        assert telephone.hear(Ended, call="held").answered
        heard = sound.stream().heard()
    assert found_in(prompt, heard)[0] > 0.99


# In the manner of RFC 4475: what a parser must neither take for something else nor fall over.
_IDENTITY = "%(via)s%(from)s%(to)s%(call_id)s"
_BUSY = "SIP/2.0 486 Busy Here\n%(headers)sContent-Length: 0\n\n"
MALFORMED = {
    "status too large": "SIP/2.0 4294967301 better not break it\n%(headers)sContent-Length: 0\n\n",
    "status no number": "SIP/2.0 2OO OK\n%(headers)sContent-Length: 0\n\n",
    "another version": "SIP/7.0 200 OK\n%(headers)sContent-Length: 0\n\n",
    "negative length": "SIP/2.0 200 OK\n%(headers)sContent-Length: -999\n\n",
    "no headers at all": "SIP/2.0 200 OK\n\n",
    "no CSeq": f"SIP/2.0 200 OK\n{_IDENTITY}Content-Length: 0\n\n",
    "CSeq of another method": f"SIP/2.0 200 OK\n{_IDENTITY}CSeq: 1 NOTHING\n\n",
    "CSeq out of range": f"SIP/2.0 200 OK\n{_IDENTITY}CSeq: 36893488147419103232 INVITE\n\n",
    "an unclosed quote": 'SIP/2.0 200 OK\n%(via)sFrom: "Bank <sip:x@y>;tag=1\n'
    'To: "far <sip:x@y>;tag=2\n%(call_id)s%(cseq)sContent-Length: 0\n\n',
    "no SIP": "HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 2\n\nno",
    "ends in the middle": "SIP/2.0 200 OK\nVia: SIP/2.0/UDP",
    "nothing but zeros": "\0" * 500,
    "a header that is long": f"SIP/2.0 183 Progress\nX-Long: {'a' * 3000}\n%(headers)s\n",
    "more than a message holds": f"SIP/2.0 183 Progress\nX-Long: {'a' * 20_000}\n%(headers)s\n",
}


@pytest.mark.parametrize("said", MALFORMED)
def test_a_malformed_reply_is_no_answer(telephone: Child, said: str) -> None:
    with raw_peer(MALFORMED[said], _BUSY) as peer:
        telephone.tell(dial(peer.port, said))
        ended = telephone.hear(Ended, call=said)
    assert (ended.status, ended.answered) == (486, False), ended
    assert telephone.process.poll() is None


_SDP = """v=0
o=far 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9 RTP/AVP 8
a=rtpmap:8 PCMA/8000
"""


@pytest.mark.parametrize(
    "status",
    ["200 = 2**3 * 5**2 но сто девяносто девять - простое", "200 "],
    ids=["unusual", "empty"],
)
def test_an_unusual_but_well_formed_reply_is_an_answer(telephone: Child, status: str) -> None:
    answer = (
        f"SIP/2.0 {status}\nNewFangledHeader:   newfangled value\n more newfangled value\n"
        f"%(headers)sc:   application/sdp\nl:   {len(_SDP) + _SDP.count(chr(10))}\n\n{_SDP}"
    )
    with raw_peer(answer) as peer:
        telephone.tell(dial(peer.port, status))
        telephone.hear(Answered, call=status)
        telephone.tell(HangUp(status))
        assert telephone.hear(Ended, call=status).answered
        until = time.monotonic() + 10
        while "BYE" not in peer.methods():
            assert time.monotonic() < until, peer.methods()
            time.sleep(0.02)
    assert peer.methods() == ["INVITE", "ACK", "BYE"]


@pytest.mark.parametrize(
    "body",
    [
        "this is no SDP\n",
        _SDP.replace("8", "97").replace("PCMA", "unheard-of"),
        _SDP.replace("audio 9", "audio 70000"),
        _SDP.replace("audio 9", "video 9"),
        _SDP[: len(_SDP) // 2],
        "",
    ],
    ids=["garbage", "no codec of ours", "no port", "no sound", "half", "nothing"],
)
def test_an_answer_without_usable_sound_is_hung_up(telephone: Child, body: str) -> None:
    length = len(body) + body.count("\n") if body != _SDP[: len(_SDP) // 2] else 9999
    answer = (
        "SIP/2.0 200 OK\n%(headers)sContent-Type: application/sdp\n"
        f"Content-Length: {length}\n\n{body}"
    )
    begun = len(telephone.said)
    with raw_peer(answer) as peer:
        telephone.tell(dial(peer.port, "mute"))
        ended = telephone.hear(Ended, call="mute")
        assert not ended.answered
        assert not any(isinstance(said, Answered) for said in telephone.said[begun:])
        until = time.monotonic() + 10
        while not {"ACK", "BYE"} <= set(peer.methods()):
            assert time.monotonic() < until, peer.methods()
            time.sleep(0.02)
