"""Set whisper flow and set hold flow: what an agent or a customer on hold would hear."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import set_event_hook
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    set_event_hook.BLOCK,
    log_type="SetContactFlow",
    legacy=LegacyForm(
        "SetContactFlow",
        parameters=set_event_hook.event_hook_from_legacy,
        entries=set_event_hook.event_hook_entries,
    ),
    chosen_by=set_event_hook.is_whisper_or_hold,
)
