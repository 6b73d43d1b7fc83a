"""Check staffing: whether anybody is available, staffed or online in a queue."""

from __future__ import annotations

from collections.abc import Mapping

from ringfence.flows.block import NO_CONDITION
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entries_of, entry
from ringfence.flows.parameters import Parameters, written
from ringfence.flows.queue_metrics import STAFFING, CheckMetric
from ringfence.flows.target_queue import read_target_queue, target_queue_from_legacy

ANYBODY = "NumberGreaterThan 0"


def _read(parameters: Parameters) -> CheckMetric:
    return CheckMetric(
        parameters.choice("MetricType", of=tuple(STAFFING)), read_target_queue(parameters)
    )


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    return {
        "MetricType": f"NumberOfAgents{given.raw('Status') or 'Available'}",
        **target_queue_from_legacy(given),
    }


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    metric = written(parameters.get("MetricType")) or ""
    return [
        entry("Status", metric.removeprefix("NumberOfAgents")),
        *entries_of(parameters, Queue="QueueId", Agent="AgentId"),
    ]


def _is_staffing(parameters: Mapping[str, object]) -> bool:
    return (written(parameters.get("MetricType")) or "").strip().startswith("NumberOfAgents")


BLOCK = BlockKind(
    type="CheckMetricData",
    log_type="CheckStaffing",
    read=_read,
    legacy=LegacyForm(
        "CheckStaffing",
        parameters=_from_legacy,
        entries=_to_legacy,
        branches={"True": ANYBODY, "False": NO_CONDITION},
    ),
    required=((NO_CONDITION, NEXT),),
    chosen_by=_is_staffing,
)
