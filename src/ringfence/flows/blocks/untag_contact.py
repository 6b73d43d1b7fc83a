"""Contact tags: take marks off the contact."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template, template


@dataclass(frozen=True, slots=True)
class UntagContact:
    """A tag that the contact does not have is none to take off."""

    keys: tuple[Template, ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Take them off."""
        data = call.data()
        keys = [key.fill(data).strip() for key in self.keys]
        for key in keys:
            call.state.tags.pop(key, None)
        await call.changed()
        return Outcome(result="Success", parameters={"TagKeys": ",".join(keys)})


def _read(parameters: Parameters) -> UntagContact:
    if not parameters.given("TagKeys"):
        parameters.wrong("the parameter TagKeys is missing")
    return UntagContact(tuple(template(key) for key in parameters.words("TagKeys")))


BLOCK = BlockKind(
    type="UnTagContact", log_type="UnTagContact", read=_read, required=((NEXT,),), forgives=True
)
