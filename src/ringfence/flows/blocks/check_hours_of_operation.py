"""Check hours of operation: whether somebody works now."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, NO_CONDITION, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, ResourceKind, Wanted
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm, equals
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters, Resource

OPEN = "True"
CLOSED = "False"


@dataclass(frozen=True, slots=True)
class CheckHoursOfOperation:
    """Without hours of its own, those of the working queue; an agent's queue has none."""

    hours: Resource | None

    async def run(self, call: Call, block: Block) -> Outcome:
        """Look them up, at the time of the call's clock."""
        queue = call.state.queue
        if self.hours is not None:
            wanted = self.hours.wanted(call.data())
        else:
            wanted = Wanted(ResourceKind.HOURS, queue.hours_id if queue is not None else "")
        shown = {"HoursOfOperation": wanted.arn} if wanted.arn else {}
        if not wanted.arn and not wanted.label:
            detail = "there are no hours of operation to be found"
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)
        try:
            is_open = await call.instance.is_open(wanted, call.clock())
        except NotBound as unbound:
            return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=str(unbound))
        value = OPEN if is_open else CLOSED
        return Outcome(value=value, result=value.lower(), parameters=shown)


def _read(parameters: Parameters) -> CheckHoursOfOperation:
    return CheckHoursOfOperation(
        parameters.optional_resource(ResourceKind.HOURS, "HoursOfOperationId", "HoursOfOperation")
    )


BLOCK = BlockKind(
    type="CheckHoursOfOperation",
    log_type="CheckHoursOfOperation",
    read=_read,
    legacy=LegacyForm(
        "CheckHoursOfOperation",
        parameters=lambda given: {
            **given.renamed(HoursOfOperation="HoursOfOperationId"),
            **given.renamed(HoursOfOperationId="HoursOfOperationId"),
            **given.renamed(Hours="HoursOfOperationId"),
        },
        entries=lambda parameters: entries_of(parameters, Hours="HoursOfOperationId"),
        branches={OPEN: equals(OPEN), CLOSED: equals(CLOSED)},
    ),
    required=((equals(OPEN), NO_CONDITION, NEXT), (equals(CLOSED), NO_CONDITION, NEXT)),
)
