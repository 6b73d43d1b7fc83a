"""Check queue status: how long the oldest contact has waited, or how many wait."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.flows.block import NO_CONDITION
from ringfence.flows.comparisons import Comparison
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, entries_of
from ringfence.flows.parameters import Parameters, written
from ringfence.flows.queue_metrics import OLDEST, STAFFING, STATUS, WAITING, CheckMetric
from ringfence.flows.target_queue import read_target_queue, target_queue_from_legacy


def _read(parameters: Parameters) -> CheckMetric:
    return CheckMetric(
        parameters.choice("MetricType", of=tuple(STATUS), default=WAITING),
        read_target_queue(parameters),
    )


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    return entries_of(parameters, Queue="QueueId", Agent="AgentId")


def _is_status(parameters: Mapping[str, object]) -> bool:
    return (written(parameters.get("MetricType")) or "").strip() not in STAFFING


BLOCK = BlockKind(
    type="CheckMetricData",
    log_type="CheckQueueStatus",
    read=_read,
    legacy=LegacyForm(
        "CheckQueueStatus",
        parameters=target_queue_from_legacy,
        entries=_to_legacy,
        comparisons={
            "CheckQueueTime": Comparison("MetricType", OLDEST, units=1000),  # milliseconds
            "CheckQueueCapacity": Comparison("MetricType", WAITING),
        },
    ),
    required=((NO_CONDITION, NEXT),),
    chosen_by=_is_status,
)
