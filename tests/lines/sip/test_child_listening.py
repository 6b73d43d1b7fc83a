"""What a child finds out by listening to the far end."""

from __future__ import annotations

from pathlib import Path

import pytest
from sip_children import ANSWER, HUNG_UP, child, dial, far_end, missing, scenario, trunk

from ringfence.flows.participant import AnsweredBy
from ringfence.lines.sip.messages import Answered, Ended, Greeted, HangUp, MachineHeard

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def test_one_may_speak_after_a_silence_without_a_greeting(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port, courtesy_seconds=0.5))
        line.hear(Answered)
        assert line.hear(Greeted) == Greeted("a", spoke=False)
        line.tell(HangUp("a"))
        line.hear(Ended)
        assert sum(isinstance(message, Greeted) for message in line.said) == 1


def test_nobody_is_taken_for_a_machine_who_says_nothing(tmp_path: Path) -> None:
    with (
        far_end(scenario(*ANSWER, *HUNG_UP), tmp_path) as far,
        child(tmp_path / "log", trunk(far.port)) as line,
    ):
        line.tell(dial(far.port, detect_machine=True))
        line.hear(Answered)
        heard = line.hear(MachineHeard)
        assert heard.answered_by == AnsweredBy.UNKNOWN
        assert heard.detail
