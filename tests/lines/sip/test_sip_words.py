"""Words in place of keys, over a real process of PJSIP."""

from __future__ import annotations

import asyncio
from array import array
from importlib.util import find_spec
from pathlib import Path

import pytest
from sip_children import RtpEnd as FarEar
from sip_children import far_end, missing
from sip_lines import during, open_line
from sipp_scenarios import ANSWER, HUNG_UP, scenario

from ringfence.flows import Participant, Prompt
from ringfence.lines import CallEnd
from ringfence.lines.speech import Synthesizer

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.skipif(find_spec("pocketsphinx") is None, reason="pocketsphinx is not installed"),
]


def yes() -> list[int]:
    prompt = Prompt("Yes.", ssml=False, voice="Joanna", language="en-US")
    spoken = array("h", Synthesizer().render(prompt, 8000).audio.pcm)
    return [*([0] * 4000), *spoken, *([0] * 8000)]


@pytest.mark.parametrize("switched_on", [True, False])
def test_a_word_that_is_said_twice_is_the_key_it_stands_for(
    switched_on: bool, tmp_path: Path
) -> None:
    rtp = FarEar()
    with far_end(scenario(*ANSWER, *HUNG_UP), tmp_path, rtp) as peer:

        async def work() -> None:
            async with open_line(peer.port, words=switched_on) as caller:
                pressed: list[str | None] = []

                async def conversation(participant: Participant) -> None:
                    loop = asyncio.get_running_loop()
                    speaking = loop.run_in_executor(None, speak)
                    pressed.append(await participant.digit(12.0 if switched_on else 3.0))
                    await speaking

                def speak() -> None:
                    rtp.wait_for_packets(10)
                    for _ in range(3 if switched_on else 1):
                        rtp.say(yes())

                result = await caller.call(conversation)
                assert result.end is CallEnd.COMPLETED, result
                assert pressed == (["1"] if switched_on else [None])
                asked = [event.text for event in caller.events if event.kind == "said"]
                assert any("You said yes" in text for text in asked) == switched_on

        during(work())
    rtp.close()
