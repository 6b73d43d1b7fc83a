"""Change routing priority or age: whose turn it is sooner or later."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template

_SECONDS = re.compile(r"[+-]?\d{1,8}", re.ASCII)
_PRIORITY = re.compile(r"0*[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UpdateRoutingPriority:
    """Lower priorities come first; a contact that counts as longer in the queue does too."""

    priority: Template | None
    seconds: Template | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Keep it for the next queue."""
        data = call.data()
        priority = self.priority.fill(data).strip() if self.priority is not None else ""
        seconds = self.seconds.fill(data).strip() if self.seconds is not None else ""
        if _PRIORITY.fullmatch(priority):
            call.state.priority = int(priority)
            shown = {"AbsolutePosition": priority}
        elif not priority and _SECONDS.fullmatch(seconds):
            call.state.queue_seconds = int(seconds)
            shown = {"TimeOffset": seconds}
        else:
            detail = "there is neither a priority from 1 upwards nor a time in seconds"
            return Outcome(error=ANY_ERROR, result="Error", detail=detail)
        await call.changed()
        return Outcome(result="Success", parameters=shown)


def _read(parameters: Parameters) -> UpdateRoutingPriority:
    return UpdateRoutingPriority(
        parameters.optional("QueuePriority"), parameters.optional("QueueTimeAdjustmentSeconds")
    )


BLOCK = BlockKind(
    type="UpdateContactRoutingBehavior",
    log_type="UpdateRoutingPriority",
    read=_read,
    legacy=LegacyForm(
        "UpdateRoutingPriority",
        parameters=lambda given: given.renamed(
            AbsolutePosition="QueuePriority", TimeOffset="QueueTimeAdjustmentSeconds"
        ),
        entries=lambda parameters: entries_of(
            parameters,
            AbsolutePosition="QueuePriority",
            TimeOffset="QueueTimeAdjustmentSeconds",
        ),
    ),
    required=((NEXT,),),
    forgives=True,
)
