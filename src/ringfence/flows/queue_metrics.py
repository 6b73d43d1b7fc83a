"""What a flow asks about a queue: one figure at a time, or all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, Queue, QueueMetrics
from ringfence.flows.target_queue import QueueMissing, TargetQueue

OLDEST = "OldestContactInQueueAgeSeconds"
WAITING = "NumberOfContactsInQueue"

# By metric type: its name in the older format, and the figure.
STAFFING: Mapping[str, tuple[str, Callable[[QueueMetrics], int]]] = {
    "NumberOfAgentsAvailable": ("Available", lambda metrics: metrics.agents_available),
    "NumberOfAgentsStaffed": ("Staffed", lambda metrics: metrics.agents_staffed),
    "NumberOfAgentsOnline": ("Online", lambda metrics: metrics.agents_online),
}
STATUS: Mapping[str, tuple[str, Callable[[QueueMetrics], int]]] = {
    OLDEST: ("CheckQueueTime", lambda metrics: int(metrics.oldest_seconds)),
    WAITING: ("CheckQueueCapacity", lambda metrics: metrics.waiting),
}
_FIGURES = {**STAFFING, **STATUS}


@dataclass(frozen=True, slots=True)
class CheckMetric:
    """The figure is what the conditions are about."""

    metric: str
    target: TargetQueue

    async def run(self, call: Call, block: Block) -> Outcome:
        """Look it up."""
        name, figure = _FIGURES[self.metric]
        shown = {"MetricType": name} | self.target.shown(call)
        try:
            queue = await self.target.find(call)
            value = str(figure(await call.instance.metrics(queue)))
        except (QueueMissing, NotBound) as missing:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(missing))
        return Outcome(value=value, result=value, parameters=shown)


def metric_attributes(queue: Queue, metrics: QueueMetrics) -> dict[str, object]:
    """`$.Metrics` of a queue, as Amazon Connect names it."""
    agents = {
        "Online": metrics.agents_online,
        "Available": metrics.agents_available,
        "Staffed": metrics.agents_staffed,
        "AfterContactWork": metrics.agents_after_contact_work,
        "Busy": metrics.agents_busy,
        "Missed": metrics.agents_missed,
        "NonProductive": metrics.agents_non_productive,
    }
    return {
        "Queue": {
            "Name": queue.name,
            "ARN": queue.arn,
            "Size": metrics.waiting,
            "OldestContactAge": int(metrics.oldest_seconds),
        },
        "Agents": {name: {"Count": count} for name, count in agents.items()},
    }
