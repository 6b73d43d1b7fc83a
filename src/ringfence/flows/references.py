"""References (`$.Attributes.Name`) inside the texts of a flow: a subset of JSONPath.

A text is parsed once, when the flow is loaded, and filled in whenever its block runs. What is
filled in is never looked at again, so that a value that looks like a reference stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_QUOTED = r"""\.?\[\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]"""
_ROOT = rf"(?:\.[A-Za-z_][\w-]*|{_QUOTED})"
_FURTHER = rf"(?:\.[\w-]+|\[\d+\]|{_QUOTED})"
_REFERENCE = re.compile(rf"\$({_ROOT}{_FURTHER}*)", re.ASCII | re.DOTALL)
_SEGMENT = re.compile(
    r"""\.(?P<name>[\w-]+)|\[(?P<index>\d+)\]"""
    r"""|\.?\[\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\]""",
    re.ASCII | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

# How many names a reference below these roots has; what follows is text ("$.Attributes.Name.Hi").
# The more names of a root are given here, the longer that path is.
_DEPTHS: dict[tuple[str, ...], int] = {
    ("AdditionalEmailRecipients",): 2,
    ("Agent",): 2,
    ("Attributes",): 2,
    ("AwsRegion",): 1,
    ("Capabilities",): 3,
    ("Case",): 2,
    ("Channel",): 1,
    ("ContactId",): 1,
    ("Customer",): 2,
    ("Customer", "Asset"): 4,
    ("Customer", "Attributes"): 3,
    ("Customer", "CalculatedAttributes"): 3,
    ("Customer", "Case"): 4,
    ("Customer", "ObjectAttributes"): 3,
    ("Customer", "Order"): 4,
    ("CustomerCallbackNumber",): 1,
    ("CustomerEndpoint",): 2,
    ("CustomerId",): 1,
    ("DataTables",): 3,
    ("Description",): 1,
    ("Email",): 3,
    ("FlowAttributes",): 2,
    ("InitialContactId",): 1,
    ("InitiationMethod",): 1,
    ("InstanceARN",): 1,
    ("LanguageCode",): 1,
    ("Lex",): 2,
    ("Lex", "AlternateIntents"): 5,
    ("Lex", "AlternativeIntents"): 5,
    ("Lex", "IntentConfidence"): 3,
    ("Lex", "SentimentResponse"): 4,
    ("Lex", "SessionAttributes"): 3,
    ("Lex", "Slots"): 3,
    ("Loop",): 3,
    ("Media",): 2,
    ("Media", "Sip"): 4,
    ("MediaStreams",): 4,
    ("Metrics", "Agents"): 4,
    ("Metrics", "Contact"): 3,
    ("Metrics", "Queue"): 3,
    ("Name",): 1,
    ("PreviousContactId",): 1,
    ("Queue",): 2,
    ("Queue", "OutboundCallerId"): 3,
    ("References",): 3,
    ("RelatedContactId",): 1,
    ("SegmentAttributes",): 3,
    ("StoredCustomerInput",): 1,
    ("SystemEndpoint",): 2,
    ("Tags",): 2,
    ("Task",): 2,
    ("TextToSpeechVoiceId",): 1,
    ("Wisdom",): 2,
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A path below `$`. `written` has each step as it stands in the text."""

    names: tuple[str, ...]
    written: tuple[str, ...]

    def exact(self, data: Mapping[str, object]) -> str | None:
        """The value at the end of the whole path; None if it is missing."""
        return scalar(_walk(data, self.names))

    def resolve(self, data: Mapping[str, object]) -> tuple[str, str] | None:
        """The value and the text behind it that was no part of the path; None if it is missing.

        The longest path that leads to a value wins: a prompt may go on right behind a reference,
        with a full stop and the next sentence or with a hyphen.
        """
        for length in range(len(self.names), 0, -1):
            behind = "".join(self.written[length:])
            names = self.names[:length]
            if (value := scalar(_walk(data, names))) is not None:
                return value, behind
            bare = names[-1].rstrip("-")
            if "[" in self.written[length - 1]:
                break  # what stands in brackets cannot be the text behind
            if bare and bare != names[-1]:
                value = scalar(_walk(data, (*names[:-1], bare)))
                if value is not None:
                    return value, "-" * (len(names[-1]) - len(bare)) + behind
        return None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with its references."""

    parts: tuple[str | Reference, ...]

    @property
    def literal(self) -> str | None:
        """The text, if it has no reference."""
        if any(isinstance(part, Reference) for part in self.parts):
            return None
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def is_reference(self) -> bool:
        """Whether the whole text is one reference."""
        return self.reference is not None

    def fill(self, data: Mapping[str, object], escape: Callable[[str], str] = str) -> str:
        """The text with its values, each passed through `escape`; a missing one is empty."""
        pieces = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
            elif (resolved := part.resolve(data)) is not None:
                pieces += (escape(resolved[0]), resolved[1])
        return "".join(pieces)

    @property
    def reference(self) -> Reference | None:
        """The one reference that the whole text is."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Reference) else None

    def value(self, data: Mapping[str, object]) -> str | None:
        """As `fill`, but None when the whole text is one reference to nothing.

        Such a text names a value and nothing behind it: no part of its path is text.
        """
        if (reference := self.reference) is not None:
            return reference.exact(data)
        return self.fill(data)


def template(text: str) -> Template:
    """Parse `text`. Never fails: a `$` that begins no reference is text."""
    parts: list[str | Reference] = []
    position = 0
    for match in _REFERENCE.finditer(text):
        reference, end = _reference(match)
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(reference)
        position = end
    if position < len(text):
        parts.append(text[position:])
    return Template(tuple(parts))


def reference_to(*names: str) -> str:
    """The text of a reference: `$.Attributes['name with spaces']`."""
    steps = []
    for name in names:
        if re.fullmatch(r"[A-Za-z_][\w-]*", name, re.ASCII):
            steps.append(f".{name}")
        else:
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            steps.append(f"['{quoted}']")
    return "$" + "".join(steps)


def scalar(value: object) -> str | None:
    """A value as text: `true` for True, `200` for 200; None for null, objects and arrays."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return None


def _reference(match: re.Match[str]) -> tuple[Reference, int]:
    names: list[str] = []
    written: list[str] = []
    end = match.start(1)
    for step in _SEGMENT.finditer(match.string, match.start(1), match.end(1)):
        depth = _DEPTHS.get(tuple(names[:2])) or _DEPTHS.get(tuple(names[:1]))
        if depth is not None and len(names) >= depth:
            break
        quoted = step["single"] if step["single"] is not None else step["double"]
        if quoted is not None:
            names.append(_ESCAPED.sub(r"\1", quoted))
        else:
            names.append(step["name"] or step["index"])
        written.append(step.group())
        end = step.end()
    return Reference(tuple(names), tuple(written)), end


def _walk(data: object, names: Sequence[str]) -> object:
    for position, name in enumerate(names):
        if isinstance(data, Mapping):
            # A function may answer with dots in its keys: {"card.state": "blocked"}.
            if (whole := ".".join(names[position:])) in data:
                return data[whole]
            data = data.get(name)
        elif isinstance(data, (list, tuple)) and name.isdecimal():
            # Longer than any index: int() of thousands of digits raises.
            data = data[int(name)] if len(name) < 9 and int(name) < len(data) else None
        else:
            return None
    return data
