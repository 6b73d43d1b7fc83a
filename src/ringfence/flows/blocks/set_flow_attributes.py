"""Set flow attributes: `$.FlowAttributes`, which end with the flow."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template, template


@dataclass(frozen=True, slots=True)
class SetFlowAttributes:
    """Unlike contact attributes, these are in no event that a function gets."""

    attributes: tuple[tuple[Template, Template], ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set them."""
        data = call.data()
        given = {name.fill(data).strip(): value.fill(data) for name, value in self.attributes}
        given.pop("", None)
        call.flow_attributes.update(given)
        return Outcome(result="Success", parameters=given)


def _read(parameters: Parameters) -> SetFlowAttributes:
    inner = parameters.inside("FlowAttributes")
    if not inner.names():
        parameters.wrong("the parameter FlowAttributes is missing or empty")
    return SetFlowAttributes(
        tuple(
            (template(name), inner.inside(name).optional("Value") or Template(()))
            for name in inner.names()
        )
    )


BLOCK = BlockKind(
    type="UpdateFlowAttributes",
    log_type="SetFlowAttributes",
    read=_read,
    required=((NEXT,),),
)
