"""Call phone number, in an outbound whisper flow: the call that is there already."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class CompleteOutboundCall:
    """A flow starts here when the call has been answered, so there is nothing left to dial."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """Say so, and go on."""
        return Outcome(result="Success", detail="the call was answered before the flow began")


def _read(parameters: Parameters) -> CompleteOutboundCall:
    return CompleteOutboundCall()


BLOCK = BlockKind(
    type="CompleteOutboundCall",
    log_type="CompleteOutboundCall",
    read=_read,
    required=((NEXT,),),
    forgives=True,
)
