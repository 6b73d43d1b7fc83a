"""Loop: go one way a number of times, then the other way once."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import BlockKind, LegacyForm, equals
from ringfence.flows.modules import entries_of
from ringfence.flows.parameters import Parameters, WholeNumber

CONTINUE = "ContinueLooping"
DONE = "DoneLooping"


@dataclass(frozen=True, slots=True)
class Loop:
    """Counts by itself; when it is done it starts anew."""

    count: WholeNumber

    async def run(self, call: Call, block: Block) -> Outcome:
        """Count one more."""
        count = self.count.value(call.data())
        if count is None:
            return Outcome(error=ANY_ERROR, result="Error", detail="the count is no number")
        shown = {"LoopCount": str(count)}
        so_far = call.loops.get(block.block_id, 0)
        if so_far >= count:
            call.loops.pop(block.block_id, None)
            return Outcome(value=DONE, result=DONE, parameters=shown)
        call.loops[block.block_id] = so_far + 1
        return Outcome(value=CONTINUE, result=CONTINUE, parameters=shown)


def _read(parameters: Parameters) -> Loop:
    return Loop(parameters.whole_number("LoopCount", low=0, high=100))


BLOCK = BlockKind(
    type="Loop",
    log_type="Loop",
    read=_read,
    legacy=LegacyForm(
        "Loop",
        parameters=lambda given: given.renamed(LoopCount="LoopCount"),
        entries=lambda parameters: entries_of(parameters, LoopCount="LoopCount"),
        branches={"Looping": equals(CONTINUE), "Complete": equals(DONE)},
    ),
    required=((equals(CONTINUE),), (equals(DONE),)),
)
