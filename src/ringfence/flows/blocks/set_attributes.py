"""Set contact attributes: all of them or none."""

from __future__ import annotations

from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import pair_entries
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template

MOST_BYTES = 32_768  # of all attributes of a contact together, in UTF-8


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """Names may be references too; one that refers to nothing sets nothing."""

    attributes: tuple[tuple[Template, Template], ...]
    related: bool

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set them, unless one has a name it may not have or together they are too large."""
        data = call.data()
        given = {name.fill(data).strip(): value.fill(data) for name, value in self.attributes}
        given.pop("", None)
        if self.related:
            return _failed(given, "there is no related contact")
        if bad := next((name for name in given if "$" in name or "." in name), None):
            return _failed(given, f"{bad!r} is no name of an attribute")
        together = {**call.attributes, **given}
        size = sum(len(text.encode(errors="replace")) for pair in together.items() for text in pair)
        if size > MOST_BYTES:
            return _failed(given, f"the attributes have {size} bytes, at most {MOST_BYTES}")
        call.attributes.update(given)
        await call.changed()
        return Outcome(result="Success", parameters=given)


def _failed(given: dict[str, str], detail: str) -> Outcome:
    return Outcome(error=ANY_ERROR, result="Error", parameters=given, detail=detail)


def _read(parameters: Parameters) -> SetAttributes:
    target = parameters.choice("TargetContact", of=("Current", "Related"), default="Current")
    return SetAttributes(parameters.texts("Attributes", required=True), target == "Related")


BLOCK = BlockKind(
    type="UpdateContactAttributes",
    log_type="SetAttributes",
    read=_read,
    legacy=LegacyForm(
        "SetAttributes",
        parameters=lambda given: {"Attributes": given.pairs("Attribute")},
        entries=lambda parameters: pair_entries("Attribute", parameters.get("Attributes")),
    ),
    required=((NEXT,),),
)
