"""Wait: stay silent on the line for a time."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm, equals
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters, WholeNumber

COMPLETED = "WaitCompleted"
RETURNED = "CustomerReturned"  # of chats; a caller who leaves has hung up


@dataclass(frozen=True, slots=True)
class Wait:
    """The whole time always passes: on a call there is nobody to come back."""

    seconds: WholeNumber

    async def run(self, call: Call, block: Block) -> Outcome:
        """Wait."""
        seconds = self.seconds.value(call.data())
        if seconds is None:
            return Outcome(error=ANY_ERROR, result="Error", detail="the time is no number")
        await call.pause(seconds)
        return Outcome(value=COMPLETED, result=COMPLETED, parameters={"Timeout": str(seconds)})


def _read(parameters: Parameters) -> Wait:
    return Wait(parameters.whole_number("TimeLimitSeconds", "TimeoutSeconds", low=1, high=604_800))


BLOCK = BlockKind(
    type="Wait",
    log_type="Wait",
    read=_read,
    legacy=LegacyForm(
        "Wait",
        parameters=lambda given: given.renamed(TimeoutSeconds="TimeLimitSeconds"),
        entries=lambda parameters: entries_of(parameters, TimeoutSeconds="TimeLimitSeconds"),
        branches={"Timeout": equals(COMPLETED), "CustomerReturned": equals(RETURNED)},
        required=((equals(COMPLETED),),),
    ),
    required=((equals(COMPLETED), NEXT),),
)
