"""Get queue metrics: how a queue stands, as `$.Metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of
from ringfence.flows.parameters import Parameters
from ringfence.flows.queue_metrics import metric_attributes
from ringfence.flows.target_queue import (
    QueueMissing,
    TargetQueue,
    read_target_queue,
    target_queue_from_legacy,
)


@dataclass(frozen=True, slots=True)
class GetMetricData:
    """Every contact here is a call, so that the channel asked for makes no difference."""

    target: TargetQueue

    async def run(self, call: Call, block: Block) -> Outcome:
        """Look them up."""
        shown = self.target.shown(call)
        try:
            queue = await self.target.find(call)
            metrics = await call.instance.metrics(queue)
        except (QueueMissing, NotBound) as missing:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(missing))
        call.metrics.clear()
        call.metrics.update(metric_attributes(queue, metrics))
        return Outcome(result="Success", parameters=shown)


def _read(parameters: Parameters) -> GetMetricData:
    return GetMetricData(read_target_queue(parameters))


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    return {
        **target_queue_from_legacy(given),
        **given.renamed(Channel="QueueChannel", QueueChannel="QueueChannel"),
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    return entries_of(parameters, Queue="QueueId", Agent="AgentId", QueueChannel="QueueChannel")


BLOCK = BlockKind(
    type="GetMetricData",
    log_type="GetMetricData",
    read=_read,
    legacy=LegacyForm("GetMetricData", parameters=_from_legacy, entries=_to_legacy),
    required=((NEXT,),),
)
