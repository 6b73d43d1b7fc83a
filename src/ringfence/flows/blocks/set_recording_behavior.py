"""Set recording behavior: accepted, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.contact import Recordings
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entry
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class SetRecordingBehavior:
    """Who the flow wants recorded. Calls of this server are never recorded."""

    recordings: Recordings

    async def run(self, call: Call, block: Block) -> Outcome:
        """Keep what is wanted, say that nothing comes of it, and go on."""
        call.state.recordings = self.recordings
        return Outcome(
            result="Success",
            parameters={"RecordedParticipants": ",".join(sorted(self.recordings.participants))},
            detail="nothing is recorded: there is no recording of calls here",
        )


def read_recordings(behavior: Parameters) -> SetRecordingBehavior:
    """What the object about recordings says, the same in both blocks."""
    automated = behavior.choice("IVRRecordingBehavior", of=("Enabled", "Disabled"), default="")
    return SetRecordingBehavior(
        Recordings(automated == "Enabled", frozenset(behavior.words("RecordedParticipants")))
    )


def _read(parameters: Parameters) -> SetRecordingBehavior:
    return read_recordings(parameters.inside("RecordingBehavior"))


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    option = str(given.get("RecordingBehaviorOption") or "")
    who = str(given.get("RecordingParticipantOption") or "Both")
    participants = ["Agent", "Customer"] if who.lower() == "both" else [who]
    return {
        "RecordingBehavior": {
            "RecordedParticipants": participants if option.lower() == "enable" else []
        }
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    behavior = parameters.get("RecordingBehavior")
    wanted = behavior.get("RecordedParticipants") if isinstance(behavior, Mapping) else None
    who = [str(one) for one in wanted] if isinstance(wanted, (list, tuple)) else []
    if not who:
        return [entry("RecordingBehaviorOption", "Disable")]
    participants = "Both" if len(who) > 1 else who[0]
    return [
        entry("RecordingBehaviorOption", "Enable"),
        entry("RecordingParticipantOption", participants),
    ]


BLOCK = BlockKind(
    type="UpdateContactRecordingBehavior",
    log_type="SetRecordingBehavior",
    read=_read,
    legacy=LegacyForm("SetRecordingBehavior", parameters=_from_legacy, entries=_to_legacy),
    required=((NEXT,),),
    forgives=True,
)
