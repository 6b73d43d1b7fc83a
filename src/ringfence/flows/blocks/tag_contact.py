"""Contact tags: mark the contact, so that it is found by what it was about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template

MOST_TAGS = 6

# As the API of Amazon Connect has them.
_KEY = re.compile(r"(?!aws:)[\w\s.:/=+@-]{1,128}")
_LONGEST_VALUE = 256


@dataclass(frozen=True, slots=True)
class TagContact:
    """A tag that refers to nothing is left out."""

    tags: tuple[tuple[Template, Template], ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set all of them or none."""
        data = call.data()
        filled = {key.fill(data).strip(): value.fill(data).strip() for key, value in self.tags}
        given = {key: value for key, value in filled.items() if key and value}
        detail = ""
        if bad := next((key for key in given if not _KEY.fullmatch(key)), None):
            detail = f"{bad[:50]!r} is no key of a tag"
        elif any(len(value) > _LONGEST_VALUE for value in given.values()):
            detail = f"a value of a tag has more than {_LONGEST_VALUE} characters"
        elif len(call.state.tags | given) > MOST_TAGS:
            detail = f"a contact has at most {MOST_TAGS} tags"
        if detail:
            return Outcome(error=ANY_ERROR, result="Error", parameters=given, detail=detail)
        call.state.tags.update(given)
        await call.changed()
        return Outcome(result="Success", parameters=given)


def _read(parameters: Parameters) -> TagContact:
    return TagContact(parameters.texts("Tags", required=True))


BLOCK = BlockKind(
    type="TagContact", log_type="TagContact", read=_read, required=((NEXT,),), forgives=True
)
