"""Return from a module to the flow that has invoked it."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template
from ringfence.flows.structures import Structure, read_structure


@dataclass(frozen=True, slots=True)
class EndFlowModule:
    """`result` names the branch to take, `data` is `$.Modules.ResultData` after it."""

    result: Template | None
    results: Structure

    async def run(self, call: Call, block: Block) -> Outcome:
        """Go back. Outside a module it ends the flow."""
        data = call.data()
        result = self.result.fill(data) if self.result is not None else ""
        call.modules = {"Result": result or None, "ResultData": self.results.fill(data)}
        shown = {"Result": result} if result else {}
        return Outcome(
            returns=True, value=result or None, result=result or "Success", parameters=shown
        )


def _read(parameters: Parameters) -> EndFlowModule:
    return EndFlowModule(parameters.optional("Result"), read_structure(parameters, "ResultData"))


BLOCK = BlockKind(type="EndFlowModuleExecution", log_type="EndFlowModuleExecution", read=_read)
