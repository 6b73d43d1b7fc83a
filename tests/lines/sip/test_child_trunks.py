"""A child's trunks: registration, OPTIONS, and the calls that come in over them."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from sip_children import PATIENCE, RtpEnd, child, dial, far_end, free_port, missing, trunk
from sipp_scenarios import pause, receive, receive_status, reply, respond, scenario

from ringfence.lines.sip.messages import (
    Accept,
    Alive,
    Answered,
    Decline,
    Drain,
    Ended,
    HangUp,
    Offered,
    Play,
    Played,
    Registered,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

_CHALLENGE = 'WWW-Authenticate: Digest realm="bank", nonce="n1", algorithm=MD5\n'
_EXPIRES = "Expires: 300\n"


def _registered() -> str:
    ok = respond("200 OK", headers=_EXPIRES).replace(
        "Contact: <sip:far@127.0.0.1:[local_port]>", "[last_Contact:]"
    )
    return scenario(
        receive("REGISTER"),
        respond("401 Unauthorized", headers=_CHALLENGE),
        receive("REGISTER"),
        ok,
    )


def _answering(method: str, status: str) -> str:
    return scenario(receive(method), respond(status))


def _call(port: int, *then: str, headers: str = "", sdp: str = "") -> str:
    """A far end that calls the child at `port`."""
    invite = f"""<send retrans="500"><![CDATA[
INVITE sip:bank@127.0.0.1:{port} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "A person" <sip:+4930901820@127.0.0.1>;tag=[pid]caller[call_number]
To: <sip:bank@127.0.0.1:{port}>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:far@127.0.0.1:[local_port]>
Max-Forwards: 70
{headers}Content-Type: application/sdp
Content-Length: [len]

v=0
o=far 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [rtp] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000

]]></send>"""
    return scenario(invite, *then)


def _within(method: str, port: int, tag: bool = True) -> str:
    to = "[peer_tag_param]" if tag else ""
    return f"""<send><![CDATA[
{method} sip:bank@127.0.0.1:{port} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "A person" <sip:+4930901820@127.0.0.1>;tag=[pid]caller[call_number]
To: <sip:bank@127.0.0.1:{port}>{to}
Call-ID: [call_id]
CSeq: {{}} {method}
Contact: <sip:far@127.0.0.1:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>"""


_PROVISIONAL = (
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
)


def test_a_trunk_registers_with_its_password_and_leaves_when_it_is_drained(
    tmp_path: Path,
) -> None:
    with far_end(_registered(), tmp_path) as far:
        facts = trunk(
            far.port,
            registrar=f"sip:127.0.0.1:{far.port}",
            username="user",
            password="secret",
        )
        with child(tmp_path / "log", facts) as line:
            registered = line.hear(Registered)
            assert (registered.trunk, registered.active, registered.status) == ("trunk", True, 200)
            assert 200 < registered.expires_seconds <= 300
            far.saw('Authorization: Digest username="user"')
            line.tell(Drain())
            far.saw("Expires: 0")


def test_a_registration_that_is_refused_says_how(tmp_path: Path) -> None:
    with far_end(_answering("REGISTER", "403 Forbidden"), tmp_path) as far:
        facts = trunk(far.port, registrar=f"sip:127.0.0.1:{far.port}")
        with child(tmp_path / "log", facts) as line:
            registered = line.hear(Registered)
            assert (registered.active, registered.status) == (False, 403)


def test_a_child_that_is_not_to_register_does_not(tmp_path: Path) -> None:
    with far_end(_registered(), tmp_path) as far:
        facts = trunk(far.port, registrar=f"sip:127.0.0.1:{far.port}", keep_alive_seconds=0.1)
        with child(tmp_path / "log", facts, registers=False) as line:
            line.drain(0.5)
        assert far.log() == ""


def test_a_call_by_a_route_lets_the_registration_be(tmp_path: Path) -> None:
    busy = scenario(receive("INVITE"), respond("486 Busy Here"), receive("ACK"))
    for name in ("registrar", "host"):
        (tmp_path / name).mkdir()
    with (
        far_end(_registered(), tmp_path / "registrar") as registrar,
        far_end(busy, tmp_path / "host") as host,
    ):
        facts = trunk(
            registrar.port,
            registrar=f"sip:127.0.0.1:{registrar.port}",
            username="user",
            password="secret",
        )
        with child(tmp_path / "log", facts) as line:
            assert line.hear(Registered).active
            line.tell(dial(host.port, route=f"sip:127.0.0.1:{host.port};lr"))
            assert line.hear(Ended).status == 486
            line.drain(0.5)
            assert sum(isinstance(said, Registered) for said in line.said) == 1
        assert "REGISTER" not in host.log()


def test_a_trunk_that_answers_options_is_alive(tmp_path: Path) -> None:
    with far_end(_answering("OPTIONS", "200 OK"), tmp_path) as far:
        facts = trunk(far.port, keep_alive_seconds=0.2)
        with child(tmp_path / "log", facts) as line:
            for _ in range(3):
                assert line.hear(Alive) == Alive(trunk="trunk", status=200, reason="OK")


def test_a_trunk_that_is_not_there_is_not_alive(tmp_path: Path) -> None:
    port = free_port()
    facts = trunk(
        port, transport="tcp", uri=f"sip:127.0.0.1:{port};transport=tcp", keep_alive_seconds=60.0
    )
    with child(tmp_path / "log", facts) as line:
        assert line.hear(Alive).status >= 400


def test_a_call_that_comes_in_is_offered_and_answered(tmp_path: Path) -> None:
    identity = "P-Asserted-Identity: <sip:+4930901820;verstat=TN-Validation-Passed@bank>\n"
    sound = RtpEnd()
    with child(tmp_path / "log", trunk(9), takes_calls=True) as line:
        port = line.ready.port
        calling = _call(
            port,
            *_PROVISIONAL,
            receive_status(200),
            _within("ACK", port).format(1),
            receive("BYE"),
            reply(),
            headers=identity,
        )
        with far_end(calling, tmp_path, sound, "-m", "1", f"127.0.0.1:{port}") as far:
            offered = line.hear(Offered)
            assert (offered.from_uri, offered.trunk) == ("sip:+4930901820@127.0.0.1", "trunk")
            assert offered.to_uri == f"sip:bank@127.0.0.1:{port}"
            assert offered.source == f"127.0.0.1:{far.port}"
            assert offered.identity_verified
            far.saw(offered.sip_call_id)
            line.tell(Accept(offered.call))
            assert line.hear(Answered).call == offered.call
            line.tell(Play(offered.call, 1, bytes(1600)))
            line.hear(Played)
            sound.wait_for_packets(5)
            line.tell(HangUp(offered.call))
            ended = line.hear(Ended)
            assert (ended.answered, ended.by_far_end) == (True, False)
    sound.close()


@pytest.mark.parametrize(("takes", "status"), [(True, 603), (False, 488)])
def test_a_call_that_comes_in_is_declined(tmp_path: Path, takes: bool, status: int) -> None:
    with child(tmp_path / "log", trunk(9), takes_calls=takes) as line:
        port = line.ready.port
        calling = _call(port, *_PROVISIONAL, receive_status(status), _within("ACK", port).format(1))
        with far_end(calling, tmp_path, None, "-m", "1", f"127.0.0.1:{port}") as far:
            if takes:
                line.tell(Decline(line.hear(Offered).call, status))
            assert f"SIP/2.0 {status}" in far.saw("ACK sip:")
            assert not line.hear(Ended).by_far_end


def test_a_caller_who_gives_up_is_told_of(tmp_path: Path) -> None:
    with child(tmp_path / "log", trunk(9), takes_calls=True) as line:
        port = line.ready.port
        calling = _call(
            port,
            '<recv response="100" optional="true"/>',
            receive_status(180),
            pause(200),
            _within("CANCEL", port, tag=False).format(1).replace("[branch]", "[branch-4]"),
            receive_status(200),
            receive_status(487),
            _within("ACK", port).format(1),
        )
        with far_end(calling, tmp_path, None, "-m", "1", f"127.0.0.1:{port}"):
            offered = line.hear(Offered)
            ended = line.hear(Ended)
            assert (ended.call, ended.answered, ended.by_far_end) == (offered.call, False, True)


def test_more_calls_than_a_child_holds_are_told_that_it_is_busy(tmp_path: Path) -> None:
    with child(tmp_path / "log", trunk(9), takes_calls=True) as line:
        port = line.ready.port
        calling = _call(port, *_PROVISIONAL, receive_status(486), _within("ACK", port).format(1))
        waiting = _call(port, *_PROVISIONAL, receive_status(200))
        with far_end(waiting, tmp_path, None, "-m", "4", "-r", "20", f"127.0.0.1:{port}") as first:
            for _ in range(line.ready.most_calls):
                line.hear(Offered)
            first.saw("SIP/2.0 180")
            with far_end(calling, tmp_path, None, "-m", "3", f"127.0.0.1:{port}") as second:
                until = time.monotonic() + PATIENCE
                while second.log().count("\nSIP/2.0 486") < 3:
                    assert time.monotonic() < until, second.log()
                    time.sleep(0.05)
        assert line.process.poll() is None


@pytest.mark.parametrize(
    ("ours", "theirs", "secure"),
    [("mandatory", "optional", True), ("optional", "off", False), ("mandatory", "off", None)],
)
def test_sound_is_encrypted_as_both_ends_want_it(
    tmp_path: Path, ours: str, theirs: str, secure: bool | None
) -> None:
    facts = trunk(9, srtp=theirs)
    with child(tmp_path / "theirs", facts, takes_calls=True) as far:
        port = far.ready.port
        with child(tmp_path / "ours", trunk(port, srtp=ours)) as line:
            line.tell(dial(port))
            if secure is None:
                assert line.hear(Ended).status in (406, 488)
                return
            far.tell(Accept(far.hear(Offered).call))
            assert line.hear(Answered).secure is secure
            assert far.hear(Answered).secure is secure
            line.tell(HangUp("a"))
            assert far.hear(Ended).by_far_end


@pytest.mark.parametrize("takes", [True, False])
def test_a_flood_of_calls_does_not_end_the_child(tmp_path: Path, takes: bool) -> None:
    # The wheel has room for 64 sockets, each kept for half a second, and aborts without.
    status = 603 if takes else 488
    with child(tmp_path / "log", trunk(9), takes_calls=takes) as line:
        port = line.ready.port
        calling = _call(
            port,
            *_PROVISIONAL,
            '<recv response="486" optional="true" next="1"/>',
            receive_status(status),
            '<label id="1"/>',
            _within("ACK", port).format(1),
        )
        with far_end(calling, tmp_path, None, "-m", "200", "-r", "200", f"127.0.0.1:{port}") as far:
            until = time.monotonic() + PATIENCE
            while far.process.poll() is None:
                assert time.monotonic() < until
                with contextlib.suppress(AssertionError):
                    line.tell(Decline(line.hear(Offered, within=0.2).call, status))
            assert line.process.poll() is None, line.log.read_text()
