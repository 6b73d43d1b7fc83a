"""Stop media streaming: accepted, as starting it is."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import start_media_streaming
from ringfence.flows.blocks.start_media_streaming import DISABLED, is_to_stop
from ringfence.flows.kinds import LegacyForm

BLOCK = replace(
    start_media_streaming.BLOCK,
    log_type="StopMediaStreaming",
    legacy=LegacyForm(
        "StopMediaStreaming",
        parameters=lambda _: {"MediaStreamingState": DISABLED},
        entries=lambda _: [],
    ),
    chosen_by=is_to_stop,
)
