"""Calls that come and go on one child: none disturbs those that come after it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from sip_children import child, dial, far_end, missing, trunk
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.lines.sip.messages import Answered, Ended, HangUp

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

# A child whose garbage is collected when a test says so.
_TOLD = """
import gc, signal
from ringfence.lines.sip.child import main
gc.disable()
signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
main()
"""


def test_a_call_lasts_when_those_before_it_are_collected_as_garbage(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(
            tmp_path / "log", trunk(far.port), program=("-c", _TOLD), nothing_heard_seconds=12.0
        ) as line,
    ):
        before = [f"before {place}" for place in range(line.ready.most_calls)]
        for call in before:
            line.tell(dial(far.port, call, ring_seconds=2.0))
            line.hear(Answered, call=call)
        for call in before:
            line.tell(HangUp(call))
            line.hear(Ended, call=call)
        after = [f"after {place}" for place in range(line.ready.most_calls)]
        for call in after:
            line.tell(dial(far.port, call))
            line.hear(Answered, call=call)
        line.drain(4.0)  # until no timer holds those before any more
        line.said.clear()
        line.process.send_signal(signal.SIGUSR1)
        line.drain(1.0)
        assert not [said for said in line.said if isinstance(said, Ended)]
        for call in after:
            line.tell(HangUp(call))
            assert line.hear(Ended, call=call).answered
