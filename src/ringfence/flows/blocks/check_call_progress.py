"""Check call progress: who or what has picked up."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import BlockKind, equals
from ringfence.flows.parameters import Parameters
from ringfence.flows.participant import AnsweredBy

RESULTS = {
    AnsweredBy.HUMAN: "CallAnswered",
    AnsweredBy.MACHINE_BEEP: "VoicemailBeep",
    AnsweredBy.MACHINE_SILENT: "VoicemailNoBeep",
    AnsweredBy.UNKNOWN: "NotDetected",
}


@dataclass(frozen=True, slots=True)
class CheckCallProgress:
    """A result without a condition takes the error branch."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """What the line has found out."""
        value = RESULTS[call.participant.answered_by]
        if block.transitions.matching(value, call.data()) is None:
            detail = f"there is no branch for {value}"
            return Outcome(error=ANY_ERROR, result=value, detail=detail)
        return Outcome(value=value, result=value)


def _read(parameters: Parameters) -> CheckCallProgress:
    return CheckCallProgress()


BLOCK = BlockKind(
    type="CheckOutboundCallStatus",
    log_type="CheckOutboundCallStatus",
    read=_read,
    required=((*(equals(result) for result in RESULTS.values()), ANY_ERROR),),
)
