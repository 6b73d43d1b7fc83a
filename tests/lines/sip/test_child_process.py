"""The child as a process: how it starts, ends, and bears what it is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sip_children import (
    PATIENCE,
    Child,
    RtpEnd,
    child,
    dial,
    far_end,
    free_port,
    missing,
    setup,
    trunk,
)
from sipp_scenarios import ANSWER, HUNG_UP, receive, reply, respond, scenario

from ringfence.lines.sip.messages import (
    Answered,
    Broken,
    Digit,
    Drain,
    Ended,
    HangUp,
    Listen,
    Play,
    Played,
    Ringing,
    Silence,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

RINGING = scenario(
    receive("INVITE"),
    respond("180 Ringing"),
    receive("CANCEL"),
    reply(),
    respond("487 Request Terminated").replace("[last_CSeq:]", "CSeq: [cseq] INVITE"),
    receive("ACK"),
)


@pytest.mark.parametrize("way", ["the line is gone", "SIGTERM", "no message"])
def test_a_child_that_is_to_end_hangs_up(tmp_path: Path, way: str) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        match way:
            case "SIGTERM":
                line.process.send_signal(signal.SIGTERM)
            case "no message":
                line.process.stdin.write((2**31).to_bytes(4, "big"))
                line.process.stdin.flush()
            case _:
                line.process.stdin.close()
        assert line.ended() == 0
        far.saw("BYE sip:")


def test_a_call_that_still_rings_is_cancelled_when_the_line_is_gone(tmp_path: Path) -> None:
    with far_end(RINGING, tmp_path) as far, child(tmp_path / "log", trunk(far.port)) as line:
        line.tell(dial(far.port))
        line.hear(Ringing)
        line.process.stdin.close()
        assert line.ended() == 0
        far.saw("CANCEL sip:")


def test_a_drained_child_ends_with_its_last_call_and_takes_no_other(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        line.tell(Drain())
        line.tell(dial(far.port, "late"))
        assert line.hear(Ended, call="late").status == 503
        assert line.process.poll() is None
        line.tell(HangUp("a"))
        line.hear(Ended, call="a")
        assert line.ended() == 0


def test_a_child_without_calls_that_is_drained_ends_at_once(tmp_path: Path) -> None:
    with child(tmp_path / "log", trunk(9)) as line:
        line.tell(Drain())
        assert line.ended() == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tls_ca_file": "/nowhere.pem"}, "tls_ca_file /nowhere.pem cannot be read"),
        ({"codecs": ("speech-from-mars",)}, "this PJSIP has none of speech-from-mars"),
        ({"id_uri": "nobody"}, "trunk trunk"),
        ({"many": True}, "at most 8"),
        ({"bind_host": "::1"}, "an IPv4 address expected"),
    ],
)
def test_a_child_that_cannot_work_says_why(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    ca_file = str(changes.pop("tls_ca_file", ""))
    bind_host = str(changes.pop("bind_host", "127.0.0.1"))
    many = [trunk(9, name=f"t{number}") for number in range(9)] if changes.pop("many", 0) else []
    trunks = many or [trunk(9, transport="tls" if ca_file else "udp", **changes)]
    running = Child(setup(*trunks, tls_ca_file=ca_file, bind_host=bind_host), tmp_path / "log")
    try:
        assert words in running.hear(Broken).detail
        assert running.ended() == 0
    finally:
        running.close()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    port = free_port()
    with child(tmp_path / "log", trunk(9), port=port) as line:
        assert line.ready.port == port
        second = Child(setup(trunk(9), port=port), tmp_path / "second")
        try:
            assert f"cannot use udp at 127.0.0.1:{port}" in second.hear(Broken).detail
        finally:
            second.close()


def test_what_is_told_of_a_call_that_is_over_is_ignored(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        for message in (Play("x", 1, b"\0\0"), Silence("x"), Listen("x", True), HangUp("x")):
            line.tell(message)
        line.tell(dial(far.port))
        line.hear(Answered)
        assert not any(isinstance(message, Played) for message in line.said)


def test_messages_in_pieces_are_put_together(tmp_path: Path) -> None:
    with child(tmp_path / "log", trunk(9)) as line:
        pipe = line.process.stdin
        body = b"\x81\xa4type\xa5Drain"  # MessagePack: {"type": "Drain"}
        for byte in len(body).to_bytes(4, "big") + body:
            pipe.write(bytes([byte]))
            pipe.flush()
        assert line.ended() == 0


def test_the_interrupt_of_a_terminal_is_left_to_the_line(tmp_path: Path) -> None:
    with child(tmp_path / "log", trunk(9)) as line:
        line.process.send_signal(signal.SIGINT)
        line.drain(0.3)
        assert line.process.poll() is None


def test_a_child_needs_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import ringfence.lines.sip.child, sys;"
        "print([name for name in ('numpy', 'sqlalchemy', 'nicegui', 'boto3')"
        " if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        env=os.environ,
    )
    assert out.stdout.strip() == "[]"


_NOISE = [
    b"",
    b"\0" * 64,
    b"\r\n\r\n",
    b"INVITE\r\n\r\n",
    b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9\r\nCSeq: 99999999999 INVITE\r\n\r\n",
    b"SIP/2.0 200 OK\r\nVia: ;;,;\r\nContact: <<<>\r\nContent-Length: -999\r\n\r\n",
    b"OPTIONS sip:a@b SIP/7.0\r\nMax-Forwards: 0\r\n\r\n",
    b'INVITE sip:a@b SIP/2.0\r\nFrom: "\xc3\x28" <sip:\xff\xfe>\r\nTo: <>\r\n\r\nv=9\r\nm=\r\n',
    b"REGISTER " + b"x" * 3000,
]


def test_a_child_bears_what_is_no_sip_and_no_rtp(tmp_path: Path) -> None:
    sound = RtpEnd()
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, sound) as far,
        child(tmp_path / "log", trunk(far.port), takes_calls=True) as line,
    ):
        line.tell(dial(far.port))
        line.hear(Answered)
        sound.wait_for_packets(5)
        to = ("127.0.0.1", line.ready.port)
        for noise in _NOISE * 3:
            sound.socket.sendto(noise, to)
            sound.send_raw(noise)
            sound.send_raw(b"\x80\x08" + noise)
        sound.press("3")
        assert line.hear(Digit).key == "3"
        assert line.process.poll() is None


def test_a_child_loads_nothing_of_the_conversation_or_of_event_loops() -> None:
    asked = "import ringfence.lines.sip.child, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", asked], text=True).split()
    assert "ringfence.lines.sip.child_calls" in loaded
    heavy = {"asyncio", "numpy", "phonenumbers", "ringfence.flows.running", "ringfence.lines.line"}
    assert heavy.isdisjoint(loaded)
