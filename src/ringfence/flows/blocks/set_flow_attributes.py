"""Set flow attributes: `$.FlowAttributes`, which end with the flow."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.blocks.set_attributes import MOST_BYTES
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template, template


@dataclass(frozen=True, slots=True)
class SetFlowAttributes:
    """All are set or none. Unlike those of the contact, functions do not get to see them."""

    attributes: tuple[tuple[Template, Template], ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set them."""
        data = call.data()
        given = {name.fill(data).strip(): value.fill(data) for name, value in self.attributes}
        given.pop("", None)
        together = {**call.flow_attributes, **given}
        size = sum(len(text.encode(errors="replace")) for pair in together.items() for text in pair)
        if size > MOST_BYTES:
            detail = f"the attributes of the flow have {size} bytes, at most {MOST_BYTES}"
            return Outcome(error=ANY_ERROR, result="Error", parameters=given, detail=detail)
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
