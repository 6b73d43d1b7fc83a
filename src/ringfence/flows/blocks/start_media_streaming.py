"""Start media streaming: accepted, and nothing is streamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entry
from ringfence.flows.parameters import Parameters

TYPE = "UpdateContactMediaStreamingBehavior"
ENABLED, DISABLED = "Enabled", "Disabled"

_TRACKS = {"FromCustomer": "From", "ToCustomer": "To"}


@dataclass(frozen=True, slots=True)
class MediaStreaming:
    """What the flow wants streamed. A call's sound leaves this server for nobody but its line."""

    state: str

    async def run(self, call: Call, block: Block) -> Outcome:
        """Say so, and go on."""
        return Outcome(
            result="Success",
            parameters={"MediaStreamingState": self.state},
            detail="nothing is streamed: there is no media streaming here",
        )


def read(parameters: Parameters) -> MediaStreaming:
    """Either block's parameters."""
    return MediaStreaming(parameters.choice("MediaStreamingState", of=(ENABLED, DISABLED)))


def is_to_stop(parameters: Mapping[str, object]) -> bool:
    """Whether the block ends it."""
    return str(parameters.get("MediaStreamingState")).strip().lower() == DISABLED.lower()


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    tracks = [str(value) for _, _, value in given.ordered("Track")]
    directions = [way for track, way in _TRACKS.items() if track in tracks]
    parameters: dict[str, object] = {
        "MediaStreamingState": ENABLED,
        "Participants": [
            {"ParticipantType": "Customer", "MediaDirections": directions or ["From", "To"]}
        ],
    }
    if (kind := given.get("MediaStreamTypes")) is not None:
        parameters["MediaStreamType"] = kind
    return parameters


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    participants = parameters.get("Participants")
    directions: list[object] = []
    for one in participants if isinstance(participants, (list, tuple)) else ():
        ways = one.get("MediaDirections") if isinstance(one, Mapping) else None
        directions.extend(ways if isinstance(ways, (list, tuple)) else ())
    entries = [entry("Track", track) for track, way in _TRACKS.items() if way in directions]
    if parameters.get("MediaStreamType") is not None:
        entries.append(entry("MediaStreamTypes", parameters["MediaStreamType"]))
    return entries


BLOCK = BlockKind(
    type=TYPE,
    log_type="StartMediaStreaming",
    read=read,
    legacy=LegacyForm("StartMediaStreaming", parameters=_from_legacy, entries=_to_legacy),
    required=((NEXT,),),
    forgives=True,
    chosen_by=lambda parameters: not is_to_stop(parameters),
)
