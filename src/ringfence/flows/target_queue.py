"""The queue that a block is about: one that it names, an agent's own, or the contact's."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, Queue, ResourceKind
from ringfence.flows.modules import LegacyParameters
from ringfence.flows.parameters import Parameters, Resource


class QueueMissing(Exception):
    """There is no queue to be found."""


@dataclass(frozen=True, slots=True)
class TargetQueue:
    """`resource` None: the working queue of the contact. An agent's queue is named by the agent."""

    resource: Resource | None
    of_agent: bool = False

    def shown(self, call: Call) -> dict[str, str]:
        """Its parameter in the flow log."""
        if self.resource is None:
            return {"Queue": call.state.queue.arn} if call.state.queue is not None else {}
        name = "Agent" if self.of_agent else "Queue"
        return {name: self.resource.wanted(call.data()).arn}

    async def find(self, call: Call) -> Queue:
        """The queue. Raises `QueueMissing`."""
        if self.resource is None:
            if call.state.queue is None:
                raise QueueMissing("no working queue is set")
            return call.state.queue
        wanted = self.resource.wanted(call.data())
        if not wanted.arn and not wanted.label:
            raise QueueMissing("the reference to the queue leads to nothing")
        try:
            return await call.instance.queue(wanted)
        except NotBound as unbound:
            raise QueueMissing(str(unbound)) from unbound


def read_target_queue(parameters: Parameters) -> TargetQueue:
    """Of `QueueId` or `AgentId`; without either it is the working queue."""
    queue = parameters.optional_resource(ResourceKind.QUEUE, "QueueId")
    if queue is not None:
        return TargetQueue(queue)
    agent = parameters.optional_resource(ResourceKind.QUEUE, "AgentId")
    return TargetQueue(agent, of_agent=agent is not None)


def target_queue_from_legacy(given: LegacyParameters) -> dict[str, object]:
    """The newer format's parameters."""
    return given.renamed(Queue="QueueId", Agent="AgentId")
