"""Set recording, analytics and processing behavior: accepted as the older block is."""

from __future__ import annotations

from dataclasses import replace

from ringfence.flows.blocks import set_recording_behavior
from ringfence.flows.blocks.set_recording_behavior import SetRecordingBehavior, read_recordings
from ringfence.flows.parameters import Parameters


def _read(parameters: Parameters) -> SetRecordingBehavior:
    return read_recordings(parameters.inside("VoiceBehavior").inside("VoiceRecordingBehavior"))


BLOCK = replace(
    set_recording_behavior.BLOCK,
    type="UpdateContactRecordingAndAnalyticsBehavior",
    log_type="UpdateContactRecordingAndAnalyticsBehavior",
    read=_read,
    legacy=None,
)
