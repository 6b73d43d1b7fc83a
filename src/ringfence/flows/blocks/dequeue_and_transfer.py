"""Transfer to queue from the flow of a queue: on to another one."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.blocks.transfer_to_queue import TransferToQueue
from ringfence.flows.call import Call
from ringfence.flows.kinds import BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.target_queue import read_target_queue


@dataclass(frozen=True, slots=True)
class DequeueAndTransfer:
    """While there is no room in the other queue, the contact stays where it waits."""

    transfer: TransferToQueue

    async def run(self, call: Call, block: Block) -> Outcome:
        """Move. A contact that does not wait takes the error branch."""
        if call.waiting is None:
            detail = "the contact does not wait in a queue"
            shown = self.transfer.target.shown(call)
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        return await self.transfer.run(call, block)


def _read(parameters: Parameters) -> DequeueAndTransfer:
    return DequeueAndTransfer(TransferToQueue(read_target_queue(parameters)))


BLOCK = BlockKind(type="DequeueContactAndTransferToQueue", log_type="Transfer", read=_read)
