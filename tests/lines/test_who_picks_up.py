"""Who a line says has picked up: to the conversation, and afterwards to whoever placed the call."""

from __future__ import annotations

import io

import pytest
from telephones import BANK, NUMBER

from ringfence.flows.participant import AnsweredBy, Participant
from ringfence.lines import CallEnd, CallEvent, CallRequest, TerminalLine


async def unreported(event: CallEvent) -> None:
    """Nobody watches the call."""


@pytest.mark.parametrize("who", [AnsweredBy.HUMAN, AnsweredBy.MACHINE_BEEP, AnsweredBy.UNKNOWN])
async def test_a_terminal_picks_up_as_whom_it_is_told_to_be(who: AnsweredBy) -> None:
    line = TerminalLine(input_stream=io.StringIO(""), output_stream=io.StringIO(), answered_by=who)
    told: list[AnsweredBy] = []

    async def conversation(participant: Participant) -> None:
        told.append(participant.answered_by)

    request = CallRequest("c1", NUMBER, BANK, detect_machine=True)
    result = await line.call(request, conversation, unreported)

    assert told == [who]
    assert (result.end, result.answered_by) == (CallEnd.COMPLETED, who)


async def test_nobody_has_picked_up_a_call_that_was_refused() -> None:
    line = TerminalLine(input_stream=io.StringIO(""), output_stream=io.StringIO())

    async def conversation(participant: Participant) -> None:
        await participant.hang_up()

    request = CallRequest("c1", NUMBER, BANK)
    await line.call(request, conversation, unreported)
    again = await line.call(request, conversation, unreported)

    assert (again.end, again.answered_by) == (CallEnd.FAILED, None)
