"""Play audio, as the oldest exports have it: a prompt that can be nothing but a recording."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import play_prompt
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    play_prompt.BLOCK,
    legacy=LegacyForm("PlayAudio", parameters=lambda given: given.message()),
    chosen_by=lambda _: False,
)
