"""End flow / Resume: the flow is over, the call is not hung up by it."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Resume:
    """Hands the call back to whoever runs the flow."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """End the flow."""
        return Outcome(ends=EndReason.FLOW_ENDED, result="Success")


def _read(parameters: Parameters) -> Resume:
    return Resume()


BLOCK = BlockKind(
    type="EndFlowExecution",
    log_type="Resume",
    read=_read,
    legacy=LegacyForm("Resume", entries=lambda _: []),
)
