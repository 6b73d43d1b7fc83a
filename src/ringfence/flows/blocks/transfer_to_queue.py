"""Transfer to queue: wait for an agent, and talk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.events import EndReason
from ringfence.flows.instance import AtCapacity, NotBound
from ringfence.flows.kinds import BlockKind, LegacyForm
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.target_queue import (
    QueueMissing,
    TargetQueue,
    read_target_queue,
    target_queue_from_legacy,
)
from ringfence.flows.waiting import wait_for_agent

AT_CAPACITY = "QueueAtCapacity"


@dataclass(frozen=True, slots=True)
class TransferToQueue:
    """The branches are for a queue that takes nobody; otherwise the flow is over with this block.

    In the flow of a queue it moves the contact to another queue.
    """

    target: TargetQueue

    async def run(self, call: Call, block: Block) -> Outcome:
        """Wait and talk, to the end of the talk."""
        shown = self.target.shown(call)
        try:
            queue = await self.target.find(call)
            if call.waiting is not None:
                await call.waiting.move_to(queue)
                return Outcome(ends=EndReason.DEQUEUED, result="Success", parameters=shown)
            if self.target.resource is not None:
                call.state.queue = queue
                await call.changed()
            outcome = await wait_for_agent(call, queue)
        except AtCapacity:
            return Outcome(
                error=AT_CAPACITY,
                result="AtCapacity",
                parameters=shown,
                detail="the queue takes nobody",
            )
        except (NotBound, QueueMissing) as missing:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(missing))
        return replace(outcome, parameters=shown)


def read_transfer_to_queue(parameters: Parameters) -> TransferToQueue:
    """To the working queue, unless another one is named."""
    return TransferToQueue(read_target_queue(parameters))


BLOCK = BlockKind(
    type="TransferContactToQueue",
    log_type="Transfer",
    read=read_transfer_to_queue,
    legacy=LegacyForm(
        "Transfer",
        "Queue",
        parameters=target_queue_from_legacy,
        entries=lambda parameters: entries_of(parameters, Queue="QueueId", Agent="AgentId"),
        branches={"AtCapacity": AT_CAPACITY},
    ),
)
