"""Trunks at IPv6 addresses, which need a PJSIP that is built for them: the wheel is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sip_children import Child, child, dial, missing, setup, trunk

from ringfence.lines.sip.messages import (
    Accept,
    Answered,
    Broken,
    Digit,
    Ended,
    HangUp,
    Offered,
    Play,
    Played,
    Ready,
    SendDigits,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def test_a_trunk_at_an_ipv6_address_is_called_or_it_is_said_why_not(tmp_path: Path) -> None:
    facts = {"uri": "sip:[::1]:9", "id_uri": "sip:bank@[::1]"}
    far = Child(setup(trunk(9, **facts), bind_host="::1", takes_calls=True), tmp_path / "far")
    try:
        if not _is_ready(far):
            return
        port = far.said[-1].port
        with child(tmp_path / "near", trunk(port, **facts), bind_host="::1") as line:
            line.tell(dial(port, to_uri=f"sip:+4930901820@[::1]:{port};user=phone"))
            offered = far.hear(Offered)
            assert offered.source.startswith("[::1]:")
            far.tell(Accept(offered.call))
            line.hear(Answered)
            far.hear(Answered)
            far.tell(SendDigits(offered.call, "2"))
            assert line.hear(Digit).key == "2"
            line.tell(Play("a", 1, bytes(8000)))
            assert line.hear(Played).heard == pytest.approx(0.5, abs=0.001)
            line.tell(HangUp("a"))
            assert far.hear(Ended).received_packets > 20
    finally:
        far.close()


def _is_ready(far: Child) -> bool:
    try:
        far.hear(Ready)
    except AssertionError:
        broken = far.said[-1]
        assert isinstance(broken, Broken)
        assert "has an IPv6 address, and this PJSIP was built without IPv6" in broken.detail
        return False
    return True
