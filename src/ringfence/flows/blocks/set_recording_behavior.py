"""Set recording behavior: whether the call is recorded from here on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.contact import Recordings
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, entry
from ringfence.flows.parameters import Parameters

AGENT, CUSTOMER = "Agent", "Customer"

# Both formats have these by one name; only the switch has another in the older one.
_ANALYTICS = {
    name: name
    for name in (
        "AnalyticsLanguage",
        "AnalyticsMode",
        "AnalyticsRedactionBehavior",
        "AnalyticsRedactionResults",
    )
}
_SWITCH = "AnalyticsBehaviorOption"


@dataclass(frozen=True, slots=True)
class SetRecordingBehavior:
    """Who the flow wants recorded: the automated part or anybody, and both sides are.

    `beside` is what it wants to be done with the recordings, for another format to have it too.
    """

    recordings: Recordings
    beside: Mapping[str, object]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Begin or end to record, or say that nothing is recorded here; go on in any case."""
        call.state.recordings = self.recordings
        wanted = self.recordings.automated or bool(self.recordings.participants)
        recorded = await call.participant.record(wanted)
        return Outcome(
            result="Success",
            parameters={"RecordedParticipants": ",".join(sorted(self.recordings.participants))},
            detail="nothing is recorded here" if wanted and not recorded else "",
        )


def read_recordings(behavior: Parameters) -> SetRecordingBehavior:
    """What the object about recordings says, the same in both blocks."""
    automated = behavior.choice("IVRRecordingBehavior", of=("Enabled", "Disabled"), default="")
    screens = behavior.words("ScreenRecordedParticipants")
    return SetRecordingBehavior(
        Recordings(automated == "Enabled", frozenset(behavior.words("RecordedParticipants"))),
        {"ScreenRecordedParticipants": screens} if screens else {},
    )


def _read(parameters: Parameters) -> SetRecordingBehavior:
    recorded = read_recordings(parameters.inside("RecordingBehavior"))
    analytics = parameters.inside("AnalyticsBehavior")
    beside = {name: analytics.raw(name) for name in analytics.names()}
    return SetRecordingBehavior(recorded.recordings, {**recorded.beside, **beside})


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    option = str(given.get("RecordingBehaviorOption") or "")
    who = str(given.get("RecordingParticipantOption") or "Both")
    both = who.lower() == "both" and option.lower() == "enable"
    one = [each for each in (AGENT, CUSTOMER) if who.lower() == each.lower()]
    participants = [AGENT, CUSTOMER] if both else one if option.lower() == "enable" else []
    parameters: dict[str, object] = {"RecordingBehavior": {"RecordedParticipants": participants}}
    analytics = given.renamed(**_ANALYTICS)
    if (switch := given.get(_SWITCH)) is not None:
        analytics["Enabled"] = "True" if str(switch).lower() == "enable" else "False"
    return parameters | ({"AnalyticsBehavior": analytics} if analytics else {})


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    behavior = parameters.get("RecordingBehavior")
    wanted = behavior.get("RecordedParticipants") if isinstance(behavior, Mapping) else None
    who = [str(one) for one in wanted] if isinstance(wanted, (list, tuple)) else []
    entries = [entry("RecordingBehaviorOption", "Enable" if who else "Disable")]
    if who:
        entries.append(entry("RecordingParticipantOption", "Both" if len(who) > 1 else who[0]))
    analytics = parameters.get("AnalyticsBehavior")
    if isinstance(analytics, Mapping):
        entries += entries_of(analytics, **_ANALYTICS)
        if (enabled := analytics.get("Enabled")) is not None:
            switch = "Enable" if str(enabled).lower() == "true" else "Disable"
            entries.append(entry(_SWITCH, switch))
    return entries


BLOCK = BlockKind(
    type="UpdateContactRecordingBehavior",
    log_type="SetRecordingBehavior",
    read=_read,
    legacy=LegacyForm("SetRecordingBehavior", parameters=_from_legacy, entries=_to_legacy),
    required=((NEXT,),),
    forgives=True,
)
