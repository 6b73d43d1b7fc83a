"""Distribute by percentage: branch at random."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import NO_CONDITION, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.parameters import Parameters


@dataclass(frozen=True, slots=True)
class DistributeByPercentage:
    """Conditions are a chain of bounds: the first that the number stays below is taken."""

    async def run(self, call: Call, block: Block) -> Outcome:
        """Draw a whole number from 1 to 100."""
        number = str(call.roll())
        return Outcome(value=number, result=number)


def _read(parameters: Parameters) -> DistributeByPercentage:
    return DistributeByPercentage()


BLOCK = BlockKind(
    type="DistributeByPercentage",
    log_type="PercentileBranching",
    read=_read,
    legacy=LegacyForm(
        "PercentileBranching",
        entries=lambda _: [],
        operator="NumberLessThan",
        required=((NO_CONDITION,),),
    ),
    required=((NO_CONDITION, NEXT),),
)
