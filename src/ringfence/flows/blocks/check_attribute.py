"""Check contact attributes: branch on a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import NO_CONDITION, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.kinds import NEXT, BlockKind, LegacyForm
from ringfence.flows.modules import Entry, LegacyParameters, entry, reference_in
from ringfence.flows.parameters import Parameters, written
from ringfence.flows.references import Template, reference_to, template

_NAMESPACES = {"Attributes": "User Defined", "External": "External", "Lex": "Lex"}


@dataclass(frozen=True, slots=True)
class CheckAttribute:
    """A value that is not there matches no condition, not even a comparison with nothing."""

    compared: Template

    async def run(self, call: Call, block: Block) -> Outcome:
        """Look the value up; the conditions do the rest."""
        data = call.data()
        value = self.compared.value(data)
        condition = block.transitions.matching(value, data)
        return Outcome(
            value=value,
            result="NoMatch" if condition is None else condition.operand.fill(data),
            parameters={"Value": value or ""},
        )


def _read(parameters: Parameters) -> CheckAttribute:
    compared = parameters.text("ComparisonValue")
    reference = template((written(parameters.raw("ComparisonValue")) or "").strip()).reference
    # However it is written, it is the same attribute.
    return CheckAttribute(template(reference_to(*reference.names)) if reference else compared)


def _from_legacy(given: LegacyParameters) -> dict[str, object]:
    attribute = given.raw("Attribute")
    if attribute is None:
        return {}
    return {"ComparisonValue": reference_in(given.raw("Namespace") or "User Defined", attribute)}


def _to_legacy(parameters: Mapping[str, object]) -> list[Entry]:
    value = str(parameters.get("ComparisonValue", "")).strip()
    reference = template(value).reference
    root, *names = reference.names if reference is not None else (value,)
    if names and root in _NAMESPACES:
        return [entry("Attribute", ".".join(names)), entry("Namespace", _NAMESPACES[root])]
    # What is behind `$.` is itself the name of a system attribute.
    return [entry("Attribute", ".".join((root, *names))), entry("Namespace", "System")]


BLOCK = BlockKind(
    type="Compare",
    log_type="CheckAttribute",
    read=_read,
    legacy=LegacyForm(
        "CheckAttribute",
        parameters=_from_legacy,
        entries=_to_legacy,
        required=((NO_CONDITION,),),
    ),
    required=((NO_CONDITION, NEXT),),
)
