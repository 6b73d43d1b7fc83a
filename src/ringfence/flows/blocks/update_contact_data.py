"""Set contact data: whom the contact is with, what it is about, and its language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ringfence.flows.block import ANY_ERROR, Block, Outcome
from ringfence.flows.call import Call
from ringfence.flows.contact import Reference
from ringfence.flows.kinds import NEXT, BlockKind
from ringfence.flows.parameters import Parameters
from ringfence.flows.references import Template, scalar, template
from ringfence.flows.structures import Structure, read_structure

LONGEST = {"LanguageCode": 16, "Name": 512, "Description": 4096, "CustomerId": 128}

_KNOWN = frozenset((*LONGEST, "References", "SegmentAttributes", "TargetContact"))
_MOST_NAMED = 10
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class UpdateContactData:
    """What is left out, or refers to nothing, stays as it was.

    From a new language on everything is said in it, with its own voice unless the flow sets one.
    References have a `Value` and a `Type`. `ignored` are parameters for services that are not here.
    """

    texts: Mapping[str, Template]
    references: Structure
    segment_attributes: Structure
    ignored: tuple[str, ...]

    async def run(self, call: Call, block: Block) -> Outcome:
        """Set all of it or, where something cannot be what it is to be, nothing."""
        data = call.data()
        filled = {name: text.fill(data).strip() for name, text in self.texts.items()}
        given = {name: text for name, text in filled.items() if text}
        if detail := _wrong(given):
            return Outcome(error=ANY_ERROR, result="Error", parameters=given, detail=detail)
        state = call.state
        state.language = given.get("LanguageCode", state.language)
        state.name = given.get("Name", state.name)
        state.description = given.get("Description", state.description)
        state.customer_id = given.get("CustomerId", state.customer_id)
        state.references.update(_references(self.references.fill(data), data))
        state.segment_attributes.update(_values(self.segment_attributes.fill(data)))
        await call.changed()
        unused = f"{', '.join(self.ignored)}: there is no such service here" if self.ignored else ""
        return Outcome(result="Success", parameters=given, detail=unused)


def _wrong(given: Mapping[str, str]) -> str:
    language = given.get("LanguageCode")
    if language is not None and not _LANGUAGE.fullmatch(language):
        return f"{language[:50]!r} is no language such as en-US"
    if unkept := next((name for name, text in given.items() if "\0" in text), None):
        return f"{unkept} has a NUL, which is no character"
    for name, most in LONGEST.items():
        if (length := len(given.get(name, ""))) > most:
            return f"{name} has {length} characters, at most {most}"
    return ""


def _references(values: Mapping[str, object], data: Mapping[str, object]) -> dict[str, Reference]:
    found = {}
    for name, value in values.items():
        inside = value if isinstance(value, Mapping) else {"Value": value}
        key = template(name).fill(data).strip()
        if key and (text := scalar(inside.get("Value"))):
            found[key] = Reference(text, scalar(inside.get("Type")) or "STRING")
    return found


def _values(values: Mapping[str, object]) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        inside = value.get("ValueString") if isinstance(value, Mapping) else value
        if name and (text := scalar(inside)) is not None:
            found[name] = text
    return found


def _read(parameters: Parameters) -> UpdateContactData:
    texts = {name: parameters.optional(name) for name in LONGEST}
    return UpdateContactData(
        texts={name: text for name, text in texts.items() if text is not None},
        references=read_structure(parameters, "References"),
        segment_attributes=read_structure(parameters, "SegmentAttributes"),
        ignored=tuple(name for name in parameters.names() if name not in _KNOWN)[:_MOST_NAMED],
    )


BLOCK = BlockKind(
    type="UpdateContactData",
    log_type="SetContactData",
    read=_read,
    required=((NEXT,),),
    forgives=True,
)
