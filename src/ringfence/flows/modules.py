"""Parameters of the older format: a list, with names of attributes kept apart from texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from ringfence.flows.parameters import written
from ringfence.flows.references import reference_to

# The console's labels of system attributes.
_SYSTEM = {
    "Customer Number": ("CustomerEndpoint", "Address"),
    "Dialed Number": ("SystemEndpoint", "Address"),
    "Stored customer input": ("StoredCustomerInput",),
    "Customer callback number": ("CustomerCallbackNumber",),
    "Text to speech voice": ("TextToSpeechVoiceId",),
    "Channel": ("Channel",),
    "ContactId": ("ContactId",),
    "Contact id": ("ContactId",),
    "Initial Contact id": ("InitialContactId",),
    "InitialContactId": ("InitialContactId",),
    "Previous Contact id": ("PreviousContactId",),
    "PreviousContactId": ("PreviousContactId",),
    "Instance ARN": ("InstanceARN",),
    "Initiation method": ("InitiationMethod",),
    "Language": ("LanguageCode",),
}
_SYSTEM_BY_LABEL = {label.lower(): names for label, names in _SYSTEM.items()}
_ROOTS = {"user defined": "Attributes", "external": "External", "lex": "Lex"}


def reference_in(namespace: str, attribute: str) -> str:
    """The reference to an attribute that the console knows by namespace and name."""
    if namespace.lower() == "system":
        if (names := _SYSTEM_BY_LABEL.get(attribute.lower())) is not None:
            return reference_to(*names)
        return reference_to(*attribute.split("."))
    root = _ROOTS.get(namespace.lower())
    if root == "Attributes":
        return reference_to(root, attribute)
    return reference_to(root or namespace, *attribute.split("."))


# One parameter of a module, as its file has it.
Entry: TypeAlias = dict[str, object]


def entry(name: str, value: object, *, key: str | None = None) -> Entry:
    """A parameter, or one pair of a repeated one. References stay as texts, which mean the same."""
    made: Entry = {"name": name, "value": value, "namespace": None}
    if key is not None:
        made["key"] = key
    return made


def entries_of(parameters: Mapping[str, object], **names: str) -> list[Entry]:
    """The way back of `LegacyParameters.renamed`, with the same names."""
    return [
        entry(old, parameters[new]) for old, new in names.items() if parameters.get(new) is not None
    ]


def pair_entries(name: str, values: object) -> list[Entry]:
    """The way back of `LegacyParameters.pairs`."""
    if not isinstance(values, Mapping):
        return []
    return [entry(name, value, key=str(key)) for key, value in values.items()]


def message_entries(parameters: Mapping[str, object]) -> list[Entry]:
    """The way back of `LegacyParameters.message`."""
    if parameters.get("PromptId") is not None:
        return [entry("AudioPrompt", parameters["PromptId"])]
    for name, kind in (("SSML", "ssml"), ("Text", "text")):
        if parameters.get(name) is not None:
            return [entry("Text", parameters[name]), entry("TextToSpeechType", kind)]
    return []


class LegacyParameters:
    """The parameters of one module. Repeated names are pairs of key and value."""

    def __init__(self, entries: Iterable[Mapping[str, object]]):
        self._entries = tuple(entries)

    def get(self, name: str) -> object:
        """The value of a parameter as the newer format writes it, None without one."""
        return next((_resolved(entry) for entry in self._named(name)), None)

    def raw(self, name: str) -> str | None:
        """The value as it stands, if it is a text."""
        entry = next(self._named(name), {})
        return written(entry.get("value"))

    def renamed(self, **names: str) -> dict[str, object]:
        """Parameters by their new names: `renamed(TimeLimit="InvocationTimeLimitSeconds")`."""
        values = {new: self.get(old) for old, new in names.items()}
        return {name: value for name, value in values.items() if value is not None}

    def pairs(self, name: str) -> dict[str, object]:
        """The pairs of a repeated parameter."""
        return {written(entry.get("key")) or "": _resolved(entry) for entry in self._named(name)}

    def ordered(self, *names: str) -> Iterator[tuple[str, str, object]]:
        """Name, key and value of each parameter with one of these names, in the file's order."""
        for entry in self._entries:
            if (name := written(entry.get("name")) or "") in names:
                yield name, written(entry.get("key")) or "", _resolved(entry)

    def message(self) -> dict[str, object]:
        """What is said: Text, SSML or PromptId."""
        if self.get("AudioPrompt") is not None:
            return {"PromptId": self.get("AudioPrompt")}
        if self.get("Text") is None:
            return {}
        kind = str(self.get("TextToSpeechType") or "text").lower()
        return {"SSML" if kind == "ssml" else "Text": self.get("Text")}

    def _named(self, name: str) -> Iterator[Mapping[str, object]]:
        return (entry for entry in self._entries if entry.get("name") == name)


def _resolved(entry: Mapping[str, object]) -> object:
    value, namespace = entry.get("value"), entry.get("namespace")
    if isinstance(namespace, str) and namespace and (name := written(value)):
        return reference_in(namespace, name)
    return value
