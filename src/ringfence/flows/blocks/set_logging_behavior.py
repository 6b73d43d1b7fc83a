"""Set logging behavior: whether what follows is written to the flow log."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class SetLoggingBehavior:
    """Holds until another block changes it."""

    enabled: bool

    async def run(self, call: Call, block: Block) -> Outcome:
        """Switch it."""
        call.state.logging = self.enabled
        word = "Enable" if self.enabled else "Disable"
        return Outcome(result="Success", parameters={"LoggingBehavior": word})


def _read(parameters: Parameters) -> SetLoggingBehavior:
    words = ("Enabled", "Disabled", "Enable", "Disable")
    return SetLoggingBehavior(
        parameters.choice("FlowLoggingBehavior", of=words).startswith("Enable")
    )


BLOCK = BlockKind(
    type="UpdateFlowLoggingBehavior",
    log_type="SetLoggingBehavior",
    read=_read,
    legacy=LegacyForm(
        "SetLoggingBehavior",
        parameters=lambda given: given.renamed(LoggingBehavior="FlowLoggingBehavior"),
        entries=lambda parameters: entries_of(parameters, LoggingBehavior="FlowLoggingBehavior"),
    ),
    required=((NEXT,),),
    forgives=True,
)
