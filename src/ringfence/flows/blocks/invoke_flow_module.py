"""Invoke module: run a part that several flows share, and come back."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.instance import NotBound, ResourceKind
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters, Resource
from ringfence.flows.structures import Structure, read_structure


@dataclass(frozen=True, slots=True)
class InvokeFlowModule:
    """The module finds `given` as `$.Modules.Input`, and shares the contact with its caller.

    Its branches are conditions on the result that the module ends with; a module that ends without
    one takes the way of success.
    """

    module: Resource | None
    given: Structure

    async def run(self, call: Call, block: Block) -> Outcome:
        """Find the module."""
        if self.module is None:
            return _failed({}, "no flow module is named")
        data = call.data()
        wanted = self.module.wanted(data)
        shown = {"FlowModuleId": wanted.arn}
        if not wanted.arn and not wanted.label:
            return _failed(shown, "the reference to the flow module leads to nothing")
        try:
            module = await call.instance.flow(wanted)
        except NotBound as unbound:
            return _failed(shown, str(unbound))
        call.modules = {"Input": self.given.fill(data)}
        return Outcome(module=module, result="Success", parameters=shown)


def _failed(shown: dict[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=shown, detail=detail)


def _read(parameters: Parameters) -> InvokeFlowModule:
    return InvokeFlowModule(
        parameters.optional_resource(ResourceKind.MODULE, "FlowModuleId"),
        read_structure(parameters, "Input"),
    )


BLOCK = BlockKind(
    type="InvokeFlowModule", log_type="InvokeFlowModule", read=_read, required=((NEXT,),)
)
