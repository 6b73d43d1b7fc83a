"""The conversation: contact flows in Amazon Connect's language, checked and run.

A call that was answered is held here, with a `Participant`. This room knows neither telephones nor
cards: what a flow wants done it asks of `Functions`, what happens it tells an observer.

What is named here is loaded when it is first asked for: the process of a telephone call uses a part
of this room and needs little of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringfence.flows.contact import Contact, ContactState, InitiationMethod, Reference
    from ringfence.flows.events import EndReason, FlowEvent, FlowEventKind, Observe
    from ringfence.flows.flow import Flow, FlowFormat
    from ringfence.flows.functions import FunctionFailed, Functions
    from ringfence.flows.instance import (
        Agent,
        AtCapacity,
        Bot,
        CallBack,
        Channel,
        Instance,
        Message,
        MessageFailed,
        NotBound,
        Place,
        Queue,
        QueueMetrics,
        ResourceKind,
        Task,
        Wanted,
    )
    from ringfence.flows.languages import flow_for_language, language_of_voice, voice_for_language
    from ringfence.flows.loading import load_flow
    from ringfence.flows.participant import (
        AnsweredBy,
        Destination,
        HungUp,
        NotConnected,
        Participant,
        Prompt,
        PromptFailed,
        Recording,
        Reply,
    )
    from ringfence.flows.problems import FlowInvalid, Problem
    from ringfence.flows.running import run
    from ringfence.flows.shipped import shipped_flows
    from ringfence.flows.unbound import Unbound

__all__ = [
    "Agent",
    "AnsweredBy",
    "AtCapacity",
    "Bot",
    "CallBack",
    "Channel",
    "Contact",
    "ContactState",
    "Destination",
    "EndReason",
    "Flow",
    "FlowEvent",
    "FlowEventKind",
    "FlowFormat",
    "FlowInvalid",
    "FunctionFailed",
    "Functions",
    "HungUp",
    "InitiationMethod",
    "Instance",
    "Message",
    "MessageFailed",
    "NotBound",
    "NotConnected",
    "Observe",
    "Participant",
    "Place",
    "Problem",
    "Prompt",
    "PromptFailed",
    "Queue",
    "QueueMetrics",
    "Recording",
    "Reference",
    "Reply",
    "ResourceKind",
    "Task",
    "Unbound",
    "Wanted",
    "flow_for_language",
    "language_of_voice",
    "load_flow",
    "run",
    "shipped_flows",
    "voice_for_language",
]

_MODULES = {
    "contact": (
        "Contact",
        "ContactState",
        "InitiationMethod",
        "Reference",
    ),
    "events": (
        "EndReason",
        "FlowEvent",
        "FlowEventKind",
        "Observe",
    ),
    "flow": (
        "Flow",
        "FlowFormat",
    ),
    "functions": (
        "FunctionFailed",
        "Functions",
    ),
    "instance": (
        "Agent",
        "AtCapacity",
        "Bot",
        "CallBack",
        "Channel",
        "Instance",
        "Message",
        "MessageFailed",
        "NotBound",
        "Place",
        "Queue",
        "QueueMetrics",
        "ResourceKind",
        "Task",
        "Wanted",
    ),
    "languages": (
        "flow_for_language",
        "language_of_voice",
        "voice_for_language",
    ),
    "loading": ("load_flow",),
    "participant": (
        "AnsweredBy",
        "Destination",
        "HungUp",
        "NotConnected",
        "Participant",
        "Prompt",
        "PromptFailed",
        "Recording",
        "Reply",
    ),
    "problems": (
        "FlowInvalid",
        "Problem",
    ),
    "running": ("run",),
    "shipped": ("shipped_flows",),
    "unbound": ("Unbound",),
}
_LAZY = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return globals().setdefault(name, getattr(import_module(_LAZY[name]), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
