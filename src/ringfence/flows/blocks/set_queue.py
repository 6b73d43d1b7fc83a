"""Set working queue: where a transfer to a queue leads."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.target_queue import (
    QueueMissing,
    TargetQueue,
    read_target_queue,
    target_queue_from_legacy,
)


@dataclass(frozen=True, slots=True)
class SetQueue:
    """A queue, or that of one agent."""

    target: TargetQueue

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set it."""
        shown = self.target.shown(call)
        if self.target.resource is None:
            detail = "no queue is named"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        try:
            queue = await self.target.find(call)
        except QueueMissing as missing:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(missing))
        call.state.queue = queue
        call.state.agent_id = queue.queue_id if self.target.of_agent else ""
        await call.changed()
        return Outcome(result="Success", parameters=shown)


def _read(parameters: Parameters) -> SetQueue:
    return SetQueue(read_target_queue(parameters))


BLOCK = BlockKind(
    type="UpdateContactTargetQueue",
    log_type="SetQueue",
    read=_read,
    legacy=LegacyForm(
        "SetQueue",
        parameters=target_queue_from_legacy,
        entries=lambda parameters: entries_of(parameters, Queue="QueueId", Agent="AgentId"),
    ),
    required=((NEXT,),),
)
